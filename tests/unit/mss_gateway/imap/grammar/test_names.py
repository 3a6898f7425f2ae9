"""Modified UTF-7, RFC 3501 §5.1.3."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mss_gateway.imap.grammar import names


@pytest.mark.parametrize(
    ("name", "octets"),
    [
        ("INBOX", b"INBOX"),
        ("Envoyés", b"Envoy&AOk-s"),
        ("A & B", b"A &- B"),
        ("~peter/mail/台北/日本語", b"~peter/mail/&U,BTFw-/&ZeVnLIqe-"),
        ("☺", b"&Jjo-"),
        ("😀", b"&2D3eAA-"),
        ("&é&", b"&-&AOk-&-"),
    ],
)
def test_known_names_agree_both_ways(name: str, octets: bytes) -> None:
    assert names.encode(name) == octets
    assert names.decode(octets) == name


@pytest.mark.parametrize(
    "octets",
    [
        b"&",
        b"&A",
        b"&AGE-",  # an encoded "a"
        b"&AOk-&AOk-",  # a superfluous shift
        b"&AOl-",  # stray bits
        b"&2AA-",  # a lone surrogate
        b"caf\xc3\xa9",
        b"a\x01",
        b"&!-",
    ],
)
def test_anything_but_the_only_encoding_is_refused(octets: bytes) -> None:
    with pytest.raises(names.NotCanonical):
        names.decode(octets)


@given(st.text(st.characters(exclude_categories=("Cs",))))
def test_every_name_survives_the_round_trip(name: str) -> None:
    encoded = names.encode(name)
    assert encoded.isascii()
    assert names.decode(encoded) == name


@given(st.binary(max_size=24))
def test_any_octets_are_a_name_or_refused(octets: bytes) -> None:
    try:
        name = names.decode(octets)
    except names.NotCanonical:
        return
    assert names.encode(name) == octets
