"""Who signed, who may open: SignerIdentifier and RecipientIdentifier (RFC 5652 §5.3, §6.2.1)."""

from cryptography import x509

from certs.certificate import KEPT, KEPT_OCTETS, Certificate, extension, from_der_again
from certs.cms import der
from certs.cms.der import Reader
from certs.errors import DerMalformed
from certs.memory import remembered

KEY_IDENTIFIER = 0x80
"""Tag of the form that names a subjectKeyIdentifier; the other form is a SEQUENCE."""


@remembered(KEPT, KEPT_OCTETS)
def issuer_and_serial(certificate: bytes) -> bytes:
    """IssuerAndSerialNumber (RFC 5652 §10.2.4), copied from the octets of a certificate."""
    tbs = Reader(certificate).enter(der.SEQUENCE).enter(der.SEQUENCE)
    if tbs.peek() == 0xA0:  # version
        tbs.element()
    serial = tbs.element(der.INTEGER)
    tbs.element(der.SEQUENCE)
    return der.tlv(der.SEQUENCE, tbs.element(der.SEQUENCE), serial)


def key_identifier(certificate: Certificate) -> bytes:
    """The subjectKeyIdentifier of a certificate, as a SignerIdentifier or a RecipientIdentifier.

    Raises :class:`DerMalformed` when the certificate has none.
    """
    known = extension(certificate, x509.SubjectKeyIdentifier)
    if known is None:
        raise DerMalformed("a certificate without a key identifier")
    return der.tlv(KEY_IDENTIFIER, known.digest)


def check(identifier: bytes) -> None:
    """Refuse an identifier that has neither form. Raises :class:`DerMalformed`."""
    if identifier[0] != KEY_IDENTIFIER:
        inner = Reader(identifier).enter(der.SEQUENCE)
        inner.element(der.SEQUENCE)
        inner.content(der.INTEGER)
        inner.finish()


def names(identifier: bytes, certificate: bytes) -> bool:
    """Whether the identifier means this certificate. Raises :class:`DerMalformed`."""
    if identifier[0] == der.SEQUENCE:
        return issuer_and_serial(certificate) == identifier
    known = extension(from_der_again(certificate), x509.SubjectKeyIdentifier)
    return known is not None and Reader(identifier).content(KEY_IDENTIFIER) == known.digest


def readable(identifier: bytes) -> str:
    """``serial:`` or ``ski:`` and hexadecimal digits, to be compared with a list of certificates.

    Serial numbers are written as certificate listings write them; the issuer's name is left out.
    Raises :class:`DerMalformed`.
    """
    reader = Reader(identifier)
    if reader.peek() == KEY_IDENTIFIER:
        return f"ski:{reader.content(KEY_IDENTIFIER).hex()}"
    inner = reader.enter(der.SEQUENCE)
    inner.element(der.SEQUENCE)
    return f"serial:{inner.content(der.INTEGER).hex()}"
