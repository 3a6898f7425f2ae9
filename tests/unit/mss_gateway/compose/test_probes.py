"""What /live, /ready and /metrics rest on: each fault provoked, and told in its word."""

import asyncio
import io
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from certs.errors import CannotOpen, OpenReason
from mailbox_store import integrity
from mailbox_store.errors import StoreUnavailable
from mss_gateway.compose import measuring, probes
from mss_gateway.compose.probes import Around, Probes
from mss_gateway.directory.revocation_survey import Survey
from mss_gateway.life import submission
from mss_gateway.observability import space
from mss_gateway.observability.health import Fault
from mss_gateway.observability.heartbeat import Heartbeat
from tests.support import smtp_site
from tests.support.smtp_site import DUBOIS, MARTIN, Site, simple

DAY = 86_400.0


@dataclass
class Surroundings:
    """What the service would say of itself."""

    threads: frozenset[str] = frozenset({"store-writer"})
    is_draining: bool = False
    survey: Survey | None = None
    heartbeat: Heartbeat = field(default_factory=Heartbeat)

    def around(self) -> Around:
        return Around(
            self.heartbeat,
            lambda: self.threads,
            lambda: self.is_draining,
            lambda: self.survey,
            lambda: {"imap": 3, "webmail": 0},
        )


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setattr(measuring, "certificate_seconds", lambda gateway: 90 * DAY)
    monkeypatch.setattr(probes, "SKEW_SECONDS", 1e12)  # the site's clock stands still
    with smtp_site.open_site(tmp_path / "state") as opened:
        yield opened


@asynccontextmanager
async def probing(site: Site, told: Surroundings | None = None) -> AsyncIterator[Probes]:
    one = Probes(site.gateway, (told or Surroundings()).around())
    try:
        yield one
    finally:
        await one.close()


def words(faults: tuple[Fault, ...]) -> list[str]:
    return [one.value for one in faults]


async def test_a_service_that_is_well_is_ready_and_proves_it_by_a_commit(site: Site) -> None:
    before = site.gateway.database.commits
    async with probing(site) as one:
        found = await one.ready()
        assert (found.faults, found.remarks) == ((), ())
        assert found.measures["disk_free_octets"] > found.measures["disk_floor_octets"]
        assert site.gateway.database.commits == before + 1
        await one.ready()
        assert site.gateway.database.commits == before + 1, "the proof is a moment old"


async def test_a_store_that_hangs_is_told_within_the_time(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probes, "PATIENCE_SECONDS", 0.05)
    gate = asyncio.Event()
    async with probing(site) as one:
        monkeypatch.setattr(one, "_proof", probes.Asking(gate.wait, 1.0))
        assert words((await one.ready()).faults) == ["store-slow"]
        gate.set()
        assert (await one.ready()).faults == ()


async def test_a_store_that_takes_nothing_now_is_told(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_tx: object) -> None:
        raise StoreUnavailable("full")

    clock = site.gateway.queue_clock
    monkeypatch.setattr(type(clock), "keep", lambda self, tx: full(tx))
    async with probing(site) as one:
        assert words((await one.ready()).faults) == ["store-refuses"]


async def test_a_store_that_failed_for_good_is_told_at_once(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with probing(site) as one:
        monkeypatch.setattr(site.gateway.database, "_failed", True)
        assert words((await one.ready()).faults) == ["store-failed"]
        assert b"mss_store_failed 1.0" in await one.render()
    monkeypatch.undo()


async def test_a_drain_a_full_disk_another_schema_and_a_lost_key_are_told(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*_: object) -> None:
        raise CannotOpen(OpenReason.ALTERED)

    monkeypatch.setattr(space, "free", lambda folder: 0)
    monkeypatch.setattr(integrity, "schema", lambda view: ("0003", "0004"))
    monkeypatch.setattr(site.gateway.database.vault, "account", lost)
    async with probing(site, Surroundings(is_draining=True)) as one:
        found = await one.ready()
    assert set(words(found.faults)) == {"draining", "disk-low", "schema-other", "key-unusable"}
    monkeypatch.undo()


@pytest.mark.parametrize(
    ("days", "expected"), [(6.9, ["certificate-ends"]), (-1.0, ["certificate-ends"]), (7.1, [])]
)
async def test_a_certificate_that_ends_degrades(
    site: Site, monkeypatch: pytest.MonkeyPatch, days: float, expected: list[str]
) -> None:
    monkeypatch.setattr(measuring, "certificate_seconds", lambda gateway: days * DAY)
    async with probing(site) as one:
        found = await one.ready()
    assert (found.faults, words(found.remarks)) == ((), expected)


async def test_stale_revocation_and_a_clock_that_jumped_degrade(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probes, "SKEW_SECONDS", 7_000.0)
    monkeypatch.setattr(Survey, "stale", 2)
    told = Surroundings(survey=Survey((), 0, site.clock()))
    async with probing(site, told) as one:
        assert words((await one.ready()).remarks) == ["revocation-stale"]
        site.clock.pass_by(7_200.0)
        found = await one.ready()
    assert words(found.remarks) == ["clock-skewed", "revocation-stale"]
    assert found.faults == ()


async def test_a_thread_that_ended_is_not_alive(site: Site) -> None:
    async with probing(site, Surroundings(threads=frozenset({"store-writer", "lost"}))) as one:
        found = await one.live()
    assert words(found.faults) == ["thread-gone"]
    assert found.measures["threads_gone"] == 1


@pytest.mark.parametrize(("lag", "expected"), [(0.99, []), (1.0, ["loop-slow"])])
async def test_a_loop_that_is_late_is_not_alive(
    site: Site, lag: float, expected: list[str]
) -> None:
    told = Surroundings()
    told.heartbeat._last = lag
    async with probing(site, told) as one:
        assert words((await one.live()).faults) == expected


async def test_what_is_measured_is_in_the_scrape(site: Site) -> None:
    async with probing(site) as one:
        site.gateway.database.write(lambda tx: None)
        scrape = (await one.render()).decode()
    for name in (
        "mss_server_certificate_days 90.0",
        'mss_connections{protocol="imap"} 3.0',
        "mss_store_failed 0.0",
        "mss_store_failed_commits 0.0",
        "mss_disk_floor_octets 6.7108864e+07",
    ):
        assert name in scrape
    for gauge in ("mss_open_files", "mss_threads", "mss_disk_free_octets"):
        (value,) = [each for each in scrape.splitlines() if each.startswith(f"{gauge} ")]
        assert float(value.split()[1]) > 0


async def test_the_queue_is_told_by_state_and_stage_and_forgotten_when_it_is_empty(
    site: Site,
) -> None:
    submission.accept(site.gateway, site.submission(MARTIN, (DUBOIS,), simple()))
    site.clock.pass_by(100.0)
    async with probing(site) as one:
        scrape = (await one.render()).decode()
        assert 'mss_queue_items{stage="deliver",state="due"} 1.0' in scrape
        (aged,) = [each for each in scrape.splitlines() if each.startswith("mss_queue_oldest")]
        assert 99.0 <= float(aged.split()[1]) <= 110.0
        site.work()
        assert "mss_queue_items{" not in (await one.render()).decode()


def test_logs_hold_nothing_of_a_probe(site: Site) -> None:
    assert isinstance(site.logged, io.StringIO)
    assert site.logged.getvalue() == ""
