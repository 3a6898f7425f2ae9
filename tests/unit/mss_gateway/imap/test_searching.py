"""Search keys as tests of a message: order of cost, texts in one form, HTML without tags."""

from datetime import date

import pytest

from mss_gateway.imap import searching
from mss_gateway.imap.grammar.search import (
    Dated,
    Either,
    Every,
    HasFlag,
    InField,
    InText,
    Key,
    Not,
    Sized,
    Timing,
)
from mss_gateway.imap.searching import Cost, cost, normal

TODAY = date(2026, 9, 22)


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (Every(), Cost.MEMORY),
        (HasFlag(1), Cost.MEMORY),
        (Sized(1, True), Cost.ROW),
        (Dated(Timing.ON, TODAY, False), Cost.ROW),
        (Dated(Timing.ON, TODAY, True), Cost.SUMMARY),
        (InField("from", "a"), Cost.SUMMARY),
        (InField("from", ""), Cost.HEADER),
        (InField("x-priority", "1"), Cost.HEADER),
        (InText("a", False), Cost.TEXT),
        (Not(InText("a", True)), Cost.TEXT),
        (Either(HasFlag(1), Sized(1, True)), Cost.ROW),
        (Every((HasFlag(1), InField("to", "a"))), Cost.SUMMARY),
    ],
)
def test_a_key_costs_what_its_dearest_part_costs(key: Key, expected: Cost) -> None:
    assert cost(key) is expected


def test_texts_are_compared_composed_in_lower_case_with_single_spaces() -> None:
    assert normal("  E\u0301cho\r\n GRAPHIE ") == "écho graphie"


def test_the_body_is_its_text_parts_decoded() -> None:
    raw = (
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
        b"--b\r\nContent-Type: text/plain; charset=utf-8\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\nw6ljaG8=\r\n"
        b"--b\r\nContent-Type: text/html\r\n\r\n<p>Co<b>lon</b> &eacute;tendu</p>\r\n"
        b"--b\r\nContent-Type: application/pdf\r\n\r\ncache\r\n"
        b"--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: dedans\r\n\r\nprofond\r\n"
        b"--b--\r\n"
    )
    text = normal(searching._body_text(raw))
    for word in ("écho", "colon étendu", "dedans", "profond"):
        assert word in text
    assert "cache" not in text


def test_a_message_that_cannot_be_read_is_searched_as_it_stands() -> None:
    assert "needle" in searching._body_text(b"no field\r\n\r\nneedle\r\n")


def test_the_text_that_is_looked_at_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searching, "TEXT_CHARACTERS", 5)
    assert searching._body_text(b"A: b\r\n\r\n12345678") == "12345"
