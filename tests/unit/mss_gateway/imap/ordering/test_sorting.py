"""SORT: what each key compares, and what stays as it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailbox_store.changes import Row
from mailbox_store.messages import MessageId
from mss_gateway.imap.grammar.sort import Criterion, SortKey
from mss_gateway.imap.ordering.sorting import ordered, ordered_set, values, wants_summary
from mss_gateway.message.parse import scan
from mss_gateway.message.summary import summarise

NOON = 1_790_071_200  # Tue, 22 Sep 2026 10:00:00 +0000


def row(*fields: str, arrived: int = NOON, size: int | None = None) -> Row:
    """A stored message with these header fields."""
    raw = ("".join(f"{field}\r\n" for field in fields) + "\r\nBonjour.\r\n").encode()
    return Row(
        uid=1,
        flags=0,
        modseq=1,
        internal_date=arrived,
        size=len(raw) if size is None else size,
        message_id=MessageId(1),
        message_ref="r",
        saved_at=None,
        summary=summarise(scan(raw)),
    )


def by(*keys: str) -> tuple[Criterion, ...]:
    """``by("-SUBJECT", "DATE")``: criteria, a minus for REVERSE."""
    return tuple(Criterion(SortKey[key.removeprefix("-")], key[0] == "-") for key in keys)


def sorted_by(rows: list[Row], *keys: str) -> list[int]:
    criteria = by(*keys)
    return ordered(criteria, [(at, values(criteria, each)) for at, each in enumerate(rows)])


@pytest.mark.parametrize(
    ("key", "rows", "order"),
    [
        ("ARRIVAL", [row(arrived=3), row(arrived=1), row(arrived=2)], [1, 2, 0]),
        ("SIZE", [row(size=9), row(size=10), row(size=1)], [2, 0, 1]),
        ("SUBJECT", [row("Subject: Re: zona"), row("Subject: [x] Été"), row()], [2, 1, 0]),
        ("SUBJECT", [row("Subject: b"), row("Subject: RE: A"), row("Subject: B")], [1, 0, 2]),
        ("FROM", [row("From: A <z@x.example>"), row("From: Z <Y@x.example>")], [1, 0]),
        ("TO", [row("To: b@x.example"), row("To: a@x.example, c@x.example"), row()], [2, 1, 0]),
        ("CC", [row("Cc: b@a.example"), row("Cc: B@a.example"), row("Cc: a@z.example")], [2, 0, 1]),
        (
            "DISPLAYFROM",
            [row("From: Zoé <a@x.example>"), row("From: Émilie <z@x.example>")],
            [1, 0],
        ),
        ("DISPLAYTO", [row("To: b@x.example"), row("To: Anne <z@x.example>")], [1, 0]),
    ],
)
def test_a_key_orders(key: str, rows: list[Row], order: list[int]) -> None:
    assert sorted_by(rows, key) == order


def test_dates_are_moments_whatever_their_zone_and_fall_back_to_arrival() -> None:
    rows = [
        row("Date: Tue, 22 Sep 2026 12:30:00 +0200"),
        row("Date: Tue, 22 Sep 2026 05:00:00 -0500"),
        row("Date: hier", arrived=NOON + 60),
        row(arrived=NOON - 60),
        row("Date: Mon, 1 Jan 1900 00:00:00 +0000"),
    ]
    assert sorted_by(rows, "DATE") == [4, 3, 1, 2, 0]


def test_reverse_turns_one_key_and_leaves_equal_messages_in_their_order() -> None:
    rows = [row("Subject: b"), row("Subject: a"), row("Subject: Re: b"), row("Subject: A")]
    assert sorted_by(rows, "SUBJECT") == [1, 3, 0, 2]
    assert sorted_by(rows, "-SUBJECT") == [0, 2, 1, 3]


def test_keys_count_in_the_order_they_are_written() -> None:
    rows = [
        row("Subject: b", arrived=1),
        row("Subject: a", arrived=2),
        row("Subject: b", arrived=3),
        row("Subject: a", arrived=2),
    ]
    assert sorted_by(rows, "SUBJECT", "-ARRIVAL") == [1, 3, 2, 0]
    assert sorted_by(rows, "-ARRIVAL", "SUBJECT") == [2, 1, 3, 0]


def test_nothing_is_sorted_into_nothing() -> None:
    assert sorted_by([], "SUBJECT", "DATE") == []


def test_only_arrival_and_size_do_without_the_summary() -> None:
    without = {key for key in SortKey if not wants_summary((Criterion(key, False),))}
    assert without == {SortKey.ARRIVAL, SortKey.SIZE}
    assert wants_summary(by("SIZE", "-DATE"))


@given(
    st.lists(st.tuples(st.integers(0, 3), st.sampled_from("abc"), st.integers(0, 2)), max_size=30),
    st.lists(st.booleans(), min_size=3, max_size=3),
)
def test_the_order_is_that_of_the_tuples(
    columns: list[tuple[int, str, int]], reversals: list[bool]
) -> None:
    criteria = tuple(
        Criterion(key, is_reversed)
        for key, is_reversed in zip(
            (SortKey.SIZE, SortKey.SUBJECT, SortKey.DATE), reversals, strict=True
        )
    )
    found = [(at * 2, each) for at, each in enumerate(columns)]

    def signed(item: tuple[int, tuple[int, str, int]]) -> tuple[int, ...]:
        numbers = (item[1][0], ord(item[1][1]), item[1][2])
        turned = [-n if back else n for n, back in zip(numbers, reversals, strict=True)]
        return (*turned, item[0])

    assert ordered(criteria, found) == [at for at, _ in sorted(found, key=signed)]


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        ([7], b"7"),
        ([1, 2, 3], b"1:3"),
        ([3, 2, 1], b"3,2,1"),
        ([5, 1, 2, 9, 10, 4], b"5,1:2,9:10,4"),
        ([23765, 23764, 23763, 23761], b"23765,23764,23763,23761"),  # RFC 5267 §3.3
    ],
)
def test_a_set_keeps_the_order_and_ranges_only_ascend(numbers: list[int], text: bytes) -> None:
    assert ordered_set(numbers) == text
