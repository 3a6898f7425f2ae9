"""A result that cannot be written: the item is tried again later and then held, once sent or not;
what waits behind it for the same operator is not held up."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mss_gateway.life import exchanges, report
from mss_gateway.queue import stumbles
from mss_gateway.smtp import client
from tests.support.foreign_smtp import Script
from tests.support.peer_site import GARNIER, MOREL, REMOTE_PATIENT
from tests.support.relay_site import RelaySite, foreign, relay_site

DAY = 86_400


@pytest.fixture
def relaying(tmp_path: Path) -> Iterator[RelaySite]:
    with relay_site(tmp_path / "site") as found:
        yield found


def raises(*_: Any, **__: Any) -> None:
    raise RuntimeError("secret")


REFUSES_MOREL: Script = {"RCPT": [b"550 5.1.1 no\r\n"]}


async def test_a_refusal_that_cannot_be_reported_holds_nobody_else_up(
    relaying: RelaySite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "about", raises)
    async with foreign(relaying, REFUSES_MOREL) as (here, server):
        refused = here.submit(MOREL)
        here.submit(GARNIER)
        await here.carry()
        assert [taken.rcpt for taken in server.bodies] == [f"RCPT TO:<{GARNIER}>"]
        (line,) = here.lines()
        assert (line.message_ref, line.last_failure) == (refused, f"{stumbles.UNREPORTED}:1")
        for count in range(2, stumbles.TRIES + 1):
            here.later(5 * 3600)
            server.follow(REFUSES_MOREL)
            await here.carry()
            (line,) = here.lines()
            assert line.state == ("due" if count < stumbles.TRIES else "held")
        assert line.last_failure == stumbles.UNREPORTED
        here.later(DAY)
        asked = len(server.commands)
        await here.carry()
        assert len(server.commands) == asked


async def test_a_word_of_success_that_cannot_be_written_is_passed_over(
    relaying: RelaySite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "about", raises)
    async with foreign(relaying) as (here, server):
        here.submit(GARNIER)
        await here.carry()
        assert here.lines() == []
        assert len(server.bodies) == 1


async def test_what_was_taken_and_cannot_be_settled_is_sent_the_same_and_then_held(
    relaying: RelaySite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchanges, "apply", raises)
    async with foreign(relaying) as (here, server):
        here.submit(REMOTE_PATIENT)
        for _ in range(stumbles.TRIES + 2):
            await here.carry()
            here.later(3 * 3600)
        (line,) = here.lines()
        assert (line.state, line.last_failure) == ("held", stumbles.UNREPORTED)
        assert len(server.bodies) == stumbles.TRIES
        # the other side knows it again each time
        assert len({taken.wire for taken in server.bodies}) == 1
        assert here.attempts_kept() == 1


async def test_a_failure_of_ours_in_the_middle_costs_an_attempt_and_stays_in_doubt(
    relaying: RelaySite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client.offers, "mail_argument", raises)
    async with foreign(relaying) as (here, server):
        here.submit(GARNIER)
        await here.carry()
        (line,) = here.lines()
        assert (line.state, line.last_failure, line.attempts) == ("due", "bug", 1)
        assert here.attempts_kept() == 1
        monkeypatch.undo()
        here.later()
        await here.carry()
        assert here.lines() == []
        assert len(server.bodies) == 1
