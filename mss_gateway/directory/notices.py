"""What waits to be told by e-mail: one row per account and kind, which coalesces what happens.

In clear: account, times, counts. Of which kind a row is, only the keyed index says, because that a
result was critical is health content. ``due_at``, ``entered_at``, ``expires_at`` and ``day_at`` are
queue time, as the caller gives it: a clock that jumps gives nothing up.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Final

from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
)

from mailbox_store.database import Transaction, View
from mailbox_store.tables import metadata
from mailbox_store.vault import AccountId
from mss_gateway.directory.notice_kinds import CHOICES, Kind, row

notices = Table(
    "notices",
    metadata,
    Column("notice_id", Integer, primary_key=True),
    Column("account_id", ForeignKey("accounts.account_id"), nullable=False),
    Column("kind_index", LargeBinary, nullable=False),
    # events not told yet, and how many of them the lease is for
    Column("pending", Integer, nullable=False),
    Column("taken", Integer, nullable=False),
    # when it is sent, or when its lease runs out; NULL: there is nothing to tell
    Column("due_at", Integer),
    Column("lease", LargeBinary),
    Column("attempts", Integer, nullable=False),
    Column("last_failure", Text),
    Column("entered_at", Integer, nullable=False),
    Column("expires_at", Integer, nullable=False),
    # e-mails of this kind in the 24 hours that began then
    Column("day_at", Integer, nullable=False),
    Column("day_count", Integer, nullable=False),
    # unix time, for people
    Column("created_at", Integer, nullable=False),
    # address and code of what does not go to the confirmed address, or holds more than its words
    Column("sealed", LargeBinary),
    UniqueConstraint("account_id", "kind_index"),
    Index(None, "due_at"),
    sqlite_autoincrement=True,
)

notice_choices = Table(
    "notice_choices",
    metadata,
    Column("account_id", ForeignKey("accounts.account_id"), primary_key=True, autoincrement=False),
    Column("kind_index", LargeBinary, primary_key=True),
    Column("chosen_at", Integer, nullable=False),
)
"""A row for each kind that its holder switched off."""


@dataclass(frozen=True, slots=True)
class Rules:
    """``window``: seconds in which like events become one; ``daily``: e-mails of a kind in 24
    hours, after which the rest becomes one at their end; ``patience``: seconds until given up."""

    window: int
    daily: int
    patience: int


def enter(tx: Transaction, account_id: AccountId, kind: Kind, now: int, rules: Rules) -> None:
    """Something happened: one statement. Nothing without a confirmed address, or switched off."""
    index = index_of(tx, account_id, kind)
    due_at = now if row(kind).is_at_once else now + rules.window
    tx.sql(
        "INSERT INTO notices (account_id, kind_index, pending, taken, due_at, attempts, entered_at,"
        " expires_at, day_at, day_count, created_at)"
        " SELECT account_id, ?, 1, 0, ?, 0, ?, ?, ?, 0, ? FROM contacts WHERE account_id = ?"
        " AND state = 'confirmed' AND NOT EXISTS (SELECT 1 FROM notice_choices"
        " WHERE account_id = ? AND kind_index = ?)"
        " ON CONFLICT (account_id, kind_index) DO UPDATE SET pending = pending + 1,"
        # what waits keeps its time; a lease keeps its own, and its end finds the rest
        " due_at = CASE WHEN pending > 0 THEN due_at"
        " WHEN day_count >= ? AND excluded.entered_at < day_at + 86400 THEN day_at + 86400"
        " ELSE excluded.due_at END,"
        " attempts = CASE WHEN pending > 0 THEN attempts ELSE 0 END,"
        " last_failure = CASE WHEN pending > 0 THEN last_failure ELSE NULL END,"
        " entered_at = CASE WHEN pending > 0 THEN entered_at ELSE excluded.entered_at END,"
        " expires_at = CASE WHEN pending > 0 THEN expires_at ELSE excluded.expires_at END,"
        " created_at = CASE WHEN pending > 0 THEN created_at ELSE excluded.created_at END",
        (
            *(index, due_at, now, now + rules.patience, now, tx.now, account_id),
            *(account_id, index, rules.daily),
        ),
    )


@dataclass(frozen=True, slots=True)
class Apart:
    """An e-mail of its own: to this address, with this code, given up after ``seconds``."""

    address: str
    seconds: int
    code: str = ""


def enter_apart(tx: Transaction, account_id: AccountId, kind: Kind, apart: Apart, now: int) -> None:
    """Something to send whatever was chosen, due now.

    A later one of its kind takes its place: only the last code is worth sending.
    """
    index, seconds = index_of(tx, account_id, kind), apart.seconds
    sealed = seal(tx, account_id, apart)
    tx.sql(
        "INSERT INTO notices (account_id, kind_index, pending, taken, due_at, attempts, entered_at,"
        " expires_at, day_at, day_count, created_at, sealed)"
        " VALUES (?, ?, 1, 0, ?, 0, ?, ?, ?, 0, ?, ?)"
        " ON CONFLICT (account_id, kind_index) DO UPDATE SET pending = taken + 1,"
        " due_at = CASE WHEN lease IS NULL THEN excluded.due_at ELSE due_at END, attempts = 0,"
        " last_failure = NULL, entered_at = excluded.entered_at, expires_at = excluded.expires_at,"
        " created_at = excluded.created_at, sealed = excluded.sealed",
        (account_id, index, now, now, now + seconds, now, tx.now, sealed),
    )


def clear(tx: Transaction, account_id: AccountId) -> None:
    """Nothing is told of an account any more that waits now, codes excepted."""
    wipe(tx, "account_id = ? AND sealed IS NULL", (account_id,))


def clear_kind(tx: Transaction, account_id: AccountId, kind: Kind) -> None:
    """Nothing of this kind is told any more that waits now."""
    wipe(tx, "account_id = ? AND kind_index = ?", (account_id, index_of(tx, account_id, kind)))


def switched_off(view: View, account_id: AccountId) -> frozenset[Kind]:
    """The kinds that its holder does not want to be told of."""
    rows = view.sql("SELECT kind_index FROM notice_choices WHERE account_id = ?", (account_id,))
    kept = {bytes(one[0]) for one in rows.fetchall()}
    if not kept:
        return frozenset()
    return frozenset(one.kind for one in CHOICES if index_of(view, account_id, one.kind) in kept)


def choose(tx: Transaction, account_id: AccountId, off: Iterable[Kind]) -> None:
    """Exactly these are switched off from now on, also what waits; those of security never are."""
    tx.sql("DELETE FROM notice_choices WHERE account_id = ?", (account_id,))
    for kind in {kind for kind in off if row(kind).choice}:
        tx.sql(
            "INSERT INTO notice_choices (account_id, kind_index, chosen_at) VALUES (?, ?, ?)",
            (account_id, index_of(tx, account_id, kind), tx.now),
        )
        clear_kind(tx, account_id, kind)


def wipe(tx: Transaction, which: str, parameters: tuple[object, ...]) -> int:
    """Nothing is told any more of the rows that the condition ``which`` names; how many."""
    changed = tx.sql(
        "UPDATE notices SET lease = NULL, taken = 0, pending = 0, attempts = 0, due_at = NULL,"
        f" last_failure = NULL, sealed = NULL WHERE {which} RETURNING notice_id",
        parameters,
    )
    return len(changed.fetchall())


def index_of(view: View, account_id: AccountId, kind: Kind) -> bytes:
    """By which a row of this account is known to be of a kind, to who has the key."""
    return view.vault.index.of("notice-kind", f"{account_id}|{kind.value}")


def seal(view: View, account_id: AccountId, apart: Apart) -> bytes:
    """For the column ``sealed``."""
    value = json.dumps(asdict(apart)).encode()
    return view.vault.account(view, account_id).seal(value, _CONTEXT)


def opened(view: View, account_id: AccountId, sealed: bytes) -> Apart:
    """From the column ``sealed``."""
    return Apart(**json.loads(view.vault.account(view, account_id).open(sealed, _CONTEXT)))


_CONTEXT: Final = b"notice"
