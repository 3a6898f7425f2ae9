"""People whose keys and certificates other programs can read: what the judges of CMS work with.

Made with ``cryptography`` and not with our own issuer, so that a judge disagrees with one thing
only: the message. Programs judge by their own clock, so that the certificates began a day ago.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, x25519
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from certs.keyring import PrivateKey, Signer

PASSWORD = b"essai"
"""Of the PKCS#12 files."""

_Drawn = (
    rsa.RSAPrivateKey
    | ec.EllipticCurvePrivateKey
    | ed25519.Ed25519PrivateKey
    | x25519.X25519PrivateKey
)
_DRAWN: dict[str, Callable[[], _Drawn]] = {
    "rsa-2048": lambda: rsa.generate_private_key(65537, 2048),
    "rsa-3072": lambda: rsa.generate_private_key(65537, 3072),
    "p256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "p384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "p521": lambda: ec.generate_private_key(ec.SECP521R1()),
    "ed25519": ed25519.Ed25519PrivateKey.generate,
    "x25519": x25519.X25519PrivateKey.generate,
}


class Refused(AssertionError):
    """A judge says no; the text is its own."""


@dataclass(frozen=True)
class Party:
    """Somebody with a key: as files for programs, as our own values for us."""

    name: str
    kind: str
    key_file: Path
    certificate_file: Path
    certificate: x509.Certificate

    @property
    def address(self) -> str:
        """The rfc822Name of the certificate."""
        return f"{self.name}@medecin.example"

    @cached_property
    def key(self) -> PrivateKey:
        """The key behind our own interface."""
        return PrivateKey.load_pem(self.key_file)

    @cached_property
    def signer(self) -> Signer:
        """The key with its certificate; nothing stands between it and the root."""
        return Signer(self.key, self.certificate)

    def pkcs12(self) -> bytes:
        """Key and certificate under :data:`PASSWORD`, another salt at each call.

        In the old protection: gpgsm 2.2 and NSS 3.87 read no other.
        """
        private = serialization.load_pem_private_key(self.key_file.read_bytes(), None)
        assert isinstance(private, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)
        encryption = (
            serialization.PrivateFormat.PKCS12.encryption_builder()
            .kdf_rounds(2000)
            .key_cert_algorithm(pkcs12.PBES.PBESv1SHA1And3KeyTripleDESCBC)
            .hmac_hash(hashes.SHA1())
            .build(PASSWORD)
        )
        name = self.name.encode()
        return pkcs12.serialize_key_and_certificates(
            name, private, self.certificate, None, encryption
        )


class Circle:
    """A root and the parties that it issued for, each drawn at first use and kept in ``folder``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._root_key = rsa.generate_private_key(65537, 2048)
        self._since = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Racine croisee")])
        self.root = self._signed(
            self._builder(name, name, self._root_key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(_usage("key_cert_sign", "crl_sign"), critical=True)
        )
        self.root_file = folder / "root.pem"
        self.root_file.write_bytes(self.root.public_bytes(serialization.Encoding.PEM))
        self._parties: dict[str, Party] = {}

    def party(self, name: str) -> Party:
        """``name`` is a kind of key, or a kind and a number after a plus: ``rsa-2048+2``."""
        if name not in self._parties:
            self._parties[name] = self._made(name, name.partition("+")[0])
        return self._parties[name]

    def _made(self, name: str, kind: str) -> Party:
        private = _DRAWN[kind]()
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        address = f"{name}@medecin.example"
        certificate = self._signed(
            self._builder(subject, self.root.subject, private)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(*_USAGES[kind]), critical=True)
            .add_extension(
                x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False
            )
            .add_extension(x509.SubjectAlternativeName([x509.RFC822Name(address)]), critical=False)
        )
        return self._written(name, kind, private, certificate)

    def _written(
        self, name: str, kind: str, private: _Drawn, certificate: x509.Certificate
    ) -> Party:
        key_file = self.folder / f"{name}.key"
        key_file.write_bytes(
            private.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        certificate_file = self.folder / f"{name}.pem"
        certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        return Party(name, kind, key_file, certificate_file, certificate)

    def _builder(
        self, subject: x509.Name, issuer: x509.Name, private: _Drawn
    ) -> x509.CertificateBuilder:
        public = private.public_key()
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(self._since)
            .not_valid_after(self._since + timedelta(days=30))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._root_key.public_key()),
                critical=False,
            )
        )

    def _signed(self, builder: x509.CertificateBuilder) -> x509.Certificate:
        return builder.sign(self._root_key, hashes.SHA256())


_USAGES: dict[str, Sequence[str]] = {
    **dict.fromkeys(("rsa-2048", "rsa-3072"), ("digital_signature", "key_encipherment")),
    **dict.fromkeys(("p256", "p384", "p521"), ("digital_signature", "key_agreement")),
    "ed25519": ("digital_signature",),
    "x25519": ("key_agreement",),
}

_BITS = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)


def _usage(*bits: str) -> x509.KeyUsage:
    return x509.KeyUsage(**{bit: bit in bits for bit in _BITS})
