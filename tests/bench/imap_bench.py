"""The IMAP works on our server: alone, for `make bench`, and what a comparison has in common."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import count
from typing import Any

from tests.bench import imap_load, imap_works, serving
from tests.bench.imap_client import Target
from tests.bench.imap_load import Run
from tests.bench.imap_works import CPU_US, Work
from tests.bench.measuring import spread
from tests.bench.metering import meter
from tests.bench.served import Site

OURS = "ours"

_started = count()

Start = Callable[[], AbstractContextManager[Target]]
"""Starts another server of the same kind, on a state of its own."""


@contextmanager
def ours(site: Site, *, hold: bool = False, sample: str = "") -> Iterator[Target]:
    """Our server on a fresh copy of the site's state, its CPU counted.

    ``hold``: nothing is indexed, so that what is appended costs what it costs until the answer.
    """
    with (
        meter(f"{OURS}{next(_started)}") as counted,
        site.serve(hold=hold, counted=counted, sample=sample) as server,
    ):
        yield Target(OURS, server.ports["imap"], server.ca_file, serving.PASSWORD, counted)


def turns(work: Work, share: float) -> int:
    """How many operations of ``work`` when only ``share`` of the full load is wanted."""
    return max(min(work.count, work.least()), int(work.count * share))


def alone(
    target: Target, start: Start, runs: int, share: float, mailbox: int
) -> Iterator[dict[str, Any]]:
    """Every work, some runs of it, on a server whose reader was given so many letters."""
    for work in imap_works.WORKS:
        for connections in work.connections:
            times = turns(work, share)
            done = [once(work, target, start, times, connections) for _ in range(runs)]
            yield row(work, target.name, connections, mailbox, done)


def once(work: Work, target: Target, start: Start, times: int, connections: int) -> Run:
    """One run of ``work``: on the server that runs, or on one that is started for it."""
    if not work.is_fresh:
        return work.measure(target, times, connections)
    with start() as fresh:
        return work.measure(fresh, times, connections)


def first_log_ins(site: Site, runs: int) -> dict[str, Any]:
    """The first sign-in since the server started: with the whole cost of the password's hash."""
    spent = []
    for _ in range(runs):
        with ours(site) as target:
            done = imap_load.first_log_in(target, serving.READER)
            spent.append(done.cpu_seconds * 1e6)
    return {"work": "first login", "server": OURS, "cpu_us": spread(spent, 1)}


def row(work: Work, server: str, connections: int, mailbox: int, done: list[Run]) -> dict[str, Any]:
    """What the runs came to: the figure that is compared first."""
    values = [work.value(each, mailbox) for each in done]
    spent = [each.cpu_seconds / each.operations * 1e6 for each in done]
    each_second = [each.operations / each.seconds for each in done]
    return {
        "work": work.name,
        "server": server,
        "connections": connections,
        "mailbox": mailbox,
        work.compared: spread(values, 3),
        "per": "message" if work.per_message else "operation",
        **({} if work.compared == CPU_US else {"cpu_us_of_an_operation": spread(spent, 1)}),
        "operations_per_second": spread(each_second, 1),
        "p50_ms": spread([each.delay_ms(0.5) for each in done]),
        "p99_ms_of_all": spread([each.delay_ms(0.99) for each in done]),
        "found": sorted({each.found for each in done}),
        "octets": done[-1].octets,
        "resumed": sorted({each.resumed for each in done}),
        "runs": len(done),
    }
