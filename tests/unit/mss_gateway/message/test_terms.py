"""What the index is told: whole values where short, words elsewhere, and never too much."""

import pytest

from mss_gateway.message import terms
from mss_gateway.message.parse import scan
from mss_gateway.message.summary import Summary, summarise
from mss_gateway.message.terms import (
    BODY,
    LONG,
    NAMES,
    NAMES_LIMIT,
    SENT_DAY,
    TERMS_OCTETS,
    WHOLE_OCTETS,
    of_body,
    of_fields,
    of_header,
)
from mss_gateway.message.text import header_of


def test_of_the_fields_of_lists_the_whole_value_is_told() -> None:
    raw = (
        b"From: Claire Martin <claire.martin@mss.example>\r\nSubject: Deux  Mots\r\n"
        b"Date: Tue, 22 Sep 2026 23:59:00 -0500\r\n\r\n"
    )
    assert of_fields(Summary(summarise(scan(raw)))) == {
        "from": {b"claire martin <claire.martin@mss.example>"},
        "subject": {b"deux mots"},
        SENT_DAY: {b"20718"},
    }


def test_a_message_without_fields_tells_nothing() -> None:
    assert of_fields(Summary(summarise(scan(b"\r\ncorps\r\n")))) == {}
    assert of_header(header_of(b"\r\n")) == {NAMES: set()}
    assert of_body(b"\r\n \r\n") == {BODY: set()}


def test_of_the_header_names_short_values_and_the_words_of_long_ones_are_told() -> None:
    edge, above = "e" * WHOLE_OCTETS, "Mot " + "a" * WHOLE_OCTETS
    raw = f"X-A: {edge}\r\nX-A: {above}\r\nX-B: Deux mots\r\nX-C:\r\n\r\n".encode()
    assert of_header(header_of(raw)) == {
        NAMES: {b"x-a:", b"x-b:", b"x-c:"},
        "x-a": {edge.encode()},
        LONG + "x-a": {b"mot", b"a" * WHOLE_OCTETS},
        "x-b": {b"deux mots"},
    }


def test_of_the_body_the_words_are_told_each_once() -> None:
    assert of_body("X: y\r\n\r\nÉté été\u00a0ÉTÉ, fin\r\n".encode()) == {
        BODY: {"été".encode(), "été,".encode(), b"fin"}
    }


def test_the_terms_of_a_message_are_bounded_at_the_edge() -> None:
    head = b"A: b\r\n\r\n"
    at_the_edge = b"x" * (TERMS_OCTETS - 1)
    assert of_body(head + at_the_edge) == {BODY: {at_the_edge}}
    assert of_body(head + at_the_edge + b"x") is None


def test_the_names_of_a_message_are_bounded_at_the_edge() -> None:
    names = [b"X-%d: y\r\n" % at for at in range(NAMES_LIMIT + 1)]
    assert of_header(header_of(b"".join([*names[:-1], b"X-0: z\r\n"]))) is not None
    assert of_header(header_of(b"".join(names))) is None


def test_a_value_that_would_be_two_terms_is_doubtful(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(terms.FIELDS, "subject", lambda _: "une\nligne")
    assert of_fields(Summary(summarise(scan(b"A: b\r\n\r\n")))) is None
