"""One recipient, one result; nothing is forgotten."""

import pytest

from mailbox_store import bodies
from mailbox_store.database import Database
from mailbox_store.vault import AccountSeal
from mss_gateway.queue import desk, items
from mss_gateway.queue.carried import Destined
from mss_gateway.queue.desk import Line
from tests.unit.mss_gateway.queue.conftest import NOW, Clock, claim, count, put, sealed

A, B = "a@mss.example", "b@mss.example"


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
