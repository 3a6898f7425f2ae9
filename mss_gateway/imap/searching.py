"""SEARCH keys as sets of positions: what is fulfilled, and what only reading would tell.

A key is true, false or open for each message (Kleene's logic), so that what memory, a query or the
index decides never costs a look at a message, wherever the key stands below AND, OR and NOT.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from datetime import date
from enum import IntEnum
from typing import Final

from mailbox_store.search import LARGEST, Measure
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
from mss_gateway.imap.selected import Selected
from mss_gateway.message.text import FIELDS, normal

DAY_SECONDS: Final = 86_400
_EPOCH: Final = date(1970, 1, 1)

Positions = Set[int]
Leaf = (
    HasFlag
    | HasKeyword
    | Numbered
    | Dated
    | Aged
    | Sized
    | ModifiedSince
    | Identified
    | (InField | InText)
)
"""A key that holds no other key."""


class Cost(IntEnum):
    """What a key must be shown: nothing, a query, or of each message its row, summary and so on."""

    MEMORY = 0
    QUERY = 1
    ROW = 2
    SUMMARY = 3
    HEADER = 4
    TEXT = 5


@dataclass(frozen=True, slots=True)
class Known:
    """For which positions a key is true, and for which it is open; for all others it is false."""

    yes: Positions = field(default_factory=frozenset)
    open: Positions = field(default_factory=frozenset)


def leaves(key: Key) -> Iterator[Leaf]:
    """Every key below ``key`` that holds no other, as often as it stands there."""
    match key:
        case Every(keys):
            for each in keys:
                yield from leaves(each)
        case Either(one, other):
            yield from leaves(one)
            yield from leaves(other)
        case Not(inner):
            yield from leaves(inner)
        case _:
            yield key


def cost(leaf: Leaf) -> Cost:
    """What a leaf must be shown where no index helps."""
    match leaf:
        case Dated(basis=Basis.SENT):
            return Cost.SUMMARY
        case Dated() | Aged() | Sized() | ModifiedSince():
            return Cost.QUERY
        case Identified(_, False):
            return Cost.ROW
        case InField() if is_of_summary(leaf):
            return Cost.SUMMARY if normal(leaf.text) else Cost.MEMORY
        case InField():
            return Cost.HEADER
        case InText(text):
            return Cost.TEXT if normal(text) else Cost.MEMORY
        case _:
            return Cost.MEMORY


def is_of_summary(leaf: InField) -> bool:
    """Whether the summary answers it; an empty text asks for presence, which the header knows."""
    return bool(leaf.text) and leaf.field in FIELDS


def judge(key: Key, places: Positions, known: Mapping[Leaf, Known]) -> Known:
    """What of ``places`` fulfils ``key``, given what is known of its leaves."""
    match key:
        case Every(keys):
            yes = possible = places
            for each in keys:
                found = judge(each, possible, known)
                yes = yes & found.yes
                possible = found.yes | found.open
            return Known(yes, possible - yes)
        case Either(one, other):
            first = judge(one, places, known)
            second = judge(other, places - first.yes, known)
            yes = first.yes | second.yes
            return Known(yes, (first.open | second.open) - yes)
        case Not(inner):
            found = judge(inner, places, known)
            return Known(places - found.yes - found.open, found.open)
        case _:
            found = known[key]
            return Known(found.yes & places, found.open & places)


def in_memory(here: Selected, asked: Iterable[Leaf]) -> dict[Leaf, Known]:
    """Those of ``asked`` that cost nothing; raises ``NumberAbsent`` for numbers above EXISTS."""
    return {leaf: Known(_fulfilling(here, leaf)) for leaf in asked if cost(leaf) is Cost.MEMORY}


def _fulfilling(here: Selected, leaf: Leaf) -> Positions:
    match leaf:
        case HasFlag(bit):
            return _with_flag(here, bit)
        case HasKeyword(name):
            keywords = here.printer.keywords.items()
            bits = [bit for bit, known in keywords if known.lower() == name.lower()]
            return _with_flag(here, bits[0]) if bits else frozenset()
        case Numbered(numbers, is_uid):
            return set[int]().union(*(range(*span) for span in here.spans(numbers, is_uid)))
        case Identified():
            return frozenset()  # there are no threads to be identified here, RFC 8474 §5.3
        case _:
            return frozenset(range(len(here.uids)))  # a text of nothing is in every text


def _with_flag(here: Selected, bit: int) -> Positions:
    return {at for at, flags in enumerate(here.told) if flags & bit}


def bounds(leaf: Leaf, now: int) -> tuple[Measure, int, int]:
    """A leaf that a query answers: what is measured, the least and the most it may be.

    Days are compared as INTERNALDATE shows them, in UTC. OLDER and YOUNGER both count the very
    second in, RFC 5032 §2.
    """
    match leaf:
        case Sized(octets, is_larger):
            return (Measure.SIZE, octets + 1, LARGEST) if is_larger else (
                Measure.SIZE, 0, octets - 1,
            )  # fmt: skip
        case ModifiedSince(modseq):
            return Measure.MODSEQ, modseq, LARGEST
        case Aged(seconds, is_older):
            moment = now - seconds
            least, most = (-LARGEST, moment) if is_older else (moment, LARGEST)
            return Measure.INTERNAL_DATE, least, most
        case Dated(timing, day, basis):
            measure = Measure.SAVED_AT if basis is Basis.SAVED else Measure.INTERNAL_DATE
            start = (day - _EPOCH).days * DAY_SECONDS
            least = -LARGEST if timing is Timing.BEFORE else start
            most = {
                Timing.BEFORE: start - 1,
                Timing.ON: start + DAY_SECONDS - 1,
                Timing.SINCE: LARGEST,
            }[timing]
            return measure, least, most
        case _:
            raise TypeError(f"no query answers {type(leaf).__name__}")


def is_day(leaf: Dated) -> Callable[[int], bool]:
    """Whether a day, counted from 1970-01-01, fulfils a key on the Date field."""
    day = (leaf.day - _EPOCH).days
    match leaf.timing:
        case Timing.BEFORE:
            return lambda found: found < day
        case Timing.ON:
            return lambda found: found == day
        case Timing.SINCE:
            return lambda found: found >= day
