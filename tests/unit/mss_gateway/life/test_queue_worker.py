"""The worker over the stages: nothing is forgotten, whatever one item does."""

import threading
from typing import Any

import pytest

from mss_gateway.life import deliver, submission
from mss_gateway.queue import desk, leases, worker
from mss_gateway.queue.worker import Worker
from tests.support.smtp_site import DUBOIS, MARTIN, PATIENT, SECRETARIAT, Site, simple


def accept(site: Site, *recipients: str) -> None:
    submission.accept(site.gateway, site.submission(MARTIN, recipients, simple()))


def test_a_quiet_queue_costs_no_commit(site: Site) -> None:
    before = site.gateway.database.commits
    assert site.worker.run_batch() == 0
    assert site.gateway.database.commits == before


def test_an_item_that_fails_does_not_stop_its_neighbours(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails_for_one(gateway: Any, item: leases.Item) -> Any:
        if item.recipient == DUBOIS:
            raise RuntimeError("secret")
        return deliver.deliver(gateway, item)

    monkeypatch.setitem(worker.HANDLERS, "deliver", fails_for_one)
    accept(site, SECRETARIAT, DUBOIS, PATIENT)
    assert site.work() == 3
    assert [len(site.kept(one)) for one in (SECRETARIAT, DUBOIS, PATIENT)] == [1, 0, 1]
    with site.gateway.database.read() as view:
        (line,) = desk.listing(view)
    assert (line.attempts, line.last_failure) == (1, "bug")
    monkeypatch.undo()
    site.clock.pass_by(10)
    site.work()
    assert len(site.kept(DUBOIS)) == 1


def test_what_a_dead_worker_had_leased_is_done_by_the_next(site: Site) -> None:
    accept(site, DUBOIS)
    with site.gateway.database.read() as view:
        spool = view.vault.account(view, site.gateway.spool)
    site.gateway.database.write(lambda tx: leases.claim(tx, spool, 10, tx.now))
    assert site.work() == 0
    delivered, wake = threading.Event(), threading.Event()
    site.gateway.database.on_commit(lambda touched: delivered.set())
    one = Worker(site.gateway, wake)
    one.start()
    assert delivered.wait(10)
    one.stop()
    assert len(site.kept(DUBOIS)) == 1
