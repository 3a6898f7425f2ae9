"""Private keys: made, loaded, used. A key never leaves as bytes, except sealed.

Every use of a private key goes through the few methods of :class:`PrivateKey`, narrow enough for a
hardware token to implement: ``sign``, ``unwrap``, ``derive``.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Literal, NoReturn

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, x25519
from cryptography.hazmat.primitives.serialization import pkcs12

from certs.algorithms import HASHES, KEY_HASHES, PublicKey
from certs.certificate import fingerprint
from certs.errors import AlgorithmRefused, PrivateKeyNotFound

__all__ = ["KeyKind", "PrivateKey", "PublicKey", "Signer", "load_pkcs12"]

KeyKind = Literal["rsa-2048", "rsa-3072", "rsa-4096", "p256", "p384", "p521", "ed25519", "x25519"]
_Key = (
    rsa.RSAPrivateKey
    | ec.EllipticCurvePrivateKey
    | ed25519.Ed25519PrivateKey
    | x25519.X25519PrivateKey
)

_RSA_BITS: dict[str, int] = {"rsa-2048": 2048, "rsa-3072": 3072, "rsa-4096": 4096}
_CURVES: dict[str, ec.EllipticCurve] = {
    "p256": ec.SECP256R1(),
    "p384": ec.SECP384R1(),
    "p521": ec.SECP521R1(),
}
_KINDS = {curve.name: kind for kind, curve in _CURVES.items()}
_ISSUING_HASHES = {"p384": HASHES["sha-384"], "p521": HASHES["sha-512"]}
_PKCS1 = padding.PKCS1v15()


class PrivateKey:
    """A private key that can be used and not be seen: RSA, P-256 to P-521, Ed25519 or X25519."""

    __slots__ = ("_key",)

    def __init__(self, key: _Key) -> None:
        self._key = key

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key does not leave")

    def __repr__(self) -> str:
        return f"<PrivateKey {self.kind}>"

    @classmethod
    def generate(cls, kind: KeyKind) -> "PrivateKey":
        """Draw a key. RSA-2048 takes about 0.1 s, RSA-3072 several times that, curves nothing."""
        if kind in _CURVES:
            return cls(ec.generate_private_key(_CURVES[kind]))
        if kind == "ed25519":
            return cls(ed25519.Ed25519PrivateKey.generate())
        if kind == "x25519":
            return cls(x25519.X25519PrivateKey.generate())
        return cls(rsa.generate_private_key(public_exponent=65537, key_size=_RSA_BITS[kind]))

    @classmethod
    def load_pem(cls, source: bytes | Path) -> "PrivateKey":
        """An unencrypted PEM key, as TLS keys are kept; raises :class:`PrivateKeyNotFound`."""
        pem = source.read_bytes() if isinstance(source, Path) else source
        return cls._loaded(pem, None, "no unencrypted PEM private key")

    @classmethod
    def load_encrypted_pem(cls, pem: bytes, password: bytes) -> "PrivateKey":
        """A PEM key under a password; raises :class:`PrivateKeyNotFound` when it does not open."""
        return cls._loaded(pem, password, "no PEM private key that this password opens")

    @classmethod
    def _loaded(cls, pem: bytes, password: bytes | None, complaint: str) -> "PrivateKey":
        try:
            key = serialization.load_pem_private_key(pem, password)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise PrivateKeyNotFound(complaint) from None
        return cls._checked(key)

    @classmethod
    def unsealed(cls, sealed: bytes, open_: Callable[[bytes], bytes]) -> "PrivateKey":
        """The key that :meth:`sealed` put away; raises what ``open_`` raises."""
        der = open_(sealed)
        try:
            # checked when it was made, and authenticated since by the seal: an RSA key is not
            # tested again, which would cost more than using it
            key = serialization.load_der_private_key(der, None, unsafe_skip_rsa_key_validation=True)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise PrivateKeyNotFound("the seal does not hold a private key") from None
        return cls._checked(key)

    @classmethod
    def _checked(cls, key: object) -> "PrivateKey":
        if isinstance(key, rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey | x25519.X25519PrivateKey):
            return cls(key)
        if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name in _KINDS:
            return cls(key)
        raise PrivateKeyNotFound("none of RSA, P-256, P-384, P-521, Ed25519, X25519")

    @property
    def kind(self) -> str:
        """``rsa-2048``, ``rsa-3072``… by its size, ``p256``, ``p384``, ``p521``, ``ed25519``…"""
        if isinstance(self._key, rsa.RSAPrivateKey):
            return f"rsa-{self._key.key_size}"
        if isinstance(self._key, ec.EllipticCurvePrivateKey):
            return _KINDS[self._key.curve.name]
        return "ed25519" if isinstance(self._key, ed25519.Ed25519PrivateKey) else "x25519"

    @property
    def elliptic(self) -> bool:
        """Whether it is of a NIST curve: it signs by ECDSA and agrees by ECDH."""
        return isinstance(self._key, ec.EllipticCurvePrivateKey)

    @property
    def public_key(self) -> PublicKey:
        """The half that may be known."""
        return self._key.public_key()

    def sign(self, message: bytes, digest: str = "sha-256", *, pss: bool = False) -> bytes:
        """The signature of ``message`` by the digest of that name in the table of algorithms.

        RSASSA-PKCS1-v1_5 (RFC 8017 §8.2), RSASSA-PSS with a salt as long as the digest
        (RFC 8017 §8.1) when ``pss``, ECDSA (RFC 3279 §2.2.3), or Ed25519 (RFC 8410), which has its
        own digest. Raises :class:`AlgorithmRefused` when the key cannot sign so.
        """
        key, used = self._key, HASHES[digest]
        if isinstance(key, rsa.RSAPrivateKey):
            scheme = padding.PSS(padding.MGF1(used), used.digest_size) if pss else _PKCS1
            return key.sign(message, scheme, used)
        if isinstance(key, ec.EllipticCurvePrivateKey) and not pss:
            return key.sign(message, ec.ECDSA(used))
        if isinstance(key, ed25519.Ed25519PrivateKey) and not pss:
            return key.sign(message)
        raise AlgorithmRefused(f"{self.kind} does not sign{' by PSS' if pss else ''}")

    def unwrap(
        self,
        ciphertext: bytes,
        transport: Literal["pkcs1", "oaep"] = "pkcs1",
        digest: str = "sha-256",
        mgf_digest: str | None = None,
        label: bytes = b"",
    ) -> bytes:
        """RSAES-PKCS1-v1_5 (RFC 8017 §7.2.2) or RSAES-OAEP (RFC 8017 §7.1.2).

        ``digest``, ``mgf_digest`` (the same when None) and ``label`` are OAEP's. Raises ValueError,
        always the same, whatever failed.
        The caller must treat a failure and a wrong result alike: OpenSSL answers bad padding of
        PKCS #1 with random octets (implicit rejection), so that telling them apart is no oracle.
        """
        scheme: padding.AsymmetricPadding = _PKCS1
        if transport == "oaep":
            mask = padding.MGF1(KEY_HASHES[mgf_digest or digest])
            scheme = padding.OAEP(mask, KEY_HASHES[digest], label or None)
        try:
            if isinstance(self._key, rsa.RSAPrivateKey):
                return self._key.decrypt(ciphertext, scheme)
        except ValueError:
            pass
        raise ValueError("decryption failed") from None

    def derive(self, peer: bytes) -> bytes:
        """The secret shared with the holder of another key of the same curve.

        ``peer`` is the other's public key: a point (SEC 1 §2.3.3, also compressed) for ECDH
        (RFC 5753 §3.1), 32 octets for X25519 (RFC 7748 §6.1). NIST curves have cofactor 1, so that
        standard and cofactor ECDH are the same. Raises ValueError, always the same.
        """
        key = self._key
        try:
            if isinstance(key, ec.EllipticCurvePrivateKey):
                point = ec.EllipticCurvePublicKey.from_encoded_point(key.curve, peer)
                return key.exchange(ec.ECDH(), point)
            if isinstance(key, x25519.X25519PrivateKey):
                return key.exchange(x25519.X25519PublicKey.from_public_bytes(peer))
        except ValueError:
            pass
        raise ValueError("agreement failed") from None

    def sign_certificate(self, builder: x509.CertificateBuilder) -> x509.Certificate:
        """Issue a certificate, signed with the digest that goes with the key."""
        return builder.sign(self._issuing(), self._issuing_hash())

    def sign_crl(self, builder: x509.CertificateRevocationListBuilder) -> bytes:
        """Issue a revocation list in DER, signed with the digest that goes with the key."""
        signed = builder.sign(self._issuing(), self._issuing_hash())
        return signed.public_bytes(serialization.Encoding.DER)

    def sign_request(self, builder: x509.CertificateSigningRequestBuilder) -> bytes:
        """A request for a certificate in DER (RFC 2986), signed as certificates are."""
        signed = builder.sign(self._issuing(), self._issuing_hash())
        return signed.public_bytes(serialization.Encoding.DER)

    def _issuing(
        self,
    ) -> rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey:
        if isinstance(self._key, x25519.X25519PrivateKey):
            raise AlgorithmRefused("x25519 does not sign")
        return self._key

    def _issuing_hash(self) -> hashes.SHA256 | hashes.SHA384 | hashes.SHA512 | None:
        if isinstance(self._key, ed25519.Ed25519PrivateKey):
            return None
        return _ISSUING_HASHES.get(self.kind, HASHES["sha-256"])

    def sealed(self, seal: Callable[[bytes], bytes]) -> bytes:
        """The key as PKCS#8 (RFC 5958), sealed by ``seal``: the only form in which it is stored."""
        return seal(
            self._key.private_bytes(
                serialization.Encoding.DER,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )


def load_pkcs12(bundle: bytes, password: bytes) -> tuple[PrivateKey, tuple[x509.Certificate, ...]]:
    """The key of a PKCS #12 file (RFC 7292) and its certificates, the key's own first.

    Raises :class:`PrivateKeyNotFound` when the password does not open it or the key or its
    certificate is missing.
    """
    try:
        found = pkcs12.load_pkcs12(bundle, password)
        others = tuple(each.certificate for each in found.additional_certs)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise PrivateKeyNotFound("no PKCS #12 file that this password opens") from None
    if found.key is None or found.cert is None:
        raise PrivateKeyNotFound("no private key with its certificate in the PKCS #12 file")
    return PrivateKey._checked(found.key), (found.cert.certificate, *others)


class Signer:
    """A key with its certificate and the issuers up to, not including, the trust anchor.

    Keep it and use it again: what of its signatures never changes is assembled once per instance.
    Raises :class:`PrivateKeyNotFound` when the key is not the certificate's.
    """

    __slots__ = ("__weakref__", "certificate", "chain", "fingerprint", "key")

    def __init__(
        self,
        key: PrivateKey,
        certificate: x509.Certificate,
        chain: tuple[x509.Certificate, ...] = (),
    ) -> None:
        if certificate.public_key() != key.public_key:
            raise PrivateKeyNotFound("the key does not belong to the certificate")
        self.key = key
        self.certificate = certificate
        self.chain = chain
        self.fingerprint = fingerprint(certificate)
