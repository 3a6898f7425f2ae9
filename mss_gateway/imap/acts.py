"""What members of a shared box do there, on record: who, in which mailbox, how many messages.

The record names accounts and mailboxes by number, never by name, and no message. What an owner does
in their own mailboxes is not recorded, except who else may use them. Changes of flags are not
recorded: a day of reading would bury the rest.
"""

from mailbox_store.database import MailboxId, Transaction
from mailbox_store.vault import AccountId
from mss_gateway.imap.access import is_owner
from mss_gateway.imap.state import Holder, Session
from mss_gateway.observability import audit


def record(tx: Transaction, holder: Holder, mailbox_id: MailboxId, what: str) -> None:
    """Put an act of a member on record, in the transaction of the act itself."""
    if is_owner(holder):
        return
    audit.record(
        tx,
        actor=f"account:{holder.person_id}",
        act="mailbox",
        object=_mailbox(holder, mailbox_id),
        verdict=what,
    )


def record_opening(session: Session, mailbox_id: MailboxId, what: str) -> None:
    """Put on record that a member opened a mailbox; nobody waits for it."""
    holder = session.holder
    if holder is None or is_owner(holder):
        return
    session.services.database.submit(lambda tx: record(tx, holder, mailbox_id, what))


def record_rights(
    tx: Transaction, holder: Holder, mailbox_id: MailboxId, member: AccountId, letters: str
) -> None:
    """Put on record what a member may do from now on, whoever decided it."""
    audit.record(
        tx,
        actor=f"account:{holder.person_id}",
        act="mailbox",
        object=f"{_mailbox(holder, mailbox_id)} member account:{member}",
        verdict=f"rights {letters or 'none'}",
    )


def _mailbox(holder: Holder, mailbox_id: MailboxId) -> str:
    return f"account:{holder.account_id} mailbox:{mailbox_id}"
