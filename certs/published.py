"""Public keys as others publish them outside of any certificate, and one signature checked.

Nothing vouches for such a key but the place where it was found: what it proves is worth as much as
that place. Its strength is for the caller to judge: ``bits`` says it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa

from certs.algorithms import HASHES, MAX_RSA_BITS
from certs.errors import AlgorithmRefused, SignatureReason, SignatureRejected
from certs.keyring import PublicKey

MAX_OCTETS: Final = 4_096
"""Largest key read: one of RSA with 8,192 bits has a quarter of it."""

Kind = Literal["rsa", "ed25519"]


@dataclass(frozen=True, slots=True)
class PublishedKey:
    """A key that was read; ``bits`` of its modulus, or 256."""

    kind: Kind
    bits: int
    _verify: Callable[[bytes, bytes], None]

    def verify(self, signature: bytes, octets: bytes) -> None:
        """RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017 §8.2), or Ed25519 (RFC 8032 §5.1).

        Raises :class:`SignatureRejected`.
        """
        try:
            self._verify(signature, octets)
        except InvalidSignature:
            raise SignatureRejected(SignatureReason.SIGNATURE_WRONG) from None


def read(kind: Kind, octets: bytes) -> PublishedKey:
    """The key: DER of SubjectPublicKeyInfo or RSAPublicKey, or the 32 octets of Ed25519.

    Raises :class:`AlgorithmRefused` when it is no such key, or too big to use.
    """
    if len(octets) > MAX_OCTETS:
        raise AlgorithmRefused("a public key too big to read")
    try:
        if kind == "ed25519":
            return _ed25519(ed25519.Ed25519PublicKey.from_public_bytes(octets))
        key = serialization.load_der_public_key(octets)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise AlgorithmRefused(f"no {kind} public key") from None
    if not isinstance(key, rsa.RSAPublicKey) or key.key_size > MAX_RSA_BITS:
        raise AlgorithmRefused("no rsa public key of a size that is used")
    return _rsa(key)


def to_der(key: PublicKey) -> bytes:
    """The key as SubjectPublicKeyInfo (RFC 5280 §4.1.2.7), to publish it."""
    return key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def _rsa(key: rsa.RSAPublicKey) -> PublishedKey:
    def verify(signature: bytes, octets: bytes) -> None:
        key.verify(signature, octets, padding.PKCS1v15(), HASHES["sha-256"])

    return PublishedKey("rsa", key.key_size, verify)


def _ed25519(key: ed25519.Ed25519PublicKey) -> PublishedKey:
    return PublishedKey("ed25519", 256, key.verify)
