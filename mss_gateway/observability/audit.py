"""The audit: one row per act, append-only, each chained to the one before it.

h(n) = SHA-256(h(n-1) ‖ canonical JSON of row n). The head is read in the transaction that appends,
so the server and the operator's CLI extend one chain. A row says who (an account number), did what,
on what (a reference), with which verdict, for which message; never an address, a name or content.

What the chain shows by itself: a row that was edited, deleted, inserted or moved, and where. What
it cannot show by itself: rows taken from its end, and a history written anew from some row on with
fresh hashes (a fork), because no secret is in it. Both are shown by a head that was kept elsewhere
(:func:`head`, given back to :func:`verify`); what came after that head is not covered.
"""

import hashlib
import json
import re
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
    "relay",
    "correspondence",
    "dossier",
    "report",
    "read",
    "people",
    "certificate",
    "queue",
    "mailbox",
    "verify",
    "backup",
)
"""The closed list of what an audit row may say was done; stages keep their own words."""

_ACTOR = re.compile(r"account:\d+|operator|peer|system|unknown")
_COLUMNS = "seq, at, actor, act, object, verdict, message_ref, hash"


@dataclass(frozen=True, slots=True)
class Row:
    """One act. ``actor`` is ``account:N``, ``operator``, ``system`` or ``unknown``."""

    seq: int
    at: int
    actor: str
    act: str
    object: str
    verdict: str
    message_ref: str | None
    hash: bytes


@dataclass(frozen=True, slots=True)
class Head:
    """Where the chain ended at some moment: to be kept where nobody here can write."""

    seq: int
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
    """Append one act in this transaction; ValueError for an act or an actor without a name here."""
    if act not in ACTS:
        raise ValueError(f"unknown act {act}")
    if _ACTOR.fullmatch(actor) is None:
        # the text could be an address: it is not repeated
        raise ValueError("an actor is account:N, operator, peer, system or unknown")
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


def head(view: View) -> Head:
    """The end of the chain, to be kept elsewhere; ``Head(0, GENESIS)`` of an empty one."""
    found = view.sql("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1").first()
    return Head(0, GENESIS) if found is None else Head(found[0], bytes(found[1]))


def verify(view: View, kept: Head | None = None) -> tuple[int, Broken | None]:
    """Walk the whole chain: (rows that hold, the first that does not).

    With a ``kept`` head of an earlier day, the chain must also pass through it.
    """
    previous, count = GENESIS, 0
    for *row, found in view.sql(f"SELECT {_COLUMNS} FROM audit ORDER BY seq"):
        if row[0] != count + 1:
            return count, Broken(count + 1, "a row is missing here")
        if found != _link(previous, *row):
            return count, Broken(row[0], "this row or the one before it was altered")
        previous, count = found, count + 1
        if kept is not None and count == kept.seq and previous != kept.hash:
            return count - 1, Broken(count, "this is not the chain whose head was kept")
    if kept is not None and count < kept.seq:
        return count, Broken(count + 1, "the end is missing: a later head was kept")
    return count, None


def _row(row: tuple[int, int, str, str, str, str, str | None, bytes]) -> Row:
    return Row(row[0], row[1], row[2], row[3], row[4], row[5], row[6], bytes(row[7]))


def _link(previous: bytes, *row: object) -> bytes:
    # SQLite holds any type in any column: one that is no JSON is no row of ours either
    canonical = json.dumps(row, ensure_ascii=True, separators=(",", ":"), default=repr).encode()
    return hashlib.sha256(previous + canonical).digest()
