"""Threads: what joins them, what keeps them, and what a page of them costs."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from mailbox_store import copying, mailboxes, messages, threads
from mailbox_store.database import Database, Transaction, View
from mailbox_store.flags import SEEN
from mailbox_store.mailboxes import Mailbox
from mailbox_store.messages import Appended
from mailbox_store.threads import Correspondents, ThreadId
from mailbox_store.vault import AccountId
from tests.unit.mailbox_store.shelf import append, arrival, box

Count = Callable[[str], int]


@pytest.fixture
def inbox(database: Database, account: AccountId) -> Mailbox:
    return box(database, account)


@pytest.fixture
def archive(database: Database, account: AccountId) -> Mailbox:
    return box(database, account, "Archive")


def correspondents(database: Database, account: AccountId, name: str) -> Correspondents:
    index = b"index of " + name.encode()
    with database.read() as view:
        seal = view.vault.account(view, account)
    return Correspondents(index, seal.seal(name.encode(), threads.context(index)))


def exchanged(
    database: Database, mailbox: Mailbox, name: str, at: int = 5, flags: int = 0
) -> Appended:
    """A message with a correspondent, at the end of a mailbox."""
    thread = correspondents(database, mailbox.account_id, name)
    made = replace(arrival(database, mailbox.account_id), thread=thread)
    return database.write(lambda tx: messages.append(tx, mailbox.mailbox_id, made, flags, at))


def named(
    database: Database, mailbox: Mailbox, before: tuple[int, int] | None = None, count: int = 10
) -> list[str]:
    """The correspondents of the threads of a mailbox, as they are listed."""
    with database.read() as view:
        found = threads.listed(view, mailbox.account_id, mailbox.mailbox_id, before, count)
    return [thread.correspondents.decode() for thread in found]


def thread_of(database: Database, placed: Appended, account: AccountId) -> ThreadId:
    with database.read() as view:
        found = threads.of_message(view, account, placed.message_id)
    assert found is not None
    return found


def test_messages_with_one_correspondent_are_one_thread(
    database: Database, account: AccountId, inbox: Mailbox, count: Count
) -> None:
    first = exchanged(database, inbox, "claire", at=5)
    second = exchanged(database, inbox, "claire", at=9)
    other = exchanged(database, inbox, "paul", at=7)
    assert thread_of(database, first, account) == thread_of(database, second, account)
    assert thread_of(database, other, account) != thread_of(database, first, account)
    assert named(database, inbox) == ["claire", "paul"]
    assert count("threads") == 2


def test_an_older_message_that_comes_late_does_not_bring_a_thread_forward(
    database: Database, inbox: Mailbox
) -> None:
    exchanged(database, inbox, "claire", at=9)
    exchanged(database, inbox, "paul", at=7)
    exchanged(database, inbox, "paul", at=3)
    assert named(database, inbox) == ["claire", "paul"]


def test_the_same_correspondent_of_two_accounts_is_two_threads(
    database: Database, inbox: Mailbox, other_account: AccountId, count: Count
) -> None:
    exchanged(database, inbox, "claire")
    exchanged(database, box(database, other_account), "claire")
    assert count("threads") == 2
    assert named(database, inbox) == ["claire"]


def test_a_message_continues_a_thread_of_its_account_and_no_other(
    database: Database, account: AccountId, inbox: Mailbox, other_account: AccountId
) -> None:
    thread_id = thread_of(database, exchanged(database, inbox, "claire"), account)

    def continued(mailbox: Mailbox) -> ThreadId | None:
        made = replace(arrival(database, mailbox.account_id), thread=thread_id)
        placed = database.write(lambda tx: messages.append(tx, mailbox.mailbox_id, made, 0, 6))
        with database.read() as view:
            return threads.of_message(view, mailbox.account_id, placed.message_id)

    assert continued(inbox) == thread_id
    assert continued(box(database, other_account)) is None
    with database.read() as view:
        assert threads.find(view, other_account, thread_id) is None


def test_a_thread_goes_where_its_messages_are_copied_and_moved(
    database: Database, account: AccountId, inbox: Mailbox, archive: Mailbox
) -> None:
    placed = exchanged(database, inbox, "claire")
    thread_id = thread_of(database, placed, account)
    database.write(lambda tx: copying.copy(tx, inbox.mailbox_id, [placed.uid], archive))
    assert named(database, inbox) == named(database, archive) == ["claire"]
    database.write(lambda tx: copying.move(tx, inbox.mailbox_id, [placed.uid], archive))
    assert (named(database, inbox), named(database, archive)) == ([], ["claire"])
    with database.read() as view:
        assert threads.uids_in(view, archive.mailbox_id, thread_id, 10) == [1, 2]
        # two places of one message: it was exchanged once
        ids = [inbox.mailbox_id, archive.mailbox_id]
        assert len(threads.spots(view, ids, thread_id, 10)) == 1


def test_unread_messages_are_counted_where_they_are_and_to_a_bound(
    database: Database, account: AccountId, inbox: Mailbox, archive: Mailbox
) -> None:
    thread_id = thread_of(database, exchanged(database, inbox, "claire"), account)
    exchanged(database, inbox, "claire", flags=SEEN)
    exchanged(database, archive, "claire")

    def unseen(mailbox: Mailbox) -> int:
        with database.read() as view:
            return threads.unseen(view, mailbox.mailbox_id, thread_id)

    assert (unseen(inbox), unseen(archive)) == (1, 1)
    database.write(lambda tx: messages.set_flags(tx, inbox.mailbox_id, [1], -1, SEEN))
    assert unseen(inbox) == 0
    for _ in range(threads.UNSEEN_COUNTED + 1):
        exchanged(database, inbox, "claire")
    assert unseen(inbox) == threads.UNSEEN_COUNTED


def test_pages_of_a_list_leave_nothing_out_at_equal_times(
    database: Database, inbox: Mailbox
) -> None:
    for name in "abcde":
        exchanged(database, inbox, name, at=5)
    seen: list[str] = []
    before = None
    while True:
        with database.read() as view:
            page = threads.listed(view, inbox.account_id, inbox.mailbox_id, before, 2)
        if not page:
            break
        seen += [thread.correspondents.decode() for thread in page]
        before = (page[-1].latest_at, page[-1].thread_id)
    assert seen == list("edcba")


@pytest.mark.parametrize("size", [1, 2, 3])
def test_pages_of_a_thread_leave_nothing_out_at_equal_times(
    size: int, database: Database, account: AccountId, inbox: Mailbox, archive: Mailbox
) -> None:
    places = [(inbox, 5), (inbox, 5), (archive, 5), (archive, 5), (inbox, 7), (archive, 3)]
    placed = [exchanged(database, mailbox, "claire", at) for mailbox, at in places]
    thread_id = thread_of(database, placed[0], account)
    ids = [inbox.mailbox_id, archive.mailbox_id]
    seen: list[tuple[int, int, int]] = []
    after = None
    with database.read() as view:
        while page := threads.spots(view, ids, thread_id, size, after):
            seen += [(spot.internal_date, spot.rank, spot.uid) for spot in page]
            after = seen[-1]
    assert seen == [(7, 0, 3), (5, 0, 2), (5, 0, 1), (5, 1, 2), (5, 1, 1), (3, 1, 3)]


def test_a_thread_is_as_late_as_what_is_left_of_it(
    database: Database, account: AccountId, inbox: Mailbox
) -> None:
    latest = exchanged(database, inbox, "claire", at=9)
    exchanged(database, inbox, "claire", at=2)
    exchanged(database, inbox, "paul", at=7)
    thread_id = thread_of(database, latest, account)

    def removed(tx: Transaction) -> None:
        assert threads.among(tx, inbox.mailbox_id, [latest.uid]) == [thread_id]
        messages.remove(tx, inbox.mailbox_id, [latest.uid])
        threads.date_anew(tx, [inbox.mailbox_id], [thread_id])

    database.write(removed)
    assert named(database, inbox) == ["paul", "claire"]


def test_what_is_in_no_thread_is_in_no_list(
    database: Database, account: AccountId, inbox: Mailbox, count: Count
) -> None:
    placed = append(database, inbox)
    assert named(database, inbox) == []
    assert count("threads") == 0
    with database.read() as view:
        assert threads.of_message(view, account, placed.message_id) is None


def test_messages_of_an_earlier_release_are_settled_wherever_they_lie(
    database: Database, account: AccountId, inbox: Mailbox, archive: Mailbox
) -> None:
    placed = append(database, inbox, at=8)

    def earlier(tx: Transaction) -> None:
        tx.sql("UPDATE messages SET thread_id = 0")
        copying.copy(tx, inbox.mailbox_id, [placed.uid], archive)

    database.write(earlier)
    assert named(database, inbox) == named(database, archive) == []
    with database.read() as view:
        assert threads.unsettled(view, 10) == [(placed.message_id, account)]
        assert threads.of_message(view, account, placed.message_id) is None
    thread = correspondents(database, account, "claire")
    database.write(lambda tx: threads.settle(tx, placed.message_id, account, thread))
    assert named(database, inbox) == named(database, archive) == ["claire"]
    with database.read() as view:
        assert threads.unsettled(view, 10) == []


def plans(view: View, statement: str, parameters: tuple[Any, ...]) -> list[str]:
    return [row[3] for row in view.sql("EXPLAIN QUERY PLAN " + statement, parameters).fetchall()]


def test_no_list_walks_a_mailbox(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """The plans of the statements: ranges of an index, nothing scanned, nothing sorted."""
    asked: list[tuple[str, tuple[Any, ...]]] = []
    with database.read() as view:
        run = view.sql

        def noted(statement: str, parameters: Any = ()) -> Any:
            asked.append((statement, tuple(parameters)))
            return run(statement, parameters)

        monkeypatch.setattr(view, "sql", noted)
        account, mailbox = AccountId(1), box_id(1)
        threads.listed(view, account, mailbox, (5, 5), 26)
        threads.unseen(view, mailbox, ThreadId(1))
        threads.spots(view, [mailbox], ThreadId(1), 21, (5, 0, 5))
        threads.uids_in(view, mailbox, ThreadId(1), 10)
        threads.unsettled(view, 10)
        monkeypatch.undo()
        for statement, parameters in asked:
            for step in plans(view, statement, parameters):
                assert "TEMP B-TREE" not in step, statement
                assert not step.startswith("SCAN messages") or "ix_messages_unsettled" in step
                assert not step.startswith("SCAN e"), statement
                assert "USING PRIMARY KEY" not in step, statement
                assert not step.startswith("SCAN t"), statement


def box_id(number: int) -> Any:
    return mailboxes.MailboxId(number)
