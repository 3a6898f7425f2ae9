"""Many messages and many destinations: none starves another, and who is dead costs little."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import uvloop

from mss_gateway.smtp import carrier
from tests.support.foreign_smtp import Act, foreign_server
from tests.support.peer_site import DOMAIN, GARNIER, MOREL, THIRD
from tests.support.relay_site import RelaySite, foreign, relay_site, server_side, serving
from tests.support.smtp_site import until

ELSEWHERE = f"jean.petit@{THIRD}"


@pytest.fixture
def relaying(tmp_path: Path) -> Iterator[RelaySite]:
    with relay_site(tmp_path / "site") as found:
        found.knows(ELSEWHERE)
        yield found


def many(here: RelaySite, count: int, address: str = GARNIER) -> None:
    """A backlog."""
    for _ in range(count):
        here.submit(address)


def by_one(here: RelaySite, sessions: int = 1) -> RelaySite:
    """The site with so many sessions per destination."""
    config = here.site.gateway.config
    relay = replace(config.relay, connections_per_destination=sessions)
    return here.with_config(replace(config, relay=relay))


async def test_who_is_dead_costs_one_attempt_per_interval(relaying: RelaySite) -> None:
    async with foreign(relaying, {"greeting": Act.DROP}) as (here, server):
        many(here, 12)
        for number in range(1, 5):
            await here.carry()
            assert server.sessions == number
            assert sum(line.attempts for line in here.lines()) == number
            (destination,) = here.destinations()
            assert destination.failures == number
            await here.carry()  # closed: nobody is called
            assert server.sessions == number
            here.later(120)
        server.follow({})
        await here.carry()
        assert here.lines() == []
        assert len(server.bodies) == 12


async def test_a_probe_is_one_item_and_then_all_may_go(relaying: RelaySite) -> None:
    async with foreign(relaying, {"MAIL": [Act.DROP] * 3}) as (here, server):
        here = by_one(here)
        many(here, 6)
        await here.carry()
        # three sessions that broke: the destination need not be at fault, but it rests
        assert server.sessions == 3
        assert sorted(line.attempts for line in here.lines()) == [0, 0, 0, 1, 1, 1]
        here.later(60)
        await here.carry()
        assert here.lines() == []
        assert server.sessions == 4


async def test_an_operator_that_defers_everything_is_not_asked_without_end(
    relaying: RelaySite,
) -> None:
    async with foreign(relaying, {"RCPT": b"451 4.3.0 busy\r\n"}) as (here, server):
        here = by_one(here)
        many(here, carrier.STRIKES + 5)
        await here.carry()
        asked = [command for command in server.commands if command.startswith("RCPT")]
        assert len(asked) == carrier.STRIKES
        assert here.destinations()[0].last_failure == "peer_defers"


async def test_many_messages_go_by_several_sessions_and_no_more(relaying: RelaySite) -> None:
    async with foreign(relaying) as (here, server):
        here = by_one(here, 3)
        many(here, 40)
        await here.carry()
        assert here.lines() == []
        assert len(server.bodies) == 40
        assert 2 <= server.most_at_once <= 3


async def test_a_slow_operator_holds_up_nobody_else(relaying: RelaySite) -> None:
    tls = server_side(serving(f"mx.{THIRD}"))
    async with foreign(relaying, {"greeting": Act.HANG}) as (_, slow), foreign_server(tls) as quick:
        here = relaying.routed(f"{DOMAIN} 127.0.0.1:{slow.port}", f"{THIRD} 127.0.0.1:{quick.port}")
        many(here, 3)
        many(here, 3, ELSEWHERE)
        async with here.carrying(drain=0.0):
            # taken, and known to be
            await until(lambda: len(quick.bodies) == 3 and len(here.lines()) == 3)
            assert slow.sessions == 1
        assert [line.attempts for line in here.lines()] == [0, 0, 0]
        assert {line.state for line in here.lines()} == {"due"}


async def test_what_is_being_sent_ends_before_the_courier_does(relaying: RelaySite) -> None:
    async with foreign(relaying) as (here, server):
        here = by_one(here)
        many(here, 30)
        async with here.carrying():
            await until(lambda: bool(server.bodies))
        taken = len(server.bodies)
        assert len(here.lines()) == 30 - taken
        assert here.attempts_kept() == 0
        assert 0 < taken < 30
        await here.carry()
        assert len(server.bodies) == 30
        assert len({body.wire for body in server.bodies}) == 30


async def test_a_courier_that_is_woken_looks_at_once(relaying: RelaySite) -> None:
    async with foreign(relaying) as (here, server), here.carrying() as courier:
        await asyncio.sleep(0)
        here.submit(GARNIER)
        await asyncio.get_running_loop().run_in_executor(None, courier.wake)
        await until(lambda: len(server.bodies) == 1)


async def test_a_courier_that_was_not_woken_finds_it_all_the_same(relaying: RelaySite) -> None:
    async with foreign(relaying) as (here, server), here.carrying():
        here.submit(GARNIER)
        await until(lambda: len(server.bodies) == 1)


async def test_one_message_that_cannot_be_made_ready_holds_up_nobody_else(
    relaying: RelaySite,
) -> None:
    async with foreign(relaying) as (here, server):
        here.submit(GARNIER)
        here.submit(MOREL)
        here.site.execute("DELETE FROM correspondents")
        here.knows(MOREL)
        await here.carry()
        assert [taken.rcpt for taken in server.bodies] == [f"RCPT TO:<{MOREL}>"]
        (line,) = here.lines()
        assert line.last_failure == "no_certificate_for_recipient"
        here.knows(GARNIER)
        here.later()
        await here.carry()
        assert here.lines() == []


def test_all_of_it_runs_on_the_loop_of_the_service(relaying: RelaySite) -> None:
    """STARTTLS and flow control are not the same code there."""

    async def relay_once() -> None:
        async with foreign(relaying, {"dot": [Act.DROP]}) as (here, server):
            here.submit(GARNIER)
            await here.carry()
            here.later()
            await here.carry()
            assert here.lines() == []
            assert server.bodies[0] == server.bodies[1]
            assert type(asyncio.get_running_loop()).__module__.startswith("uvloop")

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(relay_once())
