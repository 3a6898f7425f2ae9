"""CPU and memory of another process, exactly, and the figures made of them."""

import statistics
import time
from pathlib import Path
from typing import Any


def cpu_seconds(pid: int) -> float:
    """CPU that a process and its children have used, threads that ended included.

    Read from the kernel's clock of the process (``clock_getcpuclockid(3)``), in nanoseconds.
    """
    return sum(_own(each) for each in (pid, *_children(pid)))


def idle_octets(pid: int) -> int:
    """Private and proportional memory (PSS) of a process, without its children."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    raise LookupError("no Pss line")


def spread(samples: list[float], digits: int = 3) -> dict[str, float]:
    """Median, least and most of the runs: one figure alone is worth little on a shared machine."""
    return {
        "median": round(statistics.median(samples), digits),
        "least": round(min(samples), digits),
        "most": round(max(samples), digits),
    }


def per_second(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Operations per CPU-second of the server and per second, with the range of both."""
    cpu = [run["cpu_seconds"] / run["operations"] * 1000 for run in runs]
    return {
        "per_cpu_second": round(1000 / statistics.median(cpu), 1),
        "per_second": round(statistics.median(r["operations"] / r["seconds"] for r in runs), 1),
        "cpu_ms": spread(cpu, 5),
        "p50_ms": statistics.median(run["p50_ms"] for run in runs),
        "p99_ms": statistics.median(run["p99_ms"] for run in runs),
        "runs": len(runs),
    }


def _own(pid: int) -> float:
    # a clock id made of a pid: ((~pid) << 3) | CPUCLOCK_SCHED
    return time.clock_gettime((~pid << 3) | 2)


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += [int(each) for each in (task / "children").read_text("ascii").split()]
    return found
