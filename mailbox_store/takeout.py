"""Everything an account holds, for a copy of it all: what is there first, then each message.

The list is taken in one view and the messages are read in others, so that hours of reading hold no
snapshot open. A message is read by its number, wherever it was moved to meanwhile.
"""

from array import array
from dataclasses import dataclass

from mailbox_store import changes, mailboxes
from mailbox_store.database import View
from mailbox_store.errors import MessageNotFound
from mailbox_store.mailboxes import Mailbox
from mailbox_store.messages import MessageId, summary_context
from mailbox_store.vault import AccountId


@dataclass(frozen=True, slots=True)
class Listed:
    """A mailbox and its messages in UID order, in parallel arrays: 32 octets for a message.

    ``moments``: when each came in, in unix seconds; ``flags``: their bits.
    """

    mailbox: Mailbox
    uids: "array[int]"
    message_ids: "array[int]"
    moments: "array[int]"
    flags: "array[int]"


@dataclass(frozen=True, slots=True)
class Taken:
    """A message: its summary (``message.summary`` of the gateway) and its octets."""

    message_ref: str
    summary: bytes
    octets: bytes


def listed(view: View, account_id: AccountId) -> list[Listed]:
    """The mailboxes of an account and what is in them, INBOX first."""
    return [_listed(view, mailbox) for mailbox in mailboxes.list_mailboxes(view, account_id)]


def take(view: View, account_id: AccountId, message_id: MessageId) -> Taken:
    """One message; raises MessageNotFound once it is in no mailbox, and BlobAltered."""
    row = view.sql(
        "SELECT message_ref, summary FROM messages WHERE message_id = ? AND account_id = ?",
        (message_id, account_id),
    ).first()
    if row is None:
        raise MessageNotFound(message_id)
    summary = view.vault.account(view, account_id).open(bytes(row[1]), summary_context(row[0]))
    return Taken(row[0], summary, changes.read_body(view, account_id, message_id))


def octets(view: View, account_id: AccountId) -> int:
    """What all of its mailboxes hold, each message as often as it is in one."""
    found = view.sql(
        "SELECT coalesce(sum(octets), 0) FROM mailboxes WHERE account_id = ?", (account_id,)
    )
    return int(found.scalar_one())


def _listed(view: View, mailbox: Mailbox) -> Listed:
    columns: tuple[array[int], ...] = tuple(array("q") for _ in range(4))
    rows = view.sql(
        "SELECT uid, message_id, internal_date, flags FROM entries WHERE mailbox_id = ?"
        " ORDER BY uid",
        (mailbox.mailbox_id,),
    )
    for row in rows:
        for column, value in zip(columns, row, strict=True):
            column.append(value)
    return Listed(mailbox, *columns)
