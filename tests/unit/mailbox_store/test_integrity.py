"""The store is whole, or the check says which body is not, and how."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mailbox_store import accounts, bodies, integrity, mailboxes, messages
from mailbox_store.bodies import CHUNK_OCTETS, BlobId
from mailbox_store.database import Database, Transaction
from mailbox_store.integrity import Holders, Report
from mailbox_store.vault import AccountId
from tests.support.nulls import NullSealing

HOLDERS = (Holders("messages"),)
LONG = b"x" * (2 * CHUNK_OCTETS + 1)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database.open(f"sqlite:///{tmp_path / 'store.db'}", NullSealing())
    yield opened
    opened.close()


@pytest.fixture
def account_id(database: Database) -> AccountId:
    def work(tx: Transaction) -> AccountId:
        made = accounts.create(tx, "professional")
        mailboxes.create(tx, made, "INBOX")
        return made

    return database.write(work)


def put(database: Database, account_id: AccountId, ref: str, raw: bytes = b"octets") -> BlobId:
    """Store a message in the account's INBOX; the id of its body."""
    with database.read() as view:
        seal = view.vault.account(view, account_id)
    arrival = messages.seal_arrival(seal, account_id, ref, raw, b"", b"")

    def work(tx: Transaction) -> BlobId:
        inbox = mailboxes.find(tx, account_id, "INBOX")
        messages.append(tx, inbox.mailbox_id, arrival, 0, tx.now)
        return BlobId(tx.sql("SELECT max(blob_id) FROM blobs").scalar_one())

    return database.write(work)


def break_it(database: Database, statement: str, *values: int | bytes) -> None:
    database.write(lambda tx: tx.sql(statement, values))


def check(database: Database, *, opens: bool = True) -> Report:
    return integrity.verify(database, HOLDERS, opens=opens)


def test_an_empty_store_is_whole(database: Database) -> None:
    report = check(database)
    assert (report.is_whole, report.bodies, report.octets) == (True, 0, 0)


@pytest.mark.parametrize("opens", [False, True])
def test_bodies_of_every_length_are_whole(
    database: Database, account_id: AccountId, opens: bool
) -> None:
    lengths = [0, 1, CHUNK_OCTETS - 1, CHUNK_OCTETS, CHUNK_OCTETS + 1, len(LONG)]
    for number, length in enumerate(lengths):
        put(database, account_id, f"ref{number}", b"x" * length)
    report = check(database, opens=opens)
    assert report == Report(bodies=len(lengths), octets=sum(lengths))
    assert report.is_whole


def test_the_walk_goes_past_one_batch(
    database: Database, account_id: AccountId, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(integrity, "BATCH", 2)
    last = [put(database, account_id, f"ref{number}") for number in range(5)][-1]
    break_it(database, "UPDATE blobs SET holders = 2 WHERE blob_id = ?", last)
    report = check(database)
    assert (report.bodies, report.miscounted) == (5, [last])


@pytest.mark.parametrize("position", [0, 1, 2])
def test_a_missing_chunk_is_found(database: Database, account_id: AccountId, position: int) -> None:
    put(database, account_id, "whole", LONG)
    blob_id = put(database, account_id, "broken", LONG)
    break_it(database, "DELETE FROM blob_chunks WHERE chunk_id = ?", (blob_id << 16) + position)
    report = check(database)
    assert (report.incomplete, report.altered, report.is_whole) == ([blob_id], [], False)


def test_a_chunk_too_many_is_found(database: Database, account_id: AccountId) -> None:
    blob_id = put(database, account_id, "ref")
    break_it(
        database,
        "INSERT INTO blob_chunks (chunk_id, sealed) VALUES (?, ?)",
        (blob_id << 16) + 1,
        b"more",
    )
    assert check(database).incomplete == [blob_id]


def test_a_chunk_of_no_body_is_counted(database: Database, account_id: AccountId) -> None:
    blob_id = put(database, account_id, "ref")
    break_it(
        database,
        "INSERT INTO blob_chunks (chunk_id, sealed) VALUES (?, ?)",
        (blob_id + 7) << 16,
        b"lost",
    )
    report = check(database)
    assert (report.stray_chunks, report.incomplete, report.is_whole) == (1, [], False)


@pytest.mark.parametrize("holders", [0, 2])
def test_a_wrong_count_of_holders_is_found(
    database: Database, account_id: AccountId, holders: int
) -> None:
    blob_id = put(database, account_id, "ref")
    break_it(database, "UPDATE blobs SET holders = ?", holders)
    report = check(database)
    assert (report.miscounted, report.unheld, report.is_whole) == ([blob_id], [], False)


def test_a_body_without_a_holder_is_found(database: Database, account_id: AccountId) -> None:
    with database.read() as view:
        body, _ = bodies.seal_body(view.vault.account(view, account_id), b"octets")
    blob_id = database.write(lambda tx: bodies.store(tx, body))
    report = check(database)
    assert (report.unheld, report.miscounted, report.altered) == ([blob_id], [], [])


def test_an_altered_chunk_is_found_only_by_opening(
    database: Database, account_id: AccountId
) -> None:
    blob_id = put(database, account_id, "ref", LONG)
    break_it(
        database,
        "UPDATE blob_chunks SET sealed = ? WHERE chunk_id = ?",
        b"altered",
        (blob_id << 16) + 1,
    )
    assert check(database, opens=False).is_whole
    assert check(database).altered == [blob_id]


def test_a_key_that_does_not_open_is_found(database: Database, account_id: AccountId) -> None:
    blob_id = put(database, account_id, "ref")
    break_it(database, "UPDATE messages SET object_key = ?", b"altered")
    assert check(database).altered == [blob_id]


def test_a_length_that_is_not_that_of_the_content_is_found(
    database: Database, account_id: AccountId
) -> None:
    blob_id = put(database, account_id, "ref")
    break_it(database, "UPDATE blobs SET octets = octets + 1")
    assert check(database).altered == [blob_id]


def test_every_table_of_holders_counts(database: Database, account_id: AccountId) -> None:
    blob_id = put(database, account_id, "ref")

    def queue_it(tx: Transaction) -> None:
        key = tx.sql("SELECT object_key FROM messages").scalar_one()
        bodies.retain(tx, blob_id)
        tx.sql(
            "INSERT INTO queued_messages (message_ref, blob_id, object_key, size, sealed, summary,"
            " created_at) VALUES ('ref', ?, ?, 6, x'', x'', 0)",
            (blob_id, key),
        )

    database.write(queue_it)
    assert check(database).miscounted == [blob_id]
    both = (*HOLDERS, Holders("queued_messages", account_id))
    assert integrity.verify(database, both, opens=True).is_whole
    stranger = (*HOLDERS, Holders("queued_messages", AccountId(account_id + 1)))
    assert integrity.verify(database, stranger, opens=True).altered == [blob_id]


def test_the_schema_stands_at_the_newest_step(database: Database) -> None:
    with database.read() as view:
        current, newest = integrity.schema(view)
    assert current == newest
    assert current is not None
    break_it(database, "UPDATE alembic_version SET version_num = '0000'")
    with database.read() as view:
        assert integrity.schema(view) == ("0000", newest)
