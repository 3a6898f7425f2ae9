"""How often the store is flushed to its disk per message: counted by strace, in a run of its own.

strace stops a process at each call it counts, so nothing here is timed. Accepting and delivering
are both in the count; every flush that many messages share is one.
"""

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.bench import smtp_bench
from tests.bench.served import Site
from tests.bench.smtp_bench import Shape

CALLS = ("fsync", "fdatasync")
CONNECTIONS = (1, 8, 32)
GOAL = 1.0
"""At most, at the most connections."""

_ATTACH_SECONDS = 20.0
_ROW = re.compile(rf"^ *[\d.]+ +[\d.]+ +\d+ +(\d+) .*({'|'.join(CALLS)})$", re.MULTILINE)


def rows(site: Site, share: float) -> Iterator[dict[str, Any]]:
    """One row per number of connections; the reason when it cannot be counted here."""
    if shutil.which("strace") is None:
        yield {"left_out": "strace is not installed (Debian: strace)"}
        return
    for connections in CONNECTIONS:
        shape = Shape("submit 10 KB", 10_240, connections, 960)
        with smtp_bench.ours(site) as (server, running):
            report = running.state.parent / f"flushes{connections}"
            tracer = _Tracer(running.pid, report)
            done = smtp_bench.once(
                server, shape, smtp_bench.turns(shape, share), at_work=tracer.start
            )
            flushes = tracer.stop()
        each = flushes / done["operations"]
        goal = {"goal": GOAL, "is_met": each < GOAL} if connections == CONNECTIONS[-1] else {}
        yield {
            "connections": connections,
            "messages": done["operations"],
            "flushes": flushes,
            "flushes_per_message": round(each, 3),
        } | goal


class _Tracer:
    """strace on a server that runs already, all its threads."""

    def __init__(self, pid: int, report: Path) -> None:
        self._pid, self._report = pid, report
        self._running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Return once every thread is traced."""
        command = ["strace", "-c", "-f", "-e", f"trace={','.join(CALLS)}"]
        command += ["-o", str(self._report), "-p", str(self._pid)]
        self._running = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        ends = time.monotonic() + _ATTACH_SECONDS
        while time.monotonic() < ends and self._running.poll() is None:
            if all(_is_traced(each) for each in Path(f"/proc/{self._pid}/task").iterdir()):
                return
            time.sleep(0.05)
        raise RuntimeError("strace does not attach to the server")

    def stop(self) -> int:
        """The calls that it counted."""
        assert self._running is not None
        os.kill(self._running.pid, signal.SIGINT)
        self._running.wait()
        return counted(self._report.read_text("ascii", "replace"))


def counted(table: str) -> int:
    """The calls of all rows of what ``strace -c`` prints."""
    return sum(int(found[1]) for found in _ROW.finditer(table))


def _is_traced(task: Path) -> bool:
    for line in (task / "status").read_text("ascii", "replace").splitlines():
        if line.startswith("TracerPid:"):
            return int(line.split()[1]) != 0
    return False
