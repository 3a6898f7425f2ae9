"""The search index of each account: sealed segments, and how far the index has come.

An account's messages lie in stretches, in the order of their ids; of each stretch there are as many
segments as there are parts, so that a search in subjects opens no bodies. Laws: stretches of an
account do not overlap; every message of the account between the ends of a stretch is in it or was
deleted; every message up to :func:`progress` is in a stretch. So what is between stretches, and up
to there, does not exist, and a search needs no list of what was indexed.

Segments are derived: one that does not open is marked, its messages are read instead, and it is
made again.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from mailbox_store.database import Transaction, View
from mailbox_store.errors import StoreError
from mailbox_store.segment_format import Segment
from mailbox_store.vault import AccountId, AccountSeal


class Part(IntEnum):
    """What a segment tells of its messages; the value is in ``tier``."""

    FIELDS = 0
    """Addresses, subject, day: what lists show."""
    HEADER = 1
    """Every field of the header."""
    BODY = 2


LEVELS: Final = 16
"""``tier`` is the part, times so many, and the level; see ``segment_plan``."""

DAMAGED: Final = LEVELS - 1
"""The level of a segment that does not open."""


class SegmentDamaged(StoreError):
    """A segment does not open, or says something else than its row."""

    def __init__(self, segment_id: int) -> None:
        super().__init__(f"segment {segment_id} does not open")
        self.segment_id = segment_id


class IndexChanged(StoreError):
    """Another process has done this work meanwhile; nothing was written."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One segment as its row says: ``octets`` is its sealed length."""

    segment_id: int
    octets: int
    is_damaged: bool


@dataclass(frozen=True, slots=True)
class Stretch:
    """Messages of one account that were indexed together, from ``first`` to ``last``."""

    first: int
    last: int
    level: int
    messages: int
    pieces: Mapping[Part, Piece]

    @property
    def octets(self) -> int:
        """Sealed octets of all its segments."""
        return sum(piece.octets for piece in self.pieces.values())

    @property
    def is_damaged(self) -> bool:
        """Whether a segment is missing or marked."""
        pieces = self.pieces
        return len(pieces) < len(Part) or any(piece.is_damaged for piece in pieces.values())


@dataclass(frozen=True, slots=True)
class SealedStretch:
    """A stretch ready to be stored."""

    first: int
    last: int
    level: int
    messages: int
    sealed: Mapping[Part, bytes]


@dataclass(frozen=True, slots=True)
class Totals:
    """The index in figures: segments, their sealed octets, those that do not open, and the lag."""

    segments: int
    octets: int
    damaged: int
    lag: int


def progress(view: View) -> int:
    """Every message up to this id is in the index."""
    through: int = view.sql(
        "SELECT through FROM search_progress WHERE progress_id = 1"
    ).scalar_one()
    return through


def lag(view: View) -> int:
    """How many messages are not in the index yet."""
    waiting: int = view.sql(
        "SELECT count(*) FROM messages WHERE message_id > ?", (progress(view),)
    ).scalar_one()
    return waiting


def stretches(view: View, account_id: AccountId) -> list[Stretch]:
    """The stretches of an account in the order of their messages."""
    rows = view.sql(
        "SELECT first_message, last_message, tier, messages, segment_id, length(sealed)"
        " FROM search_segments WHERE account_id = ?",
        (account_id,),
    ).fetchall()
    found: dict[int, list[tuple[int, int, int, int, int, int]]] = {}
    for row in sorted(rows):
        found.setdefault(row[0], []).append(row)
    return [_stretch(each) for each in found.values()]


def _stretch(rows: list[tuple[int, int, int, int, int, int]]) -> Stretch:
    pieces: dict[Part, Piece] = {}
    levels = [0]
    for _, _, tier, _, segment_id, octets in rows:
        part, level = divmod(tier, LEVELS)
        if level != DAMAGED:
            levels.append(level)
        pieces[Part(part)] = Piece(segment_id, octets, level == DAMAGED)
    first, last, _, messages, _, _ = rows[0]
    return Stretch(first, last, max(levels), messages, pieces)


def open_segment(view: View, account_id: AccountId, stretch: Stretch, part: Part) -> Segment:
    """What a stretch knows of this part; raises :class:`SegmentDamaged`.

    Raises :class:`IndexChanged` when the stretch was replaced since it was listed.
    """
    piece = stretch.pieces.get(part)
    if piece is None or piece.is_damaged:
        raise SegmentDamaged(0 if piece is None else piece.segment_id)
    sealed = view.sql(
        "SELECT CAST(sealed AS BLOB) FROM search_segments WHERE segment_id = ?",
        (piece.segment_id,),
    ).scalar()
    if sealed is None:
        raise IndexChanged(f"segment {piece.segment_id} is gone")
    seal = view.vault.account(view, account_id)
    try:
        segment = Segment(seal.open(sealed, _context(part, stretch.first, stretch.last)))
    except Exception as error:
        # which exception says "does not open" belongs to the sealing that was handed in
        raise SegmentDamaged(piece.segment_id) from error
    if len(segment.message_ids) != stretch.messages:
        raise SegmentDamaged(piece.segment_id)
    return segment


def seal_stretch(
    seal: AccountSeal, message_ids: Collection[int], level: int, plain: Mapping[Part, bytes]
) -> SealedStretch:
    """Seal a stretch; runs before the transaction, on the caller's thread."""
    first, last = min(message_ids), max(message_ids)
    sealed = {
        part: seal.seal(octets, _context(part, first, last)) for part, octets in plain.items()
    }
    return SealedStretch(first, last, level, len(message_ids), sealed)


def add(tx: Transaction, account_id: AccountId, stretch: SealedStretch) -> None:
    """Store a stretch of messages that no other stretch covers."""
    for part, sealed in stretch.sealed.items():
        tx.sql(
            "INSERT INTO search_segments (account_id, tier, first_message, last_message, messages,"
            " sealed) VALUES (?, ?, ?, ?, ?, ?)",
            (
                account_id,
                part * LEVELS + stretch.level,
                stretch.first,
                stretch.last,
                stretch.messages,
                sealed,
            ),
        )


def advance(tx: Transaction, before: int, through: int) -> None:
    """Move the progress on; raises :class:`IndexChanged` when it is not at ``before``."""
    moved = tx.sql(
        "UPDATE search_progress SET through = ? WHERE progress_id = 1 AND through = ?"
        " RETURNING through",
        (through, before),
    ).first()
    if moved is None:
        raise IndexChanged("the index has come further meanwhile")


def replace(
    tx: Transaction, account_id: AccountId, old: Iterable[Stretch], new: SealedStretch | None
) -> None:
    """Put ``new`` in the place of neighbouring stretches, or nothing when no message is left.

    Raises :class:`IndexChanged` when one of the old ones is not there any more.
    """
    for stretch in old:
        for piece in stretch.pieces.values():
            gone = tx.sql(
                "DELETE FROM search_segments WHERE segment_id = ? AND account_id = ?"
                " RETURNING segment_id",
                (piece.segment_id, account_id),
            ).first()
            if gone is None:
                raise IndexChanged(f"segment {piece.segment_id} is gone")
    if new is not None:
        add(tx, account_id, new)


def mark_damaged(tx: Transaction, segment_id: int) -> None:
    """Have a segment made again; until then nobody opens it."""
    tx.sql(
        "UPDATE search_segments SET tier = tier - tier % ? + ? WHERE segment_id = ?",
        (LEVELS, DAMAGED, segment_id),
    )


def forget(tx: Transaction, account_id: AccountId) -> None:
    """Drop the index of an account that goes, or whose key was destroyed."""
    tx.sql("DELETE FROM search_segments WHERE account_id = ?", (account_id,))


def next_account(view: View, after: AccountId) -> AccountId | None:
    """The account with an index that follows ``after``."""
    found = view.sql(
        "SELECT min(account_id) FROM search_segments WHERE account_id > ?", (after,)
    ).scalar()
    return None if found is None else AccountId(found)


def totals(view: View) -> Totals:
    """Counts of the whole index; walks all of its rows."""
    row = view.sql(
        "SELECT count(*), total(length(sealed)), total(tier % ? = ?) FROM search_segments",
        (LEVELS, DAMAGED),
    ).one()
    return Totals(row[0], int(row[1]), int(row[2]), lag(view))


def _context(part: Part, first: int, last: int) -> bytes:
    """What binds a sealed segment to its place."""
    return b"search segment %d %d %d" % (part, first, last)
