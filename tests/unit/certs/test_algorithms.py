import pytest
from asn1crypto import core
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa, x25519

from certs import algorithms
from certs.algorithms import TABLE, Kind, accepted, accepted_key, accepted_receiver, named
from certs.errors import AlgorithmRefused
from tests.unit.certs import pki


def test_the_table_is_consistent():
    assert len({row.name for row in TABLE}) == len(TABLE)
    assert len({(row.kind, row.oid) for row in TABLE}) == len(TABLE)
    for row in TABLE:
        assert row.accept or not row.produce, row.name
        assert (row.refused_since is None) == row.accept, row.name
        assert row.reference.startswith("RFC "), row.name
        assert named(row.name) is row


def test_every_kind_produces_something():
    assert {row.kind for row in TABLE if row.produce} == set(Kind)


def test_every_accepted_digest_can_be_computed():
    names = {row.name for row in TABLE if row.kind is Kind.DIGEST and row.accept}
    assert set(algorithms.HASHES) == names


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
def test_a_row_is_found_by_its_identifier_and_refused_when_it_must(row):
    oid = core.ObjectIdentifier(row.oid).dump()
    if row.accept:
        assert accepted(row.kind, oid) is row
    else:
        with pytest.raises(AlgorithmRefused, match=row.name):
            accepted(row.kind, oid)


def test_an_algorithm_is_not_accepted_for_another_use():
    with pytest.raises(AlgorithmRefused, match="unknown"):
        accepted(Kind.DIGEST, core.ObjectIdentifier(named("rsa-pss").oid).dump())


@pytest.mark.parametrize(
    "key",
    [
        lambda: pki.key("rsa-2048").public_key,
        lambda: ec.generate_private_key(ec.SECP256R1()).public_key(),
        lambda: ec.generate_private_key(ec.SECP384R1()).public_key(),
        lambda: ec.generate_private_key(ec.SECP521R1()).public_key(),
        lambda: ed25519.Ed25519PrivateKey.generate().public_key(),
        lambda: x25519.X25519PrivateKey.generate().public_key(),
    ],
)
def test_strong_keys_are_accepted(key):
    public = key()
    assert accepted_key(public) is public


def public_rsa(bits, exponent=65537):
    return rsa.RSAPublicNumbers(exponent, (1 << bits - 1) | 1).public_key()


@pytest.mark.parametrize(
    ("bits", "good"), [(2047, False), (2048, True), (8192, True), (8193, False)]
)
def test_the_size_of_rsa_has_two_edges(bits, good):
    if good:
        assert accepted_key(public_rsa(bits))
    else:
        with pytest.raises(AlgorithmRefused, match=f"{bits} bits"):
            accepted_key(public_rsa(bits))


@pytest.mark.parametrize(
    ("key", "cause"),
    [
        (lambda: public_rsa(2048, 65535), "exponent"),
        (lambda: pki.small_exponent_rsa().public_key(), "exponent"),
        (lambda: ec.generate_private_key(ec.SECP256K1()).public_key(), "curve"),
        (lambda: ed448.Ed448PrivateKey.generate().public_key(), "unknown"),
        (lambda: None, "unknown"),
    ],
)
def test_other_keys_are_refused(key, cause):
    with pytest.raises(AlgorithmRefused, match=cause):
        accepted_key(key())


def test_only_keys_that_can_receive_are_recipients():
    for kind in ("rsa-2048", "p256", "p384", "p521", "x25519"):
        public = pki.key(kind).public_key
        assert accepted_receiver(public) is public
    for key in (pki.key("ed25519").public_key, pki.weak_rsa().public_key()):
        with pytest.raises(AlgorithmRefused):
            accepted_receiver(key)


def test_every_accepted_cipher_and_wrap_has_a_key_size():
    kinds = (Kind.CONTENT_ENCRYPTION, Kind.AUTHENTICATED_ENCRYPTION, Kind.KEY_WRAP)
    names = {row.name for row in TABLE if row.kind in kinds and row.accept}
    assert set(algorithms.KEY_OCTETS) == names


def test_sha_1_is_left_where_no_collision_helps_and_never_produced():
    accepted_still = {row.name for row in TABLE if row.name.endswith("sha-1") and row.accept}
    assert accepted_still == {"ecdh-std-sha-1", "ecdh-cofactor-sha-1"}
    assert not any(row.produce for row in TABLE if row.name.endswith("sha-1"))
    assert set(algorithms.KEY_HASHES) - set(algorithms.HASHES) == {"sha-1"}
