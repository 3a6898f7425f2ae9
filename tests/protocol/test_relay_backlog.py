"""A peer that is down for days and comes back: what could wait is drained, the rest is reported."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from mss_gateway.config import Limits
from tests.support.peer_site import DOMAIN, GARNIER, MOREL, PATIENTS, bring_list
from tests.support.relay_site import RelaySite, foreign, relay_site
from tests.support.smtp_site import MARTIN

TOO_LONG, IN_TIME = 150, 40
"""Messages handed in before, each for two; those of five days ago are given up."""
DAY = 86_400


@pytest.fixture
def relaying(tmp_path: Path) -> Iterator[RelaySite]:
    with relay_site(tmp_path, Limits()) as one:
        yield one


def told(here: RelaySite) -> Counter[tuple[bytes, bytes]]:
    """What the author was told: action and recipient of each report."""
    here.site.work()
    found: Counter[tuple[bytes, bytes]] = Counter()
    for raw in here.site.kept(MARTIN):
        action = re.search(rb"^Action: (\w+)", raw, re.MULTILINE)
        about = re.findall(rb"^Final-Recipient: rfc822; ?(\S+)", raw, re.MULTILINE)
        assert action is not None, raw[:500]
        found.update((action[1], one) for one in about)
    return found


async def test_a_peer_that_was_down_gets_what_still_waits_and_the_rest_is_reported_once(
    relaying: RelaySite,
) -> None:
    down = relaying.routed(f"{DOMAIN} 127.0.0.1:1")
    for _ in range(TOO_LONG):
        down.submit(GARNIER, MOREL)
    await down.carry(lambda: any(each.failures for each in down.destinations()))
    # a probe and no more: the others were not even claimed
    assert sum(line.attempts for line in down.lines()) <= 8
    down.later(5 * DAY)
    bring_list(down.site, DOMAIN, PATIENTS)  # the white list of five days ago is stale
    for _ in range(IN_TIME):
        down.submit(GARNIER, MOREL)
    given_up = told(down)
    assert given_up == Counter({(b"failed", one.encode()): TOO_LONG for one in (GARNIER, MOREL)})
    assert len(down.lines()) == 2 * IN_TIME
    async with foreign(down) as (here, server):
        await here.carry(lambda: not here.lines())
    assert len(server.bodies) == 2 * IN_TIME
    assert Counter(taken.rcpt.partition(">")[0] for taken in server.bodies) == {
        f"RCPT TO:<{one}": IN_TIME for one in (GARNIER, MOREL)
    }
    assert told(here) == given_up, "told once, and only of what was given up"
