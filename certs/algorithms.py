# ruff: noqa: E501 - a table reads as a table
"""THE table of algorithms: which we produce, which we accept, which are refused and since when.

An algorithm that is not in the table is refused. Certificates on a path are judged by
``chain``, which is stricter still (``x509.verification``).
"""

from dataclasses import dataclass
from enum import Enum

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from certs.cms import der
from certs.errors import AlgorithmRefused


class Kind(Enum):
    """What an algorithm is for."""

    DIGEST = "digest"
    SIGNATURE = "signature"
    KEY_TRANSPORT = "key_transport"
    CONTENT_ENCRYPTION = "content_encryption"


@dataclass(frozen=True, slots=True)
class Algorithm:
    """One row. ``refused_since`` is the year of the specification that gave it up."""

    name: str
    oid: str
    kind: Kind
    produce: bool
    accept: bool
    refused_since: int | None
    reference: str


_D, _S, _K, _C = Kind.DIGEST, Kind.SIGNATURE, Kind.KEY_TRANSPORT, Kind.CONTENT_ENCRYPTION
_RSA, _ECDSA = "1.2.840.113549.1.1", "1.2.840.10045.4"
_NIST_HASH, _NIST_AES = "2.16.840.1.101.3.4.2", "2.16.840.1.101.3.4.1"

TABLE: tuple[Algorithm, ...] = (
    #         name                       OID                        kind  produce accept since reference
    Algorithm("sha-256",                 f"{_NIST_HASH}.1",         _D, True,  True,  None, "RFC 5754 §2.2"),
    Algorithm("sha-384",                 f"{_NIST_HASH}.2",         _D, False, True,  None, "RFC 5754 §2.3"),
    Algorithm("sha-512",                 f"{_NIST_HASH}.3",         _D, False, True,  None, "RFC 5754 §2.4"),
    Algorithm("sha-224",                 f"{_NIST_HASH}.4",         _D, False, False, 2019, "RFC 8551 §2.1"),
    Algorithm("sha-1",                   "1.3.14.3.2.26",           _D, False, False, 2019, "RFC 8551 §2.1"),
    Algorithm("md5",                     "1.2.840.113549.2.5",      _D, False, False, 2011, "RFC 6151 §2"),
    Algorithm("rsa-pkcs1-v1.5",          f"{_RSA}.1",               _S, True,  True,  None, "RFC 3370 §3.2"),
    Algorithm("rsa-pkcs1-v1.5-sha-256",  f"{_RSA}.11",              _S, False, True,  None, "RFC 5754 §3.2"),
    Algorithm("rsa-pkcs1-v1.5-sha-384",  f"{_RSA}.12",              _S, False, True,  None, "RFC 5754 §3.2"),
    Algorithm("rsa-pkcs1-v1.5-sha-512",  f"{_RSA}.13",              _S, False, True,  None, "RFC 5754 §3.2"),
    Algorithm("rsa-pss",                 f"{_RSA}.10",              _S, False, True,  None, "RFC 4056 §3"),
    Algorithm("ecdsa-sha-256",           f"{_ECDSA}.3.2",           _S, True,  True,  None, "RFC 5754 §3.3"),
    Algorithm("ecdsa-sha-384",           f"{_ECDSA}.3.3",           _S, False, True,  None, "RFC 5754 §3.3"),
    Algorithm("ecdsa-sha-512",           f"{_ECDSA}.3.4",           _S, False, True,  None, "RFC 5754 §3.3"),
    Algorithm("ed25519",                 "1.3.101.112",             _S, False, True,  None, "RFC 8419 §3.1"),
    Algorithm("rsa-pkcs1-v1.5-sha-1",    f"{_RSA}.5",               _S, False, False, 2019, "RFC 8551 §2.2"),
    Algorithm("rsa-pkcs1-v1.5-md5",      f"{_RSA}.4",               _S, False, False, 2011, "RFC 6151 §2"),
    Algorithm("ecdsa-sha-1",             f"{_ECDSA}.1",             _S, False, False, 2019, "RFC 8551 §2.2"),
    Algorithm("dsa-sha-1",               "1.2.840.10040.4.3",       _S, False, False, 2019, "RFC 8551 §2.2"),
    Algorithm("rsa-pkcs1-v1.5-transport", f"{_RSA}.1",              _K, True,  True,  None, "RFC 3370 §4.2.1"),
    Algorithm("aes-256-cbc",             f"{_NIST_AES}.42",         _C, True,  True,  None, "RFC 3565 §4.1"),
    Algorithm("aes-192-cbc",             f"{_NIST_AES}.22",         _C, False, True,  None, "RFC 3565 §4.1"),
    Algorithm("aes-128-cbc",             f"{_NIST_AES}.2",          _C, False, True,  None, "RFC 3565 §4.1"),
    Algorithm("des-ede3-cbc",            "1.2.840.113549.3.7",      _C, False, False, 2019, "RFC 8551 §2.7"),
    Algorithm("rc2-cbc",                 "1.2.840.113549.3.2",      _C, False, False, 2019, "RFC 8551 §2.7"),
)  # fmt: skip

MIN_RSA_BITS = 2048
MAX_RSA_BITS = 8192
"""Above, one verification costs more than the message is worth to an attacker's victim."""
MIN_RSA_EXPONENT = 65537

HASHES: dict[str, hashes.SHA256 | hashes.SHA384 | hashes.SHA512] = {
    "sha-256": hashes.SHA256(),
    "sha-384": hashes.SHA384(),
    "sha-512": hashes.SHA512(),
}
"""The accepted digests, by their name in the table."""

CONTENT_KEY_OCTETS = {"aes-256-cbc": 32, "aes-192-cbc": 24, "aes-128-cbc": 16}
"""Size of the key of each accepted content encryption."""

_BY_OID = {(row.kind, der.oid(row.oid)): row for row in TABLE}
_BY_NAME = {row.name: row for row in TABLE}

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey


def named(name: str) -> Algorithm:
    """The row of that name."""
    return _BY_NAME[name]


def accepted(kind: Kind, oid: bytes) -> Algorithm:
    """The row of an OBJECT IDENTIFIER (in DER) met in what others sent.

    Raises :class:`AlgorithmRefused` when it is unknown or no longer accepted.
    """
    row = _BY_OID.get((kind, oid))
    if row is None:
        raise AlgorithmRefused(f"unknown {kind.value} {oid[2:].hex()}")
    if not row.accept:
        raise AlgorithmRefused(f"{row.name}: {row.reference}")
    return row


def accepted_key(key: object) -> PublicKey:
    """``key`` when it is strong enough to believe; raises :class:`AlgorithmRefused`.

    RSA of 2,048 to 8,192 bits with an exponent of at least 65,537 (NIST SP 800-56B §6.2), the curves
    P-256, P-384, P-521, and Ed25519.
    """
    if isinstance(key, rsa.RSAPublicKey):
        if not MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS:
            raise AlgorithmRefused(f"rsa of {key.key_size} bits")
        if key.public_numbers().e < MIN_RSA_EXPONENT:
            raise AlgorithmRefused("rsa with a small exponent")
        return key
    if isinstance(key, ec.EllipticCurvePublicKey):
        if not isinstance(key.curve, ec.SECP256R1 | ec.SECP384R1 | ec.SECP521R1):
            raise AlgorithmRefused(f"curve {key.curve.name}")
        return key
    if isinstance(key, ed25519.Ed25519PublicKey):
        return key
    raise AlgorithmRefused("unknown kind of public key")
