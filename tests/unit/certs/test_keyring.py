import copy
import pickle

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding

from certs.errors import CannotOpen, PrivateKeyNotFound
from certs.keyring import PrivateKey, Signer
from certs.sealing import RootKey, Sealing
from tests.unit.certs import pki

PKCS8 = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8)


def account():
    sealing = Sealing(RootKey(b"r" * 32))
    slot = sealing.new_slot_key(1)
    return sealing.account(1, slot, sealing.new_account_key(1, slot, 2), 2)


def test_kinds_are_made_as_asked():
    assert PrivateKey.generate("p256").kind == "p256"
    assert pki.key("rsa-2048").kind == "rsa-2048"
    assert pki.key("rsa-2048").public_key.public_numbers().e == 65537
    assert PrivateKey.generate("rsa-3072").kind == "rsa-3072"


def test_what_it_signs_its_public_key_verifies():
    rsa_key, ec_key = pki.key("rsa-2048"), pki.key("p256")
    rsa_key.public_key.verify(
        rsa_key.sign(b"message"), b"message", padding.PKCS1v15(), hashes.SHA256()
    )
    ec_key.public_key.verify(ec_key.sign(b"message"), b"message", ec.ECDSA(hashes.SHA256()))


def test_it_decrypts_what_was_encrypted_for_it():
    key = pki.key("rsa-2048")
    assert key.decrypt(key.public_key.encrypt(b"secret", padding.PKCS1v15())) == b"secret"


def test_a_failed_decryption_says_nothing():
    said = set()
    for key, wrong in ((pki.key("rsa-2048"), b"x"), (pki.key("p256"), b"x" * 256)):
        with pytest.raises(ValueError, match="decryption failed") as caught:
            key.decrypt(wrong)
        said.add(str(caught.value))
        assert caught.value.__suppress_context__ or caught.value.__context__ is None
    assert said == {"decryption failed"}


@pytest.mark.parametrize("kind", ["rsa-2048", "p256"])
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
        lambda: pem_of(ed25519.Ed25519PrivateKey.generate()),
        lambda: pem_of(ec.generate_private_key(ec.SECP384R1())),
        lambda: pem_of(
            ec.generate_private_key(ec.SECP256R1()), serialization.BestAvailableEncryption(b"x")
        ),
    ],
)
def test_another_pem_is_refused(pem):
    with pytest.raises(PrivateKeyNotFound):
        PrivateKey.load_pem(pem())


def test_no_key_leaves():
    key = pki.key("p256")
    for leave in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="does not leave"):
            leave(key)
    assert repr(key) == "<PrivateKey p256>"
    offered = {name for name in dir(key) if not name.startswith("_")}
    assert offered == {
        "decrypt", "elliptic", "generate", "kind", "load_pem", "public_key", "sealed", "sign",
        "sign_certificate", "sign_crl", "unsealed",
    }  # fmt: skip


def test_a_signer_needs_the_key_of_its_certificate():
    signer = Signer(pki.key("p256"), pki.certificate("p256"), pki.authority().chain)
    assert signer.chain == pki.authority().chain
    with pytest.raises(PrivateKeyNotFound):
        Signer(pki.key("p256", 1), pki.certificate("p256"))
