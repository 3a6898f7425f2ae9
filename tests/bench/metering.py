"""CPU and memory of a whole server, whatever processes it is made of, those that ended included.

A control group of version 2 counts exactly and forgets nobody; where none can be made (no root, a
read-only container), the processes' own clocks are added up over the tree. Servers that are
compared are read by the same means: :func:`meter` says which one this machine gives.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

_ENTER = 'echo $$ > "$0/cgroup.procs" && exec "$@"'


class Meter(Protocol):
    """What is read of one server."""

    means: str
    """Where the figures come from, for the report."""

    def entering(self, command: list[str]) -> list[str]:
        """``command`` as it must be started to be counted."""

    def started(self, pid: int) -> None:
        """The server is process ``pid``."""

    def cpu_seconds(self) -> float:
        """CPU used until now: user and system, threads and children, living or not."""

    def members(self) -> list[int]:
        """Its processes now."""


@dataclass(slots=True)
class ControlGroup:
    """A folder of the cgroup2 file system; exact to the microsecond."""

    folder: Path
    means: str = "control group"

    def entering(self, command: list[str]) -> list[str]:
        return ["/bin/sh", "-c", _ENTER, str(self.folder), *command]

    def started(self, pid: int) -> None:
        """Whoever is in the group is counted."""

    def cpu_seconds(self) -> float:
        for line in (self.folder / "cpu.stat").read_text("ascii").splitlines():
            if line.startswith("usage_usec "):
                return int(line.split()[1]) / 1e6
        raise LookupError("no usage_usec in cpu.stat")

    def members(self) -> list[int]:
        return [int(pid) for pid in (self.folder / "cgroup.procs").read_text("ascii").split()]


@dataclass(slots=True)
class ProcessTree:
    """The clocks of a process and of its descendants, in nanoseconds for those that live.

    Of those that ended only hundredths of a second are left, in their parent's account.
    """

    pid: int = 0
    means: str = "clocks of processes"

    def entering(self, command: list[str]) -> list[str]:
        return command

    def started(self, pid: int) -> None:
        self.pid = pid

    def cpu_seconds(self) -> float:
        tick = os.sysconf("SC_CLK_TCK")
        total = 0.0
        for pid in self.members():
            try:
                # a clock id made of a pid: ((~pid) << 3) | CPUCLOCK_SCHED
                total += time.clock_gettime((~pid << 3) | 2)
                fields = Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2]
            except OSError:
                continue
            ended = fields.split()[13:15]  # cutime, cstime: children that were waited for
            total += sum(int(each) for each in ended) / tick
        return total

    def members(self) -> list[int]:
        found, new = [], [self.pid]
        while new:
            found += new
            new = [child for pid in new for child in _children(pid)]
        return found


def octets(counted: Meter) -> int:
    """Memory of a server's processes now: private, and its share of what is shared (PSS)."""
    return sum(_pss(pid) for pid in counted.members())


@contextmanager
def meter(name: str) -> Iterator[Meter]:
    """A meter for a server that is about to start; the group goes once the server is gone."""
    folder = _new_group(f"mss-bench-{os.getpid()}-{name}")
    if folder is None:
        yield ProcessTree()
        return
    try:
        yield ControlGroup(folder)
    finally:
        _remove(folder)


def _new_group(name: str) -> Path | None:
    """A group of our own beside this process's, if one may be made and its CPU read."""
    for line in Path("/proc/self/mounts").read_text("utf-8").splitlines():
        _, mounted, kind, *_ = line.split()
        if kind != "cgroup2":
            continue
        for entry in Path("/proc/self/cgroup").read_text("utf-8").splitlines():
            if not entry.startswith("0::/"):
                continue
            folder = Path(mounted) / entry[4:] / name
            try:
                folder.mkdir()
                if os.access(folder / "cgroup.procs", os.W_OK):
                    ControlGroup(folder).cpu_seconds()
                    return folder
                folder.rmdir()
            except (OSError, LookupError):
                continue
    return None


def _remove(folder: Path) -> None:
    for _ in range(50):
        try:
            folder.rmdir()
            return
        except OSError:  # the last process is on its way out
            time.sleep(0.1)


def _pss(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


def _children(pid: int) -> list[int]:
    found: list[int] = []
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += [int(each) for each in (task / "children").read_text("ascii").split()]
    except OSError:
        pass
    return found
