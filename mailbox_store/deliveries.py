"""One delivery per (message_ref, recipient), for ever: a stage that runs twice adds nothing."""

from dataclasses import dataclass

from mailbox_store import messages
from mailbox_store.database import MailboxId, Transaction, View
from mailbox_store.messages import Appended, Arrival


@dataclass(frozen=True, slots=True)
class Delivery:
    """Where and when a recipient's copy was placed; its UID may have moved on since."""

    mailbox_id: MailboxId
    uid: int
    delivered_at: int


def deliver(
    tx: Transaction, recipient: str, mailbox_id: MailboxId, arrival: Arrival
) -> Appended | None:
    """Append a message for a recipient once; None when that was done before.

    The UID is taken in the same transaction, so a delivery is whole or absent.
    """
    if find(tx, arrival.message_ref, recipient) is not None:
        return None
    appended = messages.append(tx, mailbox_id, arrival, 0, tx.now)
    tx.sql(
        "INSERT INTO deliveries (message_ref, recipient_index, mailbox_id, uid, delivered_at)"
        " VALUES (?, ?, ?, ?, ?)",
        (arrival.message_ref, _index(tx, recipient), mailbox_id, appended.uid, tx.now),
    )
    return appended


def find(view: View, message_ref: str, recipient: str) -> Delivery | None:
    """The delivery of a message to a recipient, if it happened."""
    row = view.sql(
        "SELECT mailbox_id, uid, delivered_at FROM deliveries"
        " WHERE message_ref = ? AND recipient_index = ?",
        (message_ref, _index(view, recipient)),
    ).first()
    return None if row is None else Delivery(MailboxId(row[0]), row[1], row[2])


def _index(view: View, recipient: str) -> bytes:
    return view.vault.index.of("address", recipient)
