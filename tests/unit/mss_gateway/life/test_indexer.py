"""The indexer's thread: woken by commits, out of the way of others, gone when told."""

import time
from collections.abc import Callable, Iterator

import pytest

from mailbox_store import segments
from mailbox_store.database import Transaction
from mailbox_store.errors import StoreFailed
from mss_gateway.life import index, indexer, submission
from mss_gateway.life.indexer import Indexer
from tests.support.smtp_site import DUBOIS, MARTIN, Site, simple


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the time that messages are given to gather."""
    monkeypatch.setattr(indexer, "GATHER_SECONDS", 0.0)
    monkeypatch.setattr(indexer, "POLL_SECONDS", 60.0)


@pytest.fixture
def running(site: Site, quick: None) -> Iterator[Indexer]:
    one = Indexer(site.gateway)
    one.start()
    yield one
    one.stop()


def lag(site: Site) -> int:
    with site.gateway.database.read() as view:
        return segments.lag(view)


def send(site: Site) -> None:
    """A message that is delivered at once."""
    submission.accept(site.gateway, site.submission(MARTIN, (DUBOIS,), simple()))
    site.work()


def until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_what_is_delivered_is_indexed_without_being_asked(site: Site, running: Indexer) -> None:
    send(site)
    until(lambda: lag(site) == 0)
    account_id = site.person(DUBOIS).account_id
    with site.gateway.database.read() as view:
        assert len(segments.stretches(view, account_id)) == 1


def test_the_metric_tells_how_far_it_is_behind(site: Site) -> None:
    send(site)
    one = Indexer(site.gateway)
    one.run_once()
    assert b"mss_index_lag_messages 0.0" in site.gateway.metrics.render()


def test_another_process_is_noticed_by_the_poll(
    site: Site, monkeypatch: pytest.MonkeyPatch, quick: None
) -> None:
    monkeypatch.setattr(indexer, "POLL_SECONDS", 0.01)
    one = Indexer(site.gateway)
    one.start()
    site.gateway.database._announce.clear()
    send(site)
    until(lambda: lag(site) == 0)
    one.stop()


def test_it_stops_at_once_in_the_middle_of_its_work_and_leaves_the_rest(
    site: Site, running: Indexer, monkeypatch: pytest.MonkeyPatch
) -> None:
    began: list[float] = []

    def endless(_database: object, pace: Callable[[], None]) -> index.Indexed:
        began.append(time.monotonic())
        while True:
            pace()

    monkeypatch.setattr(index, "index_batch", endless)
    send(site)
    until(lambda: bool(began))
    before = time.monotonic()
    running.stop()
    assert time.monotonic() - before < 5
    assert lag(site) == 1


def test_it_may_be_stopped_before_it_began(site: Site) -> None:
    Indexer(site.gateway).stop()


def test_an_error_is_told_once_and_the_next_wake_tries_again(
    site: Site, running: Indexer, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch, failed = index.index_batch, []

    def failing(database, pace):  # type: ignore[no-untyped-def]
        if not failed:
            failed.append(True)
            raise ZeroDivisionError
        return batch(database, pace)

    monkeypatch.setattr(index, "index_batch", failing)
    send(site)
    until(lambda: bool(failed))
    send(site)
    until(lambda: lag(site) == 0)
    assert site.logged.getvalue().count("ZeroDivisionError") == 1


def test_it_ends_with_the_store(
    site: Site, running: Indexer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_given: object) -> index.Indexed:
        raise StoreFailed("the disk is gone")

    monkeypatch.setattr(index, "index_batch", failing)
    send(site)
    until(lambda: not running._thread.is_alive())


def test_every_account_is_looked_over_once_in_a_while(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(site)
    one = Indexer(site.gateway)
    one.run_once()
    looked: list[int] = []
    tidy = index.tidy

    def tidying(database, account_id, pace, *, is_thorough):  # type: ignore[no-untyped-def]
        if is_thorough:
            looked.append(account_id)
        tidy(database, account_id, pace, is_thorough=is_thorough)

    monkeypatch.setattr(index, "tidy", tidying)
    one.run_once()
    assert looked == []
    monkeypatch.setattr(one, "_sweep_at", 0.0)
    monkeypatch.setattr(indexer, "SWEPT_AT_ONCE", 1)
    one.run_once()
    assert looked == [site.person(DUBOIS).account_id]


def test_what_was_marked_is_made_again_by_looking_over(site: Site) -> None:
    send(site)
    one = Indexer(site.gateway)
    one.run_once()

    def mark(tx: Transaction) -> None:
        for stretch in segments.stretches(tx, site.person(DUBOIS).account_id):
            for piece in stretch.pieces.values():
                segments.mark_damaged(tx, piece.segment_id)

    site.gateway.database.write(mark)
    one._sweep_at = 0.0
    one.run_once()
    with site.gateway.database.read() as view:
        assert segments.totals(view).damaged == 0
