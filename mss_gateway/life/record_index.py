"""The index of records: documents that are filed → sealed segments, behind the back of filing.

Everything here may run twice, in two processes, and be killed at any moment: a unit of work that
finds its ground changed writes nothing. What is not in the index is read by whoever searches.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from mailbox_store import segment_plan
from mailbox_store.database import Database, Transaction, View
from mailbox_store.segment_draft import Draft, Pace
from mailbox_store.segment_format import Segment
from mailbox_store.segments import IndexChanged
from mailbox_store.vault import AccountId
from mss_gateway.dossier import catalogue, record_segments, searching
from mss_gateway.dossier.errors import DocumentNotFound
from mss_gateway.dossier.record_segments import (
    Pending,
    SealedStretch,
    SegmentDamaged,
    Stretch,
    Wants,
)
from mss_gateway.dossier.render import Renderer
from mss_gateway.dossier.search_words import terms_of
from mss_gateway.dossier.text import Outcome, is_read, read_text
from mss_gateway.life.index_round import (
    at_once,
    each_stretch,
    has_key,
    in_rounds,
    try_to,
    within,
)
from mss_gateway.message.terms import Terms
from mss_gateway.observability import log

BATCH_DOCUMENTS: Final = 100
BATCH_OCTETS: Final = 16 << 20
BATCH_TERMS: Final = 4 << 20
"""What one batch takes at most, its first document aside: how many, their octets, and those of
their different words. Bounds memory and what a crash undoes.
"""


@dataclass(frozen=True, slots=True)
class Indexed:
    """What a batch did: how many documents, of which accounts."""

    documents: int
    accounts: frozenset[AccountId]


class _Drafts:
    """A stretch in the making, of one account's documents."""

    def __init__(self, account_id: AccountId) -> None:
        self._account_id = account_id
        self._draft = Draft()
        self._numbers: list[int] = []
        self.octets = 0

    def add(self, number: int, terms: Terms) -> None:
        self._draft.add(number, terms)
        self._numbers.append(number)
        self.octets += sum(len(term) for each in terms.values() for term in each)

    def absorb(self, segment: Segment, kept: Collection[int], pace: Pace) -> None:
        self._draft.absorb(segment, kept, pace)
        self._numbers += sorted(kept)

    def seal(self, database: Database, level: int, pace: Pace) -> SealedStretch | None:
        """None when there is no document. The level is that of so many documents at least."""
        if not self._numbers:
            return None
        plain = self._draft.encode(pace)
        with database.read() as view:
            seal = view.vault.account(view, self._account_id)
        pace()
        level = max(level, segment_plan.level_of(len(self._numbers)))
        return record_segments.seal_stretch(seal, self._numbers, level, plain)


def index_batch(database: Database, renderer: Renderer, pace: Pace) -> Indexed:
    """Index the next documents, in the order in which they were filed."""
    with database.read() as view:
        before = record_segments.progress(view)
        batch = within(record_segments.pending(view, BATCH_DOCUMENTS), BATCH_OCTETS, BATCH_OCTETS)
    if not batch:
        return Indexed(0, frozenset())
    drafts = {one.account_id: _Drafts(one.account_id) for one in batch}
    done = 0
    for one in batch:
        _draw(database, renderer, one, drafts[one.account_id], pace)
        done += 1
        if sum(each.octets for each in drafts.values()) > BATCH_TERMS:
            break
    sealed = {account_id: each.seal(database, 0, pace) for account_id, each in drafts.items()}

    def unit(tx: Transaction) -> None:
        record_segments.advance(tx, before, batch[done - 1].number)
        for account_id, stretch in sealed.items():
            if stretch is not None:
                record_segments.add(tx, account_id, stretch)

    if not try_to(database, unit):
        log.note("record index batch done elsewhere", count=done)
    return Indexed(done, frozenset(drafts))


def tidy(database: Database, renderer: Renderer, account_id: AccountId, pace: Pace) -> None:
    """Merge what should be merged, write anew what knows words of a document that is gone, and
    make again what does not open.
    """
    in_rounds(lambda: _tidy_once(database, renderer, account_id, pace), pace)


def rebuild(
    database: Database, renderer: Renderer, account_id: AccountId, stretch: Stretch, pace: Pace
) -> bool:
    """Make a stretch again from its documents; False when another process has changed it."""
    with database.read() as view:
        found = record_segments.numbers_between(view, account_id, stretch.first, stretch.last)
    drafts = _Drafts(account_id)
    for one in found:
        _draw(database, renderer, one, drafts, pace)
    return _replace(database, account_id, [stretch], drafts.seal(database, stretch.level, pace))


def renew(database: Database, renderer: Renderer, told: Callable[[int], None]) -> None:
    """Make the whole index again, stretch by stretch; ``told`` hears of documents that are done.

    At no moment is anything missing in it.
    """

    def anew(account_id: AccountId, stretch: Stretch) -> bool:
        is_done = rebuild(database, renderer, account_id, stretch, at_once)
        if is_done:
            told(stretch.documents)
        return is_done

    each_stretch(database, record_segments, anew)
    while (indexed := index_batch(database, renderer, at_once)).documents:
        for account_id in indexed.accounts:
            tidy(database, renderer, account_id, at_once)
        told(indexed.documents)


def verify(database: Database) -> list[int]:
    """Open every segment; the ids of those that do not open, which are marked to be made again."""
    broken: list[int] = []

    def look(account_id: AccountId, stretch: Stretch) -> bool:
        with database.read() as view:
            broken.extend(_not_opening(view, account_id, stretch))
        return True

    each_stretch(database, record_segments, look)
    if broken:
        mark(database, broken)
    return broken


def mark(database: Database, segment_ids: Collection[int]) -> None:
    """Have segments that do not open made again."""
    database.write(lambda tx: record_segments.mark_damaged(tx, segment_ids))


def _draw(
    database: Database, renderer: Renderer, one: Pending, drafts: _Drafts, pace: Pace
) -> None:
    known = _known(database, renderer, one)
    if known is not None:
        drafts.add(one.number, known)
    pace()


def _known(database: Database, renderer: Renderer, one: Pending) -> Terms | None:
    """The words of a document; None when it is gone, or its account's key is.

    Of what cannot be opened or read only what is known is told: a search has no better means.
    """
    terms: Terms = {}
    try:
        with database.read() as view:
            if not has_key(view, one.account_id):
                return None
            document = catalogue.find(view, one.account_id, one.document_id)
            terms = searching.described(document)
            if not is_read(document.media_type, document.size):
                return terms
            content = catalogue.read_bytes(view, one.account_id, one.document_id)
        reading = read_text(renderer, content, document.media_type)
        if reading.outcome is Outcome.REFUSED:
            log.note("a document whose text cannot be read", octets=document.size)
        terms["text"] = terms_of(reading.text.split("\n"))
    except DocumentNotFound:
        return None
    except OSError:
        # no process or memory for the reader: the document is not to blame, and waits
        raise
    except Exception as error:
        log.bug("record index", error, stage="index")
    return terms


def _tidy_once(database: Database, renderer: Renderer, account_id: AccountId, pace: Pace) -> bool:
    """The most urgent piece of work; False when there is none, or another process does it."""
    with database.read() as view:
        is_open = has_key(view, account_id)
        stretches = record_segments.stretches(view, account_id)
    if not is_open:
        database.write(lambda tx: record_segments.forget(tx, account_id))
        return False
    for stretch in stretches:
        if stretch.wants is Wants.REMAKING:
            return rebuild(database, renderer, account_id, stretch, pace)
    worn = [each for each in stretches if each.wants is Wants.REWRITING][:1]
    worn = worn or segment_plan.merge(stretches)
    if not worn:
        return False
    try:
        return _rewrite(database, account_id, worn, pace)
    except SegmentDamaged as damaged:
        log.bug("record index", damaged, stage="index")
        mark(database, [damaged.segment_id])
        return True
    except IndexChanged:
        return False


def _rewrite(database: Database, account_id: AccountId, worn: list[Stretch], pace: Pace) -> bool:
    """Neighbours become one stretch, without what is gone."""
    drafts = _Drafts(account_id)
    for stretch in worn:
        with database.read() as view:
            segment = record_segments.open_stretch(view, account_id, stretch)
            kept = record_segments.existing(view, segment.message_ids)
        pace()
        drafts.absorb(segment, kept, pace)
    level = max(stretch.level for stretch in worn) + (len(worn) > 1)
    return _replace(database, account_id, worn, drafts.seal(database, level, pace))


def _replace(
    database: Database, account_id: AccountId, old: Iterable[Stretch], new: SealedStretch | None
) -> bool:
    return try_to(database, lambda tx: record_segments.replace(tx, account_id, old, new))


def _not_opening(view: View, account_id: AccountId, stretch: Stretch) -> Iterator[int]:
    try:
        record_segments.open_stretch(view, account_id, stretch)
    except SegmentDamaged as damaged:
        yield damaged.segment_id
    except IndexChanged:
        return  # written anew meanwhile
