"""`python -m tests.bench where [NAME…]`: where the CPU of our server goes in each IMAP work."""

import argparse
import json
import os
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.bench import imap_bench, imap_works, sampling
from tests.bench.imap_client import Target, Unwanted
from tests.bench.imap_load import settle
from tests.bench.imap_works import WORKS, Work
from tests.bench.served import Site

CPU_SECONDS = 3.0
"""How long each work goes on: enough samples for a share of one in a hundred to mean something."""

_MOST = 20
_FAILURES = 5
"""Looking at a stack that is being changed can end the server: then it is started again."""


def main(arguments: list[str]) -> int:
    """Run each work long enough with the server's stacks sampled."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench where", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--mailbox", type=int, default=imap_works.MAILBOX)
    chosen = parser.parse_args(arguments)
    left = [work for work in WORKS if not chosen.names or work.name in chosen.names]
    failures = 0
    with tempfile.TemporaryDirectory(prefix="mss-bench-") as folder:
        site, report = Site(Path(folder)), Path(folder) / "stacks"
        while left and failures <= _FAILURES:
            try:
                with imap_bench.ours(site, sample=str(report)) as target:
                    imap_works.fill(target, chosen.mailbox)
                    while left:
                        row = _row(target, left[0], chosen.mailbox, report)
                        print(json.dumps({"bench": "where"} | row), flush=True)
                        del left[0]
            except (Unwanted, OSError):
                failures += 1
    return 1 if left else 0


def _row(target: Target, work: Work, mailbox: int, report: Path) -> dict[str, Any]:
    done = work.measure(target, work.count, work.connections[0])
    times = int(min(_MOST, max(1, CPU_SECONDS / max(done.cpu_seconds, 1e-3))))
    with _sampled(target):
        done = work.measure(target, work.count * times, work.connections[0])
    value = work.value(done, mailbox)
    return {"work": work.name, work.compared: round(value, 1)} | sampling.figures(report)


@contextmanager
def _sampled(target: Target) -> Iterator[None]:
    """What goes on inside is sampled; sign-in and SELECT before the work are in it too."""
    server = target.meter.members()[0]
    os.kill(server, signal.SIGUSR2)
    yield
    settle(target)
    os.kill(server, signal.SIGUSR2)
    time.sleep(0.2)
