"""The SMTP works: a shape of submission, and what one run of it cost a server, whoever it is.

A run ends when its last message is in its recipient's mailbox. CPU is the server's until then, all
its processes; ``cpu_ms_at_rest`` is what it had used once it did nothing any more. Ours keeps no
text index here, which others have none of, but in the row that says so.
"""

import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from mss_gateway import compose
from tests.bench import imap_works, serving
from tests.bench.imap_client import Target
from tests.bench.imap_load import settle
from tests.bench.measuring import per_second, spread
from tests.bench.metering import meter
from tests.bench.served import Server, Site, loading, said, say

OURS = "ours"
PEOPLE = serving.AUTHORS
"""Who writes, and whom to: each connection as another one of them."""

DELIVERY_SECONDS = 300.0
"""Until the last message must be in its mailbox."""

_POLL_SECONDS = 0.02
_numbers = count()


@dataclass(frozen=True, slots=True)
class Shape:
    """How messages are handed in. ``goal``: of ours, as a share of what the peer's CPU is."""

    name: str
    octets: int
    connections: int
    count: int
    goal: float | None = None
    one_each: bool = False
    """Each message on a TLS connection of its own."""

    pipelined: bool = False
    is_filtered: bool = False
    """Beside the peer that signs and encrypts too, by its filter."""

    is_indexed: bool = False
    """Ours keeps its text index, and the work that this leaves behind is waited for."""

    rate_goal: float | None = None
    """Of ours, as a multiple of the peer's rate until the last message is in its mailbox."""


_KB = 1024
SHAPES = (
    *(Shape("submit 10 KB", 10 * _KB, number, 1000, 0.7) for number in (1, 8, 32)),
    *(Shape("submit 200 KB", 200 * _KB, number, 320, 0.8) for number in (1, 8, 32)),
    # Postfix greets 40 ms after the handshake: one client is given fewer
    Shape("submit 10 KB, TLS each", 10 * _KB, 1, 128, 0.7, one_each=True),
    *(Shape("submit 10 KB, TLS each", 10 * _KB, n, 480, 0.7, one_each=True) for n in (8, 32)),
    Shape("submit 10 KB, indexed", 10 * _KB, 8, 1000, is_indexed=True),
    Shape("submit 10 KB, filter", 10 * _KB, 8, 320, 1 / 15, is_filtered=True, rate_goal=10.0),
)
PIPELINED = (
    Shape("submit 10 KB, pipelined", 10 * _KB, 8, 1000, pipelined=True),
    Shape("submit 200 KB, pipelined", 200 * _KB, 8, 320, pipelined=True),
)
"""Ours alone."""


@dataclass(frozen=True, slots=True)
class Submitted:
    """A server that is handed messages, and how to count those that are in a mailbox."""

    target: Target
    placed: Callable[[], int]


@contextmanager
def ours(site: Site, *, is_indexed: bool = False) -> Iterator[tuple[Submitted, Server]]:
    """Our service on a fresh copy of the site's state, its CPU counted."""
    with (
        meter(f"submission{next(_numbers)}") as counted,
        site.serve(counted=counted, is_indexed=is_indexed) as server,
    ):
        port = server.ports["submission"]
        target = Target(OURS, port, server.ca_file, serving.PASSWORD, counted)
        yield Submitted(target, lambda: entries(server.state)), server


def entries(state: Path) -> int:
    """Messages in all mailboxes of a state that is served."""
    path = state / compose.STORE_FILE
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as store:
        found: int = store.execute("SELECT count(*) FROM entries").fetchone()[0]
        return found


def turns(shape: Shape, share: float) -> int:
    """How many messages when only ``share`` of the full load is wanted: one each at least."""
    return max(shape.connections, int(shape.count * share))


def once(
    server: Submitted, shape: Shape, messages: int, *, at_work: Callable[[], None] | None = None
) -> dict[str, Any]:
    """Hand in and wait; operations, seconds, CPU. ``at_work`` is called when all is ready."""
    counted, before = server.target.meter, server.placed()
    with loading("ready", _task(server.target, shape, messages)) as client:
        _await(server, before + shape.connections)  # each connection has sent one to warm up
        if at_work is not None:
            at_work()
        spent, started = counted.cpu_seconds(), time.perf_counter()
        say(client, "go")
        report: dict[str, Any] = json.loads(said(client))
        _await(server, before + shape.connections + report["operations"])
        report["seconds"] = time.perf_counter() - started
        report["cpu_seconds"] = counted.cpu_seconds() - spent
    time.sleep(imap_works.AFTER_SECONDS if shape.is_indexed else 0.0)
    settle(server.target)
    report["cpu_seconds_at_rest"] = counted.cpu_seconds() - spent
    return report


def row(shape: Shape, name: str, runs: list[dict[str, Any]]) -> dict[str, Any]:
    """What the runs came to."""
    rates = [each["operations"] / each["seconds"] for each in runs]
    at_rest = [each["cpu_seconds_at_rest"] / each["operations"] * 1000 for each in runs]
    return {
        "work": shape.name,
        "server": name,
        "connections": shape.connections,
        **per_second(runs),
        "rate": spread(rates, 1),
        "cpu_ms_at_rest": spread(at_rest),
        "messages": runs[0]["operations"],
    }


def alone(site: Site, runs: int, share: float) -> Iterator[dict[str, Any]]:
    """Every shape on our server, which keeps what earlier ones brought."""
    for is_indexed in (False, True):
        with ours(site, is_indexed=is_indexed) as (server, _):
            for shape in (*SHAPES, *PIPELINED):
                if shape.is_indexed is is_indexed and not shape.is_filtered:
                    messages = turns(shape, share)
                    yield row(shape, OURS, [once(server, shape, messages) for _ in range(runs)])


def _task(target: Target, shape: Shape, messages: int) -> dict[str, Any]:
    return {
        "work": "run",
        "protocol": "submission",
        "port": target.port,
        "ca_file": target.ca_file,
        "password": target.password,
        "logins": list(PEOPLE),
        "recipients": list(PEOPLE),
        "octets": shape.octets,
        "connections": shape.connections,
        "operations": messages,
        "one_each": shape.one_each,
        "pipelined": shape.pipelined,
    }


def _await(server: Submitted, wanted: int) -> None:
    ends = time.monotonic() + DELIVERY_SECONDS
    while (placed := server.placed()) < wanted:
        if time.monotonic() > ends:
            raise TimeoutError(f"{server.target.name}: {placed} of {wanted} are in a mailbox")
        time.sleep(_POLL_SECONDS)
