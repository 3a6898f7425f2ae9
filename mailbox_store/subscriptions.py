"""Subscribed names of an account: they outlive the mailbox, RFC 9051 §6.3.7."""

from mailbox_store.database import Transaction, View
from mailbox_store.errors import TooManyMailboxes
from mailbox_store.names import name_index, normal_name, open_name, seal_name
from mailbox_store.vault import AccountId

SUBSCRIPTION_LIMIT = 10_000
"""Subscriptions of one account: names that nothing else bounds, because they need no mailbox."""


def names(view: View, account_id: AccountId) -> set[str]:
    """Every name the account is subscribed to, whether or not there is such a mailbox."""
    rows = view.sql(
        "SELECT name_sealed, name_index FROM subscriptions WHERE account_id = ?", (account_id,)
    ).fetchall()
    return {open_name(view, account_id, sealed, index) for sealed, index in rows}


def add(tx: Transaction, account_id: AccountId, name: str) -> None:
    """Subscribe to a name; doing it again changes nothing.

    Raises ``MailboxNameRefused`` and ``TooManyMailboxes``.
    """
    name = normal_name(name)
    index = name_index(tx, account_id, name)
    added = tx.sql(
        "INSERT INTO subscriptions (account_id, name_index, name_sealed) VALUES (?, ?, ?)"
        " ON CONFLICT DO NOTHING RETURNING 1",
        (account_id, index, seal_name(tx, account_id, name, index)),
    ).first()
    if added is None:
        return
    count = tx.sql("SELECT count(*) FROM subscriptions WHERE account_id = ?", (account_id,))
    if count.scalar_one() > SUBSCRIPTION_LIMIT:
        raise TooManyMailboxes(account_id)


def remove(tx: Transaction, account_id: AccountId, name: str) -> bool:
    """End a subscription; False when there was none. Raises ``MailboxNameRefused``."""
    gone = tx.sql(
        "DELETE FROM subscriptions WHERE account_id = ? AND name_index = ? RETURNING 1",
        (account_id, name_index(tx, account_id, normal_name(name))),
    )
    return gone.first() is not None
