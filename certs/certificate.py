"""Certificates as values: bytes in and out, fingerprint, addresses, what people look at."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

from certs import reading
from certs.cms.der import SEQUENCE, Reader
from certs.errors import DerMalformed
from certs.memory import remembered

Certificate = x509.Certificate

KEPT: Final = 1024
KEPT_OCTETS: Final = 4096
"""Certificates remembered, and the largest of them: together some twenty megabytes."""

_VERSION = 0xA0

_Extension = TypeVar("_Extension", bound=x509.ExtensionType)


@dataclass(frozen=True, slots=True)
class Facts:
    """What a list of certificates shows; times are aware, in UTC."""

    subject: str
    issuer: str
    serial: int
    not_before: datetime
    not_after: datetime
    addresses: tuple[str, ...]
    fingerprint: str


def from_pem(pem: bytes) -> tuple[Certificate, ...]:
    """The certificates of a PEM text, in order, each as :func:`from_der` takes it.

    Raises :class:`DerMalformed`, also when there is none.
    """
    return reading.certificates(pem)


def to_pem(*certificates: Certificate) -> bytes:
    """The certificates as one PEM text."""
    return b"".join(each.public_bytes(serialization.Encoding.PEM) for each in certificates)


def from_der(encoded: bytes) -> Certificate:
    """One certificate, whose names can be read; raises :class:`DerMalformed`."""
    return reading.certificate(encoded)


@remembered(KEPT, KEPT_OCTETS)
def from_der_again(encoded: bytes) -> Certificate:
    """As :func:`from_der`, for those that come again with each message of a correspondent."""
    return reading.certificate(encoded)


def to_der(certificate: Certificate) -> bytes:
    """The certificate as it was signed."""
    return certificate.public_bytes(serialization.Encoding.DER)


def fingerprint(certificate: Certificate) -> str:
    """SHA-256 of the DER, in 64 lower-case hexadecimal digits."""
    return certificate.fingerprint(hashes.SHA256()).hex()


def key_digest(certificate: Certificate) -> str:
    """SHA-256 of the subjectPublicKeyInfo, in hexadecimal: the same key has it everywhere.

    Of any algorithm, also one that we do not know: the octets are not looked into.
    """
    tbs = Reader(certificate.tbs_certificate_bytes).enter(SEQUENCE)
    if tbs.peek() == _VERSION:
        tbs.element()
    for _ in ("serialNumber", "signature", "issuer", "validity", "subject"):
        tbs.element()
    return hashlib.sha256(tbs.element(SEQUENCE)).hexdigest()


def extension(certificate: Certificate, kind: type[_Extension]) -> _Extension | None:
    """The extension of that kind, or None. Raises :class:`DerMalformed` when any is malformed."""
    try:
        with reading.quietly():  # those that cannot be read are read again each time
            return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None
    except reading.UNREADABLE:
        raise DerMalformed("extensions of a certificate") from None


def public_key(certificate: Certificate) -> object:
    """The public key, of whatever kind; None when it is of none that we know."""
    try:
        return certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return None


def addresses(certificate: Certificate) -> tuple[str, ...]:
    """The rfc822Name alternative names, their domain in lower case.

    The emailAddress of a subject is no identity here (RFC 8550 §3 keeps it for old certificates).
    Raises :class:`DerMalformed`.
    """
    names = extension(certificate, x509.SubjectAlternativeName)
    if names is None:
        return ()
    found = []
    for name in names.get_values_for_type(x509.RFC822Name):
        local, at, domain = name.rpartition("@")
        found.append(local + at + domain.lower())
    return tuple(found)


def host_names(certificate: Certificate) -> tuple[str, ...]:
    """The dNSName alternative names, as they are written.

    The commonName of a subject is no name of a host (RFC 6125 §6.4.4). Raises
    :class:`DerMalformed`.
    """
    names = extension(certificate, x509.SubjectAlternativeName)
    return () if names is None else tuple(names.get_values_for_type(x509.DNSName))


def is_authority(certificate: Certificate) -> bool:
    """Whether it says that it may issue: basicConstraints (RFC 5280 §4.2.1.9), signing of
    certificates where it has a key usage. Raises :class:`DerMalformed`."""
    constraints = extension(certificate, x509.BasicConstraints)
    usage = extension(certificate, x509.KeyUsage)
    return constraints is not None and constraints.ca and (usage is None or usage.key_cert_sign)


def common_name(certificate: Certificate) -> str:
    """The first commonName of the subject, or nothing."""
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else ""


def facts(certificate: Certificate) -> Facts:
    """What a person needs to tell this certificate from others."""
    return Facts(
        subject=certificate.subject.rfc4514_string(),
        issuer=certificate.issuer.rfc4514_string(),
        serial=certificate.serial_number,
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        addresses=addresses(certificate),
        fingerprint=fingerprint(certificate),
    )
