"""Sequence sets: written, resolved, printed."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mss_gateway.imap.grammar import sets
from mss_gateway.imap.grammar.cursor import Cursor, Malformed
from mss_gateway.imap.grammar.sets import STAR, NumberSet

At = Callable[..., Cursor]


@pytest.mark.parametrize(
    ("line", "ranges"),
    [
        (b"1", ((1, 1),)),
        (b"*", ((STAR, STAR),)),
        (b"2:4,7", ((2, 4), (7, 7))),
        (b"4294967295:*", ((4294967295, STAR),)),
    ],
)
def test_a_set_is_read_as_written(at: At, line: bytes, ranges: tuple[tuple[int, int], ...]) -> None:
    cursor = at(line)
    assert sets.number_set(cursor) == NumberSet(ranges)
    cursor.end()


@pytest.mark.parametrize(
    "line", [b"", b"0", b"01", b"a", b":1", b",1", b"4294967296", b"9999999999"]
)
def test_what_is_no_set_is_refused(at: At, line: bytes) -> None:
    with pytest.raises(Malformed, match="sequence-set"):
        sets.number_set(at(line))


@pytest.mark.parametrize(
    ("ranges", "largest", "resolved"),
    [
        (((1, STAR),), 5, [(1, 5)]),
        (((STAR, 3),), 5, [(3, 5)]),
        (((7, STAR),), 5, [(5, 7)]),
        (((4, 2), (1, 1)), 9, [(1, 4)]),
        (((1, 1), (3, 3)), 9, [(1, 1), (3, 3)]),
        (((5, 9), (1, 6), (2, 2)), 9, [(1, 9)]),
    ],
)
def test_resolving_sorts_and_joins(
    ranges: tuple[tuple[int, int], ...], largest: int, resolved: list[tuple[int, int]]
) -> None:
    assert NumberSet(ranges).resolve(largest) == resolved


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=1), st.integers(1, 30))
def test_resolving_keeps_exactly_the_numbers(pairs: list[tuple[int, int]], largest: int) -> None:
    resolved = NumberSet(tuple(pairs)).resolve(largest)
    expected: set[int] = set()
    for low, high in pairs:
        ends = (low or largest, high or largest)
        expected |= set(range(min(ends), max(ends) + 1))
    assert [n for low, high in resolved for n in range(low, high + 1)] == sorted(expected)


def test_where_a_set_may_begin(at: At) -> None:
    assert all(sets.starts_set(at(line)) for line in (b"1", b"*", b"9:*"))
    assert not any(sets.starts_set(at(line)) for line in (b"", b"0", b"ALL", b"("))


@pytest.mark.parametrize(
    ("numbers", "text"), [([1], b"1"), ([1, 2, 3, 7], b"1:3,7"), ([4, 6], b"4,6"), ([], b"")]
)
def test_printing_shortens_runs(numbers: list[int], text: bytes) -> None:
    assert sets.printed(numbers) == text
