"""`python -m tests.bench where [NAME…]`: where the CPU of our server goes in each IMAP work."""

import argparse
import json
import os
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
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
_TRIES = 6
"""Looking at a stack that is being changed can end the server: then it is started again."""


def main(arguments: list[str]) -> int:
    """Run each work long enough with the server's stacks sampled."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench where", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--mailbox", type=int, default=imap_works.MAILBOX)
    chosen = parser.parse_args(arguments)
    works = [work for work in WORKS if not chosen.names or work.name in chosen.names]
    with tempfile.TemporaryDirectory(prefix="mss-bench-") as folder:
        site, report = Site(Path(folder)), Path(folder) / "stacks"
        for hold in (False, True):
            left = [work for work in works if work.is_fresh == hold]
            start = partial(imap_bench.ours, site, hold=hold, sample=str(report))
            tries = _TRIES
            while left and tries:
                tries -= 1
                with suppress(Unwanted, OSError), start() as target:
                    imap_works.fill(target, chosen.mailbox)
                    _all(target, left, chosen.mailbox, report)
            if left:
                return 1
    return 0


def _all(target: Target, left: list[Work], mailbox: int, report: Path) -> None:
    """Every work that is left; those that are done leave the list."""
    while left:
        print(json.dumps({"bench": "where"} | _row(target, left[0], mailbox, report)), flush=True)
        del left[0]


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
