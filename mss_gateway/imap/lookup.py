"""Text keys looked up in the sealed index, a slice of time at a time.

The answer is exact where the index knows all: other messages stay open and are read. It is never
known before it is complete how far the index lags behind, and it does not matter.
"""

import time
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import partial
from typing import Final

from mailbox_store import search, segments
from mailbox_store.database import View
from mailbox_store.search import Measure
from mailbox_store.segment_format import EDGE, Segment
from mailbox_store.segments import Part, SegmentDamaged, Stretch
from mailbox_store.vault import AccountId
from mss_gateway.imap.grammar.search import Dated, InField, InText
from mss_gateway.imap.searching import Cost, Known, Leaf, Positions, cost, is_day, is_of_summary
from mss_gateway.imap.selected import Selected
from mss_gateway.message.terms import BODY, LONG, NAMES, SENT_DAY, octets
from mss_gateway.message.text import normal

SLICE_SECONDS: Final = 0.02
"""A search gives its thread back after about so long."""

WORTH: Final = {Cost.SUMMARY: 4_000, Cost.HEADER: 40_000, Cost.TEXT: 200_000}
"""Octets of index that are searched in the time that reading one message takes, measured."""

OPENING: Final = 20_000
"""Octets that are searched in the time that finding and opening a segment takes besides."""

WORDS_LIMIT: Final = 16
"""Words in the middle of a text that narrow it down; reading tells the rest."""

_PARTS: Final = {
    Cost.SUMMARY: (Part.FIELDS,),
    Cost.HEADER: (Part.HEADER,),
    Cost.TEXT: (Part.BODY,),
}


def parts(leaf: Leaf) -> tuple[Part, ...]:
    """The parts of the index that answer a leaf; none for one that has nothing to do with it."""
    if isinstance(leaf, InText) and leaf.with_header and cost(leaf) is Cost.TEXT:
        return Part.HEADER, Part.BODY
    return _PARTS.get(cost(leaf), ())


class Lookup:
    """One search in one account's index, on behalf of one selected mailbox."""

    def __init__(self, account_id: AccountId, here: Selected, asked: Iterable[Leaf]) -> None:
        self._account_id = account_id
        self._here = here
        self._asked = {leaf: parts(leaf) for leaf in asked if parts(leaf)}
        self._hits: dict[Leaf, set[int]] = {leaf: set() for leaf in self._asked}
        self._open: dict[Leaf, set[int]] = {leaf: set() for leaf in self._asked}
        self._unopened: dict[Part, list[tuple[int, int]]] = {part: [] for part in Part}
        self._seen = dict.fromkeys(Part, 0)
        self._range = (0, -1)
        self._late = (0, -1)
        self._looks: Iterator[Callable[[], None]] = iter(())
        self.broken: list[SegmentDamaged] = []
        """What did not open and is not marked yet."""

    @property
    def leaves(self) -> list[Leaf]:
        """The leaves that are looked up: those for which it is worth it."""
        return list(self._asked)

    def begin(self, view: View, places: Positions) -> None:
        """See what there is, and leave out what is sooner read than looked up."""
        here = self._here
        first, last = here.uids[min(places)], here.uids[max(places)]
        low, high = search.message_range(view, here.mailbox_id, first, last)
        through = segments.progress(view)
        self._range, self._late = (low, min(high, through)), (max(low, through + 1), high)
        sizes = dict.fromkeys(Part, 0)
        for stretch in self._overlapping(view):
            for part, piece in stretch.pieces.items():
                sizes[part] += piece.octets + OPENING
        for leaf, needed in list(self._asked.items()):
            if sum(sizes[part] for part in needed) >= WORTH[cost(leaf)] * len(places):
                del self._asked[leaf]

    def step(self, view: View) -> bool:
        """Look for a while; True once everything was looked at.

        Between two steps stretches may have been merged: then some messages are looked at twice.
        """
        until = time.perf_counter() + SLICE_SECONDS
        unseen = self._unseen(view)
        while True:
            for look in self._looks:
                look()
                if time.perf_counter() > until:
                    return False
            following = next(unseen, None)
            if following is None:
                return True
            self._looks = self._looks_into(view, *following)

    def resolve(self, view: View, leaf: Leaf) -> Known:
        """What was found for a leaf, as positions."""
        mailbox_id = self._here.mailbox_id
        yes = search.uids_of(view, mailbox_id, self._hits[leaf])
        unsure = search.uids_of(view, mailbox_id, self._open[leaf] - self._hits[leaf])
        unopened = [span for part in self._asked[leaf] for span in self._unopened[part]]
        for first, last in (self._late, *unopened):
            if first <= last:
                unsure += search.uids_within(view, mailbox_id, Measure.MESSAGE_ID, first, last)
        found = positions(self._here, yes)
        return Known(found, positions(self._here, unsure) - found)

    def _overlapping(self, view: View) -> Iterator[Stretch]:
        low, high = self._range
        for stretch in segments.stretches(view, self._account_id):
            if stretch.last >= low and stretch.first <= high:
                yield stretch

    def _unseen(self, view: View) -> Iterator[tuple[Stretch, Part]]:
        wanted = sorted({part for needed in self._asked.values() for part in needed})
        for stretch in self._overlapping(view):
            for part in wanted:
                if stretch.last > self._seen[part]:
                    self._seen[part] = stretch.last
                    yield stretch, part

    def _looks_into(self, view: View, stretch: Stretch, part: Part) -> Iterator[Callable[[], None]]:
        try:
            segment = segments.open_segment(view, self._account_id, stretch, part)
        except SegmentDamaged as damaged:
            self._unopened[part].append((stretch.first, stretch.last))
            piece = stretch.pieces.get(part)
            if piece is not None and not piece.is_damaged:
                self.broken.append(damaged)
            return iter(())
        return (
            partial(self._look, segment, part, leaf)
            for leaf, needed in self._asked.items()
            if part in needed
        )

    def _look(self, segment: Segment, part: Part, leaf: Leaf) -> None:
        hits, unsure = _found(segment, part, leaf)
        named = segment.message_ids
        self._hits[leaf].update([named[each] for each in hits])
        self._open[leaf].update([named[each] for each in unsure])
        self._open[leaf].update([named[each] for each in segment.doubtful])


def positions(here: Selected, uids: list[int]) -> set[int]:
    """Where ``uids`` stand, without those that the client was not told of."""
    if 8 * len(uids) < len(here.uids):
        return {at for at in map(here.position, uids) if at is not None}
    wanted = set(uids)
    return {at for at, uid in enumerate(here.uids) if uid in wanted}


def _found(segment: Segment, part: Part, leaf: Leaf) -> tuple[set[int], set[int]]:
    """Ordinals for which the segment says yes, and for which the message must be read."""
    match leaf:
        case Dated():
            fulfils, days = is_day(leaf), segment.section(SENT_DAY)
            return (set() if days is None else days.where(lambda day: fulfils(int(day)))), set()
        case InField(name, text) if is_of_summary(leaf):
            return _holding(segment, [name], octets(normal(text))), set()
        case InField(name, text):
            wanted = octets(normal(text))
            if not wanted:
                return _holding(segment, [NAMES], EDGE + octets(name) + b":" + EDGE), set()
            return _in_values(segment, [name], [LONG + name], wanted)
        case InText(text) if part is Part.BODY:
            return _in_values(segment, [], [BODY], octets(normal(text)))
        case InText(text):
            return _in_header(segment, octets(normal(text)))
        case _:
            raise TypeError(f"no index answers {type(leaf).__name__}")


def _in_header(segment: Segment, wanted: bytes) -> tuple[set[int], set[int]]:
    """``name: value`` of any field; what is wanted may begin in the name and go on in the value."""
    if b" " not in wanted:
        return segment.holding(wanted), set()
    yes, unsure = _in_values(
        segment, segment.names, [name for name in segment.names if name.startswith(LONG)], wanted
    )
    name, rest = wanted.split(b" ", 1)
    named = _holding(segment, [NAMES], name + EDGE)
    if named:
        unsure |= named & segment.holding(EDGE + rest.split(b" ", 1)[0])
    return yes, unsure


def _in_values(
    segment: Segment, whole: Collection[str], words: Collection[str], wanted: bytes
) -> tuple[set[int], set[int]]:
    """In sections of whole values, and in those of words.

    One word is within a term; of several, the first ends one and the last begins one.
    """
    first, *following = wanted.split(b" ")
    if not following:
        return _holding(segment, [*whole, *words], wanted), set()
    *middle, last = following
    unsure = _holding(segment, words, first + EDGE)
    for pattern in (EDGE + last, *(EDGE + word + EDGE for word in middle[:WORDS_LIMIT])):
        if unsure:
            unsure &= _holding(segment, words, pattern)
    return _holding(segment, whole, wanted), unsure


def _holding(segment: Segment, names: Iterable[str], pattern: bytes) -> set[int]:
    sections = (segment.section(name) for name in names)
    return set[int]().union(*(each.holding(pattern) for each in sections if each is not None))
