"""A small PKI of invented people, made once per run, for the tests of ``certs``."""

from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from certs.anchors import Anchors
from certs.certificate import Certificate
from certs.issuing.issue import Authority
from certs.issuing.profiles import can_do
from certs.keyring import PrivateKey, Signer
from certs.usage import Purpose, Usage

NOW = datetime(2026, 11, 22, 8, 30, 15, tzinfo=UTC)
ADDRESS = "claire.martin@medecin.example"


@cache
def authority() -> Authority:
    return Authority.create("Autorité d'essai", "p256", NOW - timedelta(days=30), 10)


@cache
def anchors() -> Anchors:
    return Anchors({purpose: (authority().root,) for purpose in Purpose})


_kept: dict[tuple[str, int], tuple[PrivateKey, Certificate, Signer]] = {}


def _person(kind: str, number: int) -> tuple[PrivateKey, Certificate, Signer]:
    if (kind, number) not in _kept:
        private = PrivateKey.generate(kind)
        mine = issue(private)
        signs = Signer(private, mine, authority().chain)
        _kept[kind, number] = private, mine, signs
    return _kept[kind, number]


def issue(
    private: PrivateKey, usage: Usage = Usage.BOTH, address: str = ADDRESS, days: int = 365
) -> Certificate:
    able = usage & can_do(private.public_key)
    return authority().issue_mailbox(address, "Claire Martin", private.public_key, able, NOW, days)


def key(kind: str = "rsa-2048", number: int = 0) -> PrivateKey:
    return _person(kind, number)[0]


def certificate(kind: str = "rsa-2048", number: int = 0) -> Certificate:
    return _person(kind, number)[1]


def signer(kind: str = "rsa-2048", number: int = 0) -> Signer:
    return _person(kind, number)[2]


def self_signed(
    private, *, hash_algorithm=None, names=(ADDRESS,), extended=ExtendedKeyUsageOID.EMAIL_PROTECTION
):
    """A certificate that the product would not issue: any key, any digest."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Ailleurs")])
    public = private.public_key()
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=300))
        .add_extension(x509.ExtendedKeyUsage([extended]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(
            x509.SubjectAlternativeName([x509.RFC822Name(each) for each in names]), critical=False
        )
    )
    return builder.sign(private, hash_algorithm)


@cache
def weak_rsa() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=1024)


@cache
def small_exponent_rsa() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=3, key_size=2048)


SHA256 = hashes.SHA256()
