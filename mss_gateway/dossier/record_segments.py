"""The search index of each record: sealed segments of its documents' words, and their numbers.

A document has a number while it may be found: numbers only grow and never return, also where rows
are copied to another store, which is more than a table with a text key can say of its rows. When
its words change it gets a new one. An account's documents lie in stretches of numbers, a sealed
segment each (``mailbox_store.segment_format``).

Laws: stretches of an account do not overlap; every number up to :func:`progress` is in a stretch
or is gone; a stretch that knows words of a number that is gone is marked in the transaction in
which it went, and written anew soon. Segments are derived: one that does not open is marked too,
and made again from its documents.
"""

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, Table, text

from mailbox_store.database import Transaction, View
from mailbox_store.errors import StoreError
from mailbox_store.segment_format import Segment
from mailbox_store.segments import IndexChanged
from mailbox_store.tables import metadata
from mailbox_store.vault import AccountId, AccountSeal
from mss_gateway.dossier.documents import DocumentId

document_numbers = Table(
    "document_numbers",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("account_id", ForeignKey("accounts.account_id"), nullable=False),
    # a document cannot go while its words may still be found
    Column("document_id", ForeignKey("documents.document_id"), nullable=False, unique=True),
    Index(None, "account_id", "number"),
    sqlite_autoincrement=True,
)

document_segments = Table(
    "document_segments",
    metadata,
    Column("segment_id", Integer, primary_key=True),
    Column("account_id", ForeignKey("accounts.account_id"), nullable=False),
    Column("level", Integer, nullable=False),
    Column("first_number", Integer, nullable=False),
    Column("last_number", Integer, nullable=False),
    Column("documents", Integer, nullable=False),
    Column("wants", Integer, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Index(None, "account_id", "first_number"),
    Index("ix_document_segments_wants", "account_id", sqlite_where=text("wants")),
    sqlite_autoincrement=True,
)

_PROGRESS: Final = 2
"""The row of ``search_progress`` that is the records'."""


class Wants(IntEnum):
    """What has to be done to a segment."""

    NOTHING = 0
    REWRITING = 1
    """It knows words of a document that is gone."""
    REMAKING = 2
    """It does not open: its documents are read again."""


class SegmentDamaged(StoreError):
    """A segment does not open, or says something else than its row."""

    def __init__(self, segment_id: int) -> None:
        super().__init__(f"document segment {segment_id} does not open")
        self.segment_id = segment_id


@dataclass(frozen=True, slots=True)
class Stretch:
    """Documents of one record that were indexed together, by their numbers, as the row says."""

    segment_id: int
    first: int
    last: int
    level: int
    documents: int
    octets: int  # sealed
    wants: Wants

    @property
    def messages(self) -> int:
        """The plan of merges (``mailbox_store.segment_plan``) counts messages."""
        return self.documents


@dataclass(frozen=True, slots=True)
class SealedStretch:
    """A stretch ready to be stored."""

    numbers: tuple[int, ...]  # ascending
    level: int
    sealed: bytes


@dataclass(frozen=True, slots=True)
class Pending:
    """A document that is not in the index yet; ``size`` is that of its bytes."""

    number: int
    account_id: AccountId
    document_id: DocumentId
    size: int


def add_number(tx: Transaction, account_id: int, document_id: str) -> None:
    """Have a document indexed that was just added; one that has a number keeps it."""
    tx.sql(
        "INSERT INTO document_numbers (account_id, document_id) VALUES (?, ?)"
        " ON CONFLICT DO NOTHING",
        (account_id, document_id),
    )


def renew_number(tx: Transaction, account_id: int, document_id: str) -> None:
    """Have a document indexed again, whose title, date or category was changed."""
    remove_number(tx, account_id, document_id)
    add_number(tx, account_id, document_id)


def remove_number(tx: Transaction, account_id: int, document_id: str) -> None:
    """Take a document out of the index, before its row goes: from now on nobody finds it.

    Its words leave the disk when the segment that has them is written anew, next by the indexer.
    """
    gone = tx.sql(
        "DELETE FROM document_numbers WHERE document_id = ? AND account_id = ? RETURNING number",
        (document_id, account_id),
    ).first()
    if gone is not None:
        tx.sql(
            "UPDATE document_segments SET wants = max(wants, ?)"
            " WHERE account_id = ? AND first_number <= ? AND last_number >= ?",
            (Wants.REWRITING.value, account_id, gone[0], gone[0]),
        )


def forget(tx: Transaction, account_id: AccountId) -> None:
    """Drop the index of an account that goes, or whose key was destroyed."""
    tx.sql("DELETE FROM document_segments WHERE account_id = ?", (account_id,))


def progress(view: View) -> int:
    """Every document with a number up to this one is in the index."""
    through: int = view.sql(
        "SELECT through FROM search_progress WHERE progress_id = ?", (_PROGRESS,)
    ).scalar_one()
    return through


def advance(tx: Transaction, before: int, through: int) -> None:
    """Move the progress on; raises :class:`IndexChanged` when it is not at ``before``."""
    moved = tx.sql(
        "UPDATE search_progress SET through = ? WHERE progress_id = ? AND through = ?"
        " RETURNING through",
        (through, _PROGRESS, before),
    ).first()
    if moved is None:
        raise IndexChanged("the index has come further meanwhile")


def lag(view: View) -> int:
    """How many documents are not in the index yet."""
    waiting: int = view.sql(
        "SELECT count(*) FROM document_numbers WHERE number > ?", (progress(view),)
    ).scalar_one()
    return waiting


def pending(view: View, limit: int) -> list[Pending]:
    """The next documents that are not in the index yet, of all accounts, in order."""
    rows = view.sql(
        "SELECT n.number, n.account_id, n.document_id, d.size FROM document_numbers n"
        " JOIN documents d ON d.document_id = n.document_id"
        " WHERE n.number > ? ORDER BY n.number LIMIT ?",
        (progress(view), limit),
    ).fetchall()
    return [Pending(row[0], AccountId(row[1]), DocumentId(row[2]), row[3]) for row in rows]


def unread(view: View, account_id: int, first: int, last: int, limit: int) -> list[DocumentId]:
    """Documents of an account with numbers from ``first`` to ``last``, the newest number first."""
    rows = view.sql(
        "SELECT document_id FROM document_numbers WHERE account_id = ? AND number BETWEEN ? AND ?"
        " ORDER BY number DESC LIMIT ?",
        (account_id, first, last, limit),
    ).fetchall()
    return [DocumentId(row[0]) for row in rows]


def numbers_between(view: View, account_id: int, first: int, last: int) -> list[Pending]:
    """The documents of an account with numbers from ``first`` to ``last``, ascending."""
    rows = view.sql(
        "SELECT n.number, n.account_id, n.document_id, d.size FROM document_numbers n"
        " JOIN documents d ON d.document_id = n.document_id"
        " WHERE n.account_id = ? AND n.number BETWEEN ? AND ? ORDER BY n.number",
        (account_id, first, last),
    ).fetchall()
    return [Pending(row[0], AccountId(row[1]), DocumentId(row[2]), row[3]) for row in rows]


def existing(view: View, numbers: Collection[int]) -> set[int]:
    """Those of ``numbers`` whose documents may still be found."""
    rows = view.sql(
        "SELECT json_group_array(number) FROM document_numbers"
        " WHERE number IN (SELECT value FROM json_each(?))",
        (json.dumps(list(numbers)),),
    ).scalar_one()
    return set(json.loads(rows))


def stretches(view: View, account_id: int) -> list[Stretch]:
    """The stretches of an account in the order of their numbers."""
    rows = view.sql(
        "SELECT segment_id, first_number, last_number, level, documents, length(sealed), wants"
        " FROM document_segments WHERE account_id = ? ORDER BY first_number",
        (account_id,),
    ).fetchall()
    return [
        Stretch(each, first, last, level, documents, octets, Wants(wants))
        for each, first, last, level, documents, octets, wants in rows
    ]


def open_stretch(view: View, account_id: int, stretch: Stretch) -> Segment:
    """What a stretch knows; raises :class:`SegmentDamaged`.

    Raises :class:`IndexChanged` when the stretch was replaced since it was listed.
    """
    sealed = view.sql(
        "SELECT CAST(sealed AS BLOB) FROM document_segments WHERE segment_id = ?",
        (stretch.segment_id,),
    ).scalar()
    if sealed is None:
        raise IndexChanged(f"document segment {stretch.segment_id} is gone")
    seal = view.vault.account(view, AccountId(account_id))
    try:
        segment = Segment(seal.open(sealed, _context(stretch.first, stretch.last)))
    except Exception as error:
        # which exception says "does not open" belongs to the sealing that was handed in
        raise SegmentDamaged(stretch.segment_id) from error
    if len(segment.message_ids) != stretch.documents:
        raise SegmentDamaged(stretch.segment_id)
    return segment


def seal_stretch(
    seal: AccountSeal, numbers: Iterable[int], level: int, plain: bytes
) -> SealedStretch:
    """Seal a stretch; runs before the transaction, on the caller's thread."""
    ascending = tuple(numbers)
    sealed = seal.seal(plain, _context(ascending[0], ascending[-1]))
    return SealedStretch(ascending, level, sealed)


def add(tx: Transaction, account_id: AccountId, stretch: SealedStretch) -> None:
    """Store a stretch; what went while it was made is noticed here."""
    is_true = len(existing(tx, stretch.numbers)) == len(stretch.numbers)
    tx.sql(
        "INSERT INTO document_segments (account_id, level, first_number, last_number, documents,"
        " wants, sealed) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            account_id,
            stretch.level,
            stretch.numbers[0],
            stretch.numbers[-1],
            len(stretch.numbers),
            (Wants.NOTHING if is_true else Wants.REWRITING).value,
            stretch.sealed,
        ),
    )


def replace(
    tx: Transaction, account_id: AccountId, old: Iterable[Stretch], new: SealedStretch | None
) -> None:
    """Put ``new`` in the place of neighbouring stretches, or nothing when no document is left.

    Raises :class:`IndexChanged` when one of the old ones is not there any more.
    """
    for stretch in old:
        gone = tx.sql(
            "DELETE FROM document_segments WHERE segment_id = ? AND account_id = ?"
            " RETURNING segment_id",
            (stretch.segment_id, account_id),
        ).first()
        if gone is None:
            raise IndexChanged(f"document segment {stretch.segment_id} is gone")
    if new is not None:
        add(tx, account_id, new)


def mark_damaged(tx: Transaction, segment_ids: Iterable[int]) -> None:
    """Have segments made again; until then nobody opens them."""
    tx.many(
        "UPDATE document_segments SET wants = ? WHERE segment_id = ?",
        [(Wants.REMAKING.value, segment_id) for segment_id in segment_ids],
    )


def wanting(view: View, limit: int) -> list[AccountId]:
    """Accounts with a segment that has to be written anew."""
    rows = view.sql(
        "SELECT DISTINCT account_id FROM document_segments WHERE wants ORDER BY account_id LIMIT ?",
        (limit,),
    ).fetchall()
    return [AccountId(row[0]) for row in rows]


def next_account(view: View, after: AccountId) -> AccountId | None:
    """The account with an index that follows ``after``."""
    found = view.sql(
        "SELECT min(account_id) FROM document_segments WHERE account_id > ?", (after,)
    ).scalar()
    return None if found is None else AccountId(found)


def _context(first: int, last: int) -> bytes:
    """What binds a sealed segment to its place."""
    return b"document segment %d %d" % (first, last)
