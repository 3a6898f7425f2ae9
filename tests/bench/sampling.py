"""Where the CPU of a running server goes: Python stacks, taken as often as CPU is used.

The kernel's profiling timer sends a signal for each 4 ms of CPU to the thread that used them (Linux
6.4 and later; before, to the main thread), and ``faulthandler`` writes that thread's stack from
within the signal: unlike a thread that looks at the others, it is not led to the places where the
interpreter's lock is let go. Native code counts for the Python line that called it.
"""

import faulthandler
import signal
from collections import Counter
from pathlib import Path
from typing import IO, Any

SAMPLE_SECONDS = 0.004
"""CPU between two samples: what a kernel with 250 ticks a second gives."""

_HEAD = "Stack (most recent call first):"
_ROOT = str(Path(__file__).resolve().parents[2]) + "/"


class Sampler:
    """Started by one SIGUSR2 and stopped by the next; every start empties the ``report``."""

    def __init__(self, report: Path) -> None:
        self._report = report
        self._stacks: IO[str] | None = None

    def install(self) -> None:
        """Listen to the signal; on the main thread."""
        signal.signal(signal.SIGUSR2, lambda _number, _frame: self.switch())

    def switch(self) -> None:
        """Start, or stop; on the main thread."""
        if self._stacks is None:
            self._stacks = self._report.open("w", encoding="utf-8")
            faulthandler.register(signal.SIGPROF, self._stacks, all_threads=False, chain=False)
            signal.setitimer(signal.ITIMER_PROF, SAMPLE_SECONDS, SAMPLE_SECONDS)
            return
        signal.setitimer(signal.ITIMER_PROF, 0)
        # one may be on its way: it is ignored rather than left to end the process
        faulthandler.unregister(signal.SIGPROF)
        signal.signal(signal.SIGPROF, signal.SIG_IGN)
        self._stacks.close()
        self._stacks = None


def figures(report: Path) -> dict[str, Any]:
    """Shares of the samples: of threads by their first own function, lines, functions and below."""
    lines: Counter[str] = Counter()
    within: Counter[str] = Counter()
    count = 0
    for stack in report.read_text("utf-8", "replace").split(_HEAD)[1:]:
        frames = [frame for frame in map(_frame, stack.splitlines()) if frame is not None]
        if not frames:
            continue
        count += 1
        lines[":".join(frames[0])] += 1
        within.update({f"{path}:{name}" for path, name, _ in frames})
    return {
        "samples": count,
        "lines": {name: round(part / count, 3) for name, part in lines.most_common(25)},
        "within": {name: round(part / count, 3) for name, part in within.most_common(60)},
    }


def _frame(line: str) -> tuple[str, str, str] | None:
    """``File "path", line 12 in name`` as path, name, line."""
    path, is_frame, rest = line.strip().removeprefix('File "').partition('", line ')
    number, _, name = rest.partition(" in ")
    if not is_frame:
        return None
    return path.removeprefix(_ROOT).rpartition("/lib/python3.11/")[2], name, number
