"""Subscribed names: of their own, and bounded."""

from collections.abc import Callable

import pytest

from mailbox_store import mailboxes, subscriptions
from mailbox_store.database import Database
from mailbox_store.errors import MailboxNameRefused, TooManyMailboxes
from mailbox_store.vault import AccountId


def names(database: Database, account: AccountId) -> set[str]:
    with database.read() as view:
        return subscriptions.names(view, account)


def test_a_name_needs_no_mailbox(
    database: Database, account: AccountId, other_account: AccountId
) -> None:
    database.write(lambda tx: subscriptions.add(tx, account, "Nulle part/été/"))
    assert names(database, account) == {"INBOX", "Nulle part/été"}
    assert names(database, other_account) == {"INBOX"}


def test_a_name_is_subscribed_once_and_left_once(
    database: Database, account: AccountId, count: Callable[[str], int]
) -> None:
    for name in ("inbox/a", "INBOX/a", "Inbox/a/"):
        database.write(lambda tx, name=name: subscriptions.add(tx, account, name))  # type: ignore[misc]
    assert count("subscriptions") == 2
    assert database.write(lambda tx: subscriptions.remove(tx, account, "iNBOX/a"))
    assert not database.write(lambda tx: subscriptions.remove(tx, account, "INBOX/a"))
    assert names(database, account) == {"INBOX"}


def test_a_subscription_waits_for_its_mailbox(database: Database, account: AccountId) -> None:
    database.write(lambda tx: mailboxes.create(tx, account, "a"))
    database.write(lambda tx: mailboxes.delete(tx, account, "a"))
    assert names(database, account) == {"INBOX", "a"}
    database.write(lambda tx: mailboxes.create(tx, account, "a"))
    assert names(database, account) == {"INBOX", "a"}


def test_a_name_that_could_deceive_is_refused(database: Database, account: AccountId) -> None:
    for change in (subscriptions.add, subscriptions.remove):
        with pytest.raises(MailboxNameRefused):
            database.write(lambda tx, change=change: change(tx, account, "a//b"))  # type: ignore[misc]


def test_subscriptions_are_bounded_at_their_edge(
    database: Database, account: AccountId, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscriptions, "SUBSCRIPTION_LIMIT", 3)
    for name in ("a", "b", "b"):
        database.write(lambda tx, name=name: subscriptions.add(tx, account, name))  # type: ignore[misc]
    with pytest.raises(TooManyMailboxes):
        database.write(lambda tx: subscriptions.add(tx, account, "c"))
    database.write(lambda tx: subscriptions.add(tx, account, "a"))
    assert names(database, account) == {"INBOX", "a", "b"}
    database.write(lambda tx: subscriptions.remove(tx, account, "a"))
    database.write(lambda tx: subscriptions.add(tx, account, "c"))
    assert names(database, account) == {"INBOX", "b", "c"}
