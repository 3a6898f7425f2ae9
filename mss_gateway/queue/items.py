"""One item per recipient of a message that waits: enqueue, advance, retry, finish.

An item is worked on under a lease (``leases``); whoever lost theirs writes nothing. Who writes to
whom is sealed under the spool's own account (``spooled``). ``now`` is queue time wherever it is an
argument (``queue.clock``).
"""

from collections.abc import Iterable
from typing import Any, Final

from mailbox_store import bodies
from mailbox_store.bodies import BlobId
from mailbox_store.database import Transaction
from mailbox_store.vault import AccountSeal
from mss_gateway.queue import clock, destinations
from mss_gateway.queue.carried import Destined
from mss_gateway.queue.leases import Item, attempt_context, holds
from mss_gateway.queue.spooled import Queued, context

STATES: Final = ("due", "leased", "held")


def enqueue(
    tx: Transaction,
    spool: AccountSeal,
    queued: Queued,
    recipients: Iterable[Destined],
    notice_seconds: int = 4 * 3600,
    now: int | None = None,
) -> BlobId:
    """Store a message and one due item per recipient; the body may then be shared.

    ``notice_seconds``: after how long the author is told that it is late. ``now``: queue time, what
    was kept last where it is not said. Raises ValueError without a recipient: nothing would ever
    let the message go.
    """
    recipients = tuple(recipients)
    if not recipients:
        raise ValueError("a queued message has a recipient")
    blob_id = bodies.store(tx, queued.body)
    tx.sql(
        "INSERT INTO queued_messages (message_ref, blob_id, object_key, size, sealed, summary,"
        " created_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            queued.message_ref,
            blob_id,
            queued.object_key,
            queued.body.octets,
            queued.sealed,
            queued.summary,
            tx.now,
        ),
    )
    entered_at = clock.kept(tx, tx.now) if now is None else now
    tx.many(
        "INSERT INTO queue_items (message_ref, recipient_index, recipient, destination_index,"
        " stage, state, due_at, attempts, created_at, entered_at, notice_at, asked)"
        " VALUES (?, ?, ?, ?, ?, 'due', ?, 0, ?, ?, ?, ?)",
        [
            _row(tx, spool, queued.message_ref, each, entered_at, notice_seconds)
            for each in recipients
        ],
    )
    return blob_id


def _row(
    tx: Transaction,
    spool: AccountSeal,
    message_ref: str,
    destined: Destined,
    entered_at: int,
    notice_seconds: int,
) -> tuple[Any, ...]:
    domain, asked = destined.domain, destined.asked.to_bytes()
    return (
        message_ref,
        tx.vault.index.of("address", destined.address),
        spool.seal(destined.address.encode(), context("recipient", message_ref)),
        None if domain is None else destinations.known(tx, spool, domain),
        destined.stage,
        entered_at,
        tx.now,
        entered_at,
        entered_at + notice_seconds,
        None if asked is None else spool.seal(asked, context("asked", message_ref)),
    )


def keep_attempt(tx: Transaction, spool: AccountSeal, item: Item, opaque: bytes | None) -> bool:
    """Remember what the attempt that begins will send, None to forget it; False without our lease.

    It stays while the outcome is in doubt, so that the same octets are sent once more and the other
    side knows them again. What was in doubt when the item was claimed is not forgotten: whatever
    came of this attempt (nobody there, a no for now), the earlier one may have been taken.
    """
    if opaque is None and item.attempt is not None:
        return holds(tx, item)
    sealed = None if opaque is None else spool.seal(opaque, attempt_context(item.item_id))
    changed = tx.sql(
        "UPDATE queue_items SET attempt = ? WHERE item_id = ? AND lease = ? RETURNING item_id",
        (sealed, item.item_id, item.lease),
    )
    return changed.first() is not None


def advance(tx: Transaction, item: Item, stage: str) -> bool:
    """This stage is done; ``stage`` comes next, now. False, and nothing, without our lease."""
    changed = tx.sql(
        "UPDATE queue_items SET state = 'due', lease = NULL, stage = ?, due_at = entered_at,"
        " attempts = 0, last_failure = NULL WHERE item_id = ? AND lease = ? RETURNING item_id",
        (stage, item.item_id, item.lease),
    )
    return changed.first() is not None


def retry(
    tx: Transaction,
    item: Item,
    due_at: int,
    failure: str,
    reply: tuple[AccountSeal, str] | None = None,
) -> bool:
    """This attempt failed for now. ``reply`` is what another server said, with the spool's seal.

    False, and nothing, without our lease.
    """
    sealed = None
    if reply is not None:
        seal, text = reply
        sealed = seal.seal(text.encode(), context("reply", item.message_ref))
    changed = tx.sql(
        "UPDATE queue_items SET state = 'due', lease = NULL, due_at = ?, last_failure = ?,"
        " reply = coalesce(?, reply) WHERE item_id = ? AND lease = ? RETURNING item_id",
        (due_at, failure, sealed, item.item_id, item.lease),
    )
    return changed.first() is not None


def give_back(tx: Transaction, item: Item) -> bool:
    """Nothing was tried after all: due again as before. False without our lease."""
    changed = tx.sql(
        "UPDATE queue_items SET state = 'due', lease = NULL, due_at = entered_at,"
        " attempts = max(0, attempts - 1) WHERE item_id = ? AND lease = ? RETURNING item_id",
        (item.item_id, item.lease),
    )
    return changed.first() is not None


def noticed(tx: Transaction, item: Item, again_at: int) -> bool:
    """Its author is told in this transaction that it is late; the next word comes at ``again_at``.

    It is due again at once: what is said of it is then as new as can be. False without our lease.
    """
    changed = tx.sql(
        "UPDATE queue_items SET state = 'due', lease = NULL, due_at = entered_at, notice_at = ?"
        " WHERE item_id = ? AND lease = ? RETURNING item_id",
        (again_at, item.item_id, item.lease),
    )
    return changed.first() is not None


def finish(tx: Transaction, item: Item) -> bool:
    """The recipient has a result; the last one lets the message go.

    False, and nothing, without our lease.
    """
    ended = tx.sql(
        "DELETE FROM queue_items WHERE item_id = ? AND lease = ? RETURNING item_id",
        (item.item_id, item.lease),
    ).first()
    if ended is None:
        return False
    if tx.sql("SELECT 1 FROM queue_items WHERE message_ref = ?", (item.message_ref,)).first():
        return True
    blob_id = tx.sql(
        "DELETE FROM queued_messages WHERE message_ref = ? RETURNING blob_id", (item.message_ref,)
    ).scalar_one()
    bodies.release(tx, BlobId(blob_id))
    return True
