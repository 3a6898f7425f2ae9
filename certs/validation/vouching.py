"""Does the key of one certificate sign another, by an algorithm that we accept?

What was found true is remembered by digest: the signatures of authorities are checked again with
every message, and cost more than all the rest of a validation. What was false is not remembered.
"""

from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from certs import algorithms
from certs.errors import AlgorithmRefused
from certs.memory import Memory
from certs.validation.link import Link

KEPT_SIGNATURES: Final = 8192
"""True signatures remembered, of 100 octets each."""

_TRUE: Final[Memory[tuple[bytes, bytes], bool]] = Memory(KEPT_SIGNATURES)


def is_known(issuer: Link, subject: Link) -> bool:
    """Whether this was found true before: then asking again costs nothing."""
    return _TRUE.get((subject.digest, issuer.key_octets)) is not None


def vouches(issuer: Link, subject: Link) -> bool:
    """Whether the issuer's key made the signature of ``subject``."""
    if is_known(issuer, subject):
        return True
    try:
        _check(issuer, subject)
    except (AlgorithmRefused, InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    _TRUE.keep((subject.digest, issuer.key_octets), True)
    return True


def _check(issuer: Link, subject: Link) -> None:
    """Raises when it does not, or by what we do not accept."""
    if not subject.is_consistent:
        raise AlgorithmRefused("two signature algorithms")
    certificate = subject.certificate
    verify(
        issuer,
        Signature(
            certificate.signature,
            certificate.signature_algorithm_parameters,
            certificate.signature_hash_algorithm,
        ),
        certificate.tbs_certificate_bytes,
    )


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature with its algorithm, as the library reads it from a certificate or a list."""

    value: bytes
    scheme: object
    digest: hashes.HashAlgorithm | None


def verify(issuer: Link, signature: Signature, signed: bytes) -> None:
    """Check the signature of a certificate or a list with the key of its issuer.

    Raises :class:`AlgorithmRefused` or InvalidSignature, and UnsupportedAlgorithm or ValueError
    where the library does.
    """
    key, scheme = algorithms.accepted_key(issuer.key), signature.scheme
    if isinstance(key, ed25519.Ed25519PublicKey) and signature.digest is None:
        key.verify(signature.value, signed)
        return
    used = _accepted_digest(signature.digest)
    if isinstance(key, rsa.RSAPublicKey) and isinstance(scheme, padding.PSS):
        _check_pss(scheme, used)
        key.verify(signature.value, signed, scheme, used)
    elif isinstance(key, rsa.RSAPublicKey) and isinstance(scheme, padding.PKCS1v15):
        if issuer.is_pss_key:
            raise AlgorithmRefused("a key for rsa-pss only")
        key.verify(signature.value, signed, scheme, used)
    elif isinstance(key, ec.EllipticCurvePublicKey) and isinstance(scheme, ec.ECDSA):
        key.verify(signature.value, signed, scheme)
    else:
        raise AlgorithmRefused("another kind of signature")


def _accepted_digest(digest: hashes.HashAlgorithm | None) -> hashes.HashAlgorithm:
    """The digest of a signature, when it is one that we accept; raises AlgorithmRefused."""
    if digest is None or not any(digest.name == each.name for each in algorithms.HASHES.values()):
        raise AlgorithmRefused("digest of a signature")
    return digest


def _check_pss(scheme: padding.PSS, used: hashes.HashAlgorithm) -> None:
    """One digest for all, as in :mod:`certs.cms.signature`; raises AlgorithmRefused."""
    mask: padding.MGF = scheme.mgf
    if not isinstance(mask, padding.MGF1) or mask._algorithm.name != used.name:
        raise AlgorithmRefused("rsa-pss with other digests")
