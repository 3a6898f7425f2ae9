"""Answers about revocation, kept: the last good one of each source, and how asking went.

A source is a list's address, or one certificate at one OCSP responder. Its row says when to ask
next; its answer lies in sealed pieces beside it, so that a list of 60 MB neither holds up the
store's writer nor is written again when only a date changes. What replaces a kept answer is newer
than it: thisUpdate never goes back.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Column, Index, Integer, LargeBinary, Table, Text, UniqueConstraint

from mailbox_store.database import Database, Transaction, View
from mailbox_store.tables import metadata
from mailbox_store.vault import AccountId

revocation_answers = Table(
    "revocation_answers",
    metadata,
    Column("answer_id", Integer, primary_key=True),
    # crl or ocsp
    Column("kind", Text, nullable=False),
    # keyed HMAC of the address (and of the certificate, for ocsp): one row for each source
    Column("source_index", LargeBinary, nullable=False),
    # keyed HMAC of whom a kept answer is about: an issuer's name, or a certificate
    Column("about_index", LargeBinary, nullable=False),
    # SHA-256 of the kept answer; NULL until the first good one. So are the dates after it
    Column("digest", LargeBinary),
    Column("octets", Integer),
    Column("this_update", Integer),
    Column("next_update", Integer),
    Column("fetched_at", Integer),
    # what the server said of its copy, for a conditional GET; empty when it said nothing
    Column("etag", Text, nullable=False),
    Column("last_modified", Text, nullable=False),
    Column("tried_at", Integer, nullable=False),
    Column("due_at", Integer, nullable=False),
    # in a row, since the last good fetch; why the last one was not good, or nothing
    Column("failures", Integer, nullable=False),
    Column("last_error", Text, nullable=False),
    UniqueConstraint("source_index"),
    Index(None, "about_index"),
    sqlite_autoincrement=True,
)

revocation_pieces = Table(
    "revocation_pieces",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("sealed", LargeBinary, nullable=False),
)

PIECE_OCTETS: Final = 256 * 1024

PIECES_AT_ONCE: Final = 8
"""Pieces written in one unit of work: others' commits wait for 2 MiB at most."""

ERROR_OCTETS: Final = 100

_AT_ONCE = 500
"""Parameters of one statement at most."""


class AnswerOlder(Exception):
    """What came is older than what is kept."""


class AnswerMissing(Exception):
    """A kept answer is not whole, or not what it was."""


@dataclass(frozen=True, slots=True)
class Record:
    """What is known of one source; times in unix seconds, None before the first good answer."""

    kind: str
    digest: bytes | None
    this_update: int | None
    next_update: int | None
    fetched_at: int | None
    etag: str
    last_modified: str
    tried_at: int
    due_at: int
    failures: int
    last_error: str

    def is_fresh(self, now: float) -> bool:
        """Whether a kept answer holds at ``now``."""
        return self.next_update is not None and now <= self.next_update


@dataclass(frozen=True, slots=True)
class Received:
    """A good answer. ``name``: its source; ``about``: whom it is about. Dates in unix seconds."""

    kind: str
    name: str
    about: str
    der: bytes
    this_update: int
    next_update: int
    etag: str = ""
    last_modified: str = ""


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """A kept answer by its SHA-256; dates in unix seconds."""

    kind: str
    digest: bytes
    this_update: int
    next_update: int


def records(view: View, names: Sequence[str]) -> dict[str, Record]:
    """What is known of each of these sources; those never asked are left out."""
    named = {_index(view, name): name for name in names}
    marks, found = list(named), {}
    for start in range(0, len(marks), _AT_ONCE):
        some = marks[start : start + _AT_ONCE]
        rows = view.sql(
            "SELECT source_index, kind, digest, this_update, next_update, fetched_at, etag,"
            " last_modified, tried_at, due_at, failures, last_error FROM revocation_answers"
            f" WHERE source_index IN ({', '.join('?' * len(some))})",
            some,
        ).fetchall()
        for mark, kind, digest, *rest in rows:
            kept = None if digest is None else bytes(digest)
            found[named[bytes(mark)]] = Record(kind, kept, *rest)
    return found


def about(view: View, subject: str) -> list[KeptAnswer]:
    """Each kept answer about ``subject``: an issuer, or a certificate."""
    rows = view.sql(
        "SELECT DISTINCT kind, digest, this_update, next_update FROM revocation_answers"
        " WHERE about_index = ? AND digest IS NOT NULL ORDER BY digest",
        (_index(view, subject),),
    ).fetchall()
    return [KeptAnswer(row[0], bytes(row[1]), row[2], row[3]) for row in rows]


def load(view: View, account_id: AccountId, digest: bytes) -> bytes:
    """The answer with this SHA-256; raises :class:`AnswerMissing`.

    ``account_id`` is the gateway's own account, under whose key answers are sealed: those by OCSP
    would tell with whom our mailboxes correspond.
    """
    seal = view.vault.account(view, account_id)
    rows = view.sql(
        "SELECT number, sealed FROM revocation_pieces WHERE digest = ? ORDER BY number", (digest,)
    )
    whole = b"".join(seal.open(bytes(row[1]), _context(digest, row[0])) for row in rows)
    if hashlib.sha256(whole).digest() != digest:
        raise AnswerMissing(digest.hex())
    return whole


def keep(database: Database, account_id: AccountId, received: Received, due_at: int) -> bool:
    """Keep a good answer in place of the one before; returns, after its COMMIT, if it is another.

    Raises :class:`AnswerOlder`, and what ``Database.write`` raises. The pieces are written first,
    a few at a time, and the row turned to them in the end: a crash between leaves the old answer.
    """
    digest = hashlib.sha256(received.der).digest()
    with database.read() as view:
        before = records(view, [received.name]).get(received.name)
    if before is not None:
        _check_newer(received, before.this_update, before.next_update)
    is_new = before is None or before.digest != digest
    if is_new:
        pieces = [
            (number, received.der[start : start + PIECE_OCTETS])
            for number, start in enumerate(range(0, len(received.der), PIECE_OCTETS))
        ]
        for start in range(0, len(pieces), PIECES_AT_ONCE):
            some = pieces[start : start + PIECES_AT_ONCE]
            database.write(lambda tx, some=some: _put(tx, account_id, digest, some))  # type: ignore[misc]
    database.write(lambda tx: _turn(tx, received, digest, due_at))
    return is_new


def confirm(tx: Transaction, name: str, due_at: int, etag: str, last_modified: str) -> None:
    """The server says that our copy is current."""
    tx.sql(
        "UPDATE revocation_answers SET fetched_at = ?, tried_at = ?, due_at = ?, failures = 0,"
        " last_error = '', etag = ?, last_modified = ? WHERE source_index = ?",
        (tx.now, tx.now, due_at, etag, last_modified, _index(tx, name)),
    )


def fail(tx: Transaction, kind: str, name: str, about: str, error: str, due_at: int) -> None:
    """A fetch brought nothing good; what is kept stays. ``error``: plain words, cut short."""
    tx.sql(
        "INSERT INTO revocation_answers (kind, source_index, about_index, etag, last_modified,"
        " tried_at, due_at, failures, last_error) VALUES (?, ?, ?, '', '', ?, ?, 1, ?)"
        " ON CONFLICT (source_index) DO UPDATE SET tried_at = excluded.tried_at,"
        " due_at = excluded.due_at, failures = revocation_answers.failures + 1,"
        " last_error = excluded.last_error",
        (kind, _index(tx, name), _index(tx, about), tx.now, due_at, error[:ERROR_OCTETS]),
    )


def forget(tx: Transaction, wanted: Iterable[str]) -> int:
    """Drop the sources that are not ``wanted`` any more and whose answer has ended; how many."""
    kept = {_index(tx, name) for name in wanted}
    rows = tx.sql(
        "SELECT answer_id, source_index FROM revocation_answers"
        " WHERE next_update IS NULL OR next_update < ?",
        (tx.now,),
    ).fetchall()
    gone = [(row[0],) for row in rows if bytes(row[1]) not in kept]
    tx.many("DELETE FROM revocation_answers WHERE answer_id = ?", gone)
    return len(gone)


def sweep(tx: Transaction) -> int:
    """Drop pieces that no source refers to: of dropped sources, of a crash; how many answers.

    Never while a fetch is under way.
    """
    rows = tx.sql(
        "SELECT DISTINCT digest FROM revocation_pieces EXCEPT SELECT digest FROM revocation_answers"
    ).fetchall()
    tx.many("DELETE FROM revocation_pieces WHERE digest = ?", [(bytes(row[0]),) for row in rows])
    return len(rows)


def _check_newer(received: Received, this_update: int | None, next_update: int | None) -> None:
    if this_update is None or next_update is None:
        return
    if (received.this_update, received.next_update) < (this_update, next_update):
        raise AnswerOlder


def _put(
    tx: Transaction, account_id: AccountId, digest: bytes, pieces: list[tuple[int, bytes]]
) -> None:
    seal = tx.vault.account(tx, account_id)
    tx.many(
        "INSERT INTO revocation_pieces (digest, number, sealed) VALUES (?, ?, ?)"
        " ON CONFLICT (digest, number) DO NOTHING",
        [
            (digest, number, seal.seal(octets, _context(digest, number)))
            for number, octets in pieces
        ],
    )


def _turn(tx: Transaction, received: Received, digest: bytes, due_at: int) -> None:
    mark = _index(tx, received.name)
    row = tx.sql(
        "SELECT digest, this_update, next_update FROM revocation_answers WHERE source_index = ?",
        (mark,),
    ).first()
    if row is not None:
        _check_newer(received, row[1], row[2])
    count = tx.sql(
        "SELECT count(*) FROM revocation_pieces WHERE digest = ?", (digest,)
    ).scalar_one()
    if count != -(-len(received.der) // PIECE_OCTETS):
        raise AnswerMissing(digest.hex())
    values: dict[str, Any] = {
        "kind": received.kind,
        "about_index": _index(tx, received.about),
        "digest": digest,
        "octets": len(received.der),
        "this_update": received.this_update,
        "next_update": received.next_update,
        "fetched_at": tx.now,
        "etag": received.etag,
        "last_modified": received.last_modified,
        "tried_at": tx.now,
        "due_at": due_at,
        "failures": 0,
        "last_error": "",
    }
    tx.sql(
        f"INSERT INTO revocation_answers (source_index, {', '.join(values)})"
        f" VALUES (?, {', '.join('?' * len(values))}) ON CONFLICT (source_index) DO UPDATE SET "
        + ", ".join(f"{column} = excluded.{column}" for column in values),
        (mark, *values.values()),
    )
    old = None if row is None or row[0] is None else bytes(row[0])
    if old not in (None, digest):
        tx.sql(
            "DELETE FROM revocation_pieces WHERE digest = ? AND NOT EXISTS"
            " (SELECT 1 FROM revocation_answers WHERE revocation_answers.digest = ?)",
            (old, old),
        )


def _index(view: View, text: str) -> bytes:
    return view.vault.index.of("revocation", text)


def _context(digest: bytes, number: int) -> bytes:
    return b"revocation" + digest + number.to_bytes(4, "big")
