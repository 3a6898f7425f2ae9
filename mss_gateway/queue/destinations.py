"""Other operators as the queue sees them: one row per domain, and how long it is left in peace.

A destination that cannot be reached costs one attempt per interval, however many items wait for it:
none of them is claimed while it is closed, and the first one afterwards is a probe.
"""

from dataclasses import dataclass
from typing import Final

from mailbox_store.database import Transaction, View
from mailbox_store.vault import AccountSeal

_CONTEXT: Final = b"queue destination"


@dataclass(frozen=True, slots=True)
class Destination:
    """A domain elsewhere. ``failures``: attempts in a row that found nobody there.

    ``closed_until`` is queue time.
    """

    index: bytes
    domain: str
    failures: int
    closed_until: int
    last_failure: str | None


def known(tx: Transaction, spool: AccountSeal, domain: str) -> bytes:
    """The index of a domain, entered when it is new."""
    index = tx.vault.index.of("domain", domain)
    is_known = tx.sql(
        "SELECT 1 FROM queue_destinations WHERE destination_index = ?", (index,)
    ).first()
    if is_known is None:
        tx.sql(
            "INSERT INTO queue_destinations (destination_index, sealed, failures, closed_until,"
            " changed_at) VALUES (?, ?, 0, 0, ?)",
            (index, spool.seal(domain.encode(), _CONTEXT + index), tx.now),
        )
    return index


def due(view: View, spool: AccountSeal, now: int) -> list[Destination]:
    """Destinations that are open and have something due, those that waited longest first."""
    rows = view.sql(
        "SELECT * FROM (SELECT destination_index, sealed, failures, closed_until, last_failure,"
        " (SELECT min(due_at) FROM queue_items i WHERE i.destination_index = d.destination_index"
        " AND i.state = 'due') AS earliest,"
        " (SELECT min(due_at) FROM queue_items i WHERE i.destination_index = d.destination_index"
        " AND i.state = 'leased') AS lapses"
        " FROM queue_destinations d WHERE closed_until <= ?) AS found"
        " WHERE earliest <= ? OR lapses <= ? ORDER BY earliest",
        (now, now, now),
    ).fetchall()
    return [_destination(spool, row) for row in rows]


def listing(view: View, spool: AccountSeal) -> list[Destination]:
    """Every destination that something waits for or that is closed; for the operator."""
    rows = view.sql(
        "SELECT destination_index, sealed, failures, closed_until, last_failure"
        " FROM queue_destinations d WHERE failures > 0 OR EXISTS"
        " (SELECT 1 FROM queue_items i WHERE i.destination_index = d.destination_index)"
    ).fetchall()
    return sorted((_destination(spool, row) for row in rows), key=lambda one: one.domain)


def failures(view: View, index: bytes) -> int:
    """Attempts in a row that found nobody there."""
    found = view.sql(
        "SELECT failures FROM queue_destinations WHERE destination_index = ?", (index,)
    ).scalar()
    return int(found or 0)


def closed(tx: Transaction, index: bytes, until: int, failure: str) -> None:
    """Nobody was there: leave it in peace until then (queue time)."""
    tx.sql(
        "UPDATE queue_destinations SET failures = failures + 1, closed_until = ?, last_failure = ?,"
        " changed_at = ? WHERE destination_index = ?",
        (until, failure, tx.now, index),
    )


def opened(tx: Transaction, index: bytes) -> None:
    """Somebody answered, or the operator wants it tried now."""
    tx.sql(
        "UPDATE queue_destinations SET failures = 0, closed_until = 0, last_failure = NULL,"
        " changed_at = ? WHERE destination_index = ? AND (failures > 0 OR closed_until > 0)",
        (tx.now, index),
    )


def reopen(tx: Transaction, failure: str) -> None:
    """The same for all that were closed for this reason."""
    tx.sql(
        "UPDATE queue_destinations SET failures = 0, closed_until = 0, last_failure = NULL,"
        " changed_at = ? WHERE last_failure = ?",
        (tx.now, failure),
    )


def _destination(spool: AccountSeal, row: tuple[object, ...]) -> Destination:
    index, sealed, failures, closed_until, last_failure, *_ = row
    assert isinstance(index, bytes) and isinstance(sealed, bytes)
    assert isinstance(failures, int) and isinstance(closed_until, int)
    return Destination(
        index,
        spool.open(sealed, _CONTEXT + index).decode(),
        failures,
        closed_until,
        None if last_failure is None else str(last_failure),
    )
