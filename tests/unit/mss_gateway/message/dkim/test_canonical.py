"""The forms of a body are dkimpy's, in linear time; the signature's own value is taken out."""

import hashlib

import pytest
from dkim.canonicalization import Relaxed, Simple
from hypothesis import given
from hypothesis import strategies as st

from mss_gateway.message.dkim.canonical import Forms, TagsMalformed, body_hash, split, tags

BODIES = st.lists(st.sampled_from([b" ", b"\t", b"\r\n", b"a", b"b", b"\r", b"\n"])).map(b"".join)


@given(BODIES)
def test_both_forms_of_a_body_are_the_librarys(body: bytes) -> None:
    for form, is_relaxed in ((Relaxed, True), (Simple, False)):
        expected = hashlib.sha256(form.canonicalize_body(body)).digest()
        assert body_hash(body, is_relaxed=is_relaxed) == expected


@pytest.mark.parametrize(
    ("body", "relaxed", "simple"),
    [
        (b"", b"", b"\r\n"),
        (b"\r\n\r\n", b"", b"\r\n"),
        (b" \r\n", b"", b" \r\n"),
        (b"a", b"a\r\n", b"a\r\n"),
        (b" C \r\nD \t E\r\n\r\n\r\n", b" C\r\nD E\r\n", b" C \r\nD \t E\r\n"),
    ],
)
def test_the_examples_of_the_specification(body: bytes, relaxed: bytes, simple: bytes) -> None:
    assert body_hash(body, is_relaxed=True) == hashlib.sha256(relaxed).digest()
    assert body_hash(body, is_relaxed=False) == hashlib.sha256(simple).digest()


def test_fields_keep_their_case_and_the_last_gets_its_end() -> None:
    fields, body = split(b"FROM: a\r\n b\r\nTo:c")
    assert fields == [(b"FROM", b" a\r\n b\r\n"), (b"To", b"c\r\n")]
    assert body == b""


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b" v=1; b=abc\r\n def; s=x\r\n", b"dkim-signature:v=1; b=; s=x"),
        (b" v=1; bh=abc; b = abc\r\n", b"dkim-signature:v=1; bh=abc; b ="),
        (b" v=1; s=b=c; b=abc;\r\n", b"dkim-signature:v=1; s=b=c; b=;"),
    ],
)
def test_the_value_of_the_signature_is_not_signed(value: bytes, expected: bytes) -> None:
    octets = Forms(b"relaxed").header([], [], (b"DKIM-Signature", value))
    assert octets == expected


def test_of_several_fields_the_last_is_signed_first() -> None:
    fields = [(b"To", b" 1\r\n"), (b"To", b" 2\r\n")]
    octets = Forms(b"simple").header(fields, [b"to", b"to", b"to"], (b"S", b" b=x\r\n"))
    assert octets == b"To: 2\r\nTo: 1\r\nS: b="


@pytest.mark.parametrize("octets", [b"a=1; a=2", b"a", b"=x", b"1a=x"])
def test_what_is_no_list_of_tags_is_refused(octets: bytes) -> None:
    with pytest.raises(TagsMalformed):
        tags(octets)


@pytest.mark.parametrize("named", [b"", b"nowsp", b"simple/nofws", b"simple/simple/simple"])
def test_an_unknown_form_is_refused(named: bytes) -> None:
    with pytest.raises(TagsMalformed):
        Forms(named)
