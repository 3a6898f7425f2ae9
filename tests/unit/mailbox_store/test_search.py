"""SEARCH keys that rows answer: each measure at its edges, and messages found by their ids."""

import pytest

from mailbox_store import copying, mailboxes, messages, search
from mailbox_store.database import Database, MailboxId
from mailbox_store.search import LARGEST, Measure
from mailbox_store.vault import AccountId
from tests.unit.mailbox_store.conftest import NOW, Clock
from tests.unit.mailbox_store.shelf import append, box


def within(
    database: Database, mailbox_id: MailboxId, measure: Measure, least: int, most: int = LARGEST
) -> list[int]:
    with database.read() as view:
        return sorted(search.uids_within(view, mailbox_id, measure, least, most))


def test_sizes_and_dates_are_compared_edges_included(
    database: Database, account: AccountId
) -> None:
    inbox = box(database, account)
    for at in range(4):
        append(database, inbox, raw=b"x" * (10 + at), at=100 * at)
    here = inbox.mailbox_id
    assert within(database, here, Measure.SIZE, 11, 12) == [2, 3]
    assert within(database, here, Measure.SIZE, 12) == [3, 4]
    assert within(database, here, Measure.SIZE, 14) == []
    assert within(database, here, Measure.INTERNAL_DATE, -LARGEST, 100) == [1, 2]
    assert within(database, here, Measure.INTERNAL_DATE, 101, 299) == [3]


def test_modseqs_are_compared(database: Database, account: AccountId) -> None:
    inbox = box(database, account)
    for _ in range(3):
        append(database, inbox)
    (changed,) = database.write(lambda tx: messages.set_flags(tx, inbox.mailbox_id, [2], -1, 1))
    assert within(database, inbox.mailbox_id, Measure.MODSEQ, changed[2]) == [2]
    assert within(database, inbox.mailbox_id, Measure.MODSEQ, 0) == [1, 2, 3]


def test_an_unknown_save_date_counts_as_the_internal_date(
    database: Database, account: AccountId, clock: Clock
) -> None:
    inbox = box(database, account)
    append(database, inbox, at=5)
    clock.now += 1_000
    append(database, inbox, at=6)
    here = inbox.mailbox_id
    assert within(database, here, Measure.SAVED_AT, NOW + 1) == [2]
    database.write(lambda tx: tx.sql("UPDATE entries SET saved_at = NULL WHERE uid = 2") and None)
    assert within(database, here, Measure.SAVED_AT, NOW + 1) == []
    assert within(database, here, Measure.SAVED_AT, 6, 6) == [2]


def test_another_mailbox_answers_nothing(database: Database, account: AccountId) -> None:
    inbox, other = box(database, account), box(database, account, "Other")
    append(database, inbox)
    assert within(database, other.mailbox_id, Measure.SIZE, 0) == []


@pytest.mark.parametrize("count", [1, 30], ids=["few", "many"])
def test_messages_are_found_by_their_ids_as_often_as_they_stand_there(
    database: Database, account: AccountId, count: int
) -> None:
    inbox = box(database, account)
    other = database.write(lambda tx: mailboxes.create(tx, account, "Other"))
    ids = [append(database, inbox).message_id for _ in range(40)]
    database.write(lambda tx: copying.copy(tx, inbox.mailbox_id, [1], inbox))
    database.write(lambda tx: copying.copy(tx, inbox.mailbox_id, [3], other))
    with database.read() as view:
        found = search.uids_of(view, inbox.mailbox_id, {*ids[:count], 9_999})
        assert sorted(found) == [*range(1, count + 1), 41]
        assert search.uids_of(view, inbox.mailbox_id, set()) == []
        assert search.uids_of(view, other.mailbox_id, ids) == [1]


def test_the_ids_of_a_stretch_of_a_mailbox_have_ends(
    database: Database, account: AccountId
) -> None:
    inbox = box(database, account)
    ids = [append(database, inbox).message_id for _ in range(5)]
    with database.read() as view:
        assert search.message_range(view, inbox.mailbox_id, 2, 4) == (ids[1], ids[3])
        assert search.message_range(view, inbox.mailbox_id, 9, 12) == (0, -1)


def test_messages_are_found_in_the_mailboxes_that_are_named(
    database: Database, account: AccountId, other_account: AccountId
) -> None:
    inbox, archive = box(database, account), box(database, account, "Archive")
    ids = [append(database, inbox).message_id for _ in range(3)]
    foreign = append(database, box(database, other_account)).message_id
    database.write(lambda tx: copying.copy(tx, inbox.mailbox_id, [2], archive))
    one, other = inbox.mailbox_id, archive.mailbox_id
    with database.read() as view:
        assert search.places_of(view, [one, other], [ids[1], ids[2], foreign]) == {
            ids[1]: (one, 2),
            ids[2]: (one, 3),
        }
        assert search.places_of(view, [other, one], [ids[1]]) == {ids[1]: (other, 1)}
        assert search.places_of(view, [], ids) == {}
        assert search.places_of(view, [one], []) == {}
