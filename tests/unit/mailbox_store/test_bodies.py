"""Sealed bodies: edges of chunks, ranges, holders, and what was tampered with."""

from collections.abc import Callable
from pathlib import Path

import pytest

from certs.sealing import RootKey, Sealing
from mailbox_store import accounts, bodies
from mailbox_store.bodies import CHUNK_OCTETS, BlobId, SealedBody
from mailbox_store.database import Database
from mailbox_store.errors import BlobAltered
from mailbox_store.vault import AccountId, AccountSeal

Count = Callable[[str], int]


def seal_of(database: Database, account: AccountId) -> AccountSeal:
    with database.read() as view:
        return view.vault.account(view, account)


def keep(database: Database, account: AccountId, plain: bytes) -> tuple[BlobId, bytes]:
    body, key = bodies.seal_body(seal_of(database, account), plain)
    return database.write(lambda tx: bodies.store(tx, body)), key


def read(
    database: Database,
    account: AccountId,
    blob: tuple[BlobId, bytes],
    start: int = 0,
    length: int | None = None,
) -> bytes:
    with database.read() as view:
        seal = view.vault.account(view, account)
        return bodies.read(view, seal, blob[0], blob[1], start, length)


def pattern(octets: int) -> bytes:
    return bytes(n % 251 for n in range(octets))


@pytest.mark.parametrize(
    ("octets", "chunks"),
    [(0, 1), (1, 1), (65_535, 1), (65_536, 1), (65_537, 2), (131_072, 2), (131_073, 3)],
)
def test_a_body_comes_back_as_it_was(
    database: Database, account: AccountId, count: Count, octets: int, chunks: int
) -> None:
    plain = pattern(octets)
    blob = keep(database, account, plain)
    assert read(database, account, blob) == plain
    assert count("blob_chunks") == chunks


@pytest.mark.parametrize(
    ("start", "length"),
    [
        (0, 0),
        (0, 1),
        (0, 65_536),
        (0, 65_537),
        (65_535, 1),
        (65_535, 2),
        (65_536, 1),
        (65_536, 65_536),
        (70_000, 100_000),
        (131_072, None),
        (140_000, 10),
        (149_999, 1),
        (149_999, 2),
        (150_000, 1),
        (200_000, None),
        (10, None),
    ],
)
def test_a_range_is_a_slice_cut_at_the_end(
    database: Database, account: AccountId, start: int, length: int | None
) -> None:
    plain = pattern(150_000)
    blob = keep(database, account, plain)
    end = None if length is None else start + length
    assert read(database, account, blob, start, length) == plain[start:end]


def test_a_range_opens_only_its_own_chunks(database: Database, account: AccountId) -> None:
    blob = keep(database, account, pattern(150_000))
    database.write(lambda tx: tx.sql("DELETE FROM blob_chunks WHERE chunk_id & 65535 = 0"))
    assert len(read(database, account, blob, CHUNK_OCTETS, 10)) == 10
    with pytest.raises(BlobAltered, match="chunk 0 is missing"):
        read(database, account, blob)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM blob_chunks WHERE chunk_id & 65535 = 0",
        "DELETE FROM blob_chunks WHERE chunk_id & 65535 = 1",
        "DELETE FROM blob_chunks WHERE chunk_id & 65535 = 2",
        "DELETE FROM blob_chunks",
        "DELETE FROM blobs",
        "UPDATE blob_chunks SET sealed = x'00' WHERE chunk_id & 65535 = 2",
        "UPDATE blob_chunks SET sealed = sealed || x'00' WHERE chunk_id & 65535 = 1",
        "UPDATE blob_chunks SET sealed = (SELECT sealed FROM blob_chunks WHERE chunk_id & 65535 = 0"
        ") WHERE chunk_id & 65535 = 1",
        "UPDATE blobs SET object_id = x'00112233445566778899aabbccddeeff'",
        "UPDATE blobs SET octets = 140000",
        "UPDATE blobs SET octets = 160000",
        "UPDATE blobs SET octets = 65536",
        "UPDATE blobs SET octets = 65536, chunks = 1",
        "UPDATE blobs SET octets = 131072, chunks = 2",
        "UPDATE blobs SET chunks = 4",
    ],
)
def test_what_was_altered_is_never_served(tmp_path: Path, statement: str) -> None:
    sealing = Sealing(RootKey.create(tmp_path / "root.key"))
    database = Database.open(f"sqlite:///{tmp_path / 'sealed.db'}", sealing)
    account = database.write(lambda tx: accounts.create(tx, "professional"))
    blob = keep(database, account, pattern(150_000))
    assert len(read(database, account, blob)) == 150_000
    database.write(lambda tx: tx.sql(statement))
    with pytest.raises(BlobAltered):
        read(database, account, blob)
    database.close()


def test_chunks_of_two_bodies_are_not_exchanged(database: Database, account: AccountId) -> None:
    one, other = keep(database, account, b"one"), keep(database, account, b"two")
    database.write(
        lambda tx: tx.sql(
            "UPDATE blob_chunks SET sealed ="
            " (SELECT sealed FROM blob_chunks WHERE chunk_id = ?) WHERE chunk_id = ?",
            (one[0] << 16, other[0] << 16),
        )
    )
    assert read(database, account, one) == b"one"
    with pytest.raises(BlobAltered):
        read(database, account, other)


def test_a_key_wrapped_for_somebody_else_opens_nothing(
    database: Database, account: AccountId, other_account: AccountId
) -> None:
    blob = keep(database, account, b"text")
    with pytest.raises(BlobAltered, match="key"):
        read(database, other_account, blob)
    with pytest.raises(BlobAltered, match="key"), database.read() as view:
        bodies.open_body(view, view.vault.account(view, other_account), *blob)


def test_a_body_is_shared_by_wrapping_its_key_again(
    database: Database, account: AccountId, other_account: AccountId, count: Count
) -> None:
    blob_id, key = keep(database, account, b"text")
    with database.read() as view:
        seal, object_id = bodies.open_body(view, view.vault.account(view, account), blob_id, key)
        shared = view.vault.account(view, other_account).share(object_id, seal)
    assert read(database, other_account, (blob_id, shared)) == b"text"
    assert count("blobs") == 1


def test_the_last_holder_takes_the_body_with_it(
    database: Database, account: AccountId, count: Count
) -> None:
    (kept, _), (gone, _) = (keep(database, account, pattern(70_000)) for _ in range(2))
    database.write(lambda tx: bodies.retain(tx, gone))
    database.write(lambda tx: bodies.release(tx, gone))
    assert count("blob_chunks") == 4
    database.write(lambda tx: bodies.release(tx, gone))
    assert count("blob_chunks") == 2
    assert count(f"blobs WHERE blob_id = {kept} AND holders = 1") == 1
    assert count("blobs") == 1


def test_a_body_that_is_gone_is_neither_held_nor_let_go(database: Database) -> None:
    for act in (bodies.retain, bodies.release):
        with pytest.raises(BlobAltered):
            database.write(lambda tx, act=act: act(tx, BlobId(99)))  # type: ignore[misc]


def test_a_body_has_room_for_its_chunks_and_no_more(
    database: Database, account: AccountId, count: Count
) -> None:
    body, _ = bodies.seal_body(seal_of(database, account), b"")
    most = SealedBody(body.object_id, 0, [b""] * 65_536, body.seal)
    database.write(lambda tx: bodies.store(tx, most))
    assert count("blob_chunks") == 65_536
    too_many = SealedBody(body.object_id, 0, [b""] * 65_537, body.seal)
    with pytest.raises(ValueError, match="65,536"):
        database.write(lambda tx: bodies.store(tx, too_many))
