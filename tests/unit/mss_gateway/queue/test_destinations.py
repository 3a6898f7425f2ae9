"""Other operators as the queue sees them: what is closed costs nothing, and waits."""

from mailbox_store.database import Database
from mailbox_store.vault import AccountSeal
from mss_gateway.queue import desk, destinations, items, leases
from mss_gateway.queue.carried import Asked, Destined
from mss_gateway.queue.destinations import Destination
from mss_gateway.queue.leases import RELAY_LEASE_SECONDS, Item
from tests.unit.mss_gateway.queue.conftest import NOW, put, sealed

TOWN, COAST = "claire@ville.example", "paul@cote.example"


def due(database: Database, spool: AccountSeal, now: int = NOW) -> list[Destination]:
    with database.read() as view:
        return destinations.due(view, spool, now)


def claim_for(
    database: Database, spool: AccountSeal, index: bytes, now: int = NOW, count: int = 10
) -> list[Item]:
    return database.write(lambda tx: leases.claim_for(tx, spool, index, count, now))


def test_each_domain_is_a_destination_and_local_work_is_none(
    database: Database, spool: AccountSeal
) -> None:
    put(database, spool, TOWN, "paul@ville.example", stage="relay")
    put(database, spool, COAST, ref="ref2", stage="relay")
    put(database, spool, "anne@mss.example", ref="ref3")
    assert {one.domain for one in due(database, spool)} == {"ville.example", "cote.example"}
    town = next(one for one in due(database, spool) if one.domain == "ville.example")
    claimed = claim_for(database, spool, town.index)
    assert [one.recipient for one in claimed] == [TOWN, "paul@ville.example"]
    local = database.write(lambda tx: leases.claim(tx, spool, 10, NOW))
    assert [one.recipient for one in local] == ["anne@mss.example"]
    assert [one.domain for one in due(database, spool)] == ["cote.example"]


def test_a_closed_destination_is_left_in_peace_until_its_time(
    database: Database, spool: AccountSeal
) -> None:
    put(database, spool, TOWN, stage="relay")
    (town,) = due(database, spool)
    database.write(lambda tx: destinations.closed(tx, town.index, NOW + 30, "peer_unreachable"))
    assert due(database, spool, NOW + 29) == []
    (again,) = due(database, spool, NOW + 30)
    assert (again.failures, again.last_failure) == (1, "peer_unreachable")
    database.write(lambda tx: destinations.opened(tx, town.index))
    (opened,) = due(database, spool)
    assert (opened.failures, opened.closed_until, opened.last_failure) == (0, 0, None)


def test_an_abandoned_lease_brings_its_destination_back(
    database: Database, spool: AccountSeal
) -> None:
    put(database, spool, TOWN, stage="relay")
    (town,) = due(database, spool)
    (lost,) = claim_for(database, spool, town.index)
    assert due(database, spool, NOW + RELAY_LEASE_SECONDS - 1) == []
    assert due(database, spool, NOW + RELAY_LEASE_SECONDS) != []
    (again,) = claim_for(database, spool, town.index, NOW + RELAY_LEASE_SECONDS)
    assert (again.item_id, again.attempts) == (lost.item_id, 2)
    assert not database.write(lambda tx: leases.holds(tx, lost))


def test_what_an_attempt_sent_stays_with_its_item_and_no_other(
    database: Database, spool: AccountSeal
) -> None:
    put(database, spool, TOWN, "paul@ville.example", stage="relay")
    (town,) = due(database, spool)
    first, second = claim_for(database, spool, town.index)
    assert database.write(lambda tx: items.keep_attempt(tx, spool, first, b"drawn"))
    database.write(lambda tx: items.retry(tx, first, NOW, "peer_unreachable"))
    database.write(lambda tx: items.give_back(tx, second))
    again = claim_for(database, spool, town.index)
    assert [one.attempt for one in again] == [b"drawn", None]
    assert [one.attempts for one in again] == [2, 1]
    assert not database.write(lambda tx: items.keep_attempt(tx, spool, first, None))
    assert database.write(lambda tx: items.keep_attempt(tx, spool, again[1], b"other"))
    assert database.write(lambda tx: items.keep_attempt(tx, spool, again[1], None))
    # the one in doubt may have been taken, whatever came of the attempt after it
    assert database.write(lambda tx: items.keep_attempt(tx, spool, again[0], None))
    for one in again:
        database.write(lambda tx, one=one: items.retry(tx, one, NOW, "peer_unreachable"))
    assert [one.attempt for one in claim_for(database, spool, town.index)] == [b"drawn", None]


def test_an_item_that_does_not_open_is_held_and_stops_nobody(
    database: Database, spool: AccountSeal
) -> None:
    put(database, spool, TOWN, "paul@ville.example", stage="relay")
    (town,) = due(database, spool)
    database.write(
        lambda tx: tx.sql("UPDATE queue_items SET attempt = X'00' WHERE item_id = 1") and None
    )
    assert [one.recipient for one in claim_for(database, spool, town.index)] == [
        "paul@ville.example"
    ]
    with database.read() as view:
        held = desk.listing(view)[0]
    assert (held.state, held.last_failure) == ("held", "bug")


def test_what_was_asked_for_a_recipient_stays_with_the_item(
    database: Database, spool: AccountSeal
) -> None:
    asked = Asked(frozenset({"SUCCESS", "DELAY"}), "rfc822;claire@ville.example")
    queued = sealed(spool)
    recipients = [Destined(TOWN, "relay", asked), Destined(COAST, "relay")]
    database.write(lambda tx: items.enqueue(tx, spool, queued, recipients))
    found = {
        item.recipient: item.asked
        for one in due(database, spool)
        for item in claim_for(database, spool, one.index)
    }
    assert found == {TOWN: asked, COAST: Asked()}


def test_the_operator_sees_where_something_waits(database: Database, spool: AccountSeal) -> None:
    put(database, spool, TOWN, stage="relay")
    put(database, spool, COAST, ref="ref2", stage="relay")
    town = next(one for one in due(database, spool) if one.domain == "ville.example")
    (item,) = claim_for(database, spool, town.index)
    database.write(lambda tx: items.finish(tx, item))
    with database.read() as view:
        assert [one.domain for one in destinations.listing(view, spool)] == ["cote.example"]
        assert destinations.failures(view, town.index) == 0


def test_a_claim_reads_no_more_of_a_long_queue_than_it_takes(
    database: Database, spool: AccountSeal
) -> None:
    """The plans of the statements: ranges of an index, nothing scanned, nothing sorted."""
    statements = (
        "SELECT item_id FROM queue_items WHERE destination_index IS NULL AND state = 'due'"
        " AND due_at <= 9 ORDER BY due_at, item_id LIMIT 5",
        "SELECT item_id FROM queue_items WHERE destination_index = X'00' AND state = 'due'"
        " AND due_at <= 9 ORDER BY due_at, item_id LIMIT 5",
        "SELECT item_id FROM queue_items WHERE state = 'due' AND notice_at <= 9"
        " ORDER BY notice_at LIMIT 5",
    )
    assert spool is not None
    with database.read() as view:
        for statement in statements:
            plan = view.sql(f"EXPLAIN QUERY PLAN {statement}").fetchall()
            told = " ".join(str(row[3]) for row in plan)
            assert "SEARCH" in told, told
            assert "SCAN" not in told and "TEMP B-TREE" not in told, told
