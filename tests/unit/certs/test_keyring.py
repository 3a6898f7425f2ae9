import copy
import pickle

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, x25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, pkcs12

from certs.errors import AlgorithmRefused, CannotOpen, PrivateKeyNotFound
from certs.issuing.issue import Authority
from certs.keyring import PrivateKey, Signer, load_pkcs12
from certs.sealing import RootKey, Sealing
from tests.unit.certs import pki

PKCS8 = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8)


def account():
    sealing = Sealing(RootKey(b"r" * 32))
    slot = sealing.new_slot_key(1)
    return sealing.account(1, slot, sealing.new_account_key(1, slot, 2), 2)


KINDS = ("rsa-2048", "p256", "p384", "p521", "ed25519", "x25519")
SHA = {"sha-256": hashes.SHA256(), "sha-384": hashes.SHA384(), "sha-512": hashes.SHA512()}


def test_kinds_are_made_as_asked():
    for kind in (*KINDS, "rsa-3072"):
        assert pki.key(kind).kind == kind
        assert pki.key(kind).elliptic is (kind in ("p256", "p384", "p521"))
    assert pki.key("rsa-2048").public_key.public_numbers().e == 65537


@pytest.mark.parametrize("digest", SHA)
def test_what_it_signs_its_public_key_verifies(digest):
    used = SHA[digest]
    key = pki.key("rsa-2048")
    key.public_key.verify(key.sign(b"message", digest), b"message", padding.PKCS1v15(), used)
    salted = key.sign(b"message", digest, pss=True)
    scheme = padding.PSS(padding.MGF1(used), used.digest_size)
    key.public_key.verify(salted, b"message", scheme, used)
    for kind in ("p256", "p384", "p521"):
        key = pki.key(kind)
        key.public_key.verify(key.sign(b"message", digest), b"message", ec.ECDSA(used))
    key = pki.key("ed25519")
    key.public_key.verify(key.sign(b"message", digest), b"message")


def test_sha_256_unless_another_digest_is_asked():
    key = pki.key("rsa-2048")
    assert key.sign(b"message") == key.sign(b"message", "sha-256")


@pytest.mark.parametrize(
    ("kind", "pss"), [("x25519", False), ("x25519", True), ("p256", True), ("ed25519", True)]
)
def test_a_key_signs_only_by_its_own_algorithm(kind, pss):
    with pytest.raises(AlgorithmRefused, match=kind):
        pki.key(kind).sign(b"message", pss=pss)


def test_it_unwraps_what_was_encrypted_for_it():
    key = pki.key("rsa-2048")
    assert key.unwrap(key.public_key.encrypt(b"secret", padding.PKCS1v15())) == b"secret"
    sha_256, sha_1 = hashes.SHA256(), hashes.SHA1()
    plain = key.public_key.encrypt(b"secret", padding.OAEP(padding.MGF1(sha_256), sha_256, None))
    assert key.unwrap(plain, "oaep") == b"secret"
    mixed = key.public_key.encrypt(b"secret", padding.OAEP(padding.MGF1(sha_1), sha_256, b"label"))
    assert key.unwrap(mixed, "oaep", "sha-256", "sha-1", b"label") == b"secret"


def test_a_failed_unwrapping_says_nothing():
    said = set()
    rsa_key = pki.key("rsa-2048")
    for key, *wrong in (
        (rsa_key, b"x"),
        (rsa_key, b""),
        (rsa_key, b"\xff" * 256),
        (rsa_key, b"x" * 256, "oaep"),
        (rsa_key, b"x", "oaep", "sha-1", "sha-512", b"label"),
        (pki.key("p256"), b"x" * 256),
        (pki.key("x25519"), b"x" * 32, "oaep"),
    ):
        with pytest.raises(ValueError, match="failed") as caught:
            key.unwrap(*wrong)
        said.add(str(caught.value))
        assert caught.value.__context__ is None
    assert said == {"decryption failed"}


def test_bad_padding_of_pkcs1_is_no_failure_but_random_octets():
    """Implicit rejection: OpenSSL answers the same wrong octets each time, and never an error."""
    key = pki.key("rsa-2048")
    wrong = b"\x01" * 256
    assert key.unwrap(wrong) == key.unwrap(wrong)


@pytest.mark.parametrize("kind", ["p256", "p384", "p521"])
def test_two_holders_derive_one_secret(kind):
    key, other = pki.key(kind), ec.generate_private_key(pki.key(kind).public_key.curve)
    secret = other.exchange(ec.ECDH(), key.public_key)
    for form in (PublicFormat.UncompressedPoint, PublicFormat.CompressedPoint):
        assert key.derive(other.public_key().public_bytes(Encoding.X962, form)) == secret


def test_two_holders_derive_one_secret_on_x25519():
    key, other = pki.key("x25519"), x25519.X25519PrivateKey.generate()
    point = other.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    assert key.derive(point) == other.exchange(key.public_key)


@pytest.mark.parametrize(
    ("kind", "peer"),
    [
        ("p256", b""),
        ("p256", b"\x00"),
        ("p256", b"\x04" + b"\x01" * 64),
        ("p256", b"\x02" + b"\xff" * 32),
        ("p384", b"\x04" + b"\x01" * 64),
        ("x25519", bytes(32)),
        ("x25519", b"x" * 31),
        ("rsa-2048", b"x" * 32),
        ("ed25519", b"x" * 32),
    ],
)
def test_a_failed_agreement_says_nothing(kind, peer):
    with pytest.raises(ValueError, match="agreement failed") as caught:
        pki.key(kind).derive(peer)
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    ("kind", "digest"),
    [("rsa-2048", "sha256"), ("p256", "sha256"), ("p384", "sha384"), ("p521", "sha512")],
)
def test_what_it_issues_is_signed_with_a_fitting_digest(kind, digest):
    authority = Authority.create("Autorité d'essai", kind, pki.NOW, 10)
    assert authority.root.signature_hash_algorithm.name == digest


def test_an_ed25519_key_issues_and_an_x25519_key_does_not():
    assert Authority.create("Autorité d'essai", "ed25519", pki.NOW, 10).root is not None
    with pytest.raises(AlgorithmRefused):
        pki.key("x25519").sign_certificate(x509.CertificateBuilder())


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_stored_sealed_and_used_again(kind):
    seals = account()
    sealed = pki.key(kind).sealed(lambda clear: seals.seal(clear, b"signing-key"))
    again = PrivateKey.unsealed(sealed, lambda each: seals.open(each, b"signing-key"))
    assert again.public_key == pki.key(kind).public_key
    assert again.kind == kind
    with pytest.raises(CannotOpen):
        PrivateKey.unsealed(sealed, lambda each: seals.open(each, b"encryption-key"))


def test_what_is_no_key_is_not_unsealed():
    with pytest.raises(PrivateKeyNotFound):
        PrivateKey.unsealed(b"nothing", lambda each: each)


def pem_of(key, encryption=None):
    return key.private_bytes(*PKCS8, encryption or serialization.NoEncryption())


def test_a_pem_key_is_loaded_from_bytes_or_file(tmp_path):
    raw = ec.generate_private_key(ec.SECP256R1())
    path = tmp_path / "tls.key"
    path.write_bytes(pem_of(raw))
    for source in (path, pem_of(raw)):
        assert PrivateKey.load_pem(source).public_key == raw.public_key()


@pytest.mark.parametrize(
    "pem",
    [
        lambda: b"",
        lambda: pem_of(ed448.Ed448PrivateKey.generate()),
        lambda: pem_of(ec.generate_private_key(ec.SECP256K1())),
        lambda: pem_of(
            ec.generate_private_key(ec.SECP256R1()), serialization.BestAvailableEncryption(b"x")
        ),
    ],
)
def test_another_pem_is_refused(pem):
    with pytest.raises(PrivateKeyNotFound):
        PrivateKey.load_pem(pem())


def test_a_pem_key_under_a_password_opens_with_it():
    raw = ed25519.Ed25519PrivateKey.generate()
    pem = pem_of(raw, serialization.BestAvailableEncryption(b"secret"))
    assert PrivateKey.load_encrypted_pem(pem, b"secret").public_key == raw.public_key()
    with pytest.raises(PrivateKeyNotFound):
        PrivateKey.load_encrypted_pem(pem, b"other")
    with pytest.raises(PrivateKeyNotFound):
        PrivateKey.load_encrypted_pem(pem_of(raw), b"secret")


def bundle(key, certificate, *others):
    return pkcs12.serialize_key_and_certificates(
        b"name", key, certificate, others, serialization.BestAvailableEncryption(b"secret")
    )


def test_a_pkcs12_file_gives_the_key_with_its_certificate_first():
    raw = ec.generate_private_key(ec.SECP256R1())
    own, other = pki.self_signed(raw, hash_algorithm=pki.SHA256), pki.certificate("p256")
    key, certificates = load_pkcs12(bundle(raw, own, other), b"secret")
    assert key.public_key == raw.public_key()
    assert certificates == (own, other)


@pytest.mark.parametrize("password", [b"secret", b"other"])
def test_another_pkcs12_file_is_refused(password):
    raw = ec.generate_private_key(ec.SECP256R1())
    own = pki.self_signed(raw, hash_algorithm=pki.SHA256)
    files = [b"", bundle(None, None, own)]
    if password == b"other":
        files.append(bundle(raw, own))
    for each in files:
        with pytest.raises(PrivateKeyNotFound):
            load_pkcs12(each, password)


def test_no_key_leaves():
    key = pki.key("p256")
    for leave in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="does not leave"):
            leave(key)
    assert repr(key) == "<PrivateKey p256>"
    offered = {name for name in dir(key) if not name.startswith("_")}
    assert offered == {
        "derive", "elliptic", "generate", "kind", "load_encrypted_pem", "load_pem", "public_key",
        "sealed", "sign", "sign_certificate", "sign_crl", "sign_request", "unsealed", "unwrap",
    }  # fmt: skip


def test_a_signer_needs_the_key_of_its_certificate():
    signer = Signer(pki.key("p256"), pki.certificate("p256"), pki.authority().chain)
    assert signer.chain == pki.authority().chain
    with pytest.raises(PrivateKeyNotFound):
        Signer(pki.key("p256", 1), pki.certificate("p256"))
