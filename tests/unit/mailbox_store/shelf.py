"""Short words for the tests of messages: append, and what the rows say."""

import itertools

from mailbox_store import changes, mailboxes, messages
from mailbox_store.changes import Row
from mailbox_store.database import Database, MailboxId
from mailbox_store.errors import MailboxNotFound
from mailbox_store.mailboxes import Mailbox
from mailbox_store.messages import Appended, Arrival
from mailbox_store.vault import AccountId

_REFS = itertools.count(1)


def arrival(
    database: Database, account_id: AccountId, raw: bytes = b"Subject: x\r\n\r\n", ref: str = ""
) -> Arrival:
    """A message sealed for an account; its reference is its own unless given."""
    with database.read() as view:
        seal = view.vault.account(view, account_id)
    ref = ref or f"ref{next(_REFS):06d}"
    return messages.seal_arrival(seal, account_id, ref, raw, b"summary", b"evidence")


def append(
    database: Database,
    mailbox: Mailbox,
    flags: int = 0,
    raw: bytes = b"Subject: x\r\n\r\n",
    at: int = 5,
) -> Appended:
    """A new message at the end of a mailbox."""
    made = arrival(database, mailbox.account_id, raw)
    return database.write(lambda tx: messages.append(tx, mailbox.mailbox_id, made, flags, at))


def box(database: Database, account_id: AccountId, name: str = "INBOX") -> Mailbox:
    """A mailbox as it stands now; made when it is not there."""
    with database.read() as view:
        try:
            return mailboxes.find(view, account_id, name)
        except MailboxNotFound:
            pass
    return database.write(lambda tx: mailboxes.create(tx, account_id, name))


def fresh(database: Database, mailbox: Mailbox) -> Mailbox:
    with database.read() as view:
        return mailboxes.by_id(view, mailbox.mailbox_id)


def rows(database: Database, mailbox: Mailbox) -> list[Row]:
    with database.read() as view:
        return list(
            changes.rows(view, mailbox.account_id, mailbox.mailbox_id, 1, messages.LARGEST_UID)
        )


def uids(database: Database, mailbox_id: MailboxId) -> list[int]:
    with database.read() as view:
        return messages.all_uids(view, mailbox_id)
