"""An end that cannot be written holds its item after a bounded number of tries; nothing is lost."""

from typing import Any

import pytest

from mailbox_store.errors import StoreUnavailable
from mss_gateway.life import report, submission
from mss_gateway.queue import desk, stumbles
from mss_gateway.queue.desk import Line
from policies.people import Standing
from tests.support.smtp_site import DUBOIS, MARTIN, SECRETARIAT, Site, simple
from tests.unit.mss_gateway.life import elsewhere

HOUR = 3600


@pytest.fixture
def no_report(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """No report can be made; which ones were tried."""
    tried: list[str] = []

    def raises(_gateway: Any, _view: Any, _item: Any, outcome: report.Outcome) -> None:
        tried.append(outcome.action)
        raise RuntimeError("secret")

    monkeypatch.setattr(report, "about", raises)
    return tried


def accepted(site: Site, *recipients: str) -> str:
    sent = site.submission(MARTIN, recipients, simple())
    return submission.accept(site.gateway, sent).message_ref


def lines(site: Site) -> list[Line]:
    with site.gateway.database.read() as view:
        return desk.listing(view)


def counted(site: Site, outcome: str) -> float:
    found = site.gateway.metrics.unreported.labels(outcome)._value.get()
    assert isinstance(found, float)
    return found


def days_go_by(site: Site, days: int = 12) -> None:
    for _ in range(days * 24):
        site.clock.pass_by(HOUR)
        site.work()


def test_a_report_that_always_raises_ends_in_a_held_item(site: Site, no_report: list[str]) -> None:
    ref = accepted(site, DUBOIS)
    site.stand(DUBOIS, Standing.SUSPENDED)
    days_go_by(site, 1)
    assert no_report.count("failed") == stumbles.TRIES
    (line,) = lines(site)
    assert (line.state, line.last_failure) == ("held", stumbles.UNREPORTED)
    assert counted(site, "again") == stumbles.TRIES - 1
    assert counted(site, "held") == 1
    assert site.acts("queue") == [f"held ({stumbles.UNREPORTED})"]
    assert f'"message_ref": "{ref}"' in site.logged.getvalue()
    assert '"event": "item held"' in site.logged.getvalue()


def test_each_try_comes_later_than_the_one_before(site: Site, no_report: list[str]) -> None:
    accepted(site, DUBOIS)
    site.stand(DUBOIS, Standing.SUSPENDED)
    site.work()
    (line,) = lines(site)
    assert (line.state, line.last_failure) == ("due", f"{stumbles.UNREPORTED}:1")
    assert site.work() == 0
    site.clock.pass_by(7)
    site.work()
    (line,) = lines(site)
    assert line.last_failure == f"{stumbles.UNREPORTED}:2"
    site.clock.pass_by(7)
    site.work()
    assert len(no_report) == 2


def test_what_expires_without_a_report_is_held_too(site: Site, no_report: list[str]) -> None:
    there = elsewhere.beside(site)
    accepted(there, elsewhere.AUTHOR)
    assert len(lines(there)) == 1
    days_go_by(there)
    (line,) = lines(there)
    assert (line.state, line.stage, line.last_failure) == ("held", "relay", stumbles.UNREPORTED)
    assert no_report == ["delayed"] + ["failed"] * stumbles.TRIES
    # the notice that it is late holds nobody's message up
    assert counted(there, "passed_over") == 1


def test_the_neighbours_have_their_results(site: Site, no_report: list[str]) -> None:
    accepted(site, DUBOIS, SECRETARIAT)
    site.stand(DUBOIS, Standing.SUSPENDED)
    days_go_by(site, 1)
    assert len(site.kept(SECRETARIAT)) == 1
    assert [line.state for line in lines(site)] == ["held"]
    # nor does a word of success that cannot be written keep a message from its mailbox
    assert "delivered" in no_report


def test_a_released_item_is_reported_once_it_can_be(
    site: Site, no_report: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    accepted(site, DUBOIS)
    site.stand(DUBOIS, Standing.SUSPENDED)
    days_go_by(site, 1)
    (line,) = lines(site)
    now = site.gateway.queue_clock.now()
    assert site.gateway.database.write(lambda tx: desk.release(tx, line.item_id, now))
    site.work()
    (line,) = lines(site)
    assert line.last_failure == f"{stumbles.UNREPORTED}:1"  # it begins anew
    monkeypatch.undo()
    site.clock.pass_by(10)
    site.work()
    assert lines(site) == []
    assert len(site.kept(MARTIN)) == 1
    assert no_report


def test_a_store_that_says_no_for_now_holds_nothing(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: Any) -> None:
        raise StoreUnavailable

    monkeypatch.setattr(report, "about", busy)
    accepted(site, DUBOIS)
    site.stand(DUBOIS, Standing.SUSPENDED)
    days_go_by(site, 1)
    assert [line.state for line in lines(site)] == ["leased"]
    monkeypatch.undo()
    site.clock.pass_by(HOUR)
    site.work()
    assert lines(site) == []
    assert len(site.kept(MARTIN)) == 1


def test_a_body_that_was_altered_is_no_exception(site: Site) -> None:
    accepted(site, DUBOIS)
    site.stand(DUBOIS, Standing.SUSPENDED)
    site.execute("UPDATE blob_chunks SET sealed = zeroblob(length(sealed))")
    days_go_by(site, 1)
    assert [(line.state, line.last_failure) for line in lines(site)] == [
        ("held", stumbles.UNREPORTED)
    ]
