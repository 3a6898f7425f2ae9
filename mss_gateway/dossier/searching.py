"""Searching a record: words, all of which a document must hold, each whole or its beginning.

The index answers for what it knows; documents that it does not know yet, and those of a segment
that does not open, are named, for whoever can read them. Nothing here judges what may be shown.
"""

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import islice
from typing import Final, NamedTuple

from mailbox_store.database import View
from mailbox_store.segment_format import EDGE, Segment
from mailbox_store.segments import IndexChanged
from mss_gateway.dossier import record_segments
from mss_gateway.dossier.documents import Document, DocumentId
from mss_gateway.dossier.record_segments import SegmentDamaged, Stretch, Wants
from mss_gateway.dossier.search_words import terms_of

UNREAD_LIMIT: Final = 500
"""Documents that the index does not know and a search names, the newest first."""

HITS_LIMIT: Final = 1_000
"""Documents that a search finds at most, the newest; who wants others asks for more words."""

_FEW: Final = 5_000
"""Up to so many are looked up one by one; of more, the newest are found along the record."""

_NEWEST: Final = (1 << 63) - 1


class Hit(NamedTuple):
    """A document that holds every word, and the date by which lists have it."""

    at: int
    document_id: DocumentId


@dataclass(frozen=True, slots=True)
class Hits:
    """What the index knows of a search: newest first, whatever the documents' states.

    ``unread``: documents that it does not know, the last filed first; ``damaged``: segments that
    do not open, to be marked; ``is_all`` is false when more than HITS_LIMIT hold every word.
    """

    hits: tuple[Hit, ...]
    unread: tuple[DocumentId, ...]
    damaged: tuple[int, ...]
    is_all: bool = True


def find(view: View, account_id: int, words: Sequence[bytes]) -> Hits:
    """Documents of one account with all of ``words`` (``search_words.query_of``), none for none."""
    if not words:
        return Hits((), (), ())
    found: list[int] = []
    damaged: list[int] = []
    unread = record_segments.unread(
        view, account_id, record_segments.progress(view) + 1, _NEWEST, UNREAD_LIMIT
    )
    for stretch in record_segments.stretches(view, account_id):
        try:
            found += _numbers(view, account_id, stretch, words)
        except SegmentDamaged:
            if stretch.wants is not Wants.REMAKING:
                damaged.append(stretch.segment_id)
            left = UNREAD_LIMIT - len(unread)
            unread += record_segments.unread(view, account_id, stretch.first, stretch.last, left)
    newest = _few(view, account_id, found) if len(found) <= _FEW else _many(view, account_id, found)
    is_all = len(newest) <= HITS_LIMIT
    return Hits(tuple(newest[:HITS_LIMIT]), tuple(unread), tuple(damaged), is_all)


def described(document: Document) -> dict[str, set[bytes]]:
    """The words by which a document is found without its text, by section of the index."""
    return {
        "title": terms_of((document.title,)),
        "author": terms_of((document.author, document.organisation)),
        "type": terms_of((document.type.label, document.category.label)),
    }


def in_order(hits: Collection[Hit]) -> list[DocumentId]:
    """Their documents, the newest first."""
    return [hit.document_id for hit in sorted(hits, reverse=True)]


def _numbers(
    view: View, account_id: int, stretch: Stretch, words: Sequence[bytes]
) -> Iterator[int]:
    if stretch.wants is Wants.REMAKING:
        raise SegmentDamaged(stretch.segment_id)
    try:
        segment = record_segments.open_stretch(view, account_id, stretch)
    except IndexChanged as error:
        # a view is a snapshot: a row that was listed is there, or somebody took it by hand
        raise SegmentDamaged(stretch.segment_id) from error
    return (segment.message_ids[each] for each in _holding(segment, words))


def _holding(segment: Segment, words: Sequence[bytes]) -> set[int]:
    """Ordinals of the documents that hold all of ``words``, the longest first."""

    def also(found: set[int], word: bytes) -> set[int]:
        return found & segment.holding(EDGE + word) if found else found

    return reduce(also, words[1:], segment.holding(EDGE + words[0]))


def _few(view: View, account_id: int, numbers: Collection[int]) -> list[Hit]:
    """What is there of ``numbers``, newest first; one that is gone is no document any more."""
    if not numbers:
        return []
    # "+": one look per number, not a walk over all of the account's; one row, because the driver's
    # hand-over of many costs more than SQLite's work on them
    found = view.sql(
        "SELECT json_group_array(json_array(d.document_date, d.document_id))"
        " FROM document_numbers n JOIN documents d ON d.document_id = n.document_id"
        " WHERE +n.account_id = ? AND n.number IN (SELECT value FROM json_each(?))",
        (account_id, json.dumps(list(numbers))),
    ).scalar_one()
    return sorted((Hit(at, DocumentId(one)) for at, one in json.loads(found)), reverse=True)


def _many(view: View, account_id: int, numbers: Collection[int]) -> list[Hit]:
    """The same along the record from its newest document on, as far as one past HITS_LIMIT."""
    wanted = set(numbers)
    rows = view.sql(
        "SELECT d.document_date, d.document_id, n.number FROM documents d"
        " JOIN document_numbers n ON n.document_id = d.document_id"
        " WHERE d.account_id = ? ORDER BY d.document_date DESC, d.document_id DESC",
        (account_id,),
    )
    found = (Hit(at, DocumentId(one)) for at, one, number in rows if number in wanted)
    return list(islice(found, HITS_LIMIT + 1))
