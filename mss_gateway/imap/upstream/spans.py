"""Ranges of UIDs: what is missing, and in which portions it is asked for. Pure."""

from collections.abc import Iterator
from typing import Final

Ranges = list[tuple[int, int]]
"""Ascending disjoint closed ranges of UIDs."""

LARGEST_UID: Final = (1 << 32) - 1
"""RFC 9051 §2.3.1.1: a UID is a 32-bit value."""

EVERYTHING: Final[Ranges] = [(1, LARGEST_UID)]

ASKED_RANGES: Final = 300
"""Ranges in one command: 300 times 22 octets stay below what every server reads as a line."""


def count(ranges: Ranges) -> int:
    """How many UIDs the ranges cover."""
    return sum(last - first + 1 for first, last in ranges)


def minus(ranges: Ranges, without: Ranges) -> Ranges:
    """The UIDs of ``ranges`` that are not in ``without``; one pass over both."""
    left: Ranges = []
    position = 0
    for first, last in ranges:
        while position < len(without) and without[position][1] < first:
            position += 1
        at = position
        while at < len(without) and without[at][0] <= last:
            if without[at][0] > first:
                left.append((first, without[at][0] - 1))
            first = max(first, without[at][1] + 1)
            at += 1
        if first <= last:
            left.append((first, last))
    return left


def askable(ranges: Ranges) -> Ranges:
    """``ranges``, or when they are too many for one command a few that cover them."""
    if len(ranges) <= ASKED_RANGES:
        return ranges
    return [*ranges[: ASKED_RANGES - 1], (ranges[ASKED_RANGES - 1][0], ranges[-1][1])]


def portions(ranges: Ranges, size: int) -> Iterator[Ranges]:
    """``ranges`` in order, in portions of at most ``size`` UIDs that fit into one command."""
    pieces = (
        (start, min(last, start + size - 1))
        for first, last in ranges
        for start in range(first, last + 1, size)
    )
    portion: Ranges = []
    room = size
    for first, last in pieces:
        while first <= last:
            end = min(last, first + room - 1)
            portion.append((first, end))
            room -= end - first + 1
            first = end + 1
            if room == 0 or len(portion) == ASKED_RANGES:
                yield portion
                portion, room = [], size
    if portion:
        yield portion
