import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa

from certs.certificate import from_der, to_der
from certs.cms import der
from certs.memory import Memory
from certs.validation import vouching
from certs.validation.link import link_of
from certs.validation.vouching import is_known, vouches
from tests.unit.certs import pki
from tests.unit.certs.lists import DAY, name

SHA256 = hashes.SHA256()


def signed(key, digest=SHA256, scheme=None):
    """A certificate of the key, signed by the key."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(name("Racine"))
        .issuer_name(name("Racine"))
        .public_key(key.public_key())
        .serial_number(5)
        .not_valid_before(pki.NOW)
        .not_valid_after(pki.NOW + DAY)
    )
    return builder.sign(key, digest, rsa_padding=scheme)


def vouches_for_itself(*arguments):
    link = link_of(signed(*arguments))
    return vouches(link, link)


@pytest.fixture(scope="module")
def rsa_key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pss(mask, salt=32):
    return padding.PSS(padding.MGF1(mask), salt)


@pytest.mark.parametrize(
    ("scheme", "digest", "good"),
    [
        (padding.PKCS1v15(), SHA256, True),
        (padding.PKCS1v15(), hashes.SHA384(), True),
        (padding.PKCS1v15(), hashes.SHA512(), True),
        (padding.PKCS1v15(), hashes.SHA224(), False),
        (pss(SHA256), SHA256, True),
        (pss(hashes.SHA512(), 64), hashes.SHA512(), True),
        (pss(hashes.SHA512()), SHA256, False),
    ],
)
def test_rsa_signs_by_what_the_table_accepts(rsa_key, scheme, digest, good):
    assert vouches_for_itself(rsa_key, digest, scheme) is good


@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()])
def test_elliptic_curves_sign(curve):
    assert vouches_for_itself(ec.generate_private_key(curve), hashes.SHA384())


def test_ed25519_signs():
    assert vouches_for_itself(ed25519.Ed25519PrivateKey.generate(), None)


def test_other_keys_do_not():
    assert not vouches_for_itself(ed448.Ed448PrivateKey.generate(), None)
    assert not vouches_for_itself(ec.generate_private_key(ec.SECP256K1()))
    assert not vouches_for_itself(pki.weak_rsa())


def test_a_key_of_another_kind_does_not(rsa_key):
    elliptic, edwards = (
        ec.generate_private_key(ec.SECP256R1()),
        ed25519.Ed25519PrivateKey.generate(),
    )
    links = [link_of(signed(rsa_key)), link_of(signed(elliptic)), link_of(signed(edwards, None))]
    assert [[vouches(one, other) for other in links] for one in links] == [
        [True, False, False],
        [False, True, False],
        [False, False, True],
    ]


def test_the_two_names_of_the_algorithm_must_agree():
    key = ec.generate_private_key(ec.SECP256R1())
    encoded = to_der(signed(key))
    before, _, after = encoded.partition(der.oid("1.2.840.10045.4.3.2"))
    altered = link_of(from_der(before + der.oid("1.2.840.10045.4.3.3") + after))
    assert not altered.is_consistent
    assert not vouches(link_of(signed(key)), altered)


def test_only_what_was_true_is_remembered(monkeypatch):
    kept = Memory(10)
    monkeypatch.setattr(vouching, "_TRUE", kept)
    one, other = (link_of(signed(ec.generate_private_key(ec.SECP256R1()))) for _ in range(2))
    assert not vouches(other, one)
    assert len(kept) == 0 and not is_known(one, one)
    assert vouches(one, one)
    assert len(kept) == 1 and is_known(one, one) and not is_known(other, one)
