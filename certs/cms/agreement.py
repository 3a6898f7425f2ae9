"""Key agreement (RFC 5652 §6.2.2): ephemeral-static ECDH with a recipient's key of a curve.

NIST curves as RFC 5753 §3.1 says, X25519 as RFC 8418 says: the shared secret goes through a
derivation (X9.63 or HKDF) to a key that wraps the content key by AES (RFC 3394). What we make has a
new key pair for each recipient and no ukm.
"""

from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ec, x25519
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.x963kdf import X963KDF
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from certs import algorithms
from certs.algorithms import KEY_HASHES, KEY_OCTETS, Algorithm, Kind
from certs.cms import der, oids
from certs.cms.der import Reader
from certs.cms.signature import algorithm_identifier
from certs.errors import AlgorithmRefused, DerMalformed
from certs.keyring import PrivateKey

MAX_UKM = 1024
"""Octets of user keying material read; producers send 16 to 64."""

_VERSION_3 = der.integer(3)
_TAG_0, _TAG_1, _TAG_2 = 0xA0, 0xA1, 0xA2
_NULL = der.tlv(der.NULL)
_MIN_WRAPPED, _MAX_WRAPPED = 24, 72


# --- closing -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Scheme:
    """How we agree with a key of one curve."""

    agreement: Algorithm
    originator: bytes


_EC_KEY = der.tlv(der.SEQUENCE, oids.EC_PUBLIC_KEY)
_PRODUCED = {
    "secp256r1": _Scheme(algorithms.named("ecdh-std-sha-256"), _EC_KEY),
    "secp384r1": _Scheme(algorithms.named("ecdh-std-sha-384"), _EC_KEY),
    "secp521r1": _Scheme(algorithms.named("ecdh-std-sha-512"), _EC_KEY),
    "x25519": _Scheme(algorithms.named("ecdh-hkdf-sha-256"), der.tlv(der.SEQUENCE, oids.X25519)),
}
"""The digest of the derivation is as strong as the curve (RFC 5753 §7.1.7, RFC 8418 §2.2)."""


def recipient_info(
    content_key: bytes,
    public: ec.EllipticCurvePublicKey | x25519.X25519PublicKey,
    identifier: bytes,
) -> bytes:
    """KeyAgreeRecipientInfo for one recipient, ``identifier`` an IssuerAndSerialNumber."""
    ephemeral: ec.EllipticCurvePrivateKey | x25519.X25519PrivateKey
    if isinstance(public, x25519.X25519PublicKey):
        ephemeral = x25519.X25519PrivateKey.generate()
        scheme, secret = _PRODUCED["x25519"], ephemeral.exchange(public)
        point = ephemeral.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    else:
        ephemeral = ec.generate_private_key(public.curve)
        scheme, secret = _PRODUCED[public.curve.name], ephemeral.exchange(ec.ECDH(), public)
        point = ephemeral.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    wrap = algorithms.named("aes-128-wrap" if len(content_key) == 16 else "aes-256-wrap")
    wrap_identifier = der.tlv(der.SEQUENCE, der.oid(wrap.oid))
    kek = _derived(scheme.agreement.name, secret, KEY_OCTETS[wrap.name], wrap_identifier, None)
    encrypted_key = der.tlv(der.OCTET_STRING, aes_key_wrap(kek, content_key))
    return der.tlv(
        _TAG_1,
        _VERSION_3,
        der.tlv(
            _TAG_0, der.tlv(_TAG_1, scheme.originator, der.tlv(der.BIT_STRING, b"\x00", point))
        ),
        der.tlv(der.SEQUENCE, der.oid(scheme.agreement.oid), wrap_identifier),
        der.tlv(der.SEQUENCE, der.tlv(der.SEQUENCE, identifier, encrypted_key)),
    )


def _derived(
    scheme: str, secret: bytes, octets: int, wrap_identifier: bytes, ukm: bytes | None
) -> bytes:
    """The key-encryption key, over ECC-CMS-SharedInfo (RFC 5753 §7.2).

    ``wrap_identifier`` goes in exactly as it is in the message.
    """
    entity = b"" if ukm is None else der.tlv(_TAG_0, der.tlv(der.OCTET_STRING, ukm))
    bits = der.tlv(_TAG_2, der.tlv(der.OCTET_STRING, (8 * octets).to_bytes(4, "big")))
    shared = der.tlv(der.SEQUENCE, wrap_identifier, entity, bits)
    _, form, digest = scheme.split("-", 2)
    used = KEY_HASHES[digest]
    if form == "hkdf":  # RFC 8418 §2.2: the ukm is also the salt
        return HKDF(used, octets, ukm, shared).derive(secret)
    return X963KDF(used, octets, shared).derive(secret)


# --- opening -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Agreed:
    """An encrypted key that one private key unwraps; ``wrap`` is its identifier as received."""

    scheme: str
    wrap_octets: int
    wrap_identifier: bytes
    point: bytes
    ukm: bytes | None
    encrypted_key: bytes

    def unwrapped(self, key: PrivateKey) -> bytes:
        """The content key; raises ValueError, always the same."""
        try:
            secret = key.derive(self.point)
            kek = _derived(self.scheme, secret, self.wrap_octets, self.wrap_identifier, self.ukm)
            return aes_key_unwrap(kek, self.encrypted_key)
        except (ValueError, InvalidUnwrap):
            raise ValueError("decryption failed") from None


def accepted(
    originator: bytes, ukm: bytes | None, algorithm: tuple[bytes, bytes], encrypted_key: bytes
) -> Agreed:
    """What is needed to agree and unwrap.

    ``originator``: OriginatorIdentifierOrKey as a DER element. Only an ephemeral key is taken, no
    certificate (static-static). Raises :class:`AlgorithmRefused`, :class:`DerMalformed`.
    """
    oid, parameters = algorithm
    row = algorithms.accepted(Kind.KEY_AGREEMENT, oid)
    wrap_oid, wrap_parameters = algorithm_identifier(Reader(parameters))
    wrap = algorithms.accepted(Kind.KEY_WRAP, wrap_oid)
    if wrap_parameters not in (b"", _NULL):  # absent by RFC 3565 §2.3.2; NULL is met
        raise DerMalformed("parameters of a key wrap")
    curve, point = _ephemeral(originator)
    is_x25519 = curve == oids.X25519
    form = row.name.split("-")[1]
    if (form == "hkdf" and not is_x25519) or (
        is_x25519 and (form == "cofactor" or row.name.endswith("sha-1"))
    ):
        raise AlgorithmRefused(f"{row.name} with this curve")
    if not _MIN_WRAPPED <= len(encrypted_key) <= _MAX_WRAPPED:
        raise DerMalformed("size of a wrapped key")
    return Agreed(row.name, KEY_OCTETS[wrap.name], parameters, point, ukm, encrypted_key)


def _ephemeral(originator: bytes) -> tuple[bytes, bytes]:
    """(algorithm, octets of the public key) of an OriginatorPublicKey (RFC 5753 §3.1.1).

    Of id-ecPublicKey the parameters may be absent, NULL or a curve: the recipient's key says it.
    """
    reader = Reader(originator)
    if reader.peek() != _TAG_1:
        raise AlgorithmRefused("agreement without an ephemeral key")
    inner = reader.enter(_TAG_1)
    oid, parameters = algorithm_identifier(inner)
    bits = inner.content(der.BIT_STRING)
    inner.finish()
    if oid not in (oids.EC_PUBLIC_KEY, oids.X25519):
        raise AlgorithmRefused("key agreement on an unknown curve")
    if (oid == oids.X25519 and parameters) or bits[:1] != b"\x00":
        raise DerMalformed("ephemeral key")
    return oid, bits[1:]
