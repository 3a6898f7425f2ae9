"""What leaves waits while our own certificate is good no more, and leaves with the next one.

A peer would refuse it for good, and authors would hear of a fault that is ours.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from certs.certificate import Certificate
from mss_gateway.smtp import trip
from tests.support import peer_site
from tests.support.foreign_smtp import Taken
from tests.support.peer_site import GARNIER, MOREL, shown
from tests.support.people import DOMAIN
from tests.support.relay_site import RelaySite, foreign, is_idle, relay_site
from tests.support.smtp_site import MARTIN, until

OURS = f"mx.{DOMAIN}"
NO_MORE = '"event": "own certificate is good no more"'


@pytest.fixture
def relaying(tmp_path: Path) -> Iterator[RelaySite]:
    with relay_site(tmp_path / "site") as found:
        yield found


def revoked(here: RelaySite) -> Certificate:
    gateway, own = here.site.gateway, shown(OURS).certificate
    peer_site.publish(gateway.config, gateway.now(), own)
    return own


def ended(here: RelaySite) -> Certificate:
    own = shown(OURS, days=11).certificate
    gateway = here.site.gateway
    here.later((own.not_valid_after_utc - gateway.now()) / timedelta(seconds=1) + 1)
    peer_site.bring_list(here.site, peer_site.DOMAIN, peer_site.PATIENTS)
    return own


@pytest.mark.parametrize("fault", [revoked, ended])
async def test_what_leaves_waits_for_another_certificate(
    relaying: RelaySite, fault: Callable[[RelaySite], Certificate]
) -> None:
    async with foreign(relaying) as (here, server):
        own = fault(here)
        for address in (GARNIER, MOREL, GARNIER):
            here.submit(address)
        async with here.carrying() as courier:
            courier.shows(own)
            await until(lambda: bool(here.destinations()) and here.settled() and is_idle(courier))
            assert server.sessions == 0
            assert {line.state for line in here.lines()} == {"due"}
            # one item says it for all
            assert sorted(line.attempts for line in here.lines()) == [0, 0, 1]
            assert {line.last_failure for line in here.lines()} == {None, "own_certificate"}
            assert [one.last_failure for one in here.destinations()] == ["own_certificate"]
            assert NO_MORE in here.site.logged.getvalue()
            courier.shows(shown(f"mx2.{DOMAIN}").certificate)
            await until(lambda: here.lines() == [])
        assert len(server.bodies) == 3
        assert here.destinations() == []
    here.site.work()
    assert here.site.kept(MARTIN) == []


class Telling(list[Taken]):
    """Bodies that were taken; ``told`` is called with the first one."""

    def __init__(self, told: Callable[[], None]) -> None:
        super().__init__()
        self.told = told

    def append(self, taken: Taken) -> None:
        super().append(taken)
        if len(self) == 1:
            self.told()


async def test_a_session_that_showed_the_former_certificate_is_left(relaying: RelaySite) -> None:
    async with foreign(relaying) as (here, server):
        config = here.site.gateway.config
        one_session = replace(config.relay, connections_per_destination=1)
        here = here.with_config(replace(config, relay=one_session))
        former, other = (shown(f"mx{number}.{DOMAIN}").certificate for number in (2, 3))
        for _ in range(trip.BATCH + 1):
            here.submit(GARNIER)
        async with here.carrying() as courier:
            courier.shows(former)
            server.bodies = Telling(lambda: courier.shows(other))
            await until(lambda: here.lines() == [])
        assert server.sessions == 2
        assert len(server.bodies) == trip.BATCH + 1
