"""What ages is looked after: certificates before they end, evidence after its messages."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import structlog

from certs.certificate import common_name
from certs.issuing.issue import Authority
from certs.issuing.profiles import Realm
from mailbox_store.database import Transaction
from mailbox_store.errors import StoreFailed, StoreUnavailable
from mss_gateway.compose import caretaker, trimming
from mss_gateway.compose.caretaker import GRACE_SECONDS, ROUNDS_A_SWEEP, Caretaker
from mss_gateway.compose.trimming import Trimming
from mss_gateway.directory import certificates, evidence
from mss_gateway.directory.certificates import Held
from mss_gateway.directory.evidence import UNUSED_SECONDS, Evidence
from mss_gateway.life import export, retries, submission
from mss_gateway.observability import metrics
from mss_gateway.observability.metrics import Metrics
from tests.support import smtp_site
from tests.support.smtp_messages import signed
from tests.support.smtp_site import BERNARD, CLOSED, DUBOIS, MARTIN, OPPOSED, Site, simple

DAY = 86_400


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with smtp_site.open_site(tmp_path / "state") as opened:
        yield opened


# certificates


def held(site: Site, address: str) -> list[Held]:
    with site.gateway.database.read() as view:
        return certificates.of_account(view, site.person(address).account_id)


def to_the_end(site: Site, before: float) -> None:
    """Let time pass until so many seconds before the end of the people's certificates."""
    (first,) = held(site, MARTIN)
    site.clock.pass_by(first.not_after - before - site.clock.seconds)


@pytest.mark.parametrize(("after", "is_due"), [(-60, False), (60, True)])
def test_certificates_follow_when_the_lead_of_the_configuration_begins(
    site: Site, after: int, is_due: bool
) -> None:
    settings = site.gateway.config.certificates
    to_the_end(site, settings.renew_days * DAY - after)
    caretaker.renew(site.gateway)
    newest, *former = held(site, MARTIN)
    assert bool(former) is is_due
    assert ('"certificates renewed"' in site.logged.getvalue()) is is_due
    if is_due:
        assert newest.not_after - newest.not_before == settings.mailbox_days * DAY
        assert newest.has_key


def test_what_is_not_the_gateway_s_to_renew_stays(site: Site) -> None:
    to_the_end(site, DAY)
    caretaker.renew(site.gateway)
    renewed = {address: len(held(site, address)) for address in (MARTIN, BERNARD, CLOSED, OPPOSED)}
    assert renewed == {MARTIN: 2, BERNARD: 1, CLOSED: 1, OPPOSED: 1}


def test_a_round_without_anything_due_writes_nothing(site: Site) -> None:
    before = site.gateway.database.commits
    caretaker.renew(site.gateway)
    assert site.gateway.database.commits == before
    assert site.logged.getvalue() == ""


def test_what_the_authority_may_not_vouch_for_is_told_by_number(site: Site) -> None:
    narrow = Authority.create(
        "Autorité étroite",
        "p256",
        site.gateway.now(),
        5,
        Realm(domains=("ailleurs.example",)),
    )
    gateway = site.gateway
    gateway.database.write(lambda tx: certificates.keep_authority(tx, gateway.spool, narrow))
    to_the_end(site, DAY)
    caretaker.renew(gateway)
    assert len(held(site, MARTIN)) == 1
    assert '"certificates not renewed"' in site.logged.getvalue()
    assert '"certificates renewed"' not in site.logged.getvalue()
    assert common_name(narrow.root) not in site.logged.getvalue()


def test_a_round_counts_who_has_no_certificate_that_lasts(site: Site) -> None:
    (former,) = held(site, BERNARD)
    caretaker.renew(site.gateway)
    assert b"mss_mailbox_certificates_ending 0.0" in site.gateway.metrics.render()
    site.clock.pass_by(former.not_after - 29 * DAY - site.clock.seconds)
    caretaker.renew(site.gateway)
    assert len(held(site, BERNARD)) == 1, "he keeps his keys himself"
    assert b"mss_mailbox_certificates_ending 1.0" in site.gateway.metrics.render()


# evidence


def rows(site: Site, table: str) -> int:
    with site.gateway.database.read() as view:
        return int(view.sql(f"SELECT count(*) FROM {table}").scalar_one())


def keep(site: Site, message_ref: str) -> None:
    """Evidence of a message that nobody has, with an exhibit."""
    account_id, issuer = site.person(DUBOIS).account_id, b"issuer"

    def unit(tx: Transaction) -> None:
        kept = Evidence("valide", 1, b"signer", (issuer,))
        evidence.keep(tx, site.gateway.spool, account_id, message_ref, kept, {})

    site.gateway.database.write(unit)


def test_evidence_without_its_message_goes_after_a_week_and_its_exhibits_after_it(
    site: Site,
) -> None:
    keep(site, "gone")
    caretaker.sweep(site.gateway)
    site.clock.pass_by(GRACE_SECONDS - 60)
    caretaker.sweep(site.gateway)
    assert (rows(site, "verdict_evidence"), rows(site, "evidence_exhibits")) == (1, 1)
    site.clock.pass_by(61)
    caretaker.sweep(site.gateway)
    assert (rows(site, "verdict_evidence"), rows(site, "evidence_exhibits")) == (0, 1)
    # a message that is being prepared may still rest on it
    site.clock.pass_by(UNUSED_SECONDS + 1)
    caretaker.sweep(site.gateway)
    assert rows(site, "evidence_exhibits") == 0


def test_evidence_of_a_message_that_is_there_stays(site: Site) -> None:
    sent = site.submission(BERNARD, (DUBOIS, MARTIN), signed(site, simple(BERNARD)))
    submission.accept(site.gateway, sent)
    site.work()
    exhibits = rows(site, "evidence_exhibits")
    assert rows(site, "verdict_evidence") == 2 and exhibits
    for _ in range(3):
        site.clock.pass_by(10 * GRACE_SECONDS)
        caretaker.sweep(site.gateway)
    assert (rows(site, "verdict_evidence"), rows(site, "evidence_exhibits")) == (2, exhibits)


# the thread


class Rounds:
    """What is done in each round; raises what it is told."""

    def __init__(self) -> None:
        self.ran = threading.Semaphore(0)
        self.done: list[str] = []
        self.forgotten = 0
        self.looked_after = 0
        self.raised: list[Exception] = []
        self.forget_fails = False

    def renew(self, _gateway: object) -> None:
        self.done.append("renew")
        self.ran.release()
        if self.raised:
            raise self.raised.pop(0)

    def forget(self, _gateway: object) -> int:
        self.forgotten += 1
        if self.forget_fails:
            raise ZeroDivisionError("a bug")
        return 0

    def sweep(self, _gateway: object) -> None:
        self.done.append("sweep")

    def look_after(self, _gateway: object) -> None:
        self.looked_after += 1


@pytest.fixture
def rounds(monkeypatch: pytest.MonkeyPatch) -> Rounds:
    made = Rounds()
    monkeypatch.setattr(caretaker, "renew", made.renew)
    monkeypatch.setattr(retries, "forget", made.forget)
    monkeypatch.setattr(caretaker, "sweep", made.sweep)
    monkeypatch.setattr(export, "look_after", made.look_after)
    return made


@dataclass(frozen=True, slots=True)
class Counting:
    """What the thread itself wants of a gateway."""

    metrics: Metrics = field(default_factory=metrics.build)

    def failed(self, chore: str) -> float:
        return float(self.metrics.failed_chores.labels(chore)._value.get())


def started(seconds: float, gateway: Counting | None = None) -> Caretaker:
    made = Caretaker(gateway or Counting(), seconds)  # type: ignore[arg-type]
    made.start()
    return made


def ran(rounds: Rounds, times: int = 1) -> bool:
    return all(rounds.ran.acquire(timeout=10) for _ in range(times))


def test_the_first_round_runs_at_once_and_stopping_waits_for_no_other(rounds: Rounds) -> None:
    running = started(3_600)
    assert ran(rounds)
    running.stop()
    assert rounds.done == ["renew", "sweep"]
    assert rounds.forgotten == rounds.looked_after == 1
    assert not any(thread.name == "caretaker" for thread in threading.enumerate())


def test_one_sweep_for_many_rounds(rounds: Rounds) -> None:
    running = started(0.0)
    assert ran(rounds, 2 * ROUNDS_A_SWEEP + 1)
    running.stop()
    sweeps = [place for place, done in enumerate(rounds.done) if done == "sweep"]
    # after the first round, and after every 24th one
    assert sweeps[:2] == [1, ROUNDS_A_SWEEP + 2]


def test_a_round_that_fails_is_followed_by_others(rounds: Rounds) -> None:
    rounds.raised = [StoreUnavailable("busy"), ZeroDivisionError("a bug")]
    with structlog.testing.capture_logs() as logged:
        running = started(0.0)
        assert ran(rounds, 4)
        running.stop()
    told = [line for line in logged if line["event"] != "memory given back"]
    assert [(line["event"], line["stage"], line["error"]) for line in told] == [
        ("caretaking put off", "certificates", "StoreUnavailable"),
        ("caretaking", "certificates", "ZeroDivisionError"),
    ]


def test_a_chore_that_always_fails_keeps_no_other_from_being_done(rounds: Rounds) -> None:
    rounds.raised = [StoreUnavailable("busy")] * 10_000
    rounds.forget_fails = True
    gateway = Counting()
    running = started(3_600.0, gateway)
    assert ran(rounds)
    running.stop()
    assert rounds.done == ["renew", "sweep"]
    assert rounds.forgotten == rounds.looked_after == 1
    assert [gateway.failed(each) for each in ("certificates", "retries", "evidence")] == [1, 1, 0]


def test_the_memory_is_looked_at_between_two_rounds(
    rounds: Rounds, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = threading.Semaphore(0)

    def slack() -> int:
        looks.release()
        return 0

    monkeypatch.setattr(caretaker, "TRIM_SECONDS", 0.001)
    monkeypatch.setattr(trimming, "of_glibc", lambda: Trimming(slack, lambda: None))
    running = started(3_600.0)
    assert all(looks.acquire(timeout=10) for _ in range(5))
    running.stop()
    assert rounds.done == ["renew", "sweep"]


def test_a_store_that_failed_for_good_ends_it(rounds: Rounds) -> None:
    rounds.raised = [StoreFailed("gone")]
    running = started(0.0)
    assert ran(rounds)
    running._thread.join(10)
    assert not running._thread.is_alive()
    assert rounds.done == ["renew"]
    assert rounds.forgotten == 0


def test_stopping_before_the_start_is_no_mistake() -> None:
    Caretaker(None).stop()  # type: ignore[arg-type]
