"""What was accepted lately, one row per recipient of a message: so that a retry is known again.

A sender that never heard our 250 hands the same octets over once more (RFC 1047). A row holds a
keyed digest only: of whose retry it is, and of what, nothing can be read here.
"""

from typing import Final

from sqlalchemy import Column, Index, Integer, LargeBinary, Table, Text

from mailbox_store.database import Transaction, View
from mailbox_store.tables import metadata

KEPT_SECONDS: Final = 7 * 86_400
"""How long a retry is known: senders give up after five days (RFC 5321 §4.5.4.1)."""

acceptances = Table(
    "acceptances",
    metadata,
    Column("fingerprint", LargeBinary, primary_key=True),
    Column("message_ref", Text, nullable=False),
    Column("accepted_at", Integer, nullable=False),
    Index(None, "accepted_at"),
)


def find(view: View, fingerprint: bytes, now: int) -> str | None:
    """The message_ref under which this was accepted within the last :data:`KEPT_SECONDS`."""
    found = view.sql(
        "SELECT message_ref FROM acceptances WHERE fingerprint = ? AND accepted_at > ?",
        (fingerprint, now - KEPT_SECONDS),
    ).first()
    return None if found is None else str(found[0])


def remember(tx: Transaction, fingerprint: bytes, message_ref: str, now: int) -> None:
    """Keep that it was accepted at ``now``; what was accepted too long ago is forgotten for it."""
    tx.sql(
        "INSERT INTO acceptances (fingerprint, message_ref, accepted_at) VALUES (?, ?, ?)"
        " ON CONFLICT (fingerprint) DO UPDATE SET message_ref = excluded.message_ref,"
        " accepted_at = excluded.accepted_at",
        (fingerprint, message_ref, now),
    )


def sweep(tx: Transaction, now: int, count: int = 5_000) -> int:
    """Forget up to ``count`` of those that are too old; how many they were."""
    rows = tx.sql(
        "DELETE FROM acceptances WHERE fingerprint IN (SELECT fingerprint FROM acceptances"
        " WHERE accepted_at <= ? ORDER BY accepted_at LIMIT ?) RETURNING fingerprint",
        (now - KEPT_SECONDS, count),
    )
    return len(rows.fetchall())
