"""Requests for a certificate, PKCS #10 (RFC 2986): made for another authority, and answered here.

A request proves that who asks has the private key, and nothing else: the names in it are wishes.
Whoever issues decides what the certificate says.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from certs import algorithms, reading
from certs.errors import AlgorithmRefused, CertsError
from certs.issuing import profiles
from certs.issuing.profiles import key_usage, mailbox_usage
from certs.keyring import PrivateKey
from certs.usage import Usage

MAX_OCTETS: Final = 65_536
"""Largest request read: one with an RSA key of 8,192 bits and a hundred names is a tenth of it."""


class RequestRefused(CertsError):
    """Not a request that can be answered; the text says why, in one line."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a request asks. ``usage`` is what its key usage asks, or all that such a key can do."""

    public_key: CertificatePublicKeyTypes
    common_name: str
    addresses: tuple[str, ...]
    usage: Usage
    fingerprint: str
    """SHA-256 of the public key (SubjectPublicKeyInfo), in hexadecimal."""


def for_mailbox(key: PrivateKey, address: str, display_name: str, usage: Usage) -> bytes:
    """A request in PEM for a certificate of a mailbox, for ``usage``.

    Raises ValueError when the address is not ASCII or the key cannot do that, AlgorithmRefused for
    X25519: a request is signed by its own key, and that one signs nothing.
    """
    return _made(
        key,
        display_name,
        [x509.RFC822Name(address)],
        mailbox_usage(key.public_key, usage),
        ExtendedKeyUsageOID.EMAIL_PROTECTION,
    )


def for_server(key: PrivateKey, names: Sequence[str], ips: Sequence[str] = ()) -> bytes:
    """A request in PEM for a TLS server certificate; the first name is the subject.

    Raises ValueError for what is neither a DNS name nor an address.
    """
    alternatives: list[x509.GeneralName] = [x509.DNSName(name) for name in names]
    alternatives += [x509.IPAddress(ip_address(ip)) for ip in ips]
    first = [*names, *ips][0]
    return _made(key, first, alternatives, key_usage(sign=True), ExtendedKeyUsageOID.SERVER_AUTH)


def read(source: bytes) -> Request:
    """The request in PEM or DER, its signature verified; raises :class:`RequestRefused`."""
    if len(source) > MAX_OCTETS:
        raise RequestRefused(f"a request has at most {MAX_OCTETS} octets")
    try:
        is_pem = b"-----BEGIN" in source
        found = x509.load_pem_x509_csr(source) if is_pem else x509.load_der_x509_csr(source)
        public_key = found.public_key()
        digest = found.signature_hash_algorithm
        is_signed = found.is_signature_valid
        with reading.quietly():
            stated, subject = found.extensions, found.subject
    except (x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        raise RequestRefused("the extensions that it asks cannot be read") from None
    except (*reading.UNREADABLE, UnsupportedAlgorithm, x509.InvalidVersion):
        raise RequestRefused("not a certificate request in PEM or DER") from None
    if not is_signed:
        raise RequestRefused("its signature does not verify: who asks may not have the key")
    try:
        algorithms.accepted_key(public_key)
    except AlgorithmRefused as error:
        raise RequestRefused(f"its key is refused: {error}") from None
    if digest is not None and digest.name not in ("sha256", "sha384", "sha512"):
        raise RequestRefused(f"it is signed with {digest.name}: ask for SHA-256 or better")
    return Request(
        public_key,
        _common_name(subject),
        _addresses(stated),
        _usage(stated, public_key),
        key_fingerprint(public_key),
    )


def key_fingerprint(public_key: CertificatePublicKeyTypes) -> str:
    """SHA-256 of a public key (SubjectPublicKeyInfo), in hexadecimal."""
    encoded = public_key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return hashlib.sha256(encoded).hexdigest()


def _made(
    key: PrivateKey,
    name: str,
    alternatives: Sequence[x509.GeneralName],
    usage: x509.KeyUsage,
    extended: x509.ObjectIdentifier,
) -> bytes:
    builder = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(profiles.subject(None, name))
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([extended]), critical=False)
    )
    made = x509.load_der_x509_csr(key.sign_request(builder))
    return made.public_bytes(serialization.Encoding.PEM)


def _common_name(subject: x509.Name) -> str:
    names = subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else ""


def _addresses(stated: x509.Extensions) -> tuple[str, ...]:
    try:
        names = stated.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    return tuple(names.get_values_for_type(x509.RFC822Name))


def _usage(stated: x509.Extensions, public_key: CertificatePublicKeyTypes) -> Usage:
    try:
        bits = stated.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return profiles.can_do(public_key)
    asked = Usage(0)
    if bits.digital_signature or bits.content_commitment:
        asked |= Usage.SIGN
    if bits.key_encipherment or bits.key_agreement:
        asked |= Usage.ENCRYPT
    return asked & profiles.can_do(public_key)
