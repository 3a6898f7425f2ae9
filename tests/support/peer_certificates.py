"""Certificates of other operators' servers, right and wrong in every way (reliability T5)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from certs.certificate import Certificate

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
CLIENT, SERVER = ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH
DAY = timedelta(days=1)


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


def key_usage(*bits: str) -> x509.KeyUsage:
    """A key usage with these bits of the nine."""
    return x509.KeyUsage(**{name: name in bits for name in _BITS})


@dataclass(frozen=True)
class Shape:
    """What one certificate says; the defaults are those of a good one."""

    hosts: Sequence[str] = ("mx.ville.example",)
    other_names: Sequence[x509.GeneralName] = ()
    common_name: str = "mx.ville.example"
    usages: Sequence[ObjectIdentifier] | None = (CLIENT, SERVER)
    bits: Sequence[str] = ("digital_signature",)
    days: tuple[int, int] = (-10, 30)
    is_authority: bool = False
    rsa_bits: int = 0
    more: Sequence[tuple[x509.ExtensionType, bool]] = ()


@dataclass(frozen=True, eq=False)
class Maker:
    """An authority of the tests: whatever is asked of it, it signs."""

    name: str
    now: datetime
    above: "Maker | None" = None
    limits: x509.NameConstraints | None = None
    key: Key = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    @cached_property
    def certificate(self) -> Certificate:
        more = [] if self.limits is None else [(self.limits, True)]
        shape = Shape(
            hosts=(),
            common_name=self.name,
            usages=None,
            bits=("key_cert_sign", "crl_sign"),
            days=(-100, 1000),
            is_authority=True,
            more=more,
        )
        return (self.above or self).sign(shape, self.key, is_root=self.above is None)

    def sign(self, shape: Shape, key: Key | None = None, *, is_root: bool = False) -> Certificate:
        """A certificate of that shape; of a new key unless one is given."""
        if key is None:
            key = (
                rsa.generate_private_key(65537, shape.rsa_bits)
                if shape.rsa_bits
                else ec.generate_private_key(ec.SECP256R1())
            )
        names = [*(x509.DNSName(host) for host in shape.hosts), *shape.other_names]
        first, last = (self.now + each * DAY for each in shape.days)
        builder = (
            x509.CertificateBuilder()
            .subject_name(_name(shape.common_name))
            .issuer_name(_name(self.name))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(first)
            .not_valid_after(last)
            .add_extension(x509.BasicConstraints(shape.is_authority, None), critical=True)
            .add_extension(key_usage(*shape.bits), critical=True)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
            )
        )
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        if shape.usages is not None:
            builder = builder.add_extension(x509.ExtendedKeyUsage(shape.usages), critical=False)
        for extension, is_critical in shape.more:
            builder = builder.add_extension(extension, critical=is_critical)
        return builder.sign(key if is_root else self.key, hashes.SHA256())

    def self_signed(self, shape: Shape) -> Certificate:
        """A certificate of that shape that vouches for itself."""
        key = ec.generate_private_key(ec.SECP256R1())
        return Maker(shape.common_name, self.now, key=key).sign(shape, key, is_root=True)

    def crl(self, *revoked: Certificate, days: tuple[int, int] = (-1, 7)) -> bytes:
        """The list of what this authority took back, fresh unless said otherwise."""
        first, last = (self.now + each * DAY for each in days)
        identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(_name(self.name))
            .last_update(first)
            .next_update(last)
            .add_extension(identifier, critical=False)
            .add_extension(x509.CRLNumber(1), critical=False)
        )
        for each in revoked:
            line = (
                x509.RevokedCertificateBuilder()
                .serial_number(each.serial_number)
                .revocation_date(self.now - DAY)
                .build()
            )
            builder = builder.add_revoked_certificate(line)
        return builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
