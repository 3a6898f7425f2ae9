"""Private keys: made, loaded, used. A key never leaves as bytes, except sealed.

Every use of a private key goes through the few methods of :class:`PrivateKey`, narrow enough for a
hardware token to implement.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Literal, NoReturn

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from certs.certificate import fingerprint
from certs.errors import PrivateKeyNotFound

KeyKind = Literal["rsa-2048", "rsa-3072", "p256"]
PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey

_RSA_BITS: dict[str, int] = {"rsa-2048": 2048, "rsa-3072": 3072}
_SHA256 = hashes.SHA256()
_PKCS1 = padding.PKCS1v15()
_ECDSA = ec.ECDSA(_SHA256)


class PrivateKey:
    """A private key that can be used and not be seen: RSA or P-256."""

    __slots__ = ("_key",)

    def __init__(self, key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> None:
        self._key = key

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key does not leave")

    def __repr__(self) -> str:
        return f"<PrivateKey {self.kind}>"

    @classmethod
    def generate(cls, kind: KeyKind) -> "PrivateKey":
        """Draw a key. RSA-2048 takes about 0.1 s, RSA-3072 several times that, P-256 nothing."""
        if kind == "p256":
            return cls(ec.generate_private_key(ec.SECP256R1()))
        return cls(rsa.generate_private_key(public_exponent=65537, key_size=_RSA_BITS[kind]))

    @classmethod
    def load_pem(cls, source: bytes | Path) -> "PrivateKey":
        """An unencrypted PEM key, as TLS keys are kept; raises :class:`PrivateKeyNotFound`."""
        pem = source.read_bytes() if isinstance(source, Path) else source
        try:
            return cls._checked(serialization.load_pem_private_key(pem, None))
        except (ValueError, TypeError):
            raise PrivateKeyNotFound("no unencrypted PEM private key") from None

    @classmethod
    def unsealed(cls, sealed: bytes, open_: Callable[[bytes], bytes]) -> "PrivateKey":
        """The key that :meth:`sealed` put away; raises what ``open_`` raises."""
        der = open_(sealed)
        try:
            # checked when it was made, and authenticated since by the seal: an RSA key is not
            # tested again, which would cost more than using it
            key = serialization.load_der_private_key(der, None, unsafe_skip_rsa_key_validation=True)
        except (ValueError, TypeError):
            raise PrivateKeyNotFound("the seal does not hold a private key") from None
        return cls._checked(key)

    @classmethod
    def _checked(cls, key: object) -> "PrivateKey":
        if isinstance(key, rsa.RSAPrivateKey):
            return cls(key)
        if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1):
            return cls(key)
        raise PrivateKeyNotFound("neither RSA nor P-256")

    @property
    def kind(self) -> str:
        """``rsa-2048``, ``rsa-3072``, ``p256``… by its size."""
        return "p256" if self.elliptic else f"rsa-{self._key.key_size}"

    @property
    def elliptic(self) -> bool:
        """Whether it signs by ECDSA, and cannot decrypt."""
        return isinstance(self._key, ec.EllipticCurvePrivateKey)

    @property
    def public_key(self) -> PublicKey:
        """The half that may be known."""
        return self._key.public_key()

    def sign(self, message: bytes) -> bytes:
        """Sign with SHA-256: RSASSA-PKCS1-v1_5 (RFC 8017 §8.2) or ECDSA (RFC 3279 §2.2.3)."""
        if isinstance(self._key, rsa.RSAPrivateKey):
            return self._key.sign(message, _PKCS1, _SHA256)
        return self._key.sign(message, _ECDSA)

    def decrypt(self, ciphertext: bytes) -> bytes:
        """RSAES-PKCS1-v1_5 (RFC 8017 §7.2.2). Raises ValueError, always the same.

        The caller must treat a failure and a wrong result alike: OpenSSL answers bad padding with
        random octets (implicit rejection), so that telling them apart is no oracle.
        """
        if not isinstance(self._key, rsa.RSAPrivateKey):
            raise ValueError("decryption failed")
        try:
            return self._key.decrypt(ciphertext, _PKCS1)
        except ValueError:
            raise ValueError("decryption failed") from None

    def sign_certificate(self, builder: x509.CertificateBuilder) -> x509.Certificate:
        """Issue a certificate, signed with SHA-256."""
        return builder.sign(self._key, _SHA256)

    def sign_crl(self, builder: x509.CertificateRevocationListBuilder) -> bytes:
        """Issue a revocation list in DER, signed with SHA-256."""
        return builder.sign(self._key, _SHA256).public_bytes(serialization.Encoding.DER)

    def sealed(self, seal: Callable[[bytes], bytes]) -> bytes:
        """The key as PKCS#8 (RFC 5958), sealed by ``seal``: the only form in which it is stored."""
        return seal(
            self._key.private_bytes(
                serialization.Encoding.DER,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )


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
