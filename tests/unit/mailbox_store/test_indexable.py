"""Messages as the index asks for them: by id, across mailboxes, those that are left."""

import pytest

from mailbox_store import copying, indexable, mailboxes, messages, segments
from mailbox_store.database import Database
from mailbox_store.errors import MessageNotFound
from mailbox_store.flags import DELETED
from mailbox_store.messages import MessageId
from mailbox_store.segments import Stretch
from mailbox_store.vault import AccountId
from tests.unit.mailbox_store.shelf import append, box


def test_what_waits_comes_in_the_order_in_which_it_was_stored(
    database: Database, account: AccountId, other_account: AccountId
) -> None:
    inbox, others = box(database, account), box(database, other_account)
    appended = [append(database, each) for each in (inbox, others, inbox)]
    with database.read() as view:
        waiting = indexable.pending(view, 10)
        assert [each.message_id for each in waiting] == [each.message_id for each in appended]
        assert [each.account_id for each in waiting] == [account, other_account, account]
        assert [each.size for each in waiting] == [len(b"Subject: x\r\n\r\n")] * 3
        assert indexable.pending(view, 2) == waiting[:2]
        assert segments.lag(view) == indexable.count(view) == 3
    database.write(lambda tx: segments.advance(tx, 0, waiting[1].message_id))
    with database.read() as view:
        assert indexable.pending(view, 10) == waiting[2:]
        assert segments.lag(view) == 1


def test_a_copy_is_no_message_of_its_own(database: Database, account: AccountId) -> None:
    inbox = box(database, account)
    archive = database.write(lambda tx: mailboxes.create(tx, account, "Archive"))
    append(database, inbox)
    database.write(lambda tx: copying.copy(tx, inbox.mailbox_id, [1], archive))
    with database.read() as view:
        assert len(indexable.pending(view, 10)) == 1


def test_only_messages_of_the_account_that_are_there_are_left(
    database: Database, account: AccountId, other_account: AccountId
) -> None:
    inbox, others = box(database, account), box(database, other_account)
    ids = [append(database, inbox, DELETED if at == 1 else 0).message_id for at in range(4)]
    foreign = append(database, others).message_id
    database.write(lambda tx: messages.expunge(tx, inbox.mailbox_id))
    left = [ids[0], ids[2], ids[3]]
    spans = [Stretch(ids[0], ids[1], 0, 2, {}), Stretch(ids[2], foreign, 0, 3, {})]
    with database.read() as view:
        assert indexable.existing(view, account, [*ids, foreign, 999]) == set(left)
        assert indexable.existing(view, account, []) == set()
        assert indexable.messages_between(view, account, ids[0], foreign) == left
        assert indexable.messages_between(view, account, ids[1], ids[2]) == [ids[2]]
        assert indexable.counts_left(view, account, spans) == [1, 2]


def test_a_summary_opens_for_its_account_only(
    database: Database, account: AccountId, other_account: AccountId
) -> None:
    message_id = append(database, box(database, account)).message_id
    with database.read() as view:
        assert indexable.read_summary(view, account, message_id) == b"summary"
        for of, which in ((other_account, message_id), (account, MessageId(999))):
            with pytest.raises(MessageNotFound):
                indexable.read_summary(view, of, which)


def test_the_newest_of_an_account_come_first(
    database: Database, account: AccountId, other_account: AccountId
) -> None:
    inbox, others = box(database, account), box(database, other_account)
    ids = [append(database, each).message_id for each in (inbox, inbox, others, inbox, inbox)]
    own = [ids[4], ids[3], ids[1], ids[0]]
    with database.read() as view:
        assert indexable.newest_between(view, account, 0, ids[4], 10) == own
        assert indexable.newest_between(view, account, ids[1], ids[3], 10) == own[1:3]
        assert indexable.newest_between(view, account, 0, ids[4], 2) == own[:2]
        assert indexable.newest_between(view, account, ids[4] + 1, ids[4], 2) == []
