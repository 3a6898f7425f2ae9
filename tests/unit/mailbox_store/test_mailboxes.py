"""Names, special uses, UIDVALIDITY."""

import pytest

from mailbox_store import flags, mailboxes, messages, subscriptions
from mailbox_store.database import Database
from mailbox_store.errors import (
    MailboxExists,
    MailboxHasChildren,
    MailboxNameRefused,
    MailboxNotFound,
    MailboxProtected,
    SpecialUseTaken,
    TooManyMailboxes,
)
from mailbox_store.names import NAME_LIMIT, normal_name
from mailbox_store.vault import AccountId
from tests.unit.mailbox_store.conftest import Clock
from tests.unit.mailbox_store.shelf import append, box, fresh, rows, uids


def names(database: Database, account: AccountId) -> list[str]:
    with database.read() as view:
        return [one.name for one in mailboxes.list_mailboxes(view, account)]


def make(database: Database, account: AccountId, *wanted: str) -> None:
    for name in wanted:
        database.write(lambda tx, name=name: mailboxes.create(tx, account, name))  # type: ignore[misc]


def rename(database: Database, account: AccountId, name: str, new_name: str) -> None:
    database.write(lambda tx: mailboxes.rename(tx, account, name, new_name))


# names


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("INBOX", "INBOX"),
        ("inbox", "INBOX"),
        ("iNbOx/Cabinet", "INBOX/Cabinet"),
        ("inboxes", "inboxes"),
        ("a/inbox", "a/inbox"),
        ("Résultats/2026", "Résultats/2026"),
        ("a/", "a"),
        ("a" * NAME_LIMIT, "a" * NAME_LIMIT),
        ("é" * NAME_LIMIT, "é" * NAME_LIMIT),
    ],
)
def test_a_mailbox_has_one_form_of_its_name(given: str, expected: str) -> None:
    assert normal_name(given) == expected


@pytest.mark.parametrize(
    "given",
    ["", "/", "//", "/a", "a//b", "a//", "a\0", "a\r\nb", "a\x7f", "a\x85", "a\ud800", "a" * 256],
)
def test_a_name_that_could_deceive_is_refused(
    database: Database, account: AccountId, given: str
) -> None:
    with pytest.raises(MailboxNameRefused):
        normal_name(given)
    with pytest.raises(MailboxNameRefused):
        make(database, account, given)


def test_inbox_is_found_whatever_its_case_and_other_names_are_not(
    database: Database, account: AccountId
) -> None:
    make(database, account, "Travail")
    with database.read() as view:
        assert mailboxes.find(view, account, "inBOX").name == "INBOX"
        with pytest.raises(MailboxNotFound):
            mailboxes.find(view, account, "travail")


def test_a_mailbox_is_made_once_per_account(
    database: Database, account: AccountId, other_account: AccountId
) -> None:
    make(database, account, "a")
    for name in ("a", "a/", "INBOX", "inbox"):
        with pytest.raises(MailboxExists):
            make(database, account, name)
    make(database, other_account, "a")
    assert names(database, account) == ["INBOX", "a"]


def test_inbox_is_listed_first_then_names_in_order(database: Database, account: AccountId) -> None:
    make(database, account, "z", "A", "b/c")
    assert names(database, account) == ["INBOX", "A", "b/c", "z"]


def test_a_new_mailbox_is_empty_and_subscribed(database: Database, account: AccountId) -> None:
    made = database.write(lambda tx: mailboxes.create(tx, account, "Sent", "\\Sent"))
    assert (made.messages, made.unseen, made.octets, made.uidnext) == (0, 0, 0, 1)
    with database.read() as view:
        assert subscriptions.names(view, account) >= {"Sent"}
    with database.read() as view:
        assert mailboxes.find_special(view, account, "\\Sent") == made
        assert mailboxes.find_special(view, account, "\\Trash") is None


def test_a_use_has_one_mailbox_and_a_mailbox_may_have_several_uses(
    database: Database, account: AccountId, other_account: AccountId
) -> None:
    made = database.write(lambda tx: mailboxes.create(tx, account, "a", "\\Drafts \\Sent"))
    assert made.special_uses == ("\\Drafts", "\\Sent")
    assert box(database, account).special_uses == ()
    for uses in ("\\Sent", "\\Junk \\Drafts"):
        with pytest.raises(SpecialUseTaken):
            database.write(lambda tx, uses=uses: mailboxes.create(tx, account, "b", uses))  # type: ignore[misc]
    assert names(database, account) == ["INBOX", "a"]
    database.write(lambda tx: mailboxes.create(tx, other_account, "a", "\\Sent"))
    rename(database, account, "a", "c")
    with database.read() as view:
        for use in made.special_uses:
            found = mailboxes.find_special(view, account, use)
            assert found is not None
            assert (found.mailbox_id, found.name) == (made.mailbox_id, "c")
        assert mailboxes.find_special(view, account, "\\Junk") is None
        assert mailboxes.find_special(view, account, "\\Dra") is None
    database.write(lambda tx: mailboxes.delete(tx, account, "c"))
    database.write(lambda tx: mailboxes.create(tx, account, "b", "\\Sent"))


def test_mailboxes_of_an_account_are_bounded_at_their_edge(
    database: Database,
    account: AccountId,
    other_account: AccountId,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(mailboxes, "MAILBOX_LIMIT", 3)
    make(database, account, "a", "b")
    with pytest.raises(TooManyMailboxes):
        make(database, account, "c")
    make(database, other_account, "c")
    database.write(lambda tx: mailboxes.delete(tx, account, "a"))
    make(database, account, "c")


def test_what_an_expunge_frees_is_told(database: Database, account: AccountId) -> None:
    inbox = box(database, account)
    for size in (1, 20, 300, 4_000):
        append(database, inbox, raw=b"x" * size)
    with database.read() as view:
        assert mailboxes.deleted_octets(view, fresh(database, inbox)) == 0
    database.write(lambda tx: messages.set_flags(tx, inbox.mailbox_id, [2, 4], ~0, flags.DELETED))
    with database.read() as view:
        assert mailboxes.deleted_octets(view, fresh(database, inbox)) == 4_020


def test_subscriptions_come_and_go(database: Database, account: AccountId) -> None:
    make(database, account, "a")
    for change, wanted in (
        (subscriptions.remove, False),
        (subscriptions.remove, False),
        (subscriptions.add, True),
        (subscriptions.add, True),
    ):
        database.write(lambda tx, change=change: change(tx, account, "a"))  # type: ignore[misc]
        with database.read() as view:
            assert ("a" in subscriptions.names(view, account)) is wanted


def test_a_subscription_outlives_its_mailbox(database: Database, account: AccountId) -> None:
    make(database, account, "a", "b")
    database.write(lambda tx: mailboxes.delete(tx, account, "a"))
    database.write(lambda tx: mailboxes.rename(tx, account, "b", "c"))
    with database.read() as view:
        assert subscriptions.names(view, account) >= {"a", "b", "c"}


def test_a_name_does_not_open_in_another_row(database: Database, account: AccountId) -> None:
    make(database, account, "a", "b")
    database.write(
        lambda tx: tx.sql(
            "UPDATE mailboxes SET name_sealed ="
            " (SELECT name_sealed FROM mailboxes WHERE mailbox_id = ?) WHERE mailbox_id = ?",
            (box(database, account, "a").mailbox_id, box(database, account, "b").mailbox_id),
        )
    )
    with pytest.raises(Exception, match="not sealed for"), database.read() as view:
        mailboxes.list_mailboxes(view, account)


# UIDVALIDITY


def test_a_uidvalidity_never_returns(database: Database, account: AccountId, clock: Clock) -> None:
    seen = {box(database, account).uidvalidity}
    for moment in (0, 0, -5000, 100, 100):
        clock.now += moment
        made = box(database, account, "a")
        assert made.uidvalidity > max(seen)
        seen.add(made.uidvalidity)
        database.write(lambda tx: mailboxes.delete(tx, account, "a"))


def test_a_uidvalidity_is_not_given_again_after_a_rollback_that_was_not_told(
    database: Database, account: AccountId
) -> None:
    first = box(database, account, "a")
    assert first.uidvalidity < 1 << 32
    rename(database, account, "a", "b")
    assert box(database, account, "b").uidvalidity == first.uidvalidity
    assert box(database, account, "a").uidvalidity > first.uidvalidity


# delete


def test_deleting_takes_messages_and_bodies_with_it(
    database: Database, account: AccountId, count: object
) -> None:
    assert callable(count)
    made = box(database, account, "a")
    append(database, made)
    database.write(lambda tx: flags.mask(tx, made.mailbox_id, ["Urgent"]))
    for statement in (
        "INSERT INTO mailbox_rights (mailbox_id, person_account, rights) VALUES (?, 1, 'lr')",
        "INSERT INTO personal_seen (mailbox_id, person_account, uid) VALUES (?, 1, 1)",
    ):
        database.write(lambda tx, statement=statement: tx.sql(statement, (made.mailbox_id,)))  # type: ignore[misc]
    gone = database.write(lambda tx: mailboxes.delete(tx, account, "a"))
    assert gone == made.mailbox_id
    tables = ("messages", "entries", "blobs", "blob_chunks", "keywords", "expunged")
    assert [count(table) for table in (*tables, "mailbox_rights", "personal_seen")] == [0] * 8
    with pytest.raises(MailboxNotFound):
        fresh(database, made)


def test_inbox_stays_and_so_does_what_has_inferiors(database: Database, account: AccountId) -> None:
    make(database, account, "a", "a/b", "ab")
    for name, error in (
        ("inbox", MailboxProtected),
        ("a", MailboxHasChildren),
        ("b", MailboxNotFound),
    ):
        with pytest.raises(error):
            database.write(lambda tx, name=name: mailboxes.delete(tx, account, name))  # type: ignore[misc]
    database.write(lambda tx: mailboxes.delete(tx, account, "a/b"))
    database.write(lambda tx: mailboxes.delete(tx, account, "a"))
    assert names(database, account) == ["INBOX", "ab"]


# rename


def test_renaming_takes_the_inferiors_along_and_keeps_the_messages(
    database: Database, account: AccountId
) -> None:
    make(database, account, "a", "a/b", "a/b/c", "ab")
    placed = append(database, box(database, account, "a/b"))
    rename(database, account, "a", "z/y")
    assert names(database, account) == ["INBOX", "ab", "z/y", "z/y/b", "z/y/b/c"]
    moved = box(database, account, "z/y/b")
    assert (moved.mailbox_id, moved.uidvalidity) == (placed.mailbox_id, placed.uidvalidity)
    assert uids(database, moved.mailbox_id) == [1]


def test_renaming_inbox_moves_its_messages_and_leaves_it_empty(
    database: Database, account: AccountId
) -> None:
    inbox = box(database, account)
    for value in (0, 1, 0):
        append(database, inbox, value)
    make(database, account, "INBOX/b")
    rename(database, account, "inbox", "Archives")
    left, target = fresh(database, inbox), box(database, account, "Archives")
    assert (left.messages, left.unseen, left.octets, left.uidnext) == (0, 0, 0, 4)
    assert left.uidvalidity == inbox.uidvalidity
    assert (target.messages, target.unseen) == (3, 2)
    assert [row.flags for row in rows(database, target)] == [0, 1, 0]
    assert names(database, account) == ["INBOX", "Archives", "INBOX/b"]


@pytest.mark.parametrize(
    ("name", "new_name", "error"),
    [
        ("a", "b", MailboxExists),
        ("a", "a", MailboxExists),
        ("a", "inbox", MailboxExists),
        ("INBOX", "b", MailboxExists),
        ("a", "c", MailboxExists),  # a/x would take the name of c/x
        ("a", "a/new", MailboxNameRefused),
        ("a", "", MailboxNameRefused),
        ("a", "n" * 254, MailboxNameRefused),  # and a/x would be too long
        ("none", "b", MailboxNotFound),
    ],
)
def test_a_rename_that_cannot_be_leaves_all_as_it_was(
    database: Database, account: AccountId, name: str, new_name: str, error: type[Exception]
) -> None:
    make(database, account, "a", "a/x", "b", "c/x")
    before = names(database, account)
    with pytest.raises(error):
        rename(database, account, name, new_name)
    assert names(database, account) == before


def test_a_mailbox_may_take_a_name_above_its_own(database: Database, account: AccountId) -> None:
    make(database, account, "a/b", "a/b/b", "a/b/b/x", "a/b/x")
    rename(database, account, "a/b", "a")
    assert names(database, account) == ["INBOX", "a", "a/b", "a/b/x", "a/x"]
