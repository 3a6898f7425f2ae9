"""PKCS #12 files (RFC 7292): a key with its certificates under a password, as people carry them.

Written with AES-256 and PBKDF2 over SHA-256; what older programs wrote (3DES, RC2-40) is read,
because their keys must come in somehow.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import PrivateFormat, pkcs12

from certs.certificate import Certificate, from_der, public_key, to_der
from certs.errors import CertsError, DerMalformed, PrivateKeyNotFound
from certs.keyring import PrivateKey, load_pkcs12

MAX_OCTETS: Final = 1024 * 1024
"""Largest file read: a key and a hundred certificates are a tenth of it."""

MIN_PASSWORD: Final = 16
"""Fewest characters of a password that we write a key under. Whoever gets the file may guess for as
long as they like, and quickly: the library derives the key of the authentication code (RFC 7292 §B)
in 2,048 rounds, however many protect the private key."""

ROUNDS: Final = 600_000
"""Rounds of PBKDF2 around the private key."""

_Writable = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


class Pkcs12Refused(CertsError):
    """The file does not open, or a new one may not be made so; the text says why, in one line."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """What a file holds. ``issuers`` are the certificates that came along, unordered."""

    key: PrivateKey
    certificate: Certificate
    issuers: tuple[Certificate, ...]


def read(source: bytes, password: str) -> Bundle:
    """Open a file; raises :class:`Pkcs12Refused`.

    A wrong password and an altered file cannot be told apart. The key must be the certificate's.
    """
    if len(source) > MAX_OCTETS:
        raise Pkcs12Refused(f"a PKCS #12 file has at most {MAX_OCTETS} octets")
    try:
        with warnings.catch_warnings():
            # files in BER are legal, and what some systems write
            warnings.simplefilter("ignore", UserWarning)
            key, found = load_pkcs12(source, password.encode())
            certificate, *issuers = (from_der(to_der(each)) for each in found)
    except (PrivateKeyNotFound, DerMalformed) as error:
        raise Pkcs12Refused(str(error)) from None
    if public_key(certificate) != key.public_key:
        raise Pkcs12Refused("the key in the file does not belong to its certificate")
    return Bundle(key, certificate, tuple(issuers))


def make(
    key: PrivateKey, certificate: Certificate, issuers: Sequence[Certificate], password: str
) -> bytes:
    """A file with the key, its certificate and its issuers, under ``password``.

    The one form in which a key that the gateway holds leaves it. Raises :class:`Pkcs12Refused` for
    a password of fewer than ``MIN_PASSWORD`` characters, a key that is not the certificate's, and
    X25519, which the library does not write.
    """
    if len(password) < MIN_PASSWORD:
        raise Pkcs12Refused(f"the password needs at least {MIN_PASSWORD} characters")
    if public_key(certificate) != key.public_key:
        raise Pkcs12Refused("the key does not belong to the certificate")
    scheme = (
        PrivateFormat.PKCS12.encryption_builder()
        .kdf_rounds(ROUNDS)
        .key_cert_algorithm(pkcs12.PBES.PBESv2SHA256AndAES256CBC)
        .hmac_hash(hashes.SHA256())
        .build(password.encode())
    )

    def close(pkcs8: bytes) -> bytes:
        clear = serialization.load_der_private_key(pkcs8, None, unsafe_skip_rsa_key_validation=True)
        if not isinstance(clear, _Writable):
            raise Pkcs12Refused(f"an {key.kind} key cannot be written as PKCS #12")
        return pkcs12.serialize_key_and_certificates(None, clear, certificate, issuers, scheme)

    return key.sealed(close)
