"""Append, copy, move, flags, expunge: UIDs, MODSEQ and counters at each edge."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from mailbox_store import changes, copying, flags, mailboxes, messages
from mailbox_store.bodies import BlobId
from mailbox_store.database import Database, MailboxId
from mailbox_store.errors import BlobAltered, MailboxNotFound, MessageNotFound
from mailbox_store.flags import DELETED, FLAGGED, SEEN
from mailbox_store.mailboxes import Mailbox
from mailbox_store.messages import ranges
from mailbox_store.vault import AccountId
from tests.unit.mailbox_store.shelf import append, arrival, box, fresh, rows, uids

Count = Callable[[str], int]
GONE = MailboxId(99)


@pytest.fixture
def inbox(database: Database, account: AccountId) -> Mailbox:
    return box(database, account)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([], []),
        ([7], [(7, 7)]),
        ([1, 2, 3, 7], [(1, 3), (7, 7)]),
        ([7, 3, 1, 2, 3], [(1, 3), (7, 7)]),
        ([1, 3, 5], [(1, 1), (3, 3), (5, 5)]),
    ],
)
def test_uids_become_ranges(given: list[int], expected: list[tuple[int, int]]) -> None:
    assert list(ranges(given)) == expected


# append


def test_uids_begin_at_one_and_grow(database: Database, inbox: Mailbox) -> None:
    placed = [append(database, inbox, flags=n % 2, raw=b"x" * n) for n in range(3)]
    assert [one.uid for one in placed] == [1, 2, 3]
    now = fresh(database, inbox)
    assert (now.messages, now.unseen, now.octets) == (3, 2, 3)
    assert (now.uidnext, now.highestmodseq) == (4, 4)


def test_what_was_appended_is_read_back(
    database: Database, account: AccountId, inbox: Mailbox
) -> None:
    placed = append(database, inbox, FLAGGED, b"Subject: a\r\n\r\nb", at=1234)
    with database.read() as view:
        row = changes.find_row(view, account, inbox.mailbox_id, placed.uid)
        assert (row.flags, row.internal_date, row.size) == (FLAGGED, 1234, 15)
        assert row.summary == b"summary"
        assert changes.read_body(view, account, row.message_id) == b"Subject: a\r\n\r\nb"
        assert changes.read_body(view, account, row.message_id, 9, 1) == b"a"
        assert changes.read_evidence(view, account, row.message_id) == b"evidence"


def test_nothing_is_appended_to_a_mailbox_that_is_gone(
    database: Database, account: AccountId, count: Count
) -> None:
    made = arrival(database, account)
    with pytest.raises(MailboxNotFound):
        database.write(lambda tx: messages.append(tx, GONE, made, 0, 5))
    assert [count(table) for table in ("messages", "blobs", "blob_chunks")] == [0, 0, 0]


def test_nothing_is_appended_to_somebody_elses_mailbox(
    database: Database, inbox: Mailbox, other_account: AccountId
) -> None:
    made = arrival(database, other_account)
    with pytest.raises(MailboxNotFound):
        database.write(lambda tx: messages.append(tx, inbox.mailbox_id, made, 0, 5))
    assert uids(database, inbox.mailbox_id) == []


def test_a_body_that_is_gone_is_not_shared(
    database: Database, account: AccountId, inbox: Mailbox
) -> None:
    made = replace(arrival(database, account), body=BlobId(99))
    with pytest.raises(BlobAltered):
        database.write(lambda tx: messages.append(tx, inbox.mailbox_id, made, 0, 5))


def test_a_uid_is_not_used_again_after_its_message_went(database: Database, inbox: Mailbox) -> None:
    append(database, inbox, DELETED)
    database.write(lambda tx: messages.expunge(tx, inbox.mailbox_id))
    assert append(database, inbox).uid == 2


# copy and move


def test_a_copy_keeps_flags_keywords_date_and_body(
    database: Database, account: AccountId, inbox: Mailbox, count: Count
) -> None:
    target = box(database, account, "a")
    database.write(lambda tx: flags.mask(tx, target.mailbox_id, ["other"]))
    value = database.write(lambda tx: flags.mask(tx, inbox.mailbox_id, ["Urgent", "\\Seen"]))
    append(database, inbox, value, b"text", at=77)
    pairs = database.write(lambda tx: copying.copy(tx, inbox.mailbox_id, [1], target))
    assert pairs == [(1, 1)]
    copied = rows(database, target)[0]
    assert (copied.flags, copied.internal_date, copied.size) == (SEEN | 64, 77, 4)
    with database.read() as view:
        assert flags.keywords(view, target.mailbox_id) == {32: "other", 64: "Urgent"}
    assert (count("messages"), count("blobs"), count("entries")) == (1, 1, 2)


def test_copies_follow_the_order_of_uids_and_pass_over_what_is_not_there(
    database: Database, account: AccountId, inbox: Mailbox
) -> None:
    target = box(database, account, "a")
    for _ in range(4):
        append(database, inbox)
    wanted = [4, 9, 2, 1, 2]
    pairs = database.write(lambda tx: copying.copy(tx, inbox.mailbox_id, wanted, target))
    assert pairs == [(1, 1), (2, 2), (4, 3)]
    assert database.write(lambda tx: copying.copy(tx, inbox.mailbox_id, [8], target)) == []


def test_a_copy_within_a_mailbox_is_not_copied_again(database: Database, inbox: Mailbox) -> None:
    append(database, inbox)
    pairs = database.write(lambda tx: copying.copy(tx, inbox.mailbox_id, [1, 2, 3], inbox))
    assert pairs == [(1, 2)]
    assert uids(database, inbox.mailbox_id) == [1, 2]


def test_a_move_within_a_mailbox_gives_a_new_uid(database: Database, inbox: Mailbox) -> None:
    append(database, inbox)
    pairs = database.write(lambda tx: copying.move(tx, inbox.mailbox_id, [1], inbox))
    assert pairs == [(1, 2)]
    assert uids(database, inbox.mailbox_id) == [2]
    assert fresh(database, inbox).messages == 1


def test_a_move_that_fails_leaves_all_where_it_was(database: Database, inbox: Mailbox) -> None:
    append(database, inbox)
    gone = replace(inbox, mailbox_id=GONE)
    with pytest.raises(MailboxNotFound):
        database.write(lambda tx: copying.move(tx, inbox.mailbox_id, [1], gone))
    assert uids(database, inbox.mailbox_id) == [1]


def test_nothing_goes_to_another_account(
    database: Database, inbox: Mailbox, other_account: AccountId
) -> None:
    append(database, inbox)
    target = box(database, other_account)
    assert database.write(lambda tx: copying.move(tx, inbox.mailbox_id, [1], target)) == []
    assert uids(database, inbox.mailbox_id) == [1]


# flags


@pytest.mark.parametrize(
    ("keep", "add", "expected", "unseen", "changed"),
    [
        (-1, SEEN, [1, 1, 9], 0, [1, 3]),
        (-1, FLAGGED, [4, 5, 12], 2, [1, 2, 3]),
        (~SEEN, 0, [0, 0, 8], 3, [2]),
        (~DELETED, 0, [0, 1, 0], 2, [3]),
        (0, SEEN, [1, 1, 1], 0, [1, 3]),
        (0, 0, [0, 0, 0], 3, [2, 3]),
        (-1, 0, [0, 1, 8], 2, []),
        (-1, 1 << 62, [1 << 62, (1 << 62) | 1, (1 << 62) | 8], 2, [1, 2, 3]),
    ],
)
def test_flags_change_by_arithmetic_and_unseen_follows(
    database: Database,
    inbox: Mailbox,
    keep: int,
    add: int,
    expected: list[int],
    unseen: int,
    changed: list[int],
) -> None:
    for value in (0, SEEN, DELETED):
        append(database, inbox, value)
    before = fresh(database, inbox)
    told = database.write(
        lambda tx: messages.set_flags(tx, inbox.mailbox_id, [1, 2, 3, 9], keep, add)
    )
    after = fresh(database, inbox)
    assert [row.flags for row in rows(database, inbox)] == expected
    assert after.unseen == unseen
    assert [(uid, value) for uid, value, _ in told] == [(n, expected[n - 1]) for n in changed]
    # one MODSEQ for the whole command, and none when nothing changed
    assert after.highestmodseq == before.highestmodseq + (1 if changed else 0)
    assert {modseq for _, _, modseq in told} <= {after.highestmodseq}


def test_a_mailbox_that_is_gone_has_no_flags_to_set(database: Database) -> None:
    with pytest.raises(MailboxNotFound):
        database.write(lambda tx: messages.set_flags(tx, GONE, [1], -1, SEEN))


# expunge


def test_only_what_is_flagged_deleted_goes(database: Database, inbox: Mailbox) -> None:
    for value in (DELETED, 0, DELETED | SEEN, DELETED):
        append(database, inbox, value)
    assert database.write(lambda tx: messages.expunge(tx, inbox.mailbox_id, [4, 2, 3])) == [3, 4]
    assert uids(database, inbox.mailbox_id) == [1, 2]
    assert database.write(lambda tx: messages.expunge(tx, inbox.mailbox_id)) == [1]
    now = fresh(database, inbox)
    assert (now.messages, now.unseen, now.uidnext) == (1, 1, 5)


def test_expunging_nothing_changes_and_announces_nothing(
    database: Database, inbox: Mailbox
) -> None:
    append(database, inbox)
    before = fresh(database, inbox)
    touched = database.write(lambda tx: (messages.expunge(tx, inbox.mailbox_id), set(tx.touched)))
    assert touched == ([], set())
    assert fresh(database, inbox) == before


def test_a_message_stays_while_one_mailbox_holds_it(
    database: Database, account: AccountId, inbox: Mailbox, count: Count
) -> None:
    target = box(database, account, "a")
    placed = append(database, inbox, DELETED)
    database.write(lambda tx: copying.copy(tx, inbox.mailbox_id, [1], target))
    database.write(lambda tx: messages.expunge(tx, inbox.mailbox_id))
    with database.read() as view:
        assert changes.read_body(view, account, placed.message_id)
    database.write(lambda tx: messages.expunge(tx, target.mailbox_id))
    assert (count("messages"), count("blobs"), count("blob_chunks")) == (0, 0, 0)


def test_two_copies_of_a_message_in_one_mailbox_go_together(
    database: Database, inbox: Mailbox, count: Count
) -> None:
    append(database, inbox, DELETED)
    database.write(lambda tx: copying.copy(tx, inbox.mailbox_id, [1], inbox))
    assert database.write(lambda tx: messages.expunge(tx, inbox.mailbox_id)) == [1, 2]
    assert (count("messages"), count("blobs")) == (0, 0)
    assert (fresh(database, inbox).messages, fresh(database, inbox).octets) == (0, 0)


# reading


def test_nobody_reads_somebody_elses_message(
    database: Database, inbox: Mailbox, other_account: AccountId
) -> None:
    placed = append(database, inbox)
    with database.read() as view:
        for read in (changes.read_body, changes.read_evidence):
            with pytest.raises(MessageNotFound):
                read(view, other_account, placed.message_id)


def test_a_message_that_is_gone_is_not_found(
    database: Database, account: AccountId, inbox: Mailbox
) -> None:
    placed = append(database, inbox, DELETED)
    database.write(lambda tx: messages.expunge(tx, inbox.mailbox_id))
    with database.read() as view:
        with pytest.raises(MessageNotFound):
            changes.find_row(view, account, inbox.mailbox_id, 1)
        with pytest.raises(MessageNotFound):
            changes.read_body(view, account, placed.message_id)


def test_rows_without_summaries_open_none(
    database: Database, account: AccountId, inbox: Mailbox
) -> None:
    for _ in range(3):
        append(database, inbox)
    database.write(lambda tx: tx.sql("UPDATE messages SET summary = x'00'"))
    with database.read() as view:
        found = list(changes.rows(view, account, inbox.mailbox_id, 2, 3, want_summary=False))
    assert [(row.uid, row.summary) for row in found] == [(2, b""), (3, b"")]


# the change feed


def test_a_snapshot_is_three_arrays_in_the_order_of_uids(
    database: Database, inbox: Mailbox
) -> None:
    with database.read() as view:
        empty = changes.snapshot(view, inbox.mailbox_id)
    assert (list(empty.uids), empty.keywords) == ([], {})
    value = database.write(lambda tx: flags.mask(tx, inbox.mailbox_id, ["Urgent"]))
    append(database, inbox, value)
    append(database, inbox, SEEN)
    with database.read() as view:
        full = changes.snapshot(view, inbox.mailbox_id)
    assert list(full.uids) == [1, 2]
    assert list(full.flags) == [32, 1]
    assert list(full.modseqs) == [2, 3]
    assert full.keywords == {32: "Urgent"}
    assert full.mailbox == fresh(database, inbox)


def test_changes_tell_what_appeared_what_changed_and_what_went(
    database: Database, inbox: Mailbox
) -> None:
    for _ in range(3):
        append(database, inbox)
    known = fresh(database, inbox)
    database.write(lambda tx: messages.set_flags(tx, inbox.mailbox_id, [1, 3], -1, DELETED))
    database.write(lambda tx: messages.expunge(tx, inbox.mailbox_id, [3]))
    append(database, inbox)  # appears
    append(database, inbox, DELETED)  # appears and goes: never told
    database.write(lambda tx: messages.expunge(tx, inbox.mailbox_id, [5]))
    with database.read() as view:
        told = changes.changes_since(view, inbox.mailbox_id, known.highestmodseq, known.uidnext)
        quiet = changes.changes_since(view, inbox.mailbox_id, told.highestmodseq, 6)
    assert [entry[:2] for entry in told.appeared] == [(4, 0)]
    assert [entry[:2] for entry in told.changed] == [(1, DELETED)]
    assert told.expunged == [3]
    assert told.highestmodseq == fresh(database, inbox).highestmodseq
    assert (quiet.appeared, quiet.changed, quiet.expunged) == ([], [], [])


def test_a_mailbox_that_is_gone_says_so(database: Database, account: AccountId) -> None:
    gone = box(database, account, "a")
    database.write(lambda tx: mailboxes.delete(tx, account, "a"))
    with database.read() as view:
        assert changes.highest_modseq(view, gone.mailbox_id) is None
        assert changes.changes_since(view, gone.mailbox_id, 1, 1).appeared == []
        with pytest.raises(MailboxNotFound):
            changes.snapshot(view, gone.mailbox_id)
