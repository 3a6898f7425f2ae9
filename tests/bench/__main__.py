"""`make bench`: one JSON object per benchmark on standard output.

    make bench                                      everything, about forty minutes
    make bench ARGS="--quick"                       a tenth of the work
    make bench ARGS="submit stages --runs 5"        some of it, with more runs
    make bench ARGS="where list store"              which functions the CPU of IMAP works goes to
    make bench-peers                                beside Dovecot and Postfix (peers.py)

CPU is the server process's (threads and children), read from the kernel's exact clock. The load
runs in a process of its own, that of IMAP in this one. Every figure is the median of the runs, with
the range beside it: on a shared machine a single run says little. The ``calibration`` line tells
how fast the machine is just then; compare two builds only by alternating runs on one machine.
"""

import argparse
import json
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tests.bench import (
    backlog,
    calibrating,
    cms,
    flushes,
    imap_bench,
    imap_works,
    indexing,
    peers,
    records,
    serving,
    slow,
    smtp_bench,
    stages,
    sweep,
    web,
    where,
)
from tests.bench.letters import SIZES
from tests.bench.measuring import cpu_seconds, idle_octets, per_second, spread
from tests.bench.served import Server, Site

CONNECTIONS = (1, 8, 32)
IDLE_CONNECTIONS = 150


@dataclass(frozen=True, slots=True)
class Plan:
    """How much to do."""

    runs: int
    share: float
    mailbox: int

    def count(self, full: int) -> int:
        """``full``, or its share of it when short."""
        return max(32, int(full * self.share))


Rows = Iterator[dict[str, Any]]


def calibration(_site: Site, _plan: Plan) -> Rows:
    """How fast this machine is now."""
    yield calibrating.figures()


def stage_costs(_site: Site, plan: Plan) -> Rows:
    """CPU of each stage of one submission, in this process, without the wire."""
    for name, octets in SIZES.items():
        with tempfile.TemporaryDirectory() as folder:
            count = plan.count(2000 if octets < 100_000 else 500)
            costs = stages.measure(Path(folder), octets, count)
        yield {
            "size": name,
            "group": stages.GROUP,
            "cpu_us": {stage: cost.as_row() for stage, cost in costs.items()},
        }


def start_up(site: Site, plan: Plan) -> Rows:
    """From the start of the process until every port answers, on a state that exists."""
    seconds, cpu = [], []
    for _ in range(plan.runs):
        with site.serve() as server:
            seconds.append(server.start_seconds)
            cpu.append(server.start_cpu_seconds)
    yield {"seconds": spread(seconds), "cpu_seconds": spread(cpu)}


def submit(site: Site, plan: Plan) -> Rows:
    """Until 250 (the queue waits), then the same messages delivered from the queue."""
    for name, octets in SIZES.items():
        for connections in CONNECTIONS:
            accepted, delivered = [], []
            for _ in range(plan.runs):
                with site.serve(hold=True) as server:
                    count = plan.count(800 if octets < 100_000 else 320)
                    accepted.append(server.load(**_letters(octets, connections, count)))
                    delivered.append(server.drain(release=True) | {"p50_ms": 0, "p99_ms": 0})
            shape = {"size": name, "connections": connections}
            yield shape | {"part": "until 250"} | per_second(accepted)
            beside = per_second(delivered)
            del beside["p50_ms"], beside["p99_ms"]
            yield shape | {"part": "delivered from the queue, beside it"} | beside


def submit_through(site: Site, plan: Plan) -> Rows:
    """Accepted while the queue delivers, until every message is in its mailbox."""
    yield from smtp_bench.alone(site, plan.runs, plan.share)


def flushes_each(site: Site, plan: Plan) -> Rows:
    """How often the disk is told to flush, per message."""
    yield from flushes.rows(site, plan.share)


def imap(site: Site, plan: Plan) -> Rows:
    """What a mail client does, on a large mailbox, and what it costs the server."""
    yield imap_bench.first_log_ins(site, plan.runs)
    start = partial(imap_bench.ours, site, hold=True)
    with imap_bench.ours(site) as target:
        imap_works.fill(target, plan.mailbox)
        yield from imap_bench.alone(target, start, plan.runs, plan.share, plan.mailbox)


def indexing_costs(_site: Site, plan: Plan) -> Rows:
    """The text index, per message, in this process."""
    yield from indexing.rows(plan.runs, plan.count(2000))


def imap_sizes(site: Site, plan: Plan) -> Rows:
    """The same commands in a small mailbox and in a very large one."""
    large = int(sweep.SIZES[-1] * plan.share)
    yield from sweep.sweep(site, plan.runs, plan.share, (sweep.SIZES[0], large))


def sign_in(site: Site, plan: Plan) -> Rows:
    """TLS handshake, greeting and LOGIN: the password was right a moment ago, as it mostly is."""
    with site.serve() as server:
        for protocol in ("imap", "submission"):
            runs = []
            for _ in range(plan.runs + 1):
                runs.append(_connecting(server, protocol, plan.count(100)))
            cpu = [run["cpu_seconds"] / run["connections"] * 1000 for run in runs[1:]]
            yield {"protocol": protocol, "cpu_ms": spread(cpu)}


def idle(site: Site, plan: Plan) -> Rows:
    """Memory of the server per connection that is signed in and does nothing."""
    connections = plan.count(IDLE_CONNECTIONS)
    for protocol in ("imap", "submission"):
        with site.serve() as server:
            with server.loading("idle", **_idle(protocol, 4)):
                pass  # what the first ones load stays, and is not counted
            before = idle_octets(server.pid)
            with server.loading("idle", **_idle(protocol, connections)):
                grown = idle_octets(server.pid) - before
        yield {
            "protocol": protocol,
            "connections": connections,
            "octets_per_connection": grown // connections,
        }


def webmail(site: Site, plan: Plan) -> Rows:
    """The patient's pages, signed in, connection kept."""
    yield from web.pages(site, plan.runs, plan.count(300), CONNECTIONS)


def patients_pages(_site: Site, plan: Plan) -> Rows:
    """Record and inbox with ten, a thousand and a hundred thousand; filing an archive."""
    yield from records.rows(plan.runs, plan.share)


def smime(_site: Site, plan: Plan) -> Rows:
    """Sign, verify, seal, open, beside the bare primitives; memory; the timing of failures."""
    yield from cms.rows(plan.runs, plan.share)


def backlogs(_site: Site, plan: Plan) -> Rows:
    """The queue with little and with much in it."""
    with tempfile.TemporaryDirectory() as folder:
        yield from backlog.rows(Path(folder), plan.runs, plan.count(backlog.MANY))


def slow_connections(_site: Site, plan: Plan) -> Rows:
    """Somebody honest beside three thousand who give nothing."""
    with tempfile.TemporaryDirectory() as folder:
        yield from slow.rows(Path(folder), plan.share)


BENCHMARKS: dict[str, Callable[[Site, Plan], Rows]] = {
    "backlog": backlogs,
    "calibration": calibration,
    "cms": smime,
    "stages": stage_costs,
    "start-up": start_up,
    "submit": submit,
    "submit-through": submit_through,
    "flushes": flushes_each,
    "imap": imap,
    "imap-sizes": imap_sizes,
    "indexing": indexing_costs,
    "sign-in": sign_in,
    "slow": slow_connections,
    "idle": idle,
    "records": patients_pages,
    "webmail": webmail,
}


def _letters(octets: int, connections: int, count: int) -> dict[str, Any]:
    return {
        "work": "run",
        "protocol": "submission",
        "octets": octets,
        "recipients": [serving.READER],
        "connections": connections,
        "operations": count,
    }


def _idle(protocol: str, connections: int) -> dict[str, Any]:
    return {"work": "idle", "protocol": protocol, "connections": connections, "select": True}


def _connecting(server: Server, protocol: str, connections: int) -> dict[str, Any]:
    before = cpu_seconds(server.pid)
    with server.loading("idle", **_idle(protocol, connections) | {"select": False}):
        return {"connections": connections, "cpu_seconds": cpu_seconds(server.pid) - before}


def main(arguments: list[str]) -> int:
    """Run the benchmarks named, or all of them."""
    if arguments[:1] == ["peers"]:
        return peers.main(arguments[1:])
    if arguments[:1] == ["where"]:
        return where.main(arguments[1:])
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of: {', '.join(BENCHMARKS)}")
    parser.add_argument("--runs", type=int, default=3, help="of each case (3)")
    parser.add_argument("--quick", action="store_true", help="one run, a tenth of the work")
    chosen = parser.parse_args(arguments)
    unknown = set(chosen.names) - set(BENCHMARKS)
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    names = chosen.names or list(BENCHMARKS)
    mailbox = imap_works.MAILBOX
    plan = Plan(1, 0.1, mailbox // 10) if chosen.quick else Plan(chosen.runs, 1.0, mailbox)
    with tempfile.TemporaryDirectory(prefix="mss-bench-") as folder:
        site = Site(Path(folder))
        for name in names:
            for row in BENCHMARKS[name](site, plan):
                print(json.dumps({"bench": name} | row, ensure_ascii=False), flush=True)
    return 0


if __name__ == "__main__":
    # servers are stopped and folders removed on the way out, also of a run that is ended
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(143))
    sys.exit(main(sys.argv[1:]))
