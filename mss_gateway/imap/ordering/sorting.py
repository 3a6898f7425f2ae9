"""SORT, RFC 5256 §3: what each key reads of a message, and the order that follows.

Everything comes from the row and the stored summary; no body is read and no MIME parsed. Subjects
are compared as they are shown: characters that nobody sees do not count.
"""

from collections.abc import Callable, Sequence
from typing import Final

from mailbox_store.changes import Row
from mss_gateway.imap.grammar.sort import Criterion, SortKey
from mss_gateway.imap.ordering.addresses import Place, first_address, sort_display, sort_mailbox
from mss_gateway.imap.ordering.collation import collation_key
from mss_gateway.imap.ordering.subjects import base_subject
from mss_gateway.message.summary import Summary

Value = int | str
"""Compared only with other values of the same key."""

_OF_ROW: Final[dict[SortKey, Callable[[Row], Value]]] = {
    SortKey.ARRIVAL: lambda row: row.internal_date,
    SortKey.SIZE: lambda row: row.size,
}

_TEXTS: Final[dict[SortKey, Callable[[Summary], str]]] = {
    SortKey.CC: lambda summary: sort_mailbox(first_address(summary.envelope, Place.CC)),
    SortKey.DISPLAYFROM: lambda summary: sort_display(first_address(summary.envelope, Place.FROM)),
    SortKey.DISPLAYTO: lambda summary: sort_display(first_address(summary.envelope, Place.TO)),
    SortKey.FROM: lambda summary: sort_mailbox(first_address(summary.envelope, Place.FROM)),
    SortKey.SUBJECT: lambda summary: base_subject(summary.subject).text,
    SortKey.TO: lambda summary: sort_mailbox(first_address(summary.envelope, Place.TO)),
}


def wants_summary(criteria: Sequence[Criterion]) -> bool:
    """Whether the rows must be read with their summaries."""
    return any(criterion.key not in _OF_ROW for criterion in criteria)


def sent_date(row: Row, summary: Summary) -> int:
    """The Date field, or else INTERNALDATE, in unix seconds: RFC 5256 §2.2."""
    return row.internal_date if summary.sent_date is None else summary.sent_date


def values(criteria: Sequence[Criterion], row: Row) -> tuple[Value, ...]:
    """What ``row`` is compared by, one value for each of ``criteria``."""
    summary = Summary(row.summary) if wants_summary(criteria) else None
    return tuple([_value(criterion.key, row, summary) for criterion in criteria])


def _value(key: SortKey, row: Row, summary: Summary | None) -> Value:
    if summary is None or key in _OF_ROW:
        return _OF_ROW[key](row)
    if key is SortKey.DATE:
        return sent_date(row, summary)
    return collation_key(_TEXTS[key](summary))


def ordered(
    criteria: Sequence[Criterion], found: Sequence[tuple[int, tuple[Value, ...]]]
) -> list[int]:
    """The positions of ``found`` in the order of ``criteria``; ``found`` has ascending positions.

    Equal messages stay as they are in the mailbox, also where REVERSE turns a key round: each key
    is one stable sort, the last key first.
    """
    columns: list[tuple[Value, ...]] = list(zip(*(compared for _, compared in found), strict=True))
    order = list(range(len(found)))
    for column, criterion in reversed(list(zip(columns, criteria, strict=False))):
        order.sort(key=column.__getitem__, reverse=criterion.is_reversed)
    return [found[index][0] for index in order]


def ordered_set(numbers: Sequence[int]) -> bytes:
    """``sequence-set`` that keeps the order; only ascending neighbours are a range, RFC 5267 §3.2.

    ``numbers`` is not empty.
    """
    runs: list[tuple[int, int]] = []
    first = last = numbers[0]
    for number in numbers[1:]:
        if number != last + 1:
            runs.append((first, last))
            first = number
        last = number
    runs.append((first, last))
    return b",".join([b"%d" % low if low == high else b"%d:%d" % (low, high) for low, high in runs])
