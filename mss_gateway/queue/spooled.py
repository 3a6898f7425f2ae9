"""The messages that wait: sealed under the spool's own account, read back by the stages.

A body is stored once and shared with those it is for; the last item of a message lets it go
(``items.finish``).
"""

from dataclasses import dataclass

from mailbox_store import accounts, bodies
from mailbox_store.bodies import BlobId, SealedBody
from mailbox_store.database import Transaction, View
from mailbox_store.vault import AccountId, AccountSeal
from mss_gateway.queue.carried import Carried


@dataclass(frozen=True, slots=True)
class Queued:
    """A message sealed for the spool, ready to be stored with its items."""

    message_ref: str
    body: SealedBody
    object_key: bytes
    sealed: bytes
    summary: bytes


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
