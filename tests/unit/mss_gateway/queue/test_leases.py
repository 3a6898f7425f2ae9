"""Who works on what: no item is two claimers', and what a dead one had is due again."""

import pytest

from mailbox_store.database import Database
from mailbox_store.vault import AccountSeal
from mss_gateway.queue import desk, items, leases
from mss_gateway.queue.leases import LEASE_SECONDS
from tests.unit.mss_gateway.queue.conftest import NOW, Clock, claim, holds, put

A, B = "a@mss.example", "b@mss.example"


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
            assert leases.has_due(view, int(clock.now)) is due
        assert bool(claim(database, spool)) is due


def test_two_claimers_never_share_an_item(database: Database, spool: AccountSeal) -> None:
    put(database, spool, *(f"{n}@mss.example" for n in range(30)))
    futures = [database.submit(lambda tx: leases.claim(tx, spool, 4, NOW)) for _ in range(10)]
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
    assert database.write(leases.recover) == 1
    assert not holds(database, dead)
    assert {one.recipient for one in claim(database, spool)} == {A, B}
    clock.now += LEASE_SECONDS
    assert database.write(leases.recover) == 2
    assert database.write(leases.recover) == 0
