"""What the operator may do to an item: hold, release, retry; and what is late."""

from mailbox_store.database import Database
from mailbox_store.vault import AccountSeal
from mss_gateway.queue import desk, destinations, items, leases
from mss_gateway.queue.desk import Late, Line
from mss_gateway.queue.leases import Item
from tests.unit.mss_gateway.queue.conftest import NOW, put

A, TOWN = "a@mss.example", "claire@ville.example"
HOUR = 3600


def only(database: Database) -> Line:
    with database.read() as view:
        (line,) = desk.listing(view)
        assert desk.line(view, line.item_id) == line
        assert desk.lines_of(view, line.message_ref) == [line]
        return line


def claim(database: Database, spool: AccountSeal, now: int = NOW) -> list[Item]:
    return database.write(lambda tx: leases.claim(tx, spool, 10, now))


def test_what_is_held_is_neither_tried_nor_late_until_it_is_released(
    database: Database, spool: AccountSeal
) -> None:
    put(database, spool, A)
    item_id = only(database).item_id
    assert database.write(lambda tx: desk.hold(tx, item_id))
    assert not database.write(lambda tx: desk.hold(tx, item_id))
    later = NOW + 400 * 86_400
    assert claim(database, spool, later) == []
    with database.read() as view:
        assert desk.late(view, later, 10) == []
        assert not leases.has_due(view, later)
    assert database.write(lambda tx: desk.release(tx, item_id, later))
    assert not database.write(lambda tx: desk.release(tx, item_id, later))
    with database.read() as view:
        assert desk.late(view, later + 4 * HOUR - 1, 10) == []
        (late,) = desk.late(view, later + 4 * HOUR, 10)
    assert late == Late(item_id, later, later + 4 * HOUR, "deliver", "ref1")
    (item,) = claim(database, spool, later)
    assert item.entered_at == later


def test_what_is_at_work_is_left_to_who_works(database: Database, spool: AccountSeal) -> None:
    put(database, spool, A)
    (item,) = claim(database, spool)
    assert not database.write(lambda tx: desk.hold(tx, item.item_id))
    assert not database.write(lambda tx: desk.retry_now(tx, item.item_id))
    assert database.write(lambda tx: desk.taken(tx, spool, item.item_id, NOW)) is None
    assert database.write(lambda tx: leases.take(tx, spool, item.item_id, NOW)) is None
    with database.read() as view:
        assert desk.late(view, NOW + 400 * 86_400, 10) == []


def test_an_item_that_is_tried_now_opens_its_destination(
    database: Database, spool: AccountSeal
) -> None:
    put(database, spool, TOWN, stage="relay")
    with database.read() as view:
        (town,) = destinations.due(view, spool, NOW)
    (item,) = database.write(lambda tx: leases.claim_for(tx, spool, town.index, 1, NOW))
    database.write(
        lambda tx: items.retry(tx, item, NOW + HOUR, "peer_unreachable", (spool, "451 4.3.2 later"))
    )
    database.write(lambda tx: destinations.closed(tx, town.index, NOW + HOUR, "peer_unreachable"))
    with database.read() as view:
        assert desk.reply_of(view, spool, item.item_id) == "451 4.3.2 later"
        assert destinations.due(view, spool, NOW) == []
    assert only(database).next_at == NOW + HOUR
    assert database.write(lambda tx: desk.retry_now(tx, item.item_id))
    with database.read() as view:
        assert [one.index for one in destinations.due(view, spool, NOW)] == [town.index]


def test_an_author_is_told_once_that_an_item_is_late(
    database: Database, spool: AccountSeal
) -> None:
    put(database, spool, A)
    (item,) = claim(database, spool)
    database.write(lambda tx: items.retry(tx, item, NOW + 9 * HOUR, "busy"))
    with database.read() as view:
        (late,) = desk.late(view, NOW + 4 * HOUR, 10)
    taken = database.write(lambda tx: leases.take(tx, spool, late.item_id, NOW + 4 * HOUR))
    assert taken is not None
    assert (taken.attempts, taken.last_failure) == (1, "busy")
    assert database.write(lambda tx: items.noticed(tx, taken, NOW + 120 * HOUR))
    assert not database.write(lambda tx: items.noticed(tx, taken, NOW + 120 * HOUR))
    with database.read() as view:
        assert desk.late(view, NOW + 120 * HOUR - 1, 10) == []
        assert [one.item_id for one in desk.late(view, NOW + 120 * HOUR, 10)] == [item.item_id]


def test_a_reply_nobody_gave_is_empty(database: Database, spool: AccountSeal) -> None:
    put(database, spool, A)
    with database.read() as view:
        assert desk.reply_of(view, spool, only(database).item_id) == ""
        assert desk.reply_of(view, spool, 99) == ""
        assert desk.line(view, 99) is None
