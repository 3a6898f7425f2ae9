"""The thread that makes copies: by itself, one after the other, and it goes when told."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import structlog

from mailbox_store.errors import StoreUnavailable
from mss_gateway.dossier.exports import State, Why
from mss_gateway.life import export, export_making, export_writing, exporter
from mss_gateway.life.exporter import Exporter
from tests.support import copies
from tests.support import site as sites
from tests.support.site import Site
from tests.support.webmail import pdf


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with sites.opened(tmp_path) as opened:
        yield opened


@pytest.fixture
def running(site: Site, monkeypatch: pytest.MonkeyPatch) -> Iterator[Exporter]:
    monkeypatch.setattr(exporter, "POLL_SECONDS", 0.01)
    one = Exporter(site.gateway)
    one.start()
    yield one
    one.stop()


def until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def states(site: Site) -> list[State | None]:
    found = [export.of_patient(site.gateway, one) for one in (site.camille, site.noe)]
    return [None if one is None else one.state for one in found]


def test_what_is_asked_for_is_made_without_more(site: Site, running: Exporter) -> None:
    copies.deposit(site, site.camille, "Note", pdf())
    export.ask(site.gateway, site.camille)
    export.ask(site.gateway, site.noe)
    until(lambda: states(site) == [State.READY, State.READY])


def test_with_nothing_to_make_nothing_is_written(site: Site) -> None:
    before = site.gateway.database.commits
    assert not Exporter(site.gateway).run_once()
    assert site.gateway.database.commits == before


def test_what_is_unforeseen_is_told_and_the_next_one_is_made(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fault(*_: object) -> None:
        raise ZeroDivisionError("CANARI")

    export.ask(site.gateway, site.camille)
    one = Exporter(site.gateway)
    with monkeypatch.context() as broken, structlog.testing.capture_logs() as lines:
        broken.setattr(export_making, "take_stock", fault)
        assert one.run_once()
    (line,) = lines
    assert (line["error"], "CANARI" in str(line)) == ("ZeroDivisionError", False)
    found = export.of_patient(site.gateway, site.camille)
    assert found is not None
    assert found.failure is Why.FAULT
    export.ask(site.gateway, site.noe)
    assert one.run_once()
    assert states(site) == [State.FAILED, State.READY]


def test_a_store_that_is_away_for_a_moment_is_tried_again(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise StoreUnavailable("for a moment")

    export.ask(site.gateway, site.camille)
    one = Exporter(site.gateway)
    with monkeypatch.context() as broken:
        broken.setattr(export_making, "take_stock", away)
        with pytest.raises(StoreUnavailable):
            one.run_once()
    assert one.run_once()
    assert states(site)[0] is State.READY


def test_a_stop_ends_the_work_at_hand(
    site: Site, running: Exporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached: list[int] = []

    def slow(job: object, target: object) -> None:
        while True:
            reached.append(1)
            job.step()  # type: ignore[attr-defined]
            time.sleep(0.001)

    monkeypatch.setattr(export_writing, "write", slow)
    export.ask(site.gateway, site.camille)
    until(lambda: bool(reached))
    running.stop()
    found = export.of_patient(site.gateway, site.camille)
    assert found is not None
    assert (found.state, found.attempts) == (State.ASKED, 0)
    assert list(site.gateway.config.in_state(export.FOLDER).iterdir()) == []
