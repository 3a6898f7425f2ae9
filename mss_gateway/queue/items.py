"""Messages waiting, and one item per recipient: enqueue, claim, advance, retry, finish.

``stage`` is what comes next for the recipient, a name of ``life.STAGES``. Who writes to whom is
sealed under the spool's own account; the body is stored once and shared with those it is for.
"""

import json
import secrets
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

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

from mailbox_store import accounts, bodies
from mailbox_store.bodies import BlobId, SealedBody
from mailbox_store.database import Transaction, View
from mailbox_store.tables import metadata
from mailbox_store.vault import AccountId, AccountSeal

LEASE_SECONDS = 120
"""How long a claim holds; far above what one stage takes."""

queued_messages = Table(
    "queued_messages",
    metadata,
    Column("message_ref", Text, primary_key=True),
    Column("blob_id", ForeignKey("blobs.blob_id"), nullable=False),
    Column("object_key", LargeBinary, nullable=False),
    Column("size", Integer, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("summary", LargeBinary, nullable=False),
    Column("created_at", Integer, nullable=False),
    Index(None, "blob_id"),  # as in mailbox_store.tables.messages
)

queue_items = Table(
    "queue_items",
    metadata,
    Column("item_id", Integer, primary_key=True),
    Column("message_ref", ForeignKey("queued_messages.message_ref"), nullable=False),
    Column("recipient_index", LargeBinary, nullable=False),
    Column("recipient", LargeBinary, nullable=False),
    Column("stage", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("due_at", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("lease", LargeBinary),
    Column("last_failure", Text),
    Column("created_at", Integer, nullable=False),
    UniqueConstraint("message_ref", "recipient_index"),
    Index(None, "state", "due_at"),
    sqlite_autoincrement=True,
)

STATES = ("due", "leased")


@dataclass(frozen=True, slots=True)
class Carried:
    """What travels with a queued message, beside its body. Addresses in normal form.

    ``author_account`` is 0 when no account here wrote the message: a report, or from elsewhere.
    ``verdict`` holds the words of ``message.authentication`` about signature and envelope, as they
    were found; none for what this gateway signed itself.
    """

    reverse_path: str | None
    author: str
    author_account: int
    author_role: str
    channel: str
    signature: str
    signer: str
    signer_fingerprint: str
    is_automatic: bool
    closes: bool
    reply_to: tuple[str, ...]
    has_xdm: bool
    verdict: tuple[str, ...] = ()


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
    """One recipient's work, under a lease of ours."""

    item_id: int
    message_ref: str
    recipient: str
    stage: str
    attempts: int
    created_at: int
    lease: bytes


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


@dataclass(frozen=True, slots=True)
class Line:
    """One item as the operator lists it: no address."""

    item_id: int
    message_ref: str
    stage: str
    state: str
    due_at: int
    attempts: int
    last_failure: str | None
    created_at: int


def evidence(carried: Carried, received_at: int) -> bytes:
    """What was established when a message came in, as it is kept with every copy of it."""
    return json.dumps(
        {
            "signature": carried.signature,
            "signer": carried.signer,
            "signer_address": carried.author,
            "signer_fingerprint": carried.signer_fingerprint,
            "author_account": carried.author_account,
            "author_role": carried.author_role,
            "reverse_path": carried.reverse_path,
            "closes": carried.closes,
            "is_automatic": carried.is_automatic,
            "received_at": received_at,
            "verdict": list(carried.verdict),
        }
    ).encode()


def seal_message(
    spool: AccountSeal, message_ref: str, raw: bytes, summary: bytes, carried: Carried
) -> Queued:
    """Seal a message for the spool; runs before the transaction."""
    body, object_key = bodies.seal_body(spool, raw)
    return Queued(
        message_ref,
        body,
        object_key,
        spool.seal(json.dumps(asdict(carried)).encode(), _context("carried", message_ref)),
        spool.seal(summary, _context("summary", message_ref)),
    )


def enqueue(
    tx: Transaction, spool: AccountSeal, queued: Queued, recipients: Iterable[str], stage: str
) -> BlobId:
    """Store a message and one due item per recipient; the body may then be shared.

    Raises ValueError without a recipient: nothing would ever let the message go.
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
    for recipient in recipients:
        tx.sql(
            "INSERT INTO queue_items (message_ref, recipient_index, recipient, stage, state,"
            " due_at, attempts, created_at) VALUES (?, ?, ?, ?, 'due', ?, 0, ?)",
            (
                queued.message_ref,
                tx.vault.index.of("address", recipient),
                spool.seal(recipient.encode(), _context("recipient", queued.message_ref)),
                stage,
                tx.now,
                tx.now,
            ),
        )
    return blob_id


def has_due(view: View, now: int) -> bool:
    """Whether a claim would find something: a quiet queue costs a read, not a COMMIT."""
    found = view.sql(
        "SELECT 1 FROM queue_items WHERE state IN ('due', 'leased') AND due_at <= ? LIMIT 1",
        (now,),
    )
    return found.first() is not None


def claim(tx: Transaction, spool: AccountSeal, count: int) -> list[Item]:
    """Lease up to ``count`` due items; a lease that ran out is due again."""
    lease = secrets.token_bytes(8)
    rows = tx.sql(
        "UPDATE queue_items SET state = 'leased', lease = ?, due_at = ?, attempts = attempts + 1"
        " WHERE item_id IN (SELECT item_id FROM queue_items WHERE state IN ('due', 'leased')"
        " AND due_at <= ? ORDER BY due_at, item_id LIMIT ?)"
        " RETURNING item_id, message_ref, recipient, stage, attempts, created_at",
        (lease, tx.now + LEASE_SECONDS, tx.now, count),
    ).fetchall()
    return [
        Item(
            row[0],
            row[1],
            spool.open(bytes(row[2]), _context("recipient", row[1])).decode(),
            row[3],
            row[4],
            row[5],
            lease,
        )
        for row in sorted(rows)
    ]


def recover(tx: Transaction) -> int:
    """At the start of the one serving process: what a dead one had leased is due at once."""
    rows = tx.sql(
        "UPDATE queue_items SET state = 'due', lease = NULL, due_at = ? WHERE state = 'leased'"
        " RETURNING item_id",
        (tx.now,),
    )
    return len(rows.fetchall())


def holds(tx: Transaction, item: Item) -> bool:
    """Whether our lease still stands; a stage that lost it writes nothing."""
    found = tx.sql(
        "SELECT 1 FROM queue_items WHERE item_id = ? AND lease = ?", (item.item_id, item.lease)
    )
    return found.first() is not None


def advance(tx: Transaction, item: Item, stage: str) -> bool:
    """This stage is done; ``stage`` comes next, now. False, and nothing, without our lease."""
    return _release(tx, item, stage, tx.now, 0, None)


def retry(tx: Transaction, item: Item, due_at: int, failure: str) -> bool:
    """This attempt failed for now. False, and nothing, without our lease."""
    return _release(tx, item, item.stage, due_at, item.attempts, failure)


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
    carried = spool.open(bytes(row[3]), _context("carried", message_ref))
    opened: dict[str, Any] = json.loads(carried)
    for name in ("reply_to", "verdict"):
        opened[name] = tuple(opened.get(name, ()))
    return Message(
        message_ref,
        BlobId(row[0]),
        bytes(row[1]),
        row[2],
        Carried(**opened),
        spool.open(bytes(row[4]), _context("summary", message_ref)),
        row[5],
    )


def read_body(view: View, spool: AccountSeal, message: Message) -> bytes:
    """The whole queued message as it was signed and stored."""
    return bodies.read(view, spool, message.blob_id, message.object_key)


def listing(view: View) -> list[Line]:
    """Every item, oldest first, for the operator."""
    rows = view.sql(
        "SELECT item_id, message_ref, stage, state, due_at, attempts, last_failure, created_at"
        " FROM queue_items ORDER BY item_id"
    )
    return [Line(*row) for row in rows]


def depth(view: View) -> tuple[dict[str, int], int | None]:
    """Items per state, and when the oldest due one was created."""
    counts = dict.fromkeys(STATES, 0)
    for state, count in view.sql("SELECT state, count(*) FROM queue_items GROUP BY state"):
        counts[state] = count
    oldest = view.sql("SELECT min(created_at) FROM queue_items WHERE state = 'due'").scalar()
    return counts, oldest


def _release(
    tx: Transaction, item: Item, stage: str, due_at: int, attempts: int, failure: str | None
) -> bool:
    released = tx.sql(
        "UPDATE queue_items SET state = 'due', lease = NULL, stage = ?, due_at = ?, attempts = ?,"
        " last_failure = ? WHERE item_id = ? AND lease = ? RETURNING item_id",
        (stage, due_at, attempts, failure, item.item_id, item.lease),
    )
    return released.first() is not None


def find_spool(view: View) -> AccountId | None:
    """The account under which the queue seals, once it was made."""
    kept = accounts.of_kind(view, "spool")
    return kept[0].account_id if kept else None


def spool_account(tx: Transaction) -> AccountId:
    """The account under which the queue seals; made on the first start."""
    return find_spool(tx) or accounts.create(tx, "spool")


def _context(what: str, message_ref: str) -> bytes:
    """What binds a sealed value to its column and its message."""
    return f"queue {what} {message_ref}".encode()
