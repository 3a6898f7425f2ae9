"""What a certificate may be used for: key usage (RFC 5280 §4.2.1.3), extended (§4.2.1.12)."""

from dataclasses import dataclass
from enum import Enum, Flag, auto

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, x25519
from cryptography.x509.oid import ExtendedKeyUsageOID

from certs.certificate import Certificate, extension, public_key


class Usage(Flag):
    """What the key pair of a mailbox does."""

    SIGN = auto()
    ENCRYPT = auto()
    BOTH = SIGN | ENCRYPT


class Purpose(Enum):
    """What a chain is validated for. Trust anchors are kept per purpose."""

    SIGNATURE = "signature"
    ENCRYPTION = "encryption"
    CLIENT = "client"
    SERVER = "server"


@dataclass(frozen=True, slots=True)
class Rule:
    """The extended key usage that a purpose demands, and the key usage that it needs.

    ``extended`` None: any purpose will do, of the certificate and of its issuers.
    """

    extended: x509.ObjectIdentifier | None
    usage: Usage


PURPOSES = {
    Purpose.SIGNATURE: Rule(ExtendedKeyUsageOID.EMAIL_PROTECTION, Usage.SIGN),
    Purpose.ENCRYPTION: Rule(ExtendedKeyUsageOID.EMAIL_PROTECTION, Usage.ENCRYPT),
    Purpose.CLIENT: Rule(ExtendedKeyUsageOID.CLIENT_AUTH, Usage.SIGN),
    Purpose.SERVER: Rule(ExtendedKeyUsageOID.SERVER_AUTH, Usage.SIGN),
}
"""Every purpose and its rule."""


def extended_usages(certificate: Certificate) -> frozenset[x509.ObjectIdentifier]:
    """The extended key usages named in the certificate; none when it has no such extension."""
    return frozenset(extension(certificate, x509.ExtendedKeyUsage) or ())


def key_usage(certificate: Certificate) -> Usage:
    """What the keyUsage extension allows; everything when there is none (RFC 5280 §4.2.1.3).

    Signing is digitalSignature or nonRepudiation (RFC 8550 §4.4.2); encrypting is keyEncipherment
    for RSA and keyAgreement for elliptic curves. Raises :class:`DerMalformed`.
    """
    bits = extension(certificate, x509.KeyUsage)
    if bits is None:
        return Usage.BOTH
    elliptic = isinstance(
        public_key(certificate), ec.EllipticCurvePublicKey | x25519.X25519PublicKey
    )
    allowed = Usage(0)
    if bits.digital_signature or bits.content_commitment:
        allowed |= Usage.SIGN
    if bits.key_agreement if elliptic else bits.key_encipherment:
        allowed |= Usage.ENCRYPT
    return allowed
