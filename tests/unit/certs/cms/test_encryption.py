import os

import pytest

from certs import algorithms
from certs.algorithms import Kind
from certs.cms import encryption
from certs.cms.encryption import Content
from certs.errors import AlgorithmRefused, DerMalformed
from tests.unit.certs.cms import envelopes as e

NAMES = [
    row.name
    for row in algorithms.TABLE
    if row.accept and row.kind in (Kind.CONTENT_ENCRYPTION, Kind.AUTHENTICATED_ENCRYPTION)
]
SIZES = (0, 1, 15, 16, 17, 31, 32, 33, 4096, 70_001)


def sealed(content, key, plain):
    out = bytearray(encryption.sealed_octets(content, len(plain)))
    tag = encryption.seal_into(content, key, plain, memoryview(out))
    return bytes(out), tag


@pytest.mark.parametrize("name", NAMES)
def test_both_ways_of_closing_agree_and_open(name):
    content = encryption.drawn(name)
    key = os.urandom(content.key_octets)
    for size in SIZES:
        plain = os.urandom(size)
        whole, tag = sealed(content, key, plain)
        pieces = [plain[at : at + 1000] for at in range(0, size, 1000)]
        assert encryption.seal_pieces(content, key, pieces)[1] == tag
        assert b"".join(encryption.seal_pieces(content, key, pieces)[0]) == whole
        assert encryption.opened(content, key, [whole], tag, b"") == plain
        parts = [whole[at : at + 777] for at in range(0, len(whole), 777)]
        assert encryption.opened(content, key, parts, tag, b"") == plain


def test_the_ciphers_are_the_ones_they_say():
    cbc = Content(algorithms.named("aes-256-cbc"), e.VECTOR, 0)
    gcm = Content(algorithms.named("aes-256-gcm"), e.NONCE, 16)
    assert sealed(cbc, e.KEY, e.CONTENT) == (e.cbc(), b"")
    assert sealed(gcm, e.KEY, e.CONTENT) == e.gcm()


@pytest.mark.parametrize("name", NAMES)
def test_parameters_are_read_as_they_were_written(name):
    content = encryption.drawn(name)
    outer = encryption.identifier(content)
    oid = e.oid(content.algorithm.oid)
    assert outer == e.seq(oid, parameters := outer[2 + len(oid) :])
    assert encryption.accepted((oid, parameters), content.algorithm.kind) == content


def read(parameters, kind=Kind.AUTHENTICATED_ENCRYPTION, cipher=e.GCM_256):
    return encryption.accepted((e.oid(cipher), parameters), kind)


def test_the_size_of_a_tag_is_12_unless_it_is_said():
    assert read(e.gcm_parameters()).tag_octets == 12
    for octets in range(12, 17):
        assert read(e.gcm_parameters(tag_octets=octets)).tag_octets == octets


@pytest.mark.parametrize("octets", [0, 4, 8, 11, 17, 255])
def test_other_sizes_of_tags_are_refused(octets):
    with pytest.raises(DerMalformed):
        read(e.gcm_parameters(tag_octets=octets))


@pytest.mark.parametrize(("octets", "good"), [(7, False), (8, True), (64, True), (65, False)])
def test_the_size_of_a_nonce_has_two_edges(octets, good):
    if good:
        assert read(e.gcm_parameters(b"n" * octets)).nonce == b"n" * octets
    else:
        with pytest.raises(DerMalformed):
            read(e.gcm_parameters(b"n" * octets))


@pytest.mark.parametrize(
    "parameters",
    [b"", e.NULL, e.octets(e.NONCE), e.seq(), e.gcm_parameters() + e.NULL,
     e.seq(e.octets(e.NONCE), e.integer(16), e.NULL)],
)  # fmt: skip
def test_broken_parameters_of_gcm_are_refused(parameters):
    with pytest.raises(DerMalformed):
        read(parameters)


@pytest.mark.parametrize(
    "parameters", [b"", e.NULL, e.octets(b"v" * 15), e.octets(b"v" * 17), e.octets(e.VECTOR) * 2]
)
def test_broken_parameters_of_cbc_are_refused(parameters):
    with pytest.raises(DerMalformed):
        read(parameters, Kind.CONTENT_ENCRYPTION, e.CBC_256)


def test_neither_cipher_stands_in_for_the_other():
    with pytest.raises(AlgorithmRefused):
        read(e.gcm_parameters(), Kind.CONTENT_ENCRYPTION)
    with pytest.raises(AlgorithmRefused):
        read(e.octets(e.VECTOR), Kind.AUTHENTICATED_ENCRYPTION, e.CBC_256)


def test_a_reserved_buffer_is_filled_and_given_away():
    for octets in (0, 1, 17):
        assert encryption.reserved(octets).getvalue() == bytes(octets)
