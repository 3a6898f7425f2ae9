"""The 27 shapes of "Johnny, you are fired" and the three honest messages, written anew.

After Müller, Brinkmann, Poddebniak, Böck, Schinzel, Somorovsky and Schwenk, USENIX Security 2019:
7 in CMS, 4 in MIME, 15 in who is meant, 1 in what is drawn. VICTIM is whom a reader would have to
believe; ATTACKER has an honest certificate of the same authority, and one signed message of VICTIM.
"""

from collections.abc import Callable
from typing import Any

from tests.corpus.smime.people import (
    ATTACKER,
    VICTIM,
    signed,
    signed_by,
    signer_info,
    without_content,
)
from tests.corpus.smime.shapes import (
    FORGED,
    FORGED_HTML,
    HONEST,
    honestly_signed,
    html,
    message,
    multipart,
    multipart_signed,
    pkcs7,
)

_VICTIM, _ATTACKER = VICTIM.address, ATTACKER.address


def econtent_confusion() -> bytes:
    """The signature brings the text it is about; the part beside it says another."""
    der = signed([signer_info(HONEST, VICTIM)], (VICTIM,), HONEST)
    return multipart_signed(FORGED, der)


def econtent_confusion_invisible() -> bytes:
    """The same, and the text that was signed is one that draws nothing."""
    signed_text = html('<div style="display: none">Le rendez-vous est maintenu.</div>')
    der = signed([signer_info(signed_text, VICTIM)], (VICTIM,), signed_text)
    return multipart_signed(FORGED_HTML, der)


def attacker_signs_last() -> bytes:
    """Two signers: the victim's signature of another text, then the attacker's of this one."""
    infos = [signer_info(HONEST, VICTIM), signer_info(FORGED, ATTACKER)]
    return multipart_signed(FORGED, _in_this_order(infos))


def attacker_signs_first() -> bytes:
    """The same two, the other way round."""
    infos = [signer_info(FORGED, ATTACKER), signer_info(HONEST, VICTIM)]
    return multipart_signed(FORGED, _in_this_order(infos))


def _in_this_order(infos: list[Any]) -> bytes:
    """Signed-data whose signers stand as given; DER would sort them, and readers take the first."""
    first, second = (info.dump() for info in infos)
    der = signed(infos, (VICTIM, ATTACKER))
    assert (first + second in der) != (second + first in der)
    return der.replace(second + first, first + second)


def no_signer() -> bytes:
    """The victim's certificate, and nobody who signs."""
    return multipart_signed(FORGED, signed([], (VICTIM,)))


def nothing_at_all() -> bytes:
    """Signed-data with neither signers nor certificates."""
    return multipart_signed(FORGED, signed([], ()))


def no_content() -> bytes:
    """A ContentInfo without its content: programs have crashed on it."""
    return multipart_signed(FORGED, without_content())


def text_before() -> bytes:
    """Another text before the signed part."""
    return multipart("mixed", FORGED, honestly_signed(VICTIM, HONEST))


def hidden_by_html() -> bytes:
    """Another text before it, which hides what follows."""
    hiding = html(
        "<b>Annulez le traitement du patient.</b>\r\n"
        "<style>fieldset, br { display: none }</style>\r\n"
        '<div style="display: none"><plaintext>'
    )
    return multipart("mixed", hiding, honestly_signed(VICTIM, HONEST))


def hidden_in_reference() -> bytes:
    """The signed part is only what an image is taken from."""
    page = html('<b>Annulez le traitement du patient.</b><img width="1" src="cid:cible">')
    target = b"Content-ID: <cible>\r\n" + honestly_signed(VICTIM, HONEST)
    return multipart("related", page, target)


def hidden_as_attachment() -> bytes:
    """The signed part is an attachment that looks like a signature."""
    attached = b'Content-Disposition: attachment; filename="smime.p7s"\r\n' + honestly_signed(
        VICTIM, HONEST
    )
    return multipart("mixed", FORGED, attached)


def _signed_by_attacker() -> bytes:
    return honestly_signed(ATTACKER, FORGED)


def _fields(*lines: str) -> bytes:
    return "".join(f"{line}\r\n" for line in lines).encode("utf-8")


REDRESSING = (
    '<html><body style="background: #fff"><div style="background: #dff0d8; padding: 1em">'
    "&#x2713; Signature v&eacute;rifi&eacute;e : H&eacute;l&egrave;ne MARCHAND</div>"
    "<p>Annulez le traitement du patient.</p></body></html>"
)

ENTITIES: dict[str, Callable[[], bytes]] = {
    "c1-econtent-confusion": econtent_confusion,
    "c1-econtent-confusion-invisible": econtent_confusion_invisible,
    "c2-attacker-signs-last": attacker_signs_last,
    "c2-attacker-signs-first": attacker_signs_first,
    "c3-no-signer": no_signer,
    "c3-nothing-at-all": nothing_at_all,
    "c4-no-content": no_content,
    "m1-text-before": text_before,
    "m2-hidden-by-html": hidden_by_html,
    "m3-hidden-in-reference": hidden_in_reference,
    "m4-hidden-as-attachment": hidden_as_attachment,
}
"""Attacks in CMS and MIME: From is the victim's."""

HEADERS: dict[str, bytes] = {
    "i1-from-is-not-the-signer": _fields(f"From: <{_VICTIM}>"),
    "i2-name-of-the-victim": _fields(
        f"From: =?utf-8?Q?H=C3=A9l=C3=A8ne_MARCHAND?= <{_ATTACKER}>", f"Reply-To: <{_VICTIM}>"
    ),
    "i2-from-is-empty": _fields("From: ", f"Reply-To: <{_VICTIM}>"),
    "i2-from-is-missing": _fields(f"Reply-To: <{_VICTIM}>"),
    "i2-from-is-only-a-name": _fields(
        "From: Helene MARCHAND", f"Reply-To: Helene MARCHAND <{_VICTIM}>"
    ),
    "i2-victim-then-signer": _fields(f"From: {_VICTIM} <{_ATTACKER}>"),
    "i2-victim-far-from-signer": _fields(f"From: {_VICTIM}{' ' * 40}. <{_ATTACKER}>"),
    "i2-signer-then-victim": _fields(f"From: {_ATTACKER} <{_VICTIM}>"),
    "i2-signer-far-from-victim": _fields(f"From: {_ATTACKER}{' ' * 40}. <{_VICTIM}>"),
    "i3-from-victim-sender-signer": _fields(f"From: <{_VICTIM}>", f"Sender: <{_ATTACKER}>"),
    "i3-from-signer-sender-victim": _fields(f"From: <{_ATTACKER}>", f"Sender: <{_VICTIM}>"),
    "i3-from-victim-others-signer": _fields(
        f"From: <{_VICTIM}>",
        f"Return-Path: <{_ATTACKER}>",
        f"Sender: Helene MARCHAND <{_ATTACKER}>",
        f"Reply-To: Helene MARCHAND <{_ATTACKER}>",
        f"Apparently-To: Helene MARCHAND <{_ATTACKER}>",
    ),
    "i3-from-signer-others-victim": _fields(
        f"From: <{_ATTACKER}>",
        f"Return-Path: <{_VICTIM}>",
        f"Sender: Helene MARCHAND <{_VICTIM}>",
        f"Reply-To: Helene MARCHAND <{_VICTIM}>",
        f"Apparently-To: Helene MARCHAND <{_VICTIM}>",
    ),
    "i3-two-from-victim-first": _fields(f"From: <{_VICTIM}>", f"From: <{_ATTACKER}>"),
    "i3-two-from-signer-first": _fields(f"From: <{_ATTACKER}>", f"From: <{_VICTIM}>"),
}
"""Attacks on who is meant: the attacker's own honest signature under each header."""


def messages() -> dict[str, bytes]:
    """Every message by its name, the honest ones last."""
    made = {name: message(name, entity()) for name, entity in ENTITIES.items()}
    made |= {name: message(name, _signed_by_attacker(), fields) for name, fields in HEADERS.items()}
    made["u1-drawn-by-the-sender"] = message("u1-drawn-by-the-sender", html(REDRESSING))
    made["valid-victim-detached"] = message(
        "valid-victim-detached", honestly_signed(VICTIM, HONEST)
    )
    made["valid-victim-opaque"] = message(
        "valid-victim-opaque", pkcs7("signed-data", signed_by(VICTIM, HONEST, opaque=True))
    )
    made["valid-attacker-detached"] = message(
        "valid-attacker-detached",
        honestly_signed(ATTACKER, HONEST),
        _fields(f"From: Victor LENOIR <{_ATTACKER}>"),
    )
    return made
