"""Object identifiers, RFC 8474: they never change, never return, and tell nothing by themselves."""

from mailbox_store.database import MailboxId, View
from mailbox_store.messages import MessageId


def mailbox_id(view: View, mailbox: MailboxId) -> str:
    """MAILBOXID: kept when the mailbox is renamed, RFC 8474 §4."""
    return "F" + view.vault.index.of("imap-mailbox-id", str(mailbox)).hex()


def email_id(view: View, message: MessageId) -> str:
    """EMAILID: the same for every copy of a message within its account, RFC 8474 §5.1."""
    return "M" + view.vault.index.of("imap-email-id", str(message)).hex()
