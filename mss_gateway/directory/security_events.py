"""What happened to an account's means of access: shown to its holder, newest first.

A row says what, and when; never by whom, from where, or with what. It is what the page on security
lists, and what the banner on top of the pages is made from; the audit has its own rows.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from sqlalchemy import Column, ForeignKey, Index, Integer, Table, Text

from mailbox_store.database import Transaction, View
from mailbox_store.tables import metadata
from mailbox_store.vault import AccountId

security_events = Table(
    "security_events",
    metadata,
    Column("event_id", Integer, primary_key=True),
    Column("account_id", ForeignKey("accounts.account_id"), nullable=False),
    Column("event", Text, nullable=False),
    Column("at", Integer, nullable=False),
    # its holder said that it was them: the pages tell it no more
    Column("dismissed", Integer, nullable=False, server_default="0"),
    Index(None, "account_id", "event_id"),
    sqlite_autoincrement=True,
)

KEPT = 200
"""Events of one account that are kept: years of an ordinary life."""

BANNER_SECONDS = 72 * 3600
"""How long a change is told on top of the pages."""


class Event(Enum):
    """What may have happened; ``acces.evenement_…`` are the sentences."""

    INVITED = "invited"
    ACTIVATED = "activated"
    RECOVERED = "recovered"
    CODE_GIVEN = "code_given"
    RECOVERY_CODE_USED = "recovery_code_used"
    NEW_BROWSER = "new_browser"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - an event
    PHONE_CHANGED = "phone_changed"
    PASSKEY_ADDED = "passkey_added"
    PASSKEY_REMOVED = "passkey_removed"
    PASSKEY_SUSPECT = "passkey_suspect"
    CODES_RENEWED = "codes_renewed"
    SESSIONS_ENDED = "sessions_ended"
    EXPORT_ASKED = "export_asked"


TOLD = (
    Event.RECOVERED,
    Event.CODE_GIVEN,
    Event.RECOVERY_CODE_USED,
    Event.NEW_BROWSER,
    Event.PASSWORD_CHANGED,
    Event.PHONE_CHANGED,
    Event.PASSKEY_ADDED,
    Event.PASSKEY_REMOVED,
    Event.PASSKEY_SUSPECT,
    Event.CODES_RENEWED,
    Event.EXPORT_ASKED,
)
"""What every page tells for :data:`BANNER_SECONDS`, until its holder says that it was them."""

ALARMING = (Event.RECOVERED, Event.CODE_GIVEN, Event.PASSKEY_SUSPECT)
"""What the page of security itself tells first for :data:`BANNER_SECONDS`, whatever was said."""


@dataclass(frozen=True, slots=True)
class Happened:
    """One event, at a time in unix seconds; ``event_id`` names it within its account."""

    event: Event
    at: int
    event_id: int


def note(tx: Transaction, account_id: AccountId, event: Event) -> None:
    """Put one on record; the oldest beyond :data:`KEPT` go."""
    tx.sql(
        "INSERT INTO security_events (account_id, event, at) VALUES (?, ?, ?)",
        (account_id, event.value, tx.now),
    )
    tx.sql(
        "DELETE FROM security_events WHERE account_id = ? AND event_id <= ("
        " SELECT event_id FROM security_events WHERE account_id = ?"
        " ORDER BY event_id DESC LIMIT 1 OFFSET ?)",
        (account_id, account_id, KEPT),
    )


def latest(view: View, account_id: AccountId, limit: int = 20) -> list[Happened]:
    """The newest events, newest first."""
    rows = view.sql(
        "SELECT event, at, event_id FROM security_events WHERE account_id = ?"
        " ORDER BY event_id DESC LIMIT ?",
        (account_id, limit),
    ).fetchall()
    return [_happened(row) for row in rows]


def told(view: View, account_id: AccountId, now: float) -> list[Happened]:
    """What every page must tell now, newest first; nothing from before the first activation."""
    rows = view.sql(
        "SELECT event, at, event_id FROM security_events WHERE account_id = ? AND dismissed = 0"
        " AND at > ? AND event IN (SELECT value FROM json_each(?))"
        " AND event_id > coalesce((SELECT max(event_id) FROM security_events"
        " WHERE account_id = ? AND event = ?), 0) ORDER BY event_id DESC",
        (account_id, int(now) - BANNER_SECONDS, _TOLD, account_id, Event.ACTIVATED.value),
    ).fetchall()
    return [_happened(row) for row in rows]


def dismiss(tx: Transaction, account_id: AccountId, event_id: int) -> bool:
    """Its holder knows: it is told no more. False for what is not of this account."""
    found = tx.sql(
        "UPDATE security_events SET dismissed = 1 WHERE account_id = ? AND event_id = ?"
        " RETURNING event_id",
        (account_id, event_id),
    ).first()
    return found is not None


def alarm(view: View, account_id: AccountId, now: float) -> Happened | None:
    """The newest event that the page of security tells first, while it must."""
    since = int(now) - BANNER_SECONDS
    for one in latest(view, account_id):
        if one.event in ALARMING and one.at > since:
            return one
    return None


_TOLD = json.dumps([event.value for event in TOLD])


def _happened(row: Sequence[Any]) -> Happened:
    return Happened(Event(row[0]), row[1], row[2])
