import pytest
from asn1crypto import cms

from certs import algorithms, capabilities
from certs.capabilities import (
    CLASSIC,
    MODERN,
    UNKNOWN,
    Capabilities,
    Protection,
    choose,
    encode,
    parse,
    strongest_shared,
)
from certs.errors import AlgorithmRefused, DerMalformed
from tests.unit.certs import pki
from tests.unit.certs.cms import envelopes as e


def value(*dotted):
    return e.seq(*(e.algorithm(each) for each in dotted))


def known(*names):
    return Capabilities(frozenset(names))


def test_ours_say_everything_that_we_open():
    names = parse(encode()).names
    kinds = ("content_encryption", "authenticated_encryption", "key_transport")
    for row in algorithms.TABLE:
        if row.kind.value in kinds:
            assert (row.name in names) is row.accept, row.name
    assert choose(pki.certificate("rsa-2048"), parse(encode())) == MODERN


def test_ours_begin_with_the_strongest_and_another_decoder_reads_them():
    entries = cms.SMIMECapabilites.load(encode(), strict=True)
    assert entries[0]["capability_id"].dotted == e.GCM_256
    found = [each["capability_id"].dotted for each in entries]
    assert found.index(e.OAEP) > found.index(e.CBC_256) > found.index(e.GCM_256)


def test_what_is_unknown_or_refused_is_skipped():
    triple_des, rc2 = "1.2.840.113549.3.7", "1.2.840.113549.3.2"
    encoded = e.seq(
        e.algorithm(triple_des), e.algorithm(rc2, e.integer(128)), e.algorithm("1.2.3.4"),
        e.algorithm(e.CBC_256),
    )  # fmt: skip
    assert parse(encoded) == known("aes-256-cbc")
    assert parse(e.seq()) == UNKNOWN


@pytest.mark.parametrize(
    ("digest", "is_known"), [("2.16.840.1.101.3.4.2.1", True), ("1.3.14.3.2.26", False)]
)
def test_oaep_counts_with_sha_256_only(digest, is_known):
    hashed = e.algorithm(digest)
    parameters = e.seq(e.tagged(0, hashed), e.tagged(1, e.algorithm(e.MGF1, hashed)))
    encoded = e.seq(e.algorithm(e.OAEP, parameters))
    assert ("rsa-oaep" in parse(encoded).names) is is_known


@pytest.mark.parametrize("parameters", [b"", e.seq(), e.NULL, e.octets(b"x")])
def test_other_parameters_of_oaep_promise_nothing(parameters):
    assert parse(e.seq(e.algorithm(e.OAEP, parameters))) == UNKNOWN


def test_a_value_has_two_limits():
    full = [e.CBC_256] * capabilities.MAX_ENTRIES
    assert parse(value(*full)).names == {"aes-256-cbc"}
    with pytest.raises(DerMalformed):
        parse(value(*full, e.CBC_256))
    long = e.seq(e.algorithm("1.2.3", e.octets(b"x" * capabilities.MAX_OCTETS)))
    with pytest.raises(DerMalformed):
        parse(long)


@pytest.mark.parametrize(
    "broken", [b"", e.NULL, e.seq(e.NULL), value(e.CBC_256) + b"\x00", value(e.CBC_256)[:-1]]
)
def test_a_broken_value_is_refused(broken):
    with pytest.raises(DerMalformed):
        parse(broken)


@pytest.mark.parametrize("kind", ["rsa-2048", "p256", "x25519"])
@pytest.mark.parametrize("nothing", [None, UNKNOWN])
def test_to_a_recipient_of_whom_nothing_is_known(kind, nothing):
    assert choose(pki.certificate(kind), nothing) == CLASSIC


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("aes-256-gcm",), Protection("aes-256-gcm", "pkcs1")),
        (("aes-256-gcm", "aes-128-gcm", "rsa-oaep"), MODERN),
        (("aes-128-gcm", "aes-256-cbc"), Protection("aes-128-gcm", "pkcs1")),
        (("aes-128-cbc",), Protection("aes-128-cbc", "pkcs1")),
        (("aes-128-cbc", "aes-256-cbc", "rsa-oaep"), Protection("aes-256-cbc", "oaep")),
        (("aes-192-cbc",), CLASSIC),
        (("ecdh-std-sha-256",), CLASSIC),
    ],
)
def test_the_ladder(names, expected):
    assert choose(pki.certificate("rsa-2048"), known(*names)) == expected


def test_a_key_that_receives_nothing_has_no_protection():
    with pytest.raises(AlgorithmRefused):
        choose(pki.certificate("ed25519"), None)
    weak = pki.self_signed(pki.weak_rsa(), hash_algorithm=pki.SHA256)
    with pytest.raises(AlgorithmRefused):
        choose(weak, known("aes-256-gcm"))


def test_what_several_recipients_open():
    assert strongest_shared([MODERN]) == MODERN
    assert strongest_shared([MODERN, CLASSIC]) == CLASSIC
    mixed = [MODERN, Protection("aes-128-gcm", "oaep")]
    assert strongest_shared(mixed) == Protection("aes-128-gcm", "oaep")
    mixed = [Protection("aes-256-gcm", "pkcs1"), Protection("aes-256-cbc", "oaep")]
    assert strongest_shared(mixed) == CLASSIC
    with pytest.raises(ValueError, match="empty"):
        strongest_shared([])


def test_only_gcm_shows_that_nothing_was_altered():
    assert MODERN.is_authenticated and not CLASSIC.is_authenticated
