"""`make bench`: one JSON object per benchmark on standard output.

    make bench                                      everything, about twenty minutes
    make bench ARGS="--quick"                       a tenth of the work
    make bench ARGS="submit stages --runs 5"        some of it, with more runs

CPU is the server process's (threads and children), read from the kernel's exact clock; the load
runs in a process of its own. Every figure is the median of the runs, with the range beside it:
on a shared machine a single run says little. The ``calibration`` line tells how fast the machine
is just then; compare two builds only by alternating runs on one machine.
"""

import argparse
import json
import os
import ssl
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.bench import serving, stages, web
from tests.bench.letters import SIZES
from tests.bench.measuring import cpu_seconds, idle_octets, per_second, spread
from tests.bench.served import Server, Site

CONNECTIONS = (1, 8, 32)
MAILBOX = 10_000
BODY_OCTETS = 10_240
IDLE_CONNECTIONS = 150

LIST_ITEMS = "(UID FLAGS RFC822.SIZE INTERNALDATE ENVELOPE BODYSTRUCTURE)"
"""What a mail client asks of a mailbox it lists."""


@dataclass(frozen=True, slots=True)
class ImapWork:
    """Commands in turn and how often; ``per_message``: the figures are of one message listed."""

    name: str
    commands: tuple[str, ...]
    count: int
    per_message: bool = False
    part: int = 0


IMAP_WORKS = (
    ImapWork("FETCH 1:* (UID FLAGS)", ("FETCH 1:* (UID FLAGS)",), 32, True),
    ImapWork("FETCH 1:* (ENVELOPE)", ("FETCH 1:* (ENVELOPE)",), 4, True),
    ImapWork("FETCH 1:* as a client lists", (f"FETCH 1:* {LIST_ITEMS}",), 4, True),
    ImapWork("FETCH of bodies of 10 KB", ("FETCH 1:* (BODY.PEEK[])",), 2, True, 1000),
    ImapWork("UID FETCH of one body", ("UID FETCH %d (BODY.PEEK[])",), 1000),
    ImapWork("NOOP", ("NOOP",), 4000),
    ImapWork(
        "STORE one flag",
        ("UID STORE %d +FLAGS (\\Flagged)", "UID STORE %d -FLAGS (\\Flagged)"),
        1000,
    ),
    ImapWork("SELECT", ("SELECT INBOX",), 160),
    ImapWork("SEARCH SUBJECT", ("SEARCH SUBJECT bilan",), 32),
)


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
    """How fast this machine is now: one bare RSA-2048 signature, one loop of Python."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def sign() -> None:
        key.sign(bytes(200), padding.PKCS1v15(), hashes.SHA256())

    def loop() -> None:
        sum(range(1_000_000))

    yield {
        "rsa_2048_sign_ms": spread([_cpu_of(sign, 200) for _ in range(5)]),
        "python_million_additions_ms": spread([_cpu_of(loop, 5) for _ in range(5)]),
        "cores": os.cpu_count(),
        "openssl_of_tls": ssl.OPENSSL_VERSION,
    }


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
    """The product as it runs: accepted while the queue delivers, until every message is placed."""
    for name, octets in SIZES.items():
        for connections, pipelined in ((1, False), (8, False), (8, True), (32, False)):
            runs = []
            for _ in range(plan.runs):
                with site.serve() as server:
                    count = plan.count(800 if octets < 100_000 else 320)
                    task = _letters(octets, connections, count) | {"pipelined": pipelined}
                    run, rest = server.load(**task), server.drain(release=False)
                    run["seconds"] += rest["seconds"]
                    run["cpu_seconds"] += rest["cpu_seconds"]
                    runs.append(run)
            yield {
                "size": name,
                "connections": connections,
                "pipelined": pipelined,
            } | per_second(runs)


def imap(site: Site, plan: Plan) -> Rows:
    """Reading a large mailbox; figures are per message for FETCH, per command otherwise."""
    with site.serve() as server:
        for work in IMAP_WORKS:
            for connections in CONNECTIONS:
                # thirty-two times all bodies would be three gigabytes: then of a part of them
                span = work.part if connections > 1 and work.part else plan.mailbox
                commands = [each.replace("1:*", f"1:{span}") for each in work.commands]
                runs = []
                for _ in range(plan.runs):
                    run = server.load(
                        work="run",
                        protocol="imap",
                        logins=[serving.READER],
                        select=True,
                        commands=commands,
                        connections=connections,
                        operations=work.count if work.per_message else plan.count(work.count),
                        warm_up=1,
                    )
                    run["operations"] *= span if work.per_message else 1
                    runs.append(run)
                shape = {"work": work.name, "mailbox": plan.mailbox, "connections": connections}
                octets = sum(run["octets"] for run in runs)
                rate = octets / sum(run["seconds"] for run in runs) / 1e6
                yield shape | per_second(runs) | {"megabytes_per_second": round(rate, 1)}


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


BENCHMARKS: dict[str, Callable[[Site, Plan], Rows]] = {
    "calibration": calibration,
    "stages": stage_costs,
    "start-up": start_up,
    "submit": submit,
    "submit-through": submit_through,
    "imap": imap,
    "sign-in": sign_in,
    "idle": idle,
    "webmail": webmail,
}


def _letters(octets: int, connections: int, count: int) -> dict[str, Any]:
    return {
        "work": "run",
        "protocol": "submission",
        "octets": octets,
        "recipient": serving.READER,
        "connections": connections,
        "operations": count,
    }


def _idle(protocol: str, connections: int) -> dict[str, Any]:
    return {"work": "idle", "protocol": protocol, "connections": connections, "select": True}


def _connecting(server: Server, protocol: str, connections: int) -> dict[str, Any]:
    before = cpu_seconds(server.pid)
    with server.loading("idle", **_idle(protocol, connections) | {"select": False}):
        return {"connections": connections, "cpu_seconds": cpu_seconds(server.pid) - before}


def _cpu_of(call: Callable[[], None], count: int) -> float:
    before = time.process_time()
    for _ in range(count):
        call()
    return (time.process_time() - before) / count * 1000


def main(arguments: list[str]) -> int:
    """Run the benchmarks named, or all of them."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of: {', '.join(BENCHMARKS)}")
    parser.add_argument("--runs", type=int, default=3, help="of each case (3)")
    parser.add_argument("--quick", action="store_true", help="one run, a tenth of the work")
    chosen = parser.parse_args(arguments)
    unknown = set(chosen.names) - set(BENCHMARKS)
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    names = chosen.names or list(BENCHMARKS)
    plan = Plan(1, 0.1, MAILBOX // 10) if chosen.quick else Plan(chosen.runs, 1.0, MAILBOX)
    with tempfile.TemporaryDirectory(prefix="mss-bench-") as folder:
        site = Site(Path(folder), plan.mailbox if "imap" in names else 0, BODY_OCTETS)
        for name in names:
            for row in BENCHMARKS[name](site, plan):
                print(json.dumps({"bench": name} | row, ensure_ascii=False), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
