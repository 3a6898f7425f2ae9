"""What was found of a message's protection, written on it: two fields of ours and RFC 8601's.

``X-MSS-Signature`` and ``X-MSS-Dechiffrement`` hold one word of a closed list each; a French
sentence goes with every word, and the webmail, the CLI and the audit say the same. Whoever is
outside may have written such fields too: ``stamp`` and ``strip`` take them off first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from mss_gateway.message.build import fold_field, remove_fields
from mss_gateway.message.header import Header
from mss_gateway.message.header_protection import VERDICT_FIELDS

SIGNATURE_FIELD: Final = "X-MSS-Signature"
DECRYPTION_FIELD: Final = "X-MSS-Dechiffrement"
RESULTS_FIELD: Final = "Authentication-Results"


class Signature(Enum):
    """What became of a message's signature; the value is the word of ``X-MSS-Signature``."""

    VALID = "valide"
    ABSENT = "absente"
    INVALID = "invalide"
    """Content altered, or CMS that proves nothing: no signer, two contents, malformed."""
    UNCHECKED = "non-verifiee"
    """Nobody could look: the envelope around it stays closed, or a limit was passed."""
    EXPIRED = "expiree"
    REVOKED = "revoquee"
    REVOCATION_UNKNOWN = "revocation-inconnue"
    UNTRUSTED = "autorite-inconnue"
    WRONG_USAGE = "usage-refuse"
    """The certificate is not one for signing messages."""
    WEAK = "algorithme-refuse"
    OTHER_AUTHOR = "auteur-different"
    """Valid, and by somebody else than From and Sender say; or nobody can tell what they say."""
    SEVERAL_SIGNERS = "plusieurs-signataires"
    PARTIAL = "partielle"
    """CMS that does not cover the whole message (threats T21, T23)."""
    OTHER_RECIPIENT = "destinataire-different"
    """Valid, and the author did not address it to whoever got it."""


class Decryption(Enum):
    """What became of a message's envelope; the value is the word of ``X-MSS-Dechiffrement``."""

    NOT_ENCRYPTED = "non-chiffre"
    DECRYPTED = "dechiffre"
    NO_KEY = "sans-cle"
    """It was closed for others, as anybody can read on it."""
    ALTERED = "altere"
    """It does not open with our key: one word for everything that depends on a secret (T20)."""
    NOT_PROVEN = "non-authentifie"
    """It opened without proof of integrity (CBC), and no valid signature inside covers it (T20)."""
    WEAK = "algorithme-refuse"
    IMPOSSIBLE = "impossible"
    """Malformed, too big, or too many layers."""


@dataclass(frozen=True, slots=True)
class Row:
    """One word's sentence (a key of fr.toml), and what RFC 8601 calls it."""

    text: str
    result: str
    """Result of the method smime (RFC 7281), empty for a word about an envelope."""


SIGNATURES: Final[dict[Signature, Row]] = {
    Signature.VALID: Row("verdict.signature_valide", "pass"),
    Signature.ABSENT: Row("verdict.signature_absente", "none"),
    Signature.INVALID: Row("verdict.signature_invalide", "fail"),
    Signature.UNCHECKED: Row("verdict.signature_non_verifiee", "neutral"),
    Signature.EXPIRED: Row("verdict.signature_expiree", "fail"),
    Signature.REVOKED: Row("verdict.signature_revoquee", "fail"),
    Signature.REVOCATION_UNKNOWN: Row("verdict.signature_revocation_inconnue", "temperror"),
    Signature.UNTRUSTED: Row("verdict.signature_autorite_inconnue", "fail"),
    Signature.WRONG_USAGE: Row("verdict.signature_usage_refuse", "policy"),
    Signature.WEAK: Row("verdict.signature_algorithme_refuse", "policy"),
    Signature.OTHER_AUTHOR: Row("verdict.signature_auteur_different", "policy"),
    Signature.SEVERAL_SIGNERS: Row("verdict.signature_plusieurs_signataires", "policy"),
    Signature.PARTIAL: Row("verdict.signature_partielle", "policy"),
    Signature.OTHER_RECIPIENT: Row("verdict.signature_destinataire_different", "policy"),
}

DECRYPTIONS: Final[dict[Decryption, Row]] = {
    Decryption.NOT_ENCRYPTED: Row("verdict.dechiffrement_non_chiffre", ""),
    Decryption.DECRYPTED: Row("verdict.dechiffrement_dechiffre", ""),
    Decryption.NO_KEY: Row("verdict.dechiffrement_sans_cle", ""),
    Decryption.ALTERED: Row("verdict.dechiffrement_altere", ""),
    Decryption.NOT_PROVEN: Row("verdict.dechiffrement_non_authentifie", ""),
    Decryption.WEAK: Row("verdict.dechiffrement_algorithme_refuse", ""),
    Decryption.IMPOSSIBLE: Row("verdict.dechiffrement_impossible", ""),
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """Both words, and for a valid signature who signed (empty otherwise).

    ``signer`` is the address that the certificate proves, ``serial`` its number in hexadecimal,
    ``issuer`` its issuer's name (RFC 4514).
    """

    signature: Signature
    decryption: Decryption
    signer: str = ""
    serial: str = ""
    issuer: str = ""


_ISSUER: Final = 400
"""A longer name of an issuer is left out, with the serial number: a line has 998 octets."""


def fields(verdict: Verdict, server: str, others: Sequence[Sequence[str]] = ()) -> bytes:
    """The three fields of ``verdict``, each ending in CRLF; ``server`` is this gateway's name.

    RFC 8601 §2.2, with the properties of RFC 7281, which names an issuer only
    beside a serial number. ``others`` are results of other methods, in words each: those of
    ``dkim.clauses``. Raises HeaderInjection.
    """
    row = SIGNATURES[verdict.signature]
    words = [f"{server};", f"smime={row.result}"]
    if verdict.signature is not Signature.VALID:
        words.append(f"reason={_pvalue(verdict.signature.value)}")
    if verdict.signer:
        words.append(f"body.smime-identifier={_pvalue(verdict.signer)}")
    if verdict.serial and 0 < len(_in_ascii(verdict.issuer)) <= _ISSUER:
        words.append(f"body.smime-serial={_pvalue(verdict.serial)}")
        words.append(f"body.smime-issuer={_pvalue(_in_ascii(verdict.issuer))}")
    for clause in others:
        words = [*words[:-1], f"{words[-1]};", *clause]
    return b"".join(
        (
            fold_field(RESULTS_FIELD, words),
            fold_field(SIGNATURE_FIELD, [verdict.signature.value]),
            fold_field(DECRYPTION_FIELD, [verdict.decryption.value]),
        )
    )


def stamp(raw: bytes, verdict: Verdict, server: str) -> bytes:
    """``raw`` with the fields of ``verdict`` before its header, and no such field of another.

    Raises MessageMalformed for an unreadable header.
    """
    return fields(verdict, server) + strip(raw)


def strip(raw: bytes) -> bytes:
    """``raw`` without any field that only a gateway may have written (RFC 8601 §5).

    Every Authentication-Results goes, whoever it names: nobody here believes another's.
    """
    return remove_fields(raw, VERDICT_FIELDS)


def read(header: Header) -> tuple[Signature, Decryption] | None:
    """The words that ``stamp`` wrote on a stored message; None where they are not both there.

    Only for messages that went through ``stamp``: on any other they are somebody's claim.
    """
    if any(len(header.all(name.lower())) != 1 for name in (SIGNATURE_FIELD, DECRYPTION_FIELD)):
        return None
    try:
        return (
            Signature(header.unfolded(SIGNATURE_FIELD.lower())),
            Decryption(header.unfolded(DECRYPTION_FIELD.lower())),
        )
    except ValueError:
        return None


def _in_ascii(name: str) -> str:
    """A name of RFC 4514 with its other characters as octets in hexadecimal (§2.4 there)."""
    return "".join(
        char if char.isascii() else "".join(f"\\{octet:02X}" for octet in char.encode("utf-8"))
        for char in name
    )


def _pvalue(text: str) -> str:
    """A value as RFC 8601 §2.2 writes it: an address or a token as it is, else a quoted string."""
    if text and all(char.isascii() and (char.isalnum() or char in "-._@+") for char in text):
        return text
    visible = "".join(char if char.isascii() and char.isprintable() else "?" for char in text)
    return '"' + visible.replace("\\", "\\\\").replace('"', '\\"') + '"'
