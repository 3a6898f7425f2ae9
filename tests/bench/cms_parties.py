"""Keys, certificates and contents that the benchmarks of S/MIME work on."""

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from certs.certificate import Certificate
from certs.issuing.issue import Authority
from certs.keyring import KeyKind, PrivateKey, Signer
from certs.usage import Usage

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)

RawKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@dataclass(frozen=True, slots=True)
class Holder:
    """A key of ours, and the same key bare."""

    kind: KeyKind
    raw: RawKey
    key: PrivateKey
    certificate: Certificate
    signer: Signer


def holder(kind: KeyKind) -> Holder:
    """A new key, RSA or P-256, with its certificate."""
    raw: RawKey = (
        ec.generate_private_key(ec.SECP256R1())
        if kind == "p256"
        else rsa.generate_private_key(65537, int(kind.removeprefix("rsa-")))
    )
    key = PrivateKey(raw)
    authority = Authority.create("Autorité de mesure", "p256", NOW - timedelta(days=1), 5)
    certificate = authority.issue_mailbox(
        "mesure@medecin.example", "Mesure", key.public_key, Usage.BOTH, NOW, 300
    )
    return Holder(kind, raw, key, certificate, Signer(key, certificate, authority.chain))


def content(octets: int) -> bytes:
    """The same octets at each call; nothing depends on what they say."""
    return random.Random(4).randbytes(octets)
