"""Public keys found outside of certificates: read within bounds, and one signature checked."""

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from certs import published
from certs.algorithms import MAX_RSA_BITS
from certs.errors import AlgorithmRefused, SignatureRejected
from certs.keyring import PrivateKey

OCTETS = b"what was signed"


@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
def test_a_signature_counts_for_its_octets_only(kind: published.Kind) -> None:
    key = PrivateKey.generate("rsa-2048" if kind == "rsa" else "ed25519")
    encoded = published.to_der(key.public_key)
    found = published.read(kind, encoded if kind == "rsa" else encoded[-32:])
    assert (found.kind, found.bits) == (kind, 2048 if kind == "rsa" else 256)
    found.verify(key.sign(OCTETS), OCTETS)
    for signature, octets in ((key.sign(OCTETS), b"other"), (b"", OCTETS), (bytes(256), OCTETS)):
        with pytest.raises(SignatureRejected):
            found.verify(signature, octets)


def test_an_rsa_key_without_its_wrapping_is_read() -> None:
    key = rsa.RSAPublicNumbers(65537, (1 << 2047) + 1).public_key()
    bare = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.PKCS1)
    assert published.read("rsa", bare).bits == 2048


@pytest.mark.parametrize(
    ("kind", "octets"),
    [
        ("rsa", b""),
        ("rsa", b"\x30\x00"),
        ("rsa", published.to_der(PrivateKey.generate("p256").public_key)),
        ("rsa", bytes(published.MAX_OCTETS + 1)),
        ("ed25519", bytes(31)),
        ("ed25519", bytes(33)),
    ],
    ids=["nothing", "empty", "of another kind", "too long", "too short", "one too many"],
)
def test_what_is_no_such_key_is_refused(kind: published.Kind, octets: bytes) -> None:
    with pytest.raises(AlgorithmRefused):
        published.read(kind, octets)


def test_a_key_too_big_to_use_is_refused() -> None:
    def spki(bits: int) -> bytes:
        key = rsa.RSAPublicNumbers(65537, (1 << (bits - 1)) + 1).public_key()
        return published.to_der(key)

    assert published.read("rsa", spki(MAX_RSA_BITS)).bits == MAX_RSA_BITS
    with pytest.raises(AlgorithmRefused):
        published.read("rsa", spki(MAX_RSA_BITS + 8))
