"""The cursor: literals as interrupts, depth, the end of a command."""

import re
from collections.abc import Callable

import pytest

from mss_gateway.imap.grammar.cursor import (
    MAX_DEPTH,
    Cursor,
    LiteralNeeded,
    Malformed,
    Purpose,
    announced_at_end,
)

At = Callable[..., Cursor]


@pytest.mark.parametrize(
    ("line", "size", "is_synchronising"),
    [(b"{0}", 0, True), (b"{12+}", 12, False), (b"{4294967295}", 4294967295, True)],
)
def test_an_announced_literal_is_asked_for(
    at: At, line: bytes, size: int, is_synchronising: bool
) -> None:
    with pytest.raises(LiteralNeeded) as needed:
        at(line).literal(Purpose.MESSAGE)
    assert (needed.value.size, needed.value.is_synchronising) == (size, is_synchronising)
    assert needed.value.purpose is Purpose.MESSAGE


@pytest.mark.parametrize("line", [b"{}", b"{-1}", b"{1}x", b"{12345678901}", b"{1 }", b"{1-}", b""])
def test_what_is_no_announcement_is_no_literal(at: At, line: bytes) -> None:
    assert at(line).literal() is None


def test_a_literal_that_was_read_is_given_and_the_next_line_follows(at: At) -> None:
    cursor = at(b"{3}", b"a\r\n", b" {1+}", b"b", b"")
    assert cursor.literal() == b"a\r\n"
    cursor.space()
    assert cursor.literal() == b"b"
    cursor.end()


def test_the_end_is_neither_within_a_line_nor_before_the_last(at: At) -> None:
    for cursor in (at(b"x"), at(b"", b"literal", b"")):
        with pytest.raises(Malformed, match="CRLF"):
            cursor.end()


def test_depth_is_bounded_at_its_edge(at: At) -> None:
    def dive(cursor: Cursor, levels: int) -> None:
        if levels:
            with cursor.nested():
                dive(cursor, levels - 1)

    cursor = at(b"")
    dive(cursor, MAX_DEPTH)
    dive(cursor, MAX_DEPTH)
    with pytest.raises(Malformed, match="depth"):
        dive(cursor, MAX_DEPTH + 1)


def test_taking_moves_only_past_what_matches(at: At) -> None:
    cursor = at(b"ab c")
    assert cursor.take(re.compile(rb"x")) is None
    assert cursor.expect(re.compile(rb"ab"), "ab")[0] == b"ab"
    cursor.space()
    with pytest.raises(Malformed, match="digit"):
        cursor.expect(re.compile(rb"[0-9]"), "digit")
    cursor.expect_byte(b"c")
    assert cursor.is_at_end
    with pytest.raises(Malformed, match="'\\('"):
        cursor.expect_byte(b"(")


@pytest.mark.parametrize(
    ("line", "announced"),
    [
        (b"a LOGIN {5}", (5, True)),
        (b"a X {4000000000+}", (4000000000, False)),
        (b"a X {5}.", None),
        (b"a X", None),
    ],
)
def test_an_announcement_is_found_at_the_end_of_any_line(
    line: bytes, announced: tuple[int, bool] | None
) -> None:
    assert announced_at_end(line) == announced
