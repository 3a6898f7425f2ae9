"""What the gateway must make of each fixture when it is delivered to READER at ``JUDGED_AT``.

Each row names words of ``X-MSS-Signature`` and ``X-MSS-Dechiffrement``, any of which is right,
and whom the reader may be told signed it: nobody, or the person given, by the name that the
certificate or the directory has, never by the display name of From.

The reverse-path is VICTIM for the honest messages of hers and ATTACKER for all others.
"""

from dataclasses import dataclass

from tests.corpus.smime.people import ATTACKER, VICTIM, Person


@dataclass(frozen=True)
class Expected:
    """One row. ``shape`` is a value of ``tests.corpus.smime.shape.Shape``."""

    shape: str
    signature: tuple[str, ...]
    decryption: tuple[str, ...] = ("non-chiffre",)
    signer: Person | None = None
    shows_secret: bool = False
    """Whether the text of ``efail_trees.SECRET`` may be read as part of the message."""


_INVALID = Expected("detached", ("invalide",))
_SEVERAL = Expected("detached", ("plusieurs-signataires",))
_PARTIAL = Expected("partial", ("partielle", "absente"))
_PLAIN = Expected("plain", ("absente",))
_OTHER = Expected("detached", ("auteur-different",))
_NOTHING_PROVEN = ("absente", "non-verifiee", "invalide")
_CLOSED = ("non-authentifie", "altere", "impossible")

JOHNNY: dict[str, Expected] = {
    "c1-econtent-confusion": _INVALID,
    "c1-econtent-confusion-invisible": _INVALID,
    "c2-attacker-signs-last": _SEVERAL,
    "c2-attacker-signs-first": _SEVERAL,
    "c3-no-signer": _INVALID,
    "c3-nothing-at-all": _INVALID,
    "c4-no-content": _INVALID,
    "m1-text-before": _PARTIAL,
    "m2-hidden-by-html": _PARTIAL,
    "m3-hidden-in-reference": _PARTIAL,
    "m4-hidden-as-attachment": _PARTIAL,
    "i1-from-is-not-the-signer": _OTHER,
    # the attacker's own address under another's name: signed by the attacker, and shown as such
    "i2-name-of-the-victim": Expected("detached", ("valide", "auteur-different"), signer=ATTACKER),
    "i2-from-is-empty": _OTHER,
    "i2-from-is-missing": _OTHER,
    "i2-from-is-only-a-name": _OTHER,
    "i2-victim-then-signer": _OTHER,
    "i2-victim-far-from-signer": _OTHER,
    "i2-signer-then-victim": _OTHER,
    "i2-signer-far-from-victim": _OTHER,
    "i3-from-victim-sender-signer": _OTHER,
    "i3-from-signer-sender-victim": _OTHER,
    "i3-from-victim-others-signer": _OTHER,
    "i3-from-signer-others-victim": _OTHER,
    "i3-two-from-victim-first": _OTHER,
    "i3-two-from-signer-first": _OTHER,
    "u1-drawn-by-the-sender": _PLAIN,
    "valid-victim-detached": Expected("detached", ("valide",), signer=VICTIM),
    "valid-victim-opaque": Expected("opaque", ("valide",), signer=VICTIM),
    "valid-attacker-detached": Expected("detached", ("valide",), signer=ATTACKER),
}

EFAIL: dict[str, Expected] = {
    "01-html-around": _PARTIAL,
    "02-alternative": _PARTIAL,
    "03-related-by-cid": _PARTIAL,
    "04-text-before": _PARTIAL,
    "05-text-after": _PARTIAL,
    "06-two-envelopes": _PARTIAL,
    "07-named-octets": _PARTIAL,
    "08-forwarded": _PLAIN,
    "09-root-is-a-message": _PLAIN,
    "10-alone-in-a-multipart": _PARTIAL,
    "11-digest": _PLAIN,
    "12-open-form": _PARTIAL,
    "13-plaintext-element": _PARTIAL,
    "14-style-rule": _PARTIAL,
    "15-encoded-markup": _PARTIAL,
    "16-html-named-as-cms": _PLAIN,
    "17-nested-multiparts": _PARTIAL,
    "18-same-boundary-twice": _PARTIAL,
    "19-partial-in-related": _PARTIAL,
    "20-signed-around-a-part": Expected("detached", ("valide",), signer=ATTACKER),
    # opens, and the signature inside is VICTIM's under ATTACKER's From
    "21-signed-around-the-whole": Expected(
        "detached", ("auteur-different",), ("dechiffre", "non-authentifie")
    ),
    "22-unsigned-cbc": Expected("enveloped", _NOTHING_PROVEN, ("non-authentifie",)),
    "23-cbc-gadget": Expected("enveloped", _NOTHING_PROVEN, _CLOSED),
    "24-envelope-in-an-envelope-part": Expected(
        "enveloped", (*_NOTHING_PROVEN, "partielle"), ("non-authentifie",)
    ),
    # too many layers may not be told from a padding at fault: the first layer is CBC
    "25-five-envelopes": Expected("enveloped", _NOTHING_PROVEN, ("non-authentifie",)),
    "label-signed-is-enveloped": Expected("broken", _NOTHING_PROVEN, ("impossible",)),
    # never enveloped, whatever it says: anybody reads it
    "label-enveloped-is-signed": Expected(
        "broken", _NOTHING_PROVEN, ("non-chiffre", "impossible"), shows_secret=True
    ),
    "valid-signed-and-enveloped": Expected(
        "enveloped", ("valide",), ("dechiffre",), signer=VICTIM, shows_secret=True
    ),
}
