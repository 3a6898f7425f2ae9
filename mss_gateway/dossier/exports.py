"""Copies of a whole space that patients asked for: who, how far, until when. One per account.

In clear: ids, sizes, times, states. The key of the file is sealed under the patient's own; with it
goes what the file holds, wherever the octets of the file themselves are.
"""

import secrets
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, NewType

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, Table, Text

from mailbox_store.database import Transaction, View
from mailbox_store.tables import metadata
from mailbox_store.vault import AccountId
from mss_gateway.dossier import sealed_file

exports_table = Table(
    "exports",
    metadata,
    Column("account_id", ForeignKey("accounts.account_id"), primary_key=True, autoincrement=False),
    Column("export_id", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("asked_at", Integer, nullable=False),
    # how often it was begun: a copy that ends the service each time is given up
    Column("attempts", Integer, nullable=False),
    Column("done", Integer, nullable=False),
    Column("total", Integer, nullable=False),
    Column("octets", Integer, nullable=False),
    # 0 until it is ready
    Column("ready_at", Integer, nullable=False),
    Column("expires_at", Integer, nullable=False),
    # one of Why, or empty
    Column("failure", Text, nullable=False),
    # NULL before it is begun, and once nothing is left of it
    Column("sealed_key", LargeBinary),
    Index(None, "state", "asked_at"),
)

ExportId = NewType("ExportId", str)
"""128 random bits in hexadecimal; the name of its file, too."""

MOST_ATTEMPTS: Final = 5


class State(Enum):
    """What has become of a copy."""

    ASKED = "asked"
    RUNNING = "running"
    READY = "ready"
    FAILED = "failed"
    EXPIRED = "expired"


LIVE: Final = (State.ASKED, State.RUNNING, State.READY)


class Why(Enum):
    """Why there is none; ``export.echec_…`` are the sentences."""

    NO_ROOM = "place"
    NOT_ALLOWED = "refus"
    LOST = "perdu"
    FAULT = "erreur"


@dataclass(frozen=True, slots=True)
class Export:
    """One copy; times in unix seconds, ``done`` of ``total`` things are in it."""

    account_id: AccountId
    export_id: ExportId
    state: State
    asked_at: int
    attempts: int
    done: int
    total: int
    octets: int
    ready_at: int
    expires_at: int
    failure: Why | None

    @property
    def is_waited_for(self) -> bool:
        """Whether it is being made, or will be."""
        return self.state in (State.ASKED, State.RUNNING)

    def is_ready(self, now: float) -> bool:
        """Whether it may be taken, now."""
        return self.state is State.READY and now < self.expires_at


_COLUMNS: Final = (
    "account_id, export_id, state, asked_at, attempts, done, total, octets, ready_at, expires_at,"
    " failure"
)


def of_account(view: View, account_id: AccountId) -> Export | None:
    """The copy of an account, whatever became of it; None when it never asked, or dropped it."""
    row = view.sql(f"SELECT {_COLUMNS} FROM exports WHERE account_id = ?", (account_id,)).first()
    return None if row is None else _export(row)


def ask(tx: Transaction, account_id: AccountId) -> tuple[Export, bool]:
    """The copy that is there or being made, else a new one; True with a new one."""
    there = of_account(tx, account_id)
    if there is not None and (there.is_waited_for or there.is_ready(tx.now)):
        return there, False
    tx.sql(
        "INSERT OR REPLACE INTO exports"
        " (account_id, export_id, state, asked_at, attempts, done, total, octets, ready_at,"
        " expires_at, failure) VALUES (?, ?, 'asked', ?, 0, 0, 0, 0, 0, 0, '')",
        (account_id, secrets.token_hex(16), tx.now),
    )
    made = of_account(tx, account_id)
    assert made is not None, "it was written just now"
    return made, True


def drop(tx: Transaction, account_id: AccountId, export_id: str) -> bool:
    """Let a copy go with its key; False when there is no such one."""
    row = tx.sql(
        "DELETE FROM exports WHERE account_id = ? AND export_id = ? RETURNING 1",
        (account_id, export_id),
    ).first()
    return row is not None


def next_waiting(view: View) -> Export | None:
    """What is to be made next: the one that was asked for first."""
    row = view.sql(
        f"SELECT {_COLUMNS} FROM exports WHERE state IN ('asked', 'running')"
        " ORDER BY asked_at, account_id LIMIT 1"
    ).first()
    return None if row is None else _export(row)


def begin(tx: Transaction, export: Export) -> bytes | None:
    """Count an attempt and keep a fresh key for it; None when it was dropped meanwhile."""
    key = sealed_file.new_key()
    seal = tx.vault.account(tx, export.account_id)
    row = tx.sql(
        "UPDATE exports SET state = 'running', attempts = attempts + 1, done = 0, total = 0,"
        " sealed_key = ? WHERE account_id = ? AND export_id = ? AND state IN ('asked', 'running')"
        " RETURNING 1",
        (seal.seal(key, _context(export.export_id)), export.account_id, export.export_id),
    ).first()
    return None if row is None else key


def tell(tx: Transaction, export: Export, done: int, total: int) -> bool:
    """Keep how far it is; False when it was dropped meanwhile."""
    row = tx.sql(
        "UPDATE exports SET done = ?, total = ?"
        " WHERE account_id = ? AND export_id = ? AND state = 'running' RETURNING 1",
        (done, total, export.account_id, export.export_id),
    ).first()
    return row is not None


def finish(tx: Transaction, export: Export, octets: int, lasts: int) -> bool:
    """It is ready, for ``lasts`` seconds; False when it was dropped meanwhile."""
    row = tx.sql(
        "UPDATE exports SET state = 'ready', done = total, octets = ?, ready_at = ?,"
        " expires_at = ? WHERE account_id = ? AND export_id = ? AND state = 'running' RETURNING 1",
        (octets, tx.now, tx.now + lasts, export.account_id, export.export_id),
    ).first()
    return row is not None


def fail(tx: Transaction, export: Export, why: Why) -> None:
    """There will be none of it; its key goes."""
    tx.sql(
        "UPDATE exports SET state = 'failed', failure = ?, sealed_key = NULL"
        " WHERE account_id = ? AND export_id = ?",
        (why.value, export.account_id, export.export_id),
    )


def put_back(tx: Transaction, export: Export) -> None:
    """The service stops while it is made: that attempt does not count."""
    tx.sql(
        "UPDATE exports SET state = 'asked', attempts = attempts - 1, sealed_key = NULL"
        " WHERE account_id = ? AND export_id = ? AND state = 'running'",
        (export.account_id, export.export_id),
    )


def ask_again(tx: Transaction) -> int:
    """At the start of the one serving process: what a dead one was making; how many."""
    return len(
        tx.sql("UPDATE exports SET state = 'asked' WHERE state = 'running' RETURNING 1").fetchall()
    )


def has_old(view: View, now: int) -> bool:
    """Whether one that is ready is too old by now."""
    row = view.sql(
        "SELECT 1 FROM exports WHERE state = 'ready' AND expires_at <= ? LIMIT 1", (now,)
    ).first()
    return row is not None


def expire(tx: Transaction) -> int:
    """Let go of the keys of those that are too old; how many."""
    rows = tx.sql(
        "UPDATE exports SET state = 'expired', sealed_key = NULL"
        " WHERE state = 'ready' AND expires_at <= ? RETURNING 1",
        (tx.now,),
    )
    return len(rows.fetchall())


def living(view: View) -> list[Export]:
    """Every copy that is asked for, being made or ready."""
    rows = view.sql(f"SELECT {_COLUMNS} FROM exports WHERE state IN ('asked', 'running', 'ready')")
    return [_export(row) for row in rows.fetchall()]


def key_of(view: View, export: Export) -> bytes | None:
    """The key of a copy's file; None when it was dropped or is too old."""
    sealed = view.sql(
        "SELECT sealed_key FROM exports WHERE account_id = ? AND export_id = ?",
        (export.account_id, export.export_id),
    ).scalar()
    if sealed is None:
        return None
    seal = view.vault.account(view, export.account_id)
    return seal.open(bytes(sealed), _context(export.export_id))


def _export(row: Any) -> Export:
    account_id, export_id, state, asked_at, attempts, done, total, octets, ready_at, ends, why = row
    return Export(
        AccountId(account_id),
        ExportId(export_id),
        State(state),
        asked_at,
        attempts,
        done,
        total,
        octets,
        ready_at,
        ends,
        Why(why) if why else None,
    )


def _context(export_id: str) -> bytes:
    return b"export key " + export_id.encode()
