"""Search keys as sets of positions: what each costs, and logic that never guesses."""

from array import array
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailbox_store.changes import Changes
from mailbox_store.database import MailboxId
from mailbox_store.flags import SEEN
from mailbox_store.mailboxes import Mailbox
from mailbox_store.search import LARGEST, Measure
from mailbox_store.vault import AccountId
from mss_gateway.imap.grammar.search import (
    Aged,
    Basis,
    Dated,
    Either,
    Every,
    HasFlag,
    HasKeyword,
    Identified,
    InField,
    InText,
    Key,
    ModifiedSince,
    Not,
    Numbered,
    Sized,
    Timing,
)
from mss_gateway.imap.grammar.sets import NumberSet
from mss_gateway.imap.images import Image
from mss_gateway.imap.searching import (
    Cost,
    Known,
    Leaf,
    bounds,
    cost,
    in_memory,
    is_day,
    judge,
    leaves,
)
from mss_gateway.imap.selected import NumberAbsent, Selected

TODAY = date(2026, 9, 22)
START = 1_790_035_200
"""Its first second, UTC."""

PLACES = frozenset(range(6))


@pytest.mark.parametrize(
    ("leaf", "expected"),
    [
        (HasFlag(1), Cost.MEMORY),
        (HasKeyword("a"), Cost.MEMORY),
        (Numbered(NumberSet(((1, 2),)), True), Cost.MEMORY),
        (Identified("T1", is_thread=True), Cost.MEMORY),
        (Sized(1, True), Cost.QUERY),
        (Aged(1, True), Cost.QUERY),
        (ModifiedSince(1), Cost.QUERY),
        (Dated(Timing.ON, TODAY, Basis.ARRIVAL), Cost.QUERY),
        (Dated(Timing.ON, TODAY, Basis.SAVED), Cost.QUERY),
        (Identified("M1", is_thread=False), Cost.ROW),
        (Dated(Timing.ON, TODAY, Basis.SENT), Cost.SUMMARY),
        (InField("from", "a"), Cost.SUMMARY),
        (InField("from", " "), Cost.MEMORY),
        (InField("from", ""), Cost.HEADER),
        (InField("x-priority", "1"), Cost.HEADER),
        (InField("x-priority", " "), Cost.HEADER),
        (InText("a", False), Cost.TEXT),
        (InText("a", True), Cost.TEXT),
        (InText("\t", True), Cost.MEMORY),
    ],
)
def test_a_leaf_costs_what_it_must_be_shown(leaf: Leaf, expected: Cost) -> None:
    assert cost(leaf) is expected


def test_leaves_come_in_their_order_as_often_as_they_stand_there() -> None:
    one, other, third = HasFlag(1), HasFlag(2), InText("a", True)
    key = Every((one, Either(Not(other), Every((third, one))), Every()))
    assert list(leaves(key)) == [one, other, third, one]


LEAVES = tuple(HasFlag(1 << bit) for bit in range(4))


def keys(children: st.SearchStrategy[Key]) -> st.SearchStrategy[Key]:
    return st.one_of(
        st.lists(children, max_size=3).map(lambda each: Every(tuple(each))),
        st.builds(Either, children, children),
        st.builds(Not, children),
    )


KEYS = st.recursive(st.sampled_from(LEAVES), keys, max_leaves=8)
SOME = st.frozensets(st.sampled_from(sorted(PLACES)))


def fulfils(key: Key, place: int, true: dict[Leaf, frozenset[int]]) -> bool:
    """The meaning of a key, once everything is known."""
    match key:
        case Every(each):
            return all(fulfils(one, place, true) for one in each)
        case Either(one, other):
            return fulfils(one, place, true) or fulfils(other, place, true)
        case Not(inner):
            return not fulfils(inner, place, true)
        case _:
            return place in true[key]


@given(KEYS, st.lists(st.tuples(SOME, SOME), min_size=4, max_size=4), SOME)
def test_what_is_judged_holds_whatever_is_found_of_what_is_open(
    key: Key, told: list[tuple[frozenset[int], frozenset[int]]], places: frozenset[int]
) -> None:
    known = {
        leaf: Known(yes, is_open - yes) for leaf, (yes, is_open) in zip(LEAVES, told, strict=True)
    }
    found = judge(key, places, known)
    assert not found.yes & found.open
    assert found.yes | found.open <= places
    for place in places:
        worlds = [{leaf: each.yes for leaf, each in known.items()}]
        for leaf, each in known.items():
            if place in each.open:
                worlds += [{**world, leaf: world[leaf] | {place}} for world in worlds]
        answers = {fulfils(key, place, world) for world in worlds}
        if place not in found.open:
            assert answers == {place in found.yes}


def test_nothing_is_open_when_everything_is_known() -> None:
    known = {leaf: Known(frozenset({at})) for at, leaf in enumerate(LEAVES)}
    key = Either(Every((LEAVES[0], Not(LEAVES[1]))), LEAVES[2])
    assert judge(key, PLACES, known) == Known({0, 2})


def test_an_or_that_is_true_already_opens_nothing() -> None:
    known = {LEAVES[0]: Known(PLACES), LEAVES[1]: Known(open=PLACES)}
    assert not judge(Either(LEAVES[0], LEAVES[1]), PLACES, known).open
    assert not judge(Every((Not(LEAVES[0]), LEAVES[1])), PLACES, known).open


@pytest.mark.parametrize(
    ("leaf", "expected"),
    [
        (Sized(10, True), (Measure.SIZE, 11, LARGEST)),
        (Sized(10, False), (Measure.SIZE, 0, 9)),
        (Sized(0, False), (Measure.SIZE, 0, -1)),
        (ModifiedSince(7), (Measure.MODSEQ, 7, LARGEST)),
        (Aged(60, True), (Measure.INTERNAL_DATE, -LARGEST, 940)),
        (Aged(60, False), (Measure.INTERNAL_DATE, 940, LARGEST)),
        (
            Dated(Timing.BEFORE, TODAY, Basis.ARRIVAL),
            (Measure.INTERNAL_DATE, -LARGEST, START - 1),
        ),
        (
            Dated(Timing.ON, TODAY, Basis.SAVED),
            (Measure.SAVED_AT, START, START + 86_399),
        ),
        (Dated(Timing.SINCE, TODAY, Basis.ARRIVAL), (Measure.INTERNAL_DATE, START, LARGEST)),
    ],
)
def test_a_query_has_the_edges_of_its_key(leaf: Leaf, expected: tuple[Measure, int, int]) -> None:
    assert bounds(leaf, 1_000) == expected


def test_no_query_answers_a_text() -> None:
    with pytest.raises(TypeError):
        bounds(InText("a", True), 0)


@pytest.mark.parametrize(
    ("timing", "expected"),
    [(Timing.BEFORE, [1, 0, 0]), (Timing.ON, [0, 1, 0]), (Timing.SINCE, [0, 1, 1])],
)
def test_days_of_the_date_field_are_compared_whole(timing: Timing, expected: list[int]) -> None:
    day = START // 86_400
    fulfilled = is_day(Dated(timing, TODAY, Basis.SENT))
    assert [fulfilled(day - 1), fulfilled(day), fulfilled(day + 1)] == expected


def _selected() -> Selected:
    box = Mailbox(MailboxId(1), AccountId(1), "INBOX", None, 7, 31, 10, 3, 0, 0, 0)
    here = Selected(box, {1 << 20: "Suivi"}, False)
    flags = array("Q", [SEEN, 1 << 20, SEEN | 1 << 20])
    uids = array("Q", [10, 20, 30])
    here.load(Image(10, 31, uids, flags, array("Q", [1, 2, 3])), Changes(10, [], [], [], {}))
    return here


@pytest.mark.parametrize(
    ("leaf", "expected"),
    [
        (HasFlag(SEEN), {0, 2}),
        (HasKeyword("sUIVI"), {1, 2}),
        (HasKeyword("autre"), set()),
        (Numbered(NumberSet(((2, 0),)), False), {1, 2}),
        (Numbered(NumberSet(((15, 25), (99, 99))), True), {1}),
        (Identified("T1", is_thread=True), set()),
        (InText("", False), {0, 1, 2}),
        (InField("to", "  "), {0, 1, 2}),
    ],
)
def test_what_memory_knows_is_known_for_good(leaf: Leaf, expected: set[int]) -> None:
    here = _selected()
    assert in_memory(here, [leaf, Sized(1, True)]) == {leaf: Known(expected)}


def test_a_number_above_exists_is_absent() -> None:
    with pytest.raises(NumberAbsent):
        in_memory(_selected(), [Numbered(NumberSet(((4, 4),)), False)])
