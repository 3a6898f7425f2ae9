"""All that an account holds: listed at once, read one by one, wherever it was moved to."""

import pytest

from mailbox_store import copying, mailboxes, messages, takeout
from mailbox_store.database import Database
from mailbox_store.errors import MessageNotFound
from mailbox_store.flags import SEEN
from mailbox_store.messages import MessageId
from mailbox_store.vault import AccountId
from tests.unit.mailbox_store.shelf import append, box


def test_every_mailbox_is_listed_with_its_messages_in_order(
    database: Database, account: AccountId
) -> None:
    inbox, other = box(database, account), box(database, account, "Dossier")
    append(database, inbox, raw=b"Subject: a\r\n\r\n", at=7)
    append(database, inbox, flags=SEEN, raw=b"Subject: b\r\n\r\n", at=9)
    append(database, other, raw=b"Subject: c\r\n\r\n", at=3)
    with database.read() as view:
        listed = {each.mailbox.name: each for each in takeout.listed(view, account)}
        assert takeout.octets(view, account) == 42
        first = listed["INBOX"]
        assert list(first.uids) == [1, 2]
        assert list(first.moments) == [7, 9]
        assert list(first.flags) == [0, SEEN]
        taken = takeout.take(view, account, MessageId(first.message_ids[1]))
    assert (taken.octets, taken.summary) == (b"Subject: b\r\n\r\n", b"summary")
    assert next(iter(listed)) == "INBOX"
    assert list(listed["Dossier"].uids) == [1]


def test_a_message_is_read_where_it_was_moved_to_until_it_is_gone(
    database: Database, account: AccountId
) -> None:
    inbox, other = box(database, account), box(database, account, "Dossier")
    append(database, inbox, raw=b"Subject: a\r\n\r\n")
    with database.read() as view:
        (listed, _) = takeout.listed(view, account)
    message_id = MessageId(listed.message_ids[0])
    database.write(lambda tx: copying.move(tx, inbox.mailbox_id, [1], other))
    with database.read() as view:
        assert takeout.take(view, account, message_id).octets == b"Subject: a\r\n\r\n"
    database.write(lambda tx: messages.clear(tx, other.mailbox_id))
    with database.read() as view, pytest.raises(MessageNotFound):
        takeout.take(view, account, message_id)


def test_a_message_of_another_account_is_not_found(
    database: Database, account: AccountId, other_account: AccountId
) -> None:
    append(database, box(database, account))
    with database.read() as view:
        (listed,) = takeout.listed(view, account)
        assert listed.mailbox.mailbox_id == mailboxes.find(view, account, "INBOX").mailbox_id
        with pytest.raises(MessageNotFound):
            takeout.take(view, other_account, MessageId(listed.message_ids[0]))
