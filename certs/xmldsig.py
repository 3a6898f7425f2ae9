"""Signature values and digests of XML-DSig, by the algorithms of ``certs.algorithms``.

XML itself is not known here: whoever reads it brings the canonical octets, the URI of a method and
the value. What no row names is refused, SHA-1, DSA and HMAC among it (RFC 6931 lists them all).
"""

from collections.abc import Mapping
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from certs import algorithms
from certs.certificate import Certificate
from certs.cms import der, signature
from certs.errors import AlgorithmRefused, SignatureReason, SignatureRejected

_MORE: Final = "http://www.w3.org/2001/04/xmldsig-more#"
_ENCRYPTION: Final = "http://www.w3.org/2001/04/xmlenc#"

DIGESTS: Final[Mapping[str, str]] = {
    f"{_ENCRYPTION}sha256": "sha-256",
    f"{_MORE}sha384": "sha-384",
    f"{_ENCRYPTION}sha512": "sha-512",
}
"""The accepted digest methods (RFC 6931 §2.1), and their names in ``certs.algorithms``."""

SIGNATURES: Final[Mapping[str, tuple[str, str]]] = {
    f"{_MORE}{family}-sha{bits}": (f"{row}-sha-{bits}", f"sha-{bits}")
    for family, row in (("rsa", "rsa-pkcs1-v1.5"), ("ecdsa", "ecdsa"))
    for bits in (256, 384, 512)
}
"""The accepted signature methods (RFC 6931 §2.3): the row of the algorithm, and of its digest."""


def digest(method: str, octets: bytes) -> bytes:
    """The digest of ``octets`` by the method's URI; raises :class:`SignatureRejected`."""
    if method not in DIGESTS:
        raise SignatureRejected(SignatureReason.ALGORITHM_REFUSED, "digest method")
    hashing = hashes.Hash(algorithms.HASHES[DIGESTS[method]])
    hashing.update(octets)
    return hashing.finalize()


def check(certificate: Certificate, method: str, value: bytes, octets: bytes) -> None:
    """Whether ``value`` is the signature of the certificate's key over ``octets``.

    The certificate itself is not judged here, only the strength of its key. Raises
    :class:`SignatureRejected`.
    """
    if method not in SIGNATURES:
        raise SignatureRejected(SignatureReason.ALGORITHM_REFUSED, "signature method")
    row, hashed = (algorithms.named(name) for name in SIGNATURES[method])
    try:
        key = signature.accepted_key(certificate)
    except AlgorithmRefused as error:
        raise SignatureRejected(SignatureReason.KEY_TOO_WEAK, str(error)) from None
    if isinstance(key, ec.EllipticCurvePublicKey):
        value = _der(value, (key.key_size + 7) // 8)
    try:
        signature.check_restriction(certificate, (row, 0), hashed)
        signature.check(key, (row, 0), hashed, value, octets)
    except AlgorithmRefused as error:
        raise SignatureRejected(SignatureReason.ALGORITHM_REFUSED, str(error)) from None
    except InvalidSignature:
        raise SignatureRejected(SignatureReason.SIGNATURE_WRONG) from None


def _der(value: bytes, octets: int) -> bytes:
    """An ECDSA value as DER: XML-DSig writes r and s side by side, each as long as the field."""
    if len(value) != 2 * octets:
        raise SignatureRejected(SignatureReason.SIGNATURE_WRONG, "length of an ECDSA value")
    r, s = (int.from_bytes(half, "big") for half in (value[:octets], value[octets:]))
    return der.tlv(der.SEQUENCE, der.integer(r), der.integer(s))
