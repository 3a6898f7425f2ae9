"""Sequence sets and UID sets: RFC 9051 §9 ``sequence-set``."""

import re
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from mss_gateway.imap.grammar.cursor import Cursor, Malformed
from mss_gateway.imap.grammar.primitives import MAX_NUMBER

STAR: Final = 0
"""``*`` in a range; no number is zero. It becomes the largest one when the set is resolved."""

_SET = re.compile(
    rb"(?:[1-9][0-9]{0,9}|\*)(?::(?:[1-9][0-9]{0,9}|\*))?"
    rb"(?:,(?:[1-9][0-9]{0,9}|\*)(?::(?:[1-9][0-9]{0,9}|\*))?)*+"
)


@dataclass(frozen=True, slots=True)
class NumberSet:
    """Ranges as written: any order, overlapping, with ``STAR``; or ``$``, the saved result."""

    ranges: tuple[tuple[int, int], ...]
    is_saved: bool = False

    def resolve(self, largest: int) -> list[tuple[int, int]]:
        """Ascending disjoint inclusive ranges, ``*`` being ``largest``."""
        bounds = ((low or largest, high or largest) for low, high in self.ranges)
        return merged((min(pair), max(pair)) for pair in bounds)


def merged(ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Ascending disjoint ranges that cover the same numbers; neighbours become one."""
    joined: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if joined and low <= joined[-1][1] + 1:
            if high > joined[-1][1]:
                joined[-1] = (joined[-1][0], high)
        else:
            joined.append((low, high))
    return joined


def is_within(ranges: list[tuple[int, int]], number: int) -> bool:
    """Whether ``number`` lies in one of the ascending disjoint ``ranges``."""
    at = bisect_right(ranges, number, key=lambda pair: pair[0])
    return at > 0 and number <= ranges[at - 1][1]


def number_set(cursor: Cursor) -> NumberSet:
    """``sequence-set``, or ``$`` (RFC 5182 §2.1); its length is bounded by that of a command."""
    if cursor.take_byte(b"$"):
        return NumberSet((), is_saved=True)
    written = cursor.expect(_SET, "sequence-set")[0]
    return NumberSet(tuple(_range(part) for part in written.split(b",")))


def starts_set(cursor: Cursor) -> bool:
    """Whether a sequence-set begins here; used where SEARCH takes a key or a set."""
    return cursor.line[cursor.position : cursor.position + 1] in b"*$123456789" and (
        not cursor.is_at_end
    )


def _range(part: bytes) -> tuple[int, int]:
    low, colon, high = part.partition(b":")
    first = _bound(low)
    return (first, _bound(high)) if colon else (first, first)


def _bound(written: bytes) -> int:
    if written == b"*":
        return STAR
    value = int(written)
    if value > MAX_NUMBER:
        raise Malformed("sequence-set")
    return value


def printed_in_order(numbers: Iterable[int]) -> bytes:
    """``uid-set`` in the order of the messages that they belong to: APPENDUID, RFC 4315 §3."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return b",".join(b"%d" % low if low == high else b"%d:%d" % (low, high) for low, high in runs)


def printed(numbers: Iterable[int]) -> bytes:
    """``uid-set`` of ascending numbers for COPYUID, RFC 4315 §3: runs as ``first:last``."""
    parts: list[bytes] = []
    for low, high in merged((number, number) for number in numbers):
        parts.append(b"%d" % low if low == high else b"%d:%d" % (low, high))
    return b",".join(parts)
