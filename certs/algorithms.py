# ruff: noqa: E501 - a table reads as a table
"""THE table of algorithms: which we produce, which we accept, which are refused and since when.

An algorithm that is not in the table is refused. SHA-1 stays accepted in two places where no
collision helps an attacker: the derivation of a key after ECDH and OAEP, both only to open.
"""

from dataclasses import dataclass
from enum import Enum

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, x25519

from certs.cms import der
from certs.errors import AlgorithmRefused


class Kind(Enum):
    """What an algorithm is for."""

    DIGEST = "digest"
    SIGNATURE = "signature"
    KEY_TRANSPORT = "key_transport"
    KEY_AGREEMENT = "key_agreement"
    KEY_WRAP = "key_wrap"
    CONTENT_ENCRYPTION = "content_encryption"
    AUTHENTICATED_ENCRYPTION = "authenticated_encryption"


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
_G, _W, _A = Kind.KEY_AGREEMENT, Kind.KEY_WRAP, Kind.AUTHENTICATED_ENCRYPTION
_STD, _COFACTOR, _HKDF = "1.3.132.1.11", "1.3.132.1.14", "1.2.840.113549.1.9.16.3"
_X963_SHA1 = "1.3.133.16.840.63.0"
_RSA, _ECDSA = "1.2.840.113549.1.1", "1.2.840.10045.4"
_NIST_HASH, _NIST_AES = "2.16.840.1.101.3.4.2", "2.16.840.1.101.3.4.1"

TABLE: tuple[Algorithm, ...] = (
    #         name                       OID                        kind  produce accept since reference
    Algorithm("sha-256",                 f"{_NIST_HASH}.1",         _D, True,  True,  None, "RFC 5754 §2.2"),
    Algorithm("sha-384",                 f"{_NIST_HASH}.2",         _D, True,  True,  None, "RFC 5754 §2.3"),
    Algorithm("sha-512",                 f"{_NIST_HASH}.3",         _D, True,  True,  None, "RFC 5754 §2.4"),
    Algorithm("sha-224",                 f"{_NIST_HASH}.4",         _D, False, False, 2019, "RFC 8551 §2.1"),
    Algorithm("sha-1",                   "1.3.14.3.2.26",           _D, False, False, 2019, "RFC 8551 §2.1"),
    Algorithm("md5",                     "1.2.840.113549.2.5",      _D, False, False, 2011, "RFC 6151 §2"),
    Algorithm("rsa-pkcs1-v1.5",          f"{_RSA}.1",               _S, True,  True,  None, "RFC 3370 §3.2"),
    Algorithm("rsa-pkcs1-v1.5-sha-256",  f"{_RSA}.11",              _S, False, True,  None, "RFC 5754 §3.2"),
    Algorithm("rsa-pkcs1-v1.5-sha-384",  f"{_RSA}.12",              _S, False, True,  None, "RFC 5754 §3.2"),
    Algorithm("rsa-pkcs1-v1.5-sha-512",  f"{_RSA}.13",              _S, False, True,  None, "RFC 5754 §3.2"),
    Algorithm("rsa-pss",                 f"{_RSA}.10",              _S, True,  True,  None, "RFC 4056 §3"),
    Algorithm("ecdsa-sha-256",           f"{_ECDSA}.3.2",           _S, True,  True,  None, "RFC 5754 §3.3"),
    Algorithm("ecdsa-sha-384",           f"{_ECDSA}.3.3",           _S, True,  True,  None, "RFC 5754 §3.3"),
    Algorithm("ecdsa-sha-512",           f"{_ECDSA}.3.4",           _S, True,  True,  None, "RFC 5754 §3.3"),
    Algorithm("ed25519",                 "1.3.101.112",             _S, True,  True,  None, "RFC 8419 §3.1"),
    Algorithm("rsa-pkcs1-v1.5-sha-1",    f"{_RSA}.5",               _S, False, False, 2019, "RFC 8551 §2.2"),
    Algorithm("rsa-pkcs1-v1.5-md5",      f"{_RSA}.4",               _S, False, False, 2011, "RFC 6151 §2"),
    Algorithm("ecdsa-sha-1",             f"{_ECDSA}.1",             _S, False, False, 2019, "RFC 8551 §2.2"),
    Algorithm("dsa-sha-1",               "1.2.840.10040.4.3",       _S, False, False, 2019, "RFC 8551 §2.2"),
    Algorithm("rsa-pkcs1-v1.5-transport", f"{_RSA}.1",              _K, True,  True,  None, "RFC 3370 §4.2.1"),
    Algorithm("rsa-oaep",                f"{_RSA}.7",               _K, True,  True,  None, "RFC 3560 §3"),
    Algorithm("ecdh-std-sha-256",        f"{_STD}.1",               _G, True,  True,  None, "RFC 5753 §7.1.4"),
    Algorithm("ecdh-std-sha-384",        f"{_STD}.2",               _G, True,  True,  None, "RFC 5753 §7.1.4"),
    Algorithm("ecdh-std-sha-512",        f"{_STD}.3",               _G, True,  True,  None, "RFC 5753 §7.1.4"),
    Algorithm("ecdh-cofactor-sha-256",   f"{_COFACTOR}.1",          _G, False, True,  None, "RFC 5753 §7.1.4"),
    Algorithm("ecdh-cofactor-sha-384",   f"{_COFACTOR}.2",          _G, False, True,  None, "RFC 5753 §7.1.4"),
    Algorithm("ecdh-cofactor-sha-512",   f"{_COFACTOR}.3",          _G, False, True,  None, "RFC 5753 §7.1.4"),
    Algorithm("ecdh-hkdf-sha-256",       f"{_HKDF}.19",             _G, True,  True,  None, "RFC 8418 §2.2"),
    Algorithm("ecdh-hkdf-sha-384",       f"{_HKDF}.20",             _G, False, True,  None, "RFC 8418 §2.2"),
    Algorithm("ecdh-hkdf-sha-512",       f"{_HKDF}.21",             _G, False, True,  None, "RFC 8418 §2.2"),
    Algorithm("ecdh-std-sha-1",          f"{_X963_SHA1}.2",         _G, False, True,  None, "RFC 5753 §7.1.4"),
    Algorithm("ecdh-cofactor-sha-1",     f"{_X963_SHA1}.3",         _G, False, True,  None, "RFC 5753 §7.1.4"),
    Algorithm("ecdh-std-sha-224",        f"{_STD}.0",               _G, False, False, 2019, "RFC 8551 §2.3"),
    Algorithm("ecdh-cofactor-sha-224",   f"{_COFACTOR}.0",          _G, False, False, 2019, "RFC 8551 §2.3"),
    Algorithm("aes-256-wrap",            f"{_NIST_AES}.45",         _W, True,  True,  None, "RFC 3565 §2.3.2"),
    Algorithm("aes-192-wrap",            f"{_NIST_AES}.25",         _W, False, True,  None, "RFC 3565 §2.3.2"),
    Algorithm("aes-128-wrap",            f"{_NIST_AES}.5",          _W, True,  True,  None, "RFC 3565 §2.3.2"),
    Algorithm("des-ede3-wrap",           "1.2.840.113549.1.9.16.3.6", _W, False, False, 2019, "RFC 8551 §2.7"),
    Algorithm("aes-256-gcm",             f"{_NIST_AES}.46",         _A, True,  True,  None, "RFC 5084 §3.2"),
    Algorithm("aes-192-gcm",             f"{_NIST_AES}.26",         _A, False, True,  None, "RFC 5084 §3.2"),
    Algorithm("aes-128-gcm",             f"{_NIST_AES}.6",          _A, True,  True,  None, "RFC 5084 §3.2"),
    Algorithm("aes-256-cbc",             f"{_NIST_AES}.42",         _C, True,  True,  None, "RFC 3565 §4.1"),
    Algorithm("aes-192-cbc",             f"{_NIST_AES}.22",         _C, False, True,  None, "RFC 3565 §4.1"),
    Algorithm("aes-128-cbc",             f"{_NIST_AES}.2",          _C, True,  True,  None, "RFC 3565 §4.1"),
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

KEY_HASHES: dict[str, hashes.HashAlgorithm] = {"sha-1": hashes.SHA1(), **HASHES}  # noqa: S303
"""The digests inside OAEP (RFC 4055 §4.1) and key derivation (RFC 5753 §7.1.4), SHA-1 to open."""

KEY_OCTETS = {
    f"aes-{bits}-{mode}": bits // 8 for bits in (128, 192, 256) for mode in ("cbc", "gcm", "wrap")
}
"""Size of the key of each accepted content encryption and key wrap."""

_BY_OID = {(row.kind, der.oid(row.oid)): row for row in TABLE}
_BY_NAME = {row.name: row for row in TABLE}

PublicKey = (
    rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | x25519.X25519PublicKey
)

ReceivingKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | x25519.X25519PublicKey
"""The public keys for which a content key can be closed."""


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
    P-256, P-384, P-521, Ed25519 and X25519.
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
    if isinstance(key, ed25519.Ed25519PublicKey | x25519.X25519PublicKey):
        return key
    raise AlgorithmRefused("unknown kind of public key")


def accepted_receiver(key: object) -> ReceivingKey:
    """``key`` when a content key may be closed for it; raises :class:`AlgorithmRefused`."""
    found = accepted_key(key)
    if isinstance(found, ed25519.Ed25519PublicKey):
        raise AlgorithmRefused("an ed25519 key receives nothing")
    return found
