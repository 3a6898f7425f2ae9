"""Searching a patient's messages: the sealed index, newest first, and what it does not know yet.

A search goes back from the newest message and ends as soon as a page is full: it costs what it
finds, not what there is. Whoever looks for something rare goes further back, up to a limit of work,
and is told where it ended. Messages of the last seconds are read one by one.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import reduce
from typing import Final, NamedTuple

from mailbox_store import indexable, search, segments
from mailbox_store.database import MailboxId, View
from mailbox_store.messages import MessageId
from mailbox_store.segment_format import EDGE, Section, Segment
from mailbox_store.segments import IndexChanged, Part, SegmentDamaged, Stretch
from mailbox_store.vault import AccountId
from mss_gateway.life import index, message_words
from mss_gateway.life.gateway import Gateway
from mss_gateway.life.message_words import KNOWN, Asked
from mss_gateway.message.terms import WORDS
from mss_gateway.observability import log

SEARCHED_OCTETS: Final = 64 << 20
"""Sealed octets of index that one search opens at most."""

SEARCH_SECONDS: Final = 2.0
"""How long one search takes at most, about."""

READ_MESSAGES: Final = 60
"""Messages that one search reads at most: what the index does not know, and whether phrases stand
in them."""

PLACES_AT_ONCE: Final = 200
"""Messages whose mailbox is looked up in one statement."""

NEWEST: Final = (1 << 63) - 1


class Hit(NamedTuple):
    """A message that was found, and where it stands."""

    message_id: int
    mailbox_id: MailboxId
    uid: int


@dataclass(frozen=True, slots=True)
class Found:
    """Messages in the order in which they were stored, the newest first.

    ``older``: the search goes on below this message id; None at its end. ``is_cut``: it ended there
    for its cost, not because the page was full. ``left_out``: of the newest messages some were
    neither in the index yet nor read.
    """

    hits: tuple[Hit, ...] = ()
    older: int | None = None
    is_cut: bool = False
    left_out: bool = False


def find(
    gateway: Gateway,
    account_id: AccountId,
    asked: Asked,
    mailbox_ids: Sequence[MailboxId],
    limit: int,
    before: int = NEWEST,
) -> Found:
    """Messages of these mailboxes, below message id ``before``, that hold all that is asked.

    A word is found in names, title, text and names of files, by its beginning, in any case and
    with or without accents. Nothing is found for no words.
    """
    if not asked.words:
        return Found()
    with gateway.database.read() as view:
        one = _Search(view, account_id, asked, mailbox_ids, before)
        found = one.run(limit)
    if one.outdated:
        log.note("segments of messages are made again", count=len(one.outdated))
        for segment_id in one.outdated:
            index.mark(gateway.database, segment_id)
    return found


class _Proof(Enum):
    """What is known of a candidate: it holds all; its words, not its phrases; or nothing."""

    HOLDS = 0
    MAY_HOLD = 1
    UNKNOWN = 2


_Candidate = tuple[int, _Proof]


class _TooDear(Exception):
    """The work of one search is done; ``before``: what was not looked at is below."""

    def __init__(self, before: int) -> None:
        super().__init__(before)
        self.before = before


@dataclass(slots=True)
class _Search:
    """One search, and what it may still cost. ``outdated``: segments that know too little."""

    view: View
    account_id: AccountId
    asked: Asked
    mailbox_ids: Sequence[MailboxId]
    before: int
    octets: int = field(default_factory=lambda: SEARCHED_OCTETS)
    reads: int = field(default_factory=lambda: READ_MESSAGES)
    until: float = field(default_factory=lambda: time.monotonic() + SEARCH_SECONDS)
    outdated: list[int] = field(default_factory=list)
    left_out: bool = False

    def run(self, limit: int) -> Found:
        hits: list[Hit] = []
        try:
            for candidates in self._candidates():
                for hit in self._proved(candidates):
                    hits.append(hit)
                    if len(hits) > limit:
                        older = hits[limit - 1].message_id
                        return Found(tuple(hits[:limit]), older, left_out=self.left_out)
        except _TooDear as ended:
            return Found(tuple(hits), ended.before, is_cut=True, left_out=self.left_out)
        return Found(tuple(hits), left_out=self.left_out)

    def _candidates(self) -> Iterator[list[_Candidate]]:
        """Messages that may be meant, the newest first, in groups: one for each stretch."""
        through = segments.progress(self.view)
        yield self._unknown(
            indexable.newest_between(
                self.view, self.account_id, through + 1, self.before - 1, self.reads + 1
            )
        )
        for stretch in reversed(segments.stretches(self.view, self.account_id)):
            if stretch.first >= self.before:
                continue
            piece = stretch.pieces.get(Part.BODY)
            self.octets -= 0 if piece is None else piece.octets
            if self.octets < 0 or time.monotonic() > self.until:
                raise _TooDear(min(self.before, stretch.last + 1))
            yield self._in_stretch(stretch)

    def _in_stretch(self, stretch: Stretch) -> list[_Candidate]:
        piece = stretch.pieces.get(Part.BODY)
        try:
            segment = segments.open_segment(self.view, self.account_id, stretch, Part.BODY)
        except (SegmentDamaged, IndexChanged):
            if piece is not None and not piece.is_damaged:
                self.outdated.append(piece.segment_id)
            every = indexable.messages_between(
                self.view, self.account_id, stretch.first, min(stretch.last, self.before - 1)
            )
            return self._unknown(every[::-1])
        section = segment.section(WORDS)
        known = set[int]() if section is None else section.holding(EDGE + KNOWN + EDGE)
        if piece is not None and len(known) + len(segment.doubtful) < len(segment.message_ids):
            self.outdated.append(piece.segment_id)
        return self._in_segment(segment, section, known)

    def _in_segment(
        self, segment: Segment, section: Section | None, known: set[int]
    ) -> list[_Candidate]:
        named = segment.message_ids
        proof = _Proof.MAY_HOLD if self.asked.phrases else _Proof.HOLDS
        holding = set[int]() if section is None else _holding(section, self.asked.words)
        found = [(named[each], proof) for each in holding]
        if len(known) < len(named):
            unknown = set(range(len(named))) - known
            found += [(named[each], _Proof.UNKNOWN) for each in unknown]
        return sorted(((each, how) for each, how in found if each < self.before), reverse=True,
                      key=lambda one: one[0])  # fmt: skip

    def _unknown(self, newest_first: Sequence[MessageId]) -> list[_Candidate]:
        """Messages that must be read: no more of them than may be."""
        if len(newest_first) > self.reads:
            self.left_out = True
        return [(each, _Proof.UNKNOWN) for each in newest_first[: self.reads]]

    def _proved(self, candidates: Sequence[_Candidate]) -> Iterator[Hit]:
        """Those that hold all that is asked, in one of the mailboxes."""
        for start in range(0, len(candidates), PLACES_AT_ONCE):
            group = candidates[start : start + PLACES_AT_ONCE]
            if time.monotonic() > self.until:
                raise _TooDear(group[0][0] + 1)
            places = search.places_of(self.view, self.mailbox_ids, [each for each, _ in group])
            for message_id, proof in group:
                place = places.get(message_id)
                if place is not None and self._holds(MessageId(message_id), proof):
                    yield Hit(message_id, *place)

    def _holds(self, message_id: MessageId, proof: _Proof) -> bool:
        if proof is _Proof.HOLDS:
            return True
        if not self.reads or time.monotonic() > self.until:
            if proof is _Proof.MAY_HOLD:
                raise _TooDear(message_id + 1)
            self.left_out = True
            return False
        self.reads -= 1
        try:
            words = message_words.said_by(self.view, self.account_id, message_id)
        except Exception as error:
            # one message that does not open must not end everybody's search
            log.bug("message search", error, stage="search")
            return False
        return message_words.holds(words, self.asked)


def _holding(section: Section, words: Sequence[bytes]) -> set[int]:
    """Ordinals of the messages that hold all of ``words``, the longest first."""

    def also(found: set[int], word: bytes) -> set[int]:
        return found & section.holding(EDGE + word) if found else found

    return reduce(also, words[1:], section.holding(EDGE + words[0]))
