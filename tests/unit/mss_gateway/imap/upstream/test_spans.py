"""Ranges of UIDs do what sets of UIDs do, without being them."""

from hypothesis import given
from hypothesis import strategies as st

from mss_gateway.imap.grammar.sets import merged
from mss_gateway.imap.upstream import spans
from mss_gateway.imap.upstream.spans import ASKED_RANGES, LARGEST_UID, Ranges

NUMBERS = st.sets(st.integers(1, 60))


def ranges(numbers: set[int]) -> Ranges:
    return merged((one, one) for one in numbers)


def numbers(of: Ranges) -> list[int]:
    return [one for first, last in of for one in range(first, last + 1)]


@given(NUMBERS, NUMBERS)
def test_minus_is_the_difference(one: set[int], other: set[int]) -> None:
    left = spans.minus(ranges(one), ranges(other))
    assert left == ranges(one - other)


@given(NUMBERS)
def test_count_counts(one: set[int]) -> None:
    assert spans.count(ranges(one)) == len(one)


@given(NUMBERS, st.integers(1, 20))
def test_portions_hold_everything_in_order_and_no_more_than_asked(one: set[int], size: int) -> None:
    portions = list(spans.portions(ranges(one), size))
    assert [uid for portion in portions for uid in numbers(portion)] == sorted(one)
    assert all(1 <= spans.count(portion) <= size for portion in portions)
    assert len(portions) == -(-len(one) // size)


def test_portions_of_many_single_uids_fit_into_a_command() -> None:
    sparse = [(uid, uid) for uid in range(1, 4_001, 2)]
    portions = list(spans.portions(sparse, 5_000))
    assert [len(portion) for portion in portions] == [ASKED_RANGES] * 6 + [200]


def test_what_is_missing_of_everything() -> None:
    missing = spans.minus(spans.EVERYTHING, [(1, 10), (12, 5_000)])
    assert missing == [(11, 11), (5_001, LARGEST_UID)]
    assert spans.minus(spans.EVERYTHING, spans.EVERYTHING) == []


def test_too_many_ranges_for_a_command_are_covered_by_fewer() -> None:
    sparse = [(uid, uid) for uid in range(1, 2_001, 2)]
    asked = spans.askable(sparse)
    assert len(asked) == ASKED_RANGES
    assert spans.minus(sparse, asked) == []
    assert spans.askable(sparse[:ASKED_RANGES]) == sparse[:ASKED_RANGES]
