"""Messages waiting, and one item per recipient: enqueue, claim, advance, retry, finish.

``stage`` is what comes next for the recipient, a name of ``life.STAGES``. Who writes to whom is
sealed under the spool's own account; the body is stored once and shared with those it is for.
``now`` is queue time wherever it is an argument (``queue.clock``).
"""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from mailbox_store import accounts, bodies
from mailbox_store.bodies import BlobId, SealedBody
from mailbox_store.database import Transaction, View
from mailbox_store.vault import AccountId, AccountSeal
from mss_gateway.failures import Failure
from mss_gateway.observability import log
from mss_gateway.queue import clock, destinations
from mss_gateway.queue.carried import NOTHING_ASKED, Asked, Carried, Destined

LEASE_SECONDS: Final = 120
"""How long a claim holds; far above what one stage takes here."""

RELAY_LEASE_SECONDS: Final = 3_600
"""The same where another server takes its time: ten minutes for an answer (RFC 5321 §4.5.3.2.6)."""

STATES: Final = ("due", "leased", "held")


@dataclass(frozen=True, slots=True)
class Queued:
    """A message sealed for the spool, ready to be stored with its items."""

    message_ref: str
    body: SealedBody
    object_key: bytes
    sealed: bytes
    summary: bytes


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


@dataclass(frozen=True, slots=True)
class Message:
    """A queued message as a stage reads it; the body is read through :func:`read_body`."""

    message_ref: str
    blob_id: BlobId
    object_key: bytes
    size: int
    carried: Carried
    summary: bytes
    created_at: int


def seal_message(
    spool: AccountSeal, message_ref: str, raw: bytes, summary: bytes, carried: Carried
) -> Queued:
    """Seal a message for the spool; runs before the transaction."""
    body, object_key = bodies.seal_body(spool, raw)
    return Queued(
        message_ref,
        body,
        object_key,
        spool.seal(carried.to_bytes(), context("carried", message_ref)),
        spool.seal(summary, context("summary", message_ref)),
    )


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
        None if attempt is None else spool.open(bytes(attempt), _attempt_context(item_id)),
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


def keep_attempt(tx: Transaction, spool: AccountSeal, item: Item, opaque: bytes | None) -> bool:
    """Remember what the attempt that begins will send, None to forget it; False without our lease.

    It stays while the outcome is in doubt, so that the same octets are sent once more and the other
    side knows them again. What was in doubt when the item was claimed is not forgotten: whatever
    came of this attempt (nobody there, a no for now), the earlier one may have been taken.
    """
    if opaque is None and item.attempt is not None:
        return holds(tx, item)
    sealed = None if opaque is None else spool.seal(opaque, _attempt_context(item.item_id))
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


def read_message(view: View, spool: AccountSeal, message_ref: str) -> Message | None:
    """The queued message, or None once its last recipient had a result."""
    row = view.sql(
        "SELECT blob_id, object_key, size, sealed, summary, created_at FROM queued_messages"
        " WHERE message_ref = ?",
        (message_ref,),
    ).first()
    if row is None:
        return None
    return Message(
        message_ref,
        BlobId(row[0]),
        bytes(row[1]),
        row[2],
        Carried.from_bytes(spool.open(bytes(row[3]), context("carried", message_ref))),
        spool.open(bytes(row[4]), context("summary", message_ref)),
        row[5],
    )


def read_body(view: View, spool: AccountSeal, message: Message) -> bytes:
    """The whole queued message as it was signed and stored."""
    return bodies.read(view, spool, message.blob_id, message.object_key)


def find_spool(view: View) -> AccountId | None:
    """The account under which the queue seals, once it was made."""
    kept = accounts.of_kind(view, "spool")
    return kept[0].account_id if kept else None


def spool_account(tx: Transaction) -> AccountId:
    """The account under which the queue seals; made on the first start."""
    return find_spool(tx) or accounts.create(tx, "spool")


def context(what: str, message_ref: str) -> bytes:
    """What binds a sealed value to its column and its message."""
    return f"queue {what} {message_ref}".encode()


def _attempt_context(item_id: int) -> bytes:
    """An attempt is bound to its item: what one recipient was sent is no other's."""
    return f"queue attempt {item_id}".encode()
