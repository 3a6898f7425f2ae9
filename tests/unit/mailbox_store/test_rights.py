"""What single mailboxes grant, and what becomes of it when people and mailboxes go."""

from collections.abc import Callable

import pytest

from mailbox_store import mailboxes, rights
from mailbox_store.database import Database, MailboxId, Transaction
from mailbox_store.vault import AccountId
from tests.unit.mailbox_store.conftest import open_account
from tests.unit.mailbox_store.shelf import box


@pytest.fixture
def person(database: Database) -> AccountId:
    return open_account(database)


def put(database: Database, mailbox_id: MailboxId, person: AccountId, letters: str) -> None:
    database.write(lambda tx: rights.put(tx, mailbox_id, person, letters))


def test_a_mailbox_grants_what_was_put_last(
    database: Database, account: AccountId, person: AccountId
) -> None:
    inbox, other = box(database, account), box(database, account, "Autre")
    put(database, inbox.mailbox_id, person, "lrs")
    put(database, inbox.mailbox_id, person, "")
    put(database, other.mailbox_id, person, "l")
    with database.read() as view:
        assert rights.of(view, inbox.mailbox_id, person) == ""
        assert rights.of(view, other.mailbox_id, person) == "l"
        assert rights.of(view, other.mailbox_id, account) is None
        assert rights.of_mailbox(view, other.mailbox_id) == {person: "l"}
        assert rights.of_person(view, account, person) == {
            inbox.mailbox_id: "",
            other.mailbox_id: "l",
        }
        assert rights.of_person(view, person, person) == {}


def test_a_new_mailbox_takes_the_rights_of_another(
    database: Database, account: AccountId, person: AccountId, other_account: AccountId
) -> None:
    source = box(database, account)
    put(database, source.mailbox_id, person, "lr")
    put(database, source.mailbox_id, other_account, "")

    def make(tx: Transaction) -> MailboxId:
        made = mailboxes.create(tx, account, "Nouveau")
        rights.inherit(tx, source.mailbox_id, made.mailbox_id)
        return made.mailbox_id

    target = database.write(make)
    with database.read() as view:
        assert rights.of_mailbox(view, target) == {person: "lr", other_account: ""}


def test_rights_go_with_their_mailbox(
    database: Database, account: AccountId, person: AccountId, count: Callable[[str], int]
) -> None:
    doomed = box(database, account, "Perdu")
    put(database, doomed.mailbox_id, person, "lr")
    database.write(lambda tx: mailboxes.delete(tx, account, "Perdu"))
    assert count("mailbox_rights") == 0


def test_a_person_is_forgotten_in_one_account_only(
    database: Database, account: AccountId, person: AccountId, other_account: AccountId
) -> None:
    here, there = box(database, account), box(database, other_account)
    for one in (here, there):
        put(database, one.mailbox_id, person, "lr")
    put(database, here.mailbox_id, other_account, "l")
    database.write(lambda tx: rights.forget_person(tx, account, person))
    with database.read() as view:
        assert rights.of_mailbox(view, here.mailbox_id) == {other_account: "l"}
        assert rights.of_mailbox(view, there.mailbox_id) == {person: "lr"}
