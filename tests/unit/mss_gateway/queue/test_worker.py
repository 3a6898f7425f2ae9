"""The worker: one result per recipient, whatever a stage does."""

import json
import threading
from collections.abc import Callable
from concurrent.futures import Future
from io import StringIO
from types import SimpleNamespace
from typing import cast

import pytest

from mailbox_store.database import Database, Transaction
from mailbox_store.errors import StoreFailed, StoreUnavailable
from mailbox_store.vault import AccountId, AccountSeal
from mss_gateway.config import Config
from mss_gateway.failures import Failure, Refused, row
from mss_gateway.life import attempts, report
from mss_gateway.life.gateway import Gateway
from mss_gateway.observability import log, metrics
from mss_gateway.queue import desk, items, leases, schedule, worker
from mss_gateway.queue.clock import QueueClock
from mss_gateway.queue.desk import Line
from mss_gateway.queue.leases import Item
from mss_gateway.queue.worker import HANDLERS, Worker
from tests.unit.mss_gateway.queue.conftest import NOW, Clock, put

A, B = "a@mss.example", "b@mss.example"
Stage = Callable[[Gateway, Item], "Future[bool]"]


@pytest.fixture
def lines() -> StringIO:
    stream = StringIO()
    log.configure(stream)
    return stream


@pytest.fixture
def gateway(database: Database, spool_account: AccountId, clock: Clock, lines: StringIO) -> Gateway:
    """What the worker looks at of a gateway, and nothing else."""
    assert lines is not None
    with database.read() as view:
        queue_clock = QueueClock(view, clock, clock)
    return cast(
        "Gateway",
        SimpleNamespace(
            database=database,
            spool=spool_account,
            clock=clock,
            queue_clock=queue_clock,
            config=Config(),
            metrics=metrics.build(),
        ),
    )


@pytest.fixture
def given_up(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Failure]]:
    """What was reported instead of delivered."""
    told: list[tuple[str, Failure]] = []

    def give_up(gateway: Gateway, item: Item, failure: Failure) -> "Future[bool]":
        told.append((item.recipient, failure))
        return gateway.database.submit(lambda tx: items.finish(tx, item))

    def delayed(gateway: Gateway, item: Item, again_at: int) -> "Future[None]":
        def unit(tx: Transaction) -> None:
            items.noticed(tx, item, again_at)

        return gateway.database.submit(unit)

    monkeypatch.setattr(report, "give_up", give_up)
    monkeypatch.setattr(report, "delayed", delayed)
    return told


def finishes(gateway: Gateway, item: Item) -> "Future[bool]":
    return gateway.database.submit(lambda tx: items.finish(tx, item))


def raises(error: Exception, *, later: bool = False) -> Stage:
    """A stage that raises as it begins, or out of its future."""

    def stage(gateway: Gateway, item: Item) -> "Future[bool]":
        if not later:
            raise error
        failed: Future[bool] = Future()
        failed.set_exception(error)
        return failed

    return stage


def only_for(recipient: str, stage: Stage) -> Stage:
    return lambda gateway, item: (stage if item.recipient == recipient else finishes)(gateway, item)


def waiting(database: Database) -> list[Line]:
    with database.read() as view:
        return desk.listing(view)


def run(gateway: Gateway) -> int:
    return Worker(gateway, threading.Event()).run_batch()


def delivered(gateway: Gateway) -> float:
    value = gateway.metrics.registry.get_sample_value("mss_delivered_messages_total")
    assert value is not None
    return value


def test_a_quiet_queue_costs_no_commit(gateway: Gateway) -> None:
    before = gateway.database.commits
    assert run(gateway) == 0
    assert gateway.database.commits == before


def test_what_is_delivered_is_done_and_counted(
    gateway: Gateway, spool: AccountSeal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(HANDLERS, "deliver", finishes)
    put(gateway.database, spool, A, B)
    assert run(gateway) == 2
    assert waiting(gateway.database) == []
    assert delivered(gateway) == 2
    assert run(gateway) == 0


@pytest.mark.parametrize("later", [False, True])
@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (Refused(Failure.STORE_UNAVAILABLE), Failure.STORE_UNAVAILABLE),
        (StoreUnavailable("locked"), Failure.STORE_UNAVAILABLE),
        (LookupError("Madame Exemple"), Failure.BUG),
    ],
)
def test_a_failure_of_the_moment_is_tried_again_and_harms_no_neighbour(
    gateway: Gateway,
    spool: AccountSeal,
    monkeypatch: pytest.MonkeyPatch,
    lines: StringIO,
    later: bool,
    error: Exception,
    failure: Failure,
) -> None:
    monkeypatch.setitem(HANDLERS, "deliver", only_for(A, raises(error, later=later)))
    put(gateway.database, spool, A, B)
    assert run(gateway) == 2
    (left,) = waiting(gateway.database)
    assert (left.state, left.attempts, left.last_failure) == ("due", 1, failure.value)
    assert NOW + 5 <= left.due_at <= NOW + 6
    assert delivered(gateway) == 1
    assert "Exemple" not in lines.getvalue()


def test_a_failure_for_good_is_reported_once(
    gateway: Gateway,
    spool: AccountSeal,
    monkeypatch: pytest.MonkeyPatch,
    given_up: list[tuple[str, Failure]],
) -> None:
    refused = Refused(Failure.RECIPIENT_UNAVAILABLE)
    monkeypatch.setitem(HANDLERS, "deliver", only_for(A, raises(refused)))
    put(gateway.database, spool, A, B)
    run(gateway)
    assert given_up == [(A, Failure.RECIPIENT_UNAVAILABLE)]
    assert waiting(gateway.database) == []


def test_after_five_days_a_failure_of_the_moment_is_for_good(
    gateway: Gateway,
    spool: AccountSeal,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    given_up: list[tuple[str, Failure]],
) -> None:
    monkeypatch.setitem(HANDLERS, "deliver", raises(StoreUnavailable("locked")))
    put(gateway.database, spool, A)
    clock.now += schedule.EXPIRY_SECONDS - 1
    run(gateway)
    assert given_up == []
    clock.now += 14_400 * 2
    run(gateway)
    assert given_up == [(A, Failure.STORE_UNAVAILABLE)]


@pytest.mark.parametrize(
    ("failure", "seconds"),
    [
        # its author must learn in time that nobody has read it
        (Failure.NO_CERTIFICATE_FOR_RECIPIENT, schedule.CERTIFICATE_SECONDS),
        (Failure.STORE_UNAVAILABLE, schedule.EXPIRY_SECONDS),
    ],
)
@pytest.mark.parametrize("after", [-1, 0])
def test_each_failure_has_its_patience(
    gateway: Gateway,
    spool: AccountSeal,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    given_up: list[tuple[str, Failure]],
    failure: Failure,
    seconds: int,
    after: int,
) -> None:
    monkeypatch.setitem(HANDLERS, "deliver", raises(Refused(failure)))
    put(gateway.database, spool, A)
    run(gateway)
    assert given_up == []
    clock.now += seconds + after
    run(gateway)
    assert given_up == ([(A, failure)] if after == 0 else [])
    assert len(waiting(gateway.database)) == (0 if after == 0 else 1)


def test_whatever_has_a_patience_of_its_own_is_tried_again() -> None:
    assert all(row(failure).retry for failure in attempts.PATIENCE)


def test_a_stage_without_a_name_is_a_bug_and_not_the_end(
    gateway: Gateway, spool: AccountSeal
) -> None:
    put(gateway.database, spool, A, stage="nowhere")
    run(gateway)
    (left,) = waiting(gateway.database)
    assert left.last_failure == Failure.BUG.value


def test_a_report_that_cannot_be_made_leaves_the_item_and_harms_no_neighbour(
    gateway: Gateway,
    spool: AccountSeal,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    lines: StringIO,
) -> None:
    def breaks(*_: object) -> None:
        raise ValueError("Madame Exemple")

    monkeypatch.setattr(report, "give_up", breaks)
    refused = Refused(Failure.RECIPIENT_UNAVAILABLE)
    monkeypatch.setitem(HANDLERS, "deliver", only_for(A, raises(refused)))
    put(gateway.database, spool, A, B)
    assert run(gateway) == 2
    (left,) = waiting(gateway.database)
    assert (left.state, left.last_failure) == ("due", "unreported:1")
    assert delivered(gateway) == 1
    assert "ValueError" in lines.getvalue()
    assert "Exemple" not in lines.getvalue()
    assert run(gateway) == 0
    clock.now += 7
    assert run(gateway) == 1


def test_an_author_who_cannot_be_told_holds_up_nobody_else(
    gateway: Gateway,
    spool: AccountSeal,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    lines: StringIO,
) -> None:
    def breaks(*_: object) -> None:
        raise ValueError("Madame Exemple")

    monkeypatch.setattr(report, "delayed", breaks)
    monkeypatch.setitem(HANDLERS, "deliver", finishes)
    put(gateway.database, spool, A)
    clock.now += 5 * 3600
    put(gateway.database, spool, B, ref="ref2")
    assert run(gateway) == 2
    (left,) = waiting(gateway.database)
    assert (left.message_ref, left.state) == ("ref1", "leased")
    assert delivered(gateway) == 1
    assert "ValueError" in lines.getvalue()
    assert "Exemple" not in lines.getvalue()


def test_a_store_that_failed_ends_the_batch(
    gateway: Gateway, spool: AccountSeal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(HANDLERS, "deliver", raises(StoreFailed("EIO")))
    put(gateway.database, spool, A)
    with pytest.raises(StoreFailed):
        run(gateway)


@pytest.mark.parametrize(("queued", "claimed"), [(3, 3), (4, 3)])
def test_a_batch_is_bounded(
    gateway: Gateway,
    spool: AccountSeal,
    monkeypatch: pytest.MonkeyPatch,
    queued: int,
    claimed: int,
) -> None:
    monkeypatch.setattr(worker, "BATCH", 3)
    monkeypatch.setitem(HANDLERS, "deliver", finishes)
    put(gateway.database, spool, *(f"{n}@mss.example" for n in range(queued)))
    assert run(gateway) == claimed


def test_the_thread_recovers_works_when_woken_and_stops(
    gateway: Gateway, spool: AccountSeal, monkeypatch: pytest.MonkeyPatch, lines: StringIO
) -> None:
    monkeypatch.setattr(worker, "POLL_SECONDS", 60.0)
    done = threading.Semaphore(0)

    def stage(gateway: Gateway, item: Item) -> "Future[bool]":
        future = finishes(gateway, item)
        future.add_done_callback(lambda _: done.release())
        return future

    monkeypatch.setitem(HANDLERS, "deliver", stage)
    put(gateway.database, spool, A)
    gateway.database.write(lambda tx: leases.claim(tx, spool, 1, tx.now))  # by a process that died
    wake = threading.Event()
    started = Worker(gateway, wake)
    started.start()
    assert done.acquire(timeout=10)
    put(gateway.database, spool, B, ref="ref2")
    wake.set()
    assert done.acquire(timeout=10)
    started.stop()
    assert waiting(gateway.database) == []
    assert [json.loads(line)["event"] for line in lines.getvalue().splitlines()] == [
        "leases recovered"
    ]


def test_a_worker_that_never_started_stops(gateway: Gateway) -> None:
    Worker(gateway, threading.Event()).stop()


def test_a_thread_goes_on_after_a_bug_and_ends_with_the_store(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "POLL_SECONDS", 0.0)
    raised: list[Exception] = [LookupError(), StoreFailed("EIO")]
    one = Worker(gateway, threading.Event())
    monkeypatch.setattr(one, "run_batch", lambda: (_ for _ in ()).throw(raised.pop(0)))
    one.start()
    one._thread.join(10)
    assert not one._thread.is_alive()
    assert raised == []


def test_what_nobody_tried_in_time_is_told_and_then_given_up(
    gateway: Gateway, spool: AccountSeal, clock: Clock, given_up: list[tuple[str, Failure]]
) -> None:
    put(gateway.database, spool, "claire@ville.example", stage="relay")
    clock.now += 4 * 3600 - 1
    assert run(gateway) == 0
    clock.now += 1
    assert run(gateway) == 1
    assert run(gateway) == 0
    clock.now += 116 * 3600
    assert run(gateway) == 1
    assert given_up == [("claire@ville.example", Failure.PEER_UNREACHABLE)]
    assert waiting(gateway.database) == []


def test_queue_time_is_kept_while_nothing_happens(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = Worker(gateway, threading.Event())
    monkeypatch.setattr(worker, "POLL_SECONDS", 0.0)
    before = gateway.database.commits
    one.start()
    while gateway.database.commits < before + 2:
        threading.Event().wait(0.001)
    one.stop()
    with gateway.database.read() as view:
        assert view.sql("SELECT at FROM queue_clock").scalar() == NOW
