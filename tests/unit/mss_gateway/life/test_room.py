"""Room for new mail: the floor of the configuration at its edge, and what is told of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mss_gateway.failures import Failure, Refused
from mss_gateway.life import room
from mss_gateway.observability import space
from tests.support import smtp_site
from tests.support.smtp_site import LIMITS, Site

FLOOR = LIMITS.free_octets


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with smtp_site.open_site(tmp_path / "state") as opened:
        yield opened


@pytest.mark.parametrize(("free", "has_room"), [(FLOOR - 1, False), (FLOOR, True)])
def test_below_the_floor_there_is_no_room(
    site: Site, monkeypatch: pytest.MonkeyPatch, free: int, has_room: bool
) -> None:
    monkeypatch.setattr(space, "free", lambda folder: free)
    assert room.has_room(site.gateway) is has_room


def test_what_is_refused_is_counted_and_not_written(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(space, "free", lambda folder: 0)
    before = site.gateway.database.commits
    with pytest.raises(Refused) as refused:
        room.demand(site.gateway, "submission")
    assert refused.value.failure is Failure.DISK_FULL
    told = site.gateway.metrics.render().decode()
    assert 'mss_refusals_total{channel="submission",failure="disk_full"} 1.0' in told
    assert site.gateway.database.commits == before


def test_a_disk_that_does_not_answer_is_left_to_the_store(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(_folder: Path) -> int:
        raise OSError

    monkeypatch.setattr(space, "free", gone)
    room.demand(site.gateway, "submission")
