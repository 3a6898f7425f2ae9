"""The text index: messages that are stored → sealed segments, behind the back of their delivery.

Everything here may run twice, in two processes, and be killed at any moment: a unit of work that
finds its ground changed writes nothing. What is not in the index is read by whoever searches.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from mailbox_store import indexable, segment_plan, segments
from mailbox_store.database import Database, Transaction, View
from mailbox_store.segment_draft import Draft, Pace
from mailbox_store.segments import (
    IndexChanged,
    Part,
    SealedStretch,
    SegmentDamaged,
    Stretch,
)
from mailbox_store.vault import AccountId
from mss_gateway.life.index_round import (
    at_once,
    each_stretch,
    has_key,
    in_rounds,
    try_to,
    within,
)
from mss_gateway.life.message_terms import known
from mss_gateway.message.terms import Terms
from mss_gateway.message.text import READ_OCTETS
from mss_gateway.observability import log

BATCH_MESSAGES: Final = 200
BATCH_OCTETS: Final = 8 * 1024 * 1024
"""What one batch takes at most, its first message aside: bounds memory and what a crash undoes."""


@dataclass(frozen=True, slots=True)
class Indexed:
    """What a batch did: how many messages, of which accounts."""

    messages: int
    accounts: frozenset[AccountId]


class _Drafts:
    """A stretch in the making: one draft for each part."""

    def __init__(self) -> None:
        self.message_ids: list[int] = []
        self.parts = {part: Draft() for part in Part}

    def add(self, message_id: int, told: Mapping[Part, Terms | None]) -> None:
        self.message_ids.append(message_id)
        for part, draft in self.parts.items():
            draft.add(message_id, told[part])

    def seal(
        self, database: Database, account_id: AccountId, level: int, pace: Pace
    ) -> SealedStretch | None:
        """None when there is no message."""
        if not self.message_ids:
            return None
        plain = {part: draft.encode(pace) for part, draft in self.parts.items()}
        with database.read() as view:
            seal = view.vault.account(view, account_id)
        pace()
        return segments.seal_stretch(seal, self.message_ids, level, plain)


def index_batch(database: Database, pace: Pace) -> Indexed:
    """Index the next messages, in the order in which they were stored."""
    with database.read() as view:
        before = segments.progress(view)
        batch = within(indexable.pending(view, BATCH_MESSAGES), BATCH_OCTETS, READ_OCTETS)
    if not batch:
        return Indexed(0, frozenset())
    drafts: dict[AccountId, _Drafts] = {}
    for message in batch:
        told = known(database, message.account_id, message.message_id, pace)
        if told is not None:
            drafts.setdefault(message.account_id, _Drafts()).add(message.message_id, told)
        pace()
    sealed = {
        account_id: each.seal(
            database, account_id, segment_plan.level_of(len(each.message_ids)), pace
        )
        for account_id, each in drafts.items()
    }

    def unit(tx: Transaction) -> None:
        segments.advance(tx, before, batch[-1].message_id)
        for account_id, stretch in sealed.items():
            if stretch is not None:
                segments.add(tx, account_id, stretch)

    if not try_to(database, unit):
        log.note("index batch done elsewhere", count=len(batch))
    return Indexed(len(batch), frozenset(drafts))


def tidy(database: Database, account_id: AccountId, pace: Pace, *, is_thorough: bool) -> None:
    """Merge what should be merged and make again what does not open.

    With ``is_thorough``, also write anew what says too much about messages that are gone.
    """
    in_rounds(lambda: _tidy_once(database, account_id, pace, is_thorough=is_thorough), pace)


def rebuild(database: Database, account_id: AccountId, stretch: Stretch, pace: Pace) -> bool:
    """Make a stretch again from its messages; False when another process has changed it."""
    drafts = _Drafts()
    with database.read() as view:
        found = indexable.messages_between(view, account_id, stretch.first, stretch.last)
    for message_id in found:
        told = known(database, account_id, message_id, pace)
        if told is not None:
            drafts.add(message_id, told)
        pace()
    level = max(stretch.level, segment_plan.level_of(len(found)))
    return _replace(database, account_id, [stretch], drafts.seal(database, account_id, level, pace))


def renew(database: Database, told: Callable[[int], None]) -> None:
    """Make the whole index again, stretch by stretch; ``told`` hears of messages that are done.

    At no moment is anything missing in it.
    """

    def anew(account_id: AccountId, stretch: Stretch) -> bool:
        is_done = rebuild(database, account_id, stretch, at_once)
        if is_done:
            told(stretch.messages)
        return is_done

    each_stretch(database, segments, anew)
    while (indexed := index_batch(database, at_once)).messages:
        for account_id in indexed.accounts:
            tidy(database, account_id, at_once, is_thorough=False)
        told(indexed.messages)


def verify(database: Database) -> list[int]:
    """Open every segment; the ids of those that do not open, which are marked to be made again."""
    broken: list[int] = []

    def look(account_id: AccountId, stretch: Stretch) -> bool:
        with database.read() as view:
            broken.extend(_not_opening(view, account_id, stretch))
        return True

    each_stretch(database, segments, look)
    for segment_id in broken:
        mark(database, segment_id)
    return broken


def mark(database: Database, segment_id: int) -> None:
    """Have a segment that does not open made again."""
    database.write(lambda tx: segments.mark_damaged(tx, segment_id))


def _tidy_once(database: Database, account_id: AccountId, pace: Pace, *, is_thorough: bool) -> bool:
    """The most urgent piece of work; False when there is none, or another process does it."""
    with database.read() as view:
        is_open = has_key(view, account_id)
        stretches = segments.stretches(view, account_id)
    if not is_open:
        database.write(lambda tx: segments.forget(tx, account_id))
        return False
    for stretch in stretches:
        if stretch.is_damaged:
            return rebuild(database, account_id, stretch, pace)
    decayed = _decayed(database, account_id, stretches) if is_thorough else []
    worn = decayed[:1] or segment_plan.merge(stretches)
    if not worn:
        return False
    try:
        return _rewrite(database, account_id, worn, pace)
    except SegmentDamaged as damaged:
        log.bug("index", damaged, stage="index")
        mark(database, damaged.segment_id)
        return True
    except IndexChanged:
        return False


def _decayed(database: Database, account_id: AccountId, stretches: list[Stretch]) -> list[Stretch]:
    if not stretches:
        return []
    with database.read() as view:
        left = indexable.counts_left(view, account_id, stretches)
    return [
        stretch
        for stretch, count in zip(stretches, left, strict=True)
        if segment_plan.is_decayed(stretch.messages, count)
    ]


def _rewrite(database: Database, account_id: AccountId, worn: list[Stretch], pace: Pace) -> bool:
    """Neighbours become one stretch, without what is gone."""
    drafts = _Drafts()
    for stretch in worn:
        kept: set[int] = set()
        for part, draft in drafts.parts.items():
            with database.read() as view:
                segment = segments.open_segment(view, account_id, stretch, part)
                if part is Part.FIELDS:
                    kept = indexable.existing(view, account_id, segment.message_ids)
            pace()
            draft.absorb(segment, kept, pace)
        drafts.message_ids += sorted(kept)
    level = max(stretch.level for stretch in worn) + (len(worn) > 1)
    return _replace(database, account_id, worn, drafts.seal(database, account_id, level, pace))


def _replace(
    database: Database, account_id: AccountId, old: Iterable[Stretch], new: SealedStretch | None
) -> bool:
    return try_to(database, lambda tx: segments.replace(tx, account_id, old, new))


def _not_opening(view: View, account_id: AccountId, stretch: Stretch) -> Iterator[int]:
    for part in stretch.pieces:
        try:
            segments.open_segment(view, account_id, stretch, part)
        except SegmentDamaged as damaged:
            yield damaged.segment_id
        except IndexChanged:
            continue  # written anew meanwhile
