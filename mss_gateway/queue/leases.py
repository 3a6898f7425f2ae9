"""Who works on what: an item is leased to whoever claims it, and due again when that runs out.

``stage`` is what comes next for the recipient, a name of ``life.STAGES``. ``now`` is queue time
(``queue.clock``).
"""

import secrets
from dataclasses import dataclass
from typing import Any, Final

from mailbox_store.database import Transaction, View
from mailbox_store.vault import AccountSeal
from mss_gateway.failures import Failure
from mss_gateway.observability import log
from mss_gateway.queue.carried import NOTHING_ASKED, Asked
from mss_gateway.queue.spooled import context

LEASE_SECONDS: Final = 120
"""How long a claim holds; far above what one stage takes here."""

RELAY_LEASE_SECONDS: Final = 3_600
"""The same where another server takes its time: ten minutes for an answer (RFC 5321 §4.5.3.2.6)."""


@dataclass(frozen=True, slots=True)
class Item:
    """One recipient's work, under a lease of ours.

    ``attempt`` is what an earlier attempt has sent whose outcome nobody knows, None without one.
    ``entered_at`` is queue time, ``created_at`` unix time.
    """

    item_id: int
    message_ref: str
    recipient: str
    stage: str
    attempts: int
    created_at: int
    lease: bytes
    entered_at: int = 0
    asked: Asked = NOTHING_ASKED
    attempt: bytes | None = None
    last_failure: str | None = None

    @property
    def domain(self) -> str:
        """Of the recipient."""
        return self.recipient.rpartition("@")[2]


def has_due(view: View, now: int) -> bool:
    """Whether a claim would find something: a quiet queue costs a read, not a COMMIT."""
    found = view.sql(
        "SELECT 1 FROM queue_items WHERE destination_index IS NULL"
        " AND state IN ('due', 'leased') AND due_at <= ? LIMIT 1",
        (now,),
    )
    return found.first() is not None


def claim(tx: Transaction, spool: AccountSeal, count: int, now: int) -> list[Item]:
    """Lease up to ``count`` items due here; a lease that ran out is due again."""
    tx.sql(
        "UPDATE queue_items SET state = 'due', lease = NULL"
        " WHERE destination_index IS NULL AND state = 'leased' AND due_at <= ?",
        (now,),
    )
    return leased(
        tx,
        spool,
        "SELECT item_id FROM queue_items WHERE destination_index IS NULL AND state = 'due'"
        " AND due_at <= ? ORDER BY due_at, item_id LIMIT ?",
        (now, count),
        now + LEASE_SECONDS,
    )


def claim_for(
    tx: Transaction, spool: AccountSeal, destination: bytes, count: int, now: int
) -> list[Item]:
    """The same for one destination elsewhere."""
    tx.sql(
        "UPDATE queue_items SET state = 'due', lease = NULL"
        " WHERE destination_index = ? AND state = 'leased' AND due_at <= ?",
        (destination, now),
    )
    return leased(
        tx,
        spool,
        "SELECT item_id FROM queue_items WHERE destination_index = ? AND state = 'due'"
        " AND due_at <= ? ORDER BY due_at, item_id LIMIT ?",
        (destination, now, count),
        now + RELAY_LEASE_SECONDS,
    )


def take(tx: Transaction, spool: AccountSeal, item_id: int, now: int) -> Item | None:
    """Lease one item that is due some time; None when it is leased, held or gone."""
    found = leased(
        tx,
        spool,
        "SELECT item_id FROM queue_items WHERE item_id = ? AND state = 'due'",
        (item_id,),
        now + LEASE_SECONDS,
        attempts=0,
    )
    return found[0] if found else None


_COLUMNS = (
    "item_id, message_ref, recipient, stage, attempts, created_at, entered_at, asked, attempt,"
    " last_failure"
)


def leased(
    tx: Transaction,
    spool: AccountSeal,
    chosen: str,
    parameters: tuple[Any, ...],
    until: int,
    attempts: int = 1,
) -> list[Item]:
    """Lease the items that the statement ``chosen`` names, in the order of their numbers.

    One whose seals do not open any more is held for the operator: it stops nobody else's.
    """
    lease = secrets.token_bytes(8)
    rows = tx.sql(
        "UPDATE queue_items SET state = 'leased', lease = ?, due_at = ?, attempts = attempts + ?"
        f" WHERE item_id IN ({chosen}) RETURNING {_COLUMNS}",
        (lease, until, attempts, *parameters),
    ).fetchall()
    found = []
    for row in sorted(rows, key=lambda row: int(row[0])):
        try:
            found.append(_item(spool, row, lease))
        except Exception as error:  # of whatever sealing there is
            log.bug("item does not open", error, message_ref=row[1])
            tx.sql(
                "UPDATE queue_items SET state = 'held', lease = NULL, last_failure = ?"
                " WHERE item_id = ?",
                (Failure.BUG.value, row[0]),
            )
    return found


def _item(spool: AccountSeal, row: Any, lease: bytes) -> Item:
    item_id, ref, recipient, stage, attempts, created_at, entered_at, asked, attempt, failure = row
    return Item(
        item_id,
        ref,
        spool.open(bytes(recipient), context("recipient", ref)).decode(),
        stage,
        attempts,
        created_at,
        lease,
        entered_at,
        NOTHING_ASKED
        if asked is None
        else Asked.from_bytes(spool.open(bytes(asked), context("asked", ref))),
        None if attempt is None else spool.open(bytes(attempt), attempt_context(item_id)),
        failure,
    )


def recover(tx: Transaction) -> int:
    """At the start of the one serving process: what a dead one had leased is due at once."""
    rows = tx.sql(
        "UPDATE queue_items SET state = 'due', lease = NULL, due_at = entered_at"
        " WHERE state = 'leased' RETURNING item_id"
    )
    return len(rows.fetchall())


def holds(tx: Transaction, item: Item) -> bool:
    """Whether our lease still stands; a stage that lost it writes nothing."""
    found = tx.sql(
        "SELECT 1 FROM queue_items WHERE item_id = ? AND lease = ?", (item.item_id, item.lease)
    )
    return found.first() is not None


def attempt_context(item_id: int) -> bytes:
    """An attempt is bound to its item: what one recipient was sent is no other's."""
    return f"queue attempt {item_id}".encode()
