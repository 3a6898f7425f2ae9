"""How many connections one address may have: a /64 is one, as one IPv4 address is."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mss_gateway.smtp.server import Listeners, SubmissionServer
from tests.support.smtp_site import LIMITS, open_site


@dataclass(frozen=True, slots=True)
class Caller:
    """As much of a connection as is counted."""

    peer_address: str
    number: int
    channel: str = "submission"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Listeners]:
    with open_site(tmp_path / "state") as site:
        yield SubmissionServer(site.gateway, site.tls())


@pytest.mark.parametrize(
    ("addresses", "neighbour"),
    [
        (lambda number: f"2001:db8:1:2::{number:x}", "2001:db8:1:3::1"),
        (lambda number: f"2001:db8:1:2:{number:x}::1", "2001:db8:1:1:ffff::1"),
        (lambda number: "192.0.2.7", "192.0.2.8"),
        (lambda number: "::ffff:192.0.2.7" if number % 2 else "192.0.2.7", "::ffff:192.0.2.8"),
    ],
)
def test_a_subscriber_has_so_many_connections_whatever_address_each_comes_from(
    addresses: Any, neighbour: str, server: Any
) -> None:
    callers = [Caller(addresses(n), n) for n in range(LIMITS.connections_per_address + 1)]
    assert [server._opened(one) for one in callers] == [True] * (len(callers) - 1) + [False]
    assert server._opened(Caller(neighbour, 99))
    for one in (callers[-1], callers[0], Caller(neighbour, 99)):
        server._closed(one)
    assert server._opened(Caller(addresses(98), 98))
    for one in (*callers[1:-1], Caller(addresses(98), 98)):
        server._closed(one)
    assert not server._peers and not server._sessions
