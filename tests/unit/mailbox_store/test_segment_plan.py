"""Which stretches are merged: enough neighbours of a level, within limits, and it comes to rest."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailbox_store import segment_plan
from mailbox_store.segment_format import MESSAGES_LIMIT
from mailbox_store.segment_plan import FAN, OCTETS_LIMIT, is_decayed, level_of, merge
from mailbox_store.segments import Part, Piece, Stretch


def stretch(first: int, level: int = 0, messages: int = 1, octets: int = 3_000) -> Stretch:
    pieces = {part: Piece(3 * first + part, octets // 3, False) for part in Part}
    return Stretch(first, first + messages - 1, level, messages, pieces)


def row(count: int, level: int = 0, messages: int = 1, octets: int = 3_000) -> list[Stretch]:
    return [stretch(1 + at * messages, level, messages, octets) for at in range(count)]


@pytest.mark.parametrize(
    ("messages", "level"), [(1, 0), (15, 0), (16, 1), (255, 1), (256, 2), (4096, 3), (10**30, 14)]
)
def test_a_new_stretch_has_the_level_that_merging_would_have_given_it(
    messages: int, level: int
) -> None:
    assert level_of(messages) == level


def test_as_many_neighbours_as_the_fan_are_merged_and_not_one_less() -> None:
    assert merge(row(FAN - 1)) == []
    assert merge(row(FAN)) == row(FAN)
    assert merge(row(FAN + 3)) == row(FAN)


def test_higher_levels_in_between_part_neighbours() -> None:
    parted = [*row(FAN - 1), stretch(100, 1), *[stretch(200 + at) for at in range(FAN - 1)]]
    assert merge(parted) == []
    assert merge([*parted, stretch(300)]) == [*parted[FAN:], stretch(300)]


def test_lower_levels_in_between_go_with_their_neighbours() -> None:
    mixed = [stretch(at * 10, 0 if at == 5 else 1) for at in range(FAN + 1)]
    assert merge(mixed) == mixed


def test_lower_levels_are_merged_first() -> None:
    low = [stretch(1_000 + at) for at in range(FAN)]
    assert merge([*row(FAN, 1), *low]) == low


def test_what_is_merged_stays_within_the_limit_of_octets() -> None:
    third = row(FAN, octets=OCTETS_LIMIT // 3)
    assert merge(third) == third[:3]
    half = row(FAN, octets=OCTETS_LIMIT // 2)
    assert merge(half) == half[:2]


def test_a_stretch_above_half_the_limit_is_left_alone_for_good() -> None:
    above = 3 * (OCTETS_LIMIT // 2 // 3 + 1)
    assert merge(row(3 * FAN, octets=above)) == []
    assert merge([*row(FAN - 1), stretch(90, octets=above), stretch(91)]) == []


def test_what_is_merged_has_ordinals_for_all_its_messages() -> None:
    half = row(FAN, 3, messages=MESSAGES_LIMIT // 2)
    assert merge(half) == half[:2]
    assert merge(row(FAN, 3, messages=MESSAGES_LIMIT // 2 + 1)) == []


@pytest.mark.parametrize(
    ("messages", "left", "is_worn"), [(4, 3, False), (4, 2, True), (100, 75, False), (1, 0, True)]
)
def test_more_than_a_quarter_gone_is_decay(messages: int, left: int, is_worn: bool) -> None:
    assert is_decayed(messages, left) is is_worn


@given(st.lists(st.tuples(st.integers(1, 300), st.integers(300, 400_000)), max_size=120))
def test_merging_comes_to_rest_with_few_stretches_and_loses_none(
    batches: list[tuple[int, int]],
) -> None:
    stretches: list[Stretch] = []
    following = 1
    for messages, octets in batches:
        stretches.append(stretch(following, level_of(messages), messages, octets))
        following += messages
        while worn := merge(stretches):
            assert len(worn) >= 2
            start = stretches.index(worn[0])
            assert stretches[start : start + len(worn)] == worn
            stretches[start : start + len(worn)] = [_merged(worn)]
    assert sum(each.messages for each in stretches) == following - 1
    full = sum(2 * each.octets > OCTETS_LIMIT for each in stretches)
    assert len(stretches) <= full + FAN * (segment_plan.level_of(300 * 120) + 2) * (full + 1)


def _merged(worn: list[Stretch]) -> Stretch:
    return stretch(
        worn[0].first,
        max(each.level for each in worn) + 1,
        sum(each.messages for each in worn),
        sum(each.octets for each in worn),
    )
