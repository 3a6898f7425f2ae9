"""Certificates and revocation lists read from octets, whole and at once.

The library reads names when they are asked for, where nobody expects a failure, lets pass some
forms that others refuse, and warns on the console of what a stranger sends. What comes out of here
has names that can be read, and says nothing.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from certs.cms.der import BIT_STRING, INTEGER, OID, SEQUENCE, SET, Reader
from certs.errors import DerMalformed

UNREADABLE: Final = (
    ValueError,
    TypeError,  # a name whose BIT STRING is no x500UniqueIdentifier
    KeyError,  # a TLS feature of an unknown number
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)
"""What the library raises for octets that it cannot read, now or when a part is asked for."""

MAX_OCTETS: Final = 64 * 1024
"""Largest certificate read; with a logotype and signatures of tomorrow they have some 20 KiB."""

_VERSION: Final = 0xA0

_STRINGS: Final = frozenset((0x0C, 0x12, 0x13, 0x14, 0x16, 0x1C, 0x1E, BIT_STRING))
"""The types of attribute values in names (RFC 5280 §4.1.2.4, and x500UniqueIdentifier)."""


@contextmanager
def quietly() -> Iterator[None]:
    """What the library only warns of in others' octets is not printed: no operator can mend it.

    Filters of warnings are the process's own. A thread that leaves while another is inside may
    leave this one in force: it hides the warnings of what ``certs`` calls, and nothing else.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=UserWarning, module=r"certs\.")
        yield


def certificate(encoded: bytes) -> x509.Certificate:
    """One certificate in DER, of at most ``MAX_OCTETS``; raises :class:`DerMalformed`."""
    _check_certificate(encoded)
    with quietly():
        try:
            found = x509.load_der_x509_certificate(encoded)
        except UNREADABLE:
            raise DerMalformed("not a certificate") from None
        _read_all(found)
    return found


def certificates(pem: bytes) -> tuple[x509.Certificate, ...]:
    """The certificates of a PEM text, at least one; raises :class:`DerMalformed`."""
    with quietly():
        try:
            loaded = x509.load_pem_x509_certificates(pem)
        except UNREADABLE:
            raise DerMalformed("no certificate in PEM") from None
    return tuple(certificate(each.public_bytes(Encoding.DER)) for each in loaded)


def _check_certificate(encoded: bytes) -> None:
    """What the library lets pass, or reads later.

    The serial number is positive and has at most 20 octets (RFC 5280 §4.1.2.2); the signature has
    no unused bits, or one certificate would have two forms.
    """
    if len(encoded) > MAX_OCTETS:
        raise DerMalformed("certificate too big")
    outer = Reader(encoded).enter(SEQUENCE)
    tbs = outer.enter(SEQUENCE)
    if tbs.peek() == _VERSION:
        tbs.element()
    serial = tbs.content(INTEGER)
    if not 1 <= len(serial) <= 20 or serial[0] >= 0x80 or not any(serial):
        raise DerMalformed("serial number of a certificate")
    tbs.element(SEQUENCE)  # signature
    _check_name(tbs.enter(SEQUENCE))
    tbs.element(SEQUENCE)  # validity
    _check_name(tbs.enter(SEQUENCE))
    outer.element(SEQUENCE)
    if outer.content(BIT_STRING)[:1] != b"\x00":
        raise DerMalformed("signature of a certificate")


def _read_all(found: x509.Certificate) -> None:
    """Names and extensions, which the library keeps once read.

    Extensions that cannot be read make no certificate unreadable: whoever asks for one is told.
    """
    try:
        _ = found.subject, found.issuer
    except UNREADABLE:
        raise DerMalformed("names of a certificate") from None
    try:
        _ = found.extensions
    except TypeError:
        raise DerMalformed("names in the extensions of a certificate") from None
    except UNREADABLE:
        pass


def revocation_list(encoded: bytes) -> x509.CertificateRevocationList:
    """A revocation list in DER, whose issuer can be read; raises :class:`DerMalformed`.

    The library keeps no name of a list: whoever asks for it again does so :func:`quietly`.
    """
    with quietly():
        try:
            found = x509.load_der_x509_crl(encoded)
            _ = found.issuer
        except UNREADABLE:
            raise DerMalformed("not a revocation list") from None
    tbs = Reader(encoded).enter(SEQUENCE).enter(SEQUENCE)
    if tbs.peek() == INTEGER:  # version
        tbs.element()
    tbs.element(SEQUENCE)  # signature
    _check_name(tbs.enter(SEQUENCE))
    return found


def _check_name(name: Reader) -> None:
    while name.peek() >= 0:
        relative = name.enter(SET)
        while relative.peek() >= 0:
            one = relative.enter(SEQUENCE)
            one.element(OID)
            if one.peek() not in _STRINGS:
                raise DerMalformed("the form of a name")
