"""The thread of the refresher: rounds one after the other, ended within a moment."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from certs.book import Provenance
from certs.certificate import fingerprint
from certs.status.revocation import Revoked
from certs.usage import Purpose
from mailbox_store.database import Transaction
from mailbox_store.errors import StoreFailed, StoreUnavailable
from mss_gateway.compose import refresher
from mss_gateway.compose.refresher import Refresher
from mss_gateway.directory import keybook, trust
from mss_gateway.directory.revocation import Kept
from mss_gateway.directory.revocation_survey import Survey
from tests.support import site
from tests.support.status_site import Issuer, key, moment, serving

SEEN = Survey((), 0, 0.0)


class Rounds:
    """Rounds that raise what they are told, and say when they ran."""

    def __init__(self) -> None:
        self.ran = threading.Semaphore(0)
        self.raised: list[Exception] = []
        self.is_closed = threading.Event()

    def run_once(self) -> Survey:
        self.ran.release()
        if self.raised:
            raise self.raised.pop(0)
        return SEEN

    def close(self) -> None:
        self.is_closed.set()


@pytest.fixture
def rounds() -> Rounds:
    return Rounds()


@pytest.fixture
def running(rounds: Rounds, monkeypatch: pytest.MonkeyPatch) -> Iterator[Refresher]:
    monkeypatch.setattr(refresher, "LEAST_SECONDS", 0.001)
    made = Refresher(rounds, poll_seconds=3_600)  # type: ignore[arg-type]
    yield made
    made.stop()
    assert rounds.is_closed.is_set()
    assert not any(thread.name == "revocation" for thread in threading.enumerate())


def ran(rounds: Rounds) -> bool:
    return rounds.ran.acquire(timeout=10)


def test_the_first_round_runs_at_once_and_the_next_when_woken(
    rounds: Rounds, running: Refresher
) -> None:
    assert running.latest is None
    running.start()
    assert ran(rounds)
    running.wake()
    assert ran(rounds)
    assert running.latest is SEEN


def test_rounds_go_on_by_themselves(
    rounds: Rounds, running: Refresher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "_poll_seconds", 0.001)
    running.start()
    assert all(ran(rounds) for _ in range(3))


def test_a_round_that_fails_is_followed_by_others(rounds: Rounds, running: Refresher) -> None:
    rounds.raised = [StoreUnavailable("busy"), ZeroDivisionError("a bug")]
    with structlog.testing.capture_logs() as logged:
        running.start()
        for _ in range(3):
            assert ran(rounds)
            running.wake()
        running.stop()
    assert [(line["event"], line["error"]) for line in logged] == [
        ("revocation answers not kept", "StoreUnavailable"),
        ("revocation round", "ZeroDivisionError"),
    ]


def test_a_store_that_failed_for_good_ends_it(rounds: Rounds, running: Refresher) -> None:
    rounds.raised = [StoreFailed("gone")]
    running.start()
    assert ran(rounds)
    running._thread.join(10)
    assert not running._thread.is_alive()


def test_stopping_before_the_start_is_no_mistake(running: Refresher) -> None:
    running.stop()


def test_a_gateway_learns_of_its_correspondents_in_the_background(tmp_path: Path) -> None:
    """Whole: an authority added by the operator, a correspondent of the key book, a server."""
    with serving() as server, site.opened(tmp_path) as opened:
        gateway, at = opened.gateway, moment(site.NOW)
        # the authority's own certificate names the host: the configuration need not
        above = Issuer.root(at, "Au-dessus", signing=key(3))
        root = above.intermediate(at, "Autorité d'ailleurs", 4, lists=[f"{server.url}/above"])
        leaf = root.leaf(at, lists=[f"{server.url}/list"])
        server.publish(root.crl(at, [leaf]))

        def unit(tx: Transaction) -> None:
            digits = fingerprint(root.certificate)
            trust.propose(tx, Purpose.SIGNATURE, root.certificate, "opérateur")
            trust.activate(tx, Purpose.SIGNATURE, digits, "opérateur")
            address = "sophie.laurent@ailleurs.example"
            keybook.learn(tx, gateway.spool, address, leaf, None, Provenance.OPERATOR)

        gateway.database.write(unit)
        outcomes: list[tuple[str, str]] = []
        own = (opened.authority.root, opened.authority.issuing)
        running = refresher.build(
            gateway,
            Kept(gateway.spool),
            lambda view: own,
            lambda kind, outcome: outcomes.append((kind, outcome)),
        )
        running.start()
        for _ in range(1_000):
            if running.latest is not None:
                break
            threading.Event().wait(0.01)
        running.stop()
        assert outcomes == [("crl", "kept")]
        assert [asked.path for asked in server.asked] == ["/list"]
        with gateway.database.read() as view:
            status = gateway.revocations(view).status(leaf, root.certificate, at)
            seen = refresher.freshness(gateway, view, lambda view: own)
        assert isinstance(status, Revoked)
        assert [line.state for line in seen.lines] == ["fresh"]
        # nobody knows who issued the authority's own certificate: that is the anchor
        assert (seen.stale, seen.unserved) == (0, 0)
