"""The audit: one row per act, append-only, each chained to the one before it.

h(n) = SHA-256(h(n-1) ‖ canonical JSON of row n). The head is read in the transaction that appends,
so the server and the operator's CLI extend one chain. A row says who (an account number), did what,
on what (a reference), with which verdict, for which message; never an address, a name or content.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Column, Index, Integer, LargeBinary, Table, Text

from mailbox_store.database import Transaction, View
from mailbox_store.tables import metadata

GENESIS = bytes(32)

audit_rows = Table(
    "audit",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", Integer, nullable=False),
    Column("actor", Text, nullable=False),
    Column("act", Text, nullable=False),
    Column("object", Text, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("message_ref", Text),
    Column("hash", LargeBinary, nullable=False),
    Index(None, "message_ref"),
)

ACTS = (
    "sign-in",
    "submission",
    "policy",
    "store",
    "deliver",
    "correspondence",
    "dossier",
    "report",
    "read",
    "people",
    "certificate",
    "queue",
)
"""The closed list of what an audit row may say was done; stages keep their own words."""

_COLUMNS = "seq, at, actor, act, object, verdict, message_ref, hash"


@dataclass(frozen=True, slots=True)
class Row:
    """One act. ``actor`` is ``account:N``, ``operator`` or ``system``."""

    seq: int
    at: int
    actor: str
    act: str
    object: str
    verdict: str
    message_ref: str | None
    hash: bytes


@dataclass(frozen=True, slots=True)
class Broken:
    """Where the chain does not hold, and how."""

    seq: int
    why: str


def record(
    tx: Transaction,
    *,
    actor: str,
    act: str,
    verdict: str,
    object: str = "",
    message_ref: str | None = None,
) -> None:
    """Append one act in this transaction."""
    if act not in ACTS:
        raise ValueError(f"unknown act {act}")
    head = tx.sql("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1").first()
    seq, previous = (head[0] + 1, bytes(head[1])) if head else (1, GENESIS)
    row = (seq, tx.now, actor, act, object, verdict, message_ref)
    tx.sql(
        f"INSERT INTO audit ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (*row, _link(previous, *row)),
    )


def of_message(view: View, message_ref: str) -> list[Row]:
    """The life of one message, in order."""
    rows = view.sql(
        f"SELECT {_COLUMNS} FROM audit WHERE message_ref = ? ORDER BY seq", (message_ref,)
    )
    return [_row(row) for row in rows]


def tail(view: View, count: int) -> list[Row]:
    """The last ``count`` acts, oldest first."""
    rows = view.sql(f"SELECT {_COLUMNS} FROM audit ORDER BY seq DESC LIMIT ?", (count,)).fetchall()
    return [_row(row) for row in reversed(rows)]


def verify(view: View) -> tuple[int, Broken | None]:
    """Walk the whole chain: (rows that hold, the first that does not)."""
    previous, count = GENESIS, 0
    for row in _all(view):
        if row.seq != count + 1:
            return count, Broken(count + 1, "a row is missing here")
        expected = _link(
            previous, row.seq, row.at, row.actor, row.act, row.object, row.verdict, row.message_ref
        )
        if row.hash != expected:
            return count, Broken(row.seq, "this row or the one before it was altered")
        previous, count = row.hash, count + 1
    return count, None


def _all(view: View) -> Iterator[Row]:
    for row in view.sql(f"SELECT {_COLUMNS} FROM audit ORDER BY seq"):
        yield _row(row)


def _row(row: tuple[int, int, str, str, str, str, str | None, bytes]) -> Row:
    return Row(row[0], row[1], row[2], row[3], row[4], row[5], row[6], bytes(row[7]))


def _link(previous: bytes, *row: int | str | None) -> bytes:
    canonical = json.dumps(row, ensure_ascii=True, separators=(",", ":")).encode()
    return hashlib.sha256(previous + canonical).digest()
