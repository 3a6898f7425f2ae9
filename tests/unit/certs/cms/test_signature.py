import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ed25519

from certs import algorithms
from certs.cms import signature
from certs.cms.der import Reader
from certs.errors import AlgorithmRefused
from tests.unit.certs import pki
from tests.unit.certs.cms import altered_algorithms
from tests.unit.certs.cms import recipes as m

DIGESTS = ["sha-256", "sha-384", "sha-512"]


def scheme_of(name, digest):
    parameters = signature.pss_parameters(digest) if name == "rsa-pss" else b""
    return signature.accepted_signature(m.oid(algorithms.named(name).oid), parameters, digest)


@pytest.mark.parametrize("name", DIGESTS)
def test_the_parameters_we_write_are_those_we_read(name):
    digest = algorithms.named(name)
    parameters = signature.pss_parameters(digest)
    salt = algorithms.HASHES[name].digest_size
    assert parameters == m.pss_parameters(digest.oid, digest.oid, salt)
    assert scheme_of("rsa-pss", digest) == (algorithms.named("rsa-pss"), salt)


@pytest.mark.parametrize("name", DIGESTS)
@pytest.mark.parametrize(
    ("kind", "scheme"), [("rsa-2048", "rsa-pss"), ("rsa-2048", "rsa-pkcs1-v1.5"), ("p256", "ecdsa")]
)
def test_a_signature_of_the_keyring_is_right_and_of_nothing_else(name, kind, scheme):
    key, digest = pki.key(kind), algorithms.named(name)
    value = key.sign(b"message", name, pss=scheme == "rsa-pss")
    said = scheme_of(f"ecdsa-{name}" if scheme == "ecdsa" else scheme, digest)
    signature.check(key.public_key, said, digest, value, b"message")
    with pytest.raises(InvalidSignature):
        signature.check(key.public_key, said, digest, value, b"massage")


@pytest.mark.parametrize("name", [*DIGESTS[:2], "sha-512"])
def test_ed25519_goes_with_sha_512_only(name):
    digest = algorithms.named(name)
    if name == "sha-512":
        assert scheme_of("ed25519", digest) == (algorithms.named("ed25519"), 0)
    else:
        with pytest.raises(AlgorithmRefused):
            scheme_of("ed25519", digest)


@pytest.mark.parametrize("sign", [0, 0x80])
@pytest.mark.parametrize("y", sorted(signature._SMALL_ORDER))
def test_no_point_of_small_order_is_a_key(y, sign):
    encoded = bytearray(y.to_bytes(32, "little"))
    encoded[31] |= sign
    public = ed25519.Ed25519PublicKey.from_public_bytes(bytes(encoded))
    model = m.der_of(pki.certificate("p256"))
    certificate = m.certificate_like(model, public, m.valid().key)
    with pytest.raises(AlgorithmRefused):
        signature.accepted_key(m.x509.load_der_x509_certificate(certificate))


def test_an_honest_key_of_that_curve_is_one():
    _, certificate = m.own_ed25519()
    found = signature.accepted_key(m.x509.load_der_x509_certificate(certificate))
    assert isinstance(found, ed25519.Ed25519PublicKey)


def restricted_to(parameters, said, salt):
    certificate = m.x509.load_der_x509_certificate(altered_algorithms._pss_key(parameters))
    scheme = algorithms.named("rsa-pss"), salt
    signature.check_restriction(certificate, scheme, algorithms.named(said))


@pytest.mark.parametrize("salt", [32, 40])
def test_a_key_for_pss_signs_as_it_says(salt):
    restricted_to(m.pss_parameters(m.SHA256, m.SHA256, 32), "sha-256", salt)
    restricted_to(None, "sha-256", 0)
    restricted_to(None, "sha-512", salt)


@pytest.mark.parametrize(("said", "salt"), [("sha-256", 31), ("sha-512", 64)])
def test_a_key_for_pss_signs_not_otherwise(said, salt):
    with pytest.raises(AlgorithmRefused):
        restricted_to(m.pss_parameters(m.SHA256, m.SHA256, 32), said, salt)


def test_an_identifier_is_read_with_its_parameters():
    for parameters in (b"", m.NULL, m.seq(m.NULL)):
        found = signature.algorithm_identifier(Reader(m.algorithm("1.2.3", parameters)))
        assert found == (m.oid("1.2.3"), parameters)
