"""The queue of record: one recipient, one result; nothing is forgotten."""

import dataclasses
import json
from pathlib import Path

import pytest

from certs.sealing import RootKey, Sealing
from mailbox_store import bodies
from mailbox_store.database import Database
from mailbox_store.vault import AccountId, AccountSeal
from mss_gateway.queue import carried as carrying
from mss_gateway.queue import desk, items
from mss_gateway.queue.carried import Carried, Destined
from mss_gateway.queue.desk import Line
from mss_gateway.queue.items import LEASE_SECONDS, Item
from tests.unit.mss_gateway.queue.conftest import CARRIED, NOW, REPORT, Clock, put, sealed

A, B = "a@mss.example", "b@mss.example"


def claim(database: Database, spool: AccountSeal, count: int = 10) -> list[Item]:
    return database.write(lambda tx: items.claim(tx, spool, count, tx.now))


def count(database: Database, table: str) -> int:
    with database.read() as view:
        found: int = view.sql(f"SELECT count(*) FROM {table}").scalar_one()
        return found


def holds(database: Database, item: Item) -> bool:
    return database.write(lambda tx: items.holds(tx, item))


# queueing


@pytest.mark.parametrize("carried", [CARRIED, REPORT])
def test_a_queued_message_is_read_back_whole(
    database: Database, spool: AccountSeal, carried: Carried
) -> None:
    queued = sealed(spool, raw=b"x" * 70_000, carried=carried)
    database.write(lambda tx: items.enqueue(tx, spool, queued, [Destined(A)]))
    with database.read() as view:
        message = items.read_message(view, spool, "ref1")
        assert message is not None
        assert (message.carried, message.summary) == (carried, b"summary")
        assert (message.size, message.created_at) == (70_000, NOW)
        assert items.read_body(view, spool, message) == b"x" * 70_000
        assert items.read_message(view, spool, "ref2") is None


def test_each_recipient_has_an_item_of_their_own(database: Database, spool: AccountSeal) -> None:
    put(database, spool, A, B)
    claimed = claim(database, spool)
    assert [(one.recipient, one.stage, one.attempts) for one in claimed] == [
        (A, "deliver", 1),
        (B, "deliver", 1),
    ]
    assert count(database, "blobs") == 1


def test_a_recipient_is_queued_once_per_message(database: Database, spool: AccountSeal) -> None:
    with pytest.raises(Exception, match="UNIQUE"):
        put(database, spool, A, A)
    put(database, spool, A)
    with pytest.raises(Exception, match="UNIQUE"):
        put(database, spool, A)
    assert count(database, "queue_items") == count(database, "blobs") == 1


def test_a_message_for_nobody_is_not_queued(database: Database, spool: AccountSeal) -> None:
    with pytest.raises(ValueError, match="recipient"):
        put(database, spool)
    assert count(database, "queued_messages") == count(database, "blobs") == 0


def test_the_spool_is_made_once(database: Database, spool_account: AccountId) -> None:
    assert database.write(items.spool_account) == spool_account
    assert count(database, "accounts") == 1


# leases


def test_a_claim_takes_the_oldest_due_first_and_no_more_than_asked(
    database: Database, spool: AccountSeal, clock: Clock
) -> None:
    for ref in ("ref1", "ref2", "ref3"):
        put(database, spool, A, ref=ref)
        clock.now += 1
    assert [one.message_ref for one in claim(database, spool, 2)] == ["ref1", "ref2"]
    assert [one.message_ref for one in claim(database, spool, 2)] == ["ref3"]
    assert claim(database, spool, 2) == []


def test_what_is_not_due_yet_is_left(database: Database, spool: AccountSeal, clock: Clock) -> None:
    put(database, spool, A)
    item = claim(database, spool)[0]
    database.write(lambda tx: items.retry(tx, item, NOW + 30, "busy"))
    for moment, due in ((29, False), (30, True)):
        clock.now = NOW + moment
        with database.read() as view:
            assert items.has_due(view, int(clock.now)) is due
        assert bool(claim(database, spool)) is due


def test_two_claimers_never_share_an_item(database: Database, spool: AccountSeal) -> None:
    put(database, spool, *(f"{n}@mss.example" for n in range(30)))
    futures = [database.submit(lambda tx: items.claim(tx, spool, 4, NOW)) for _ in range(10)]
    claimed = [one for future in futures for one in future.result()]
    assert len(claimed) == len({one.item_id for one in claimed}) == 30
    assert all(holds(database, one) for one in claimed)


@pytest.mark.parametrize(
    ("passed", "is_taken"), [(LEASE_SECONDS - 1, False), (LEASE_SECONDS, True)]
)
def test_a_lease_that_ran_out_is_taken_again(
    database: Database, spool: AccountSeal, clock: Clock, passed: int, is_taken: bool
) -> None:
    put(database, spool, A)
    first = claim(database, spool)[0]
    clock.now += passed
    second = claim(database, spool)
    assert bool(second) is is_taken
    assert holds(database, first) is not is_taken
    if is_taken:
        assert second[0].item_id == first.item_id
        assert second[0].attempts == 2


def test_who_lost_the_lease_changes_nothing(
    database: Database, spool: AccountSeal, clock: Clock
) -> None:
    put(database, spool, A)
    lost = claim(database, spool)[0]
    clock.now += LEASE_SECONDS
    kept = claim(database, spool)[0]
    assert not database.write(lambda tx: items.retry(tx, lost, NOW, "late"))
    assert not database.write(lambda tx: items.advance(tx, lost, "dossier"))
    assert not database.write(lambda tx: items.finish(tx, lost))
    assert holds(database, kept)
    with database.read() as view:
        assert [(one.stage, one.last_failure) for one in desk.listing(view)] == [("deliver", None)]
    assert database.write(lambda tx: items.finish(tx, kept))
    assert not holds(database, kept)


def test_a_new_process_takes_back_what_a_dead_one_had(
    database: Database, spool: AccountSeal, clock: Clock
) -> None:
    put(database, spool, A, B)
    dead = claim(database, spool, 1)[0]
    clock.now += 5
    assert database.write(items.recover) == 1
    assert not holds(database, dead)
    assert {one.recipient for one in claim(database, spool)} == {A, B}
    clock.now += LEASE_SECONDS
    assert database.write(items.recover) == 2
    assert database.write(items.recover) == 0


# results


def test_a_retry_waits_and_remembers_why(database: Database, spool: AccountSeal) -> None:
    put(database, spool, A)
    item = claim(database, spool)[0]
    assert database.write(lambda tx: items.retry(tx, item, NOW + 60, "STORE_UNAVAILABLE"))
    with database.read() as view:
        assert desk.listing(view) == [
            Line(item.item_id, "ref1", "deliver", "due", NOW + 60, 1, "STORE_UNAVAILABLE", NOW, NOW)
        ]


def test_the_next_stage_is_due_at_once_and_counts_its_own_attempts(
    database: Database, spool: AccountSeal
) -> None:
    put(database, spool, A)
    first = claim(database, spool)[0]
    database.write(lambda tx: items.retry(tx, first, NOW, "busy"))
    again = claim(database, spool)[0]
    assert again.attempts == 2
    assert database.write(lambda tx: items.advance(tx, again, "dossier"))
    after = claim(database, spool)[0]
    assert (after.stage, after.attempts, after.created_at) == ("dossier", 1, NOW)


def test_the_last_result_lets_the_message_go(database: Database, spool: AccountSeal) -> None:
    put(database, spool, A, B)
    first, last = claim(database, spool)
    assert database.write(lambda tx: items.finish(tx, first))
    assert count(database, "queued_messages") == count(database, "blobs") == 1
    assert database.write(lambda tx: items.finish(tx, last))
    for table in ("queue_items", "queued_messages", "blobs", "blob_chunks"):
        assert count(database, table) == 0
    assert not database.write(lambda tx: items.finish(tx, last))


def test_a_body_that_somebody_else_holds_stays(database: Database, spool: AccountSeal) -> None:
    queued = sealed(spool)
    blob_id = database.write(lambda tx: items.enqueue(tx, spool, queued, [Destined(A)]))
    database.write(lambda tx: bodies.retain(tx, blob_id))
    item = claim(database, spool)[0]
    database.write(lambda tx: items.finish(tx, item))
    assert count(database, "queued_messages") == 0
    assert count(database, "blobs") == 1


def test_the_depth_counts_states_and_finds_the_oldest(
    database: Database, spool: AccountSeal, clock: Clock
) -> None:
    with database.read() as view:
        assert desk.depths(view) == []
    put(database, spool, A)
    clock.now += 10
    put(database, spool, A, B, ref="ref2")
    claim(database, spool, 1)
    with database.read() as view:
        found = {each.state: (each.stage, each.count, each.oldest) for each in desk.depths(view)}
    assert found == {"due": ("deliver", 2, NOW + 10), "leased": ("deliver", 1, NOW)}


# what is kept and what is sealed


def test_evidence_says_what_was_established_and_nothing_of_the_content() -> None:
    kept = json.loads(carrying.evidence(CARRIED, NOW))
    assert kept["signature"] == "valid"
    assert kept["signer_address"] == CARRIED.author
    assert kept["received_at"] == NOW
    assert not {"summary", "subject"} & kept.keys()


def test_everything_carried_survives_sealing(database: Database, spool: AccountSeal) -> None:
    put(database, spool, A)
    with database.read() as view:
        message = items.read_message(view, spool, "ref1")
    assert message is not None
    assert dataclasses.asdict(message.carried) == dataclasses.asdict(CARRIED)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE queued_messages SET sealed = summary, summary = sealed",
        "UPDATE queued_messages SET summary = (SELECT recipient FROM queue_items)",
        "UPDATE queued_messages SET sealed = (SELECT sealed FROM queued_messages"
        " WHERE message_ref = 'ref2') WHERE message_ref = 'ref1'",
    ],
)
def test_a_sealed_value_does_not_open_elsewhere(
    database: Database, spool: AccountSeal, statement: str
) -> None:
    put(database, spool, A)
    put(database, spool, A, ref="ref2")
    database.write(lambda tx: tx.sql(statement) and None)
    with pytest.raises(Exception, match="not sealed for"), database.read() as view:
        items.read_message(view, spool, "ref1")


def test_nobody_is_named_on_the_disk(tmp_path: Path) -> None:
    sealing = Sealing(RootKey.create(tmp_path / "root.key"))
    database = Database.open(f"sqlite:///{tmp_path / 'sealed.db'}", sealing)
    account = database.write(items.spool_account)
    with database.read() as view:
        spool = view.vault.account(view, account)
    put(database, spool, "279035121518989@patient.mss.example")
    content = b"".join(path.read_bytes() for path in tmp_path.glob("sealed.db*"))
    database.close()
    for secret in (b"279035121518989", b"claire.martin", b"MARTIN", b"secretariat", b"Subject"):
        assert secret not in content
