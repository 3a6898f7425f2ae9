"""strace on one thread of a server: count its writes and flushes, or make one of them fatal.

strace counts ``when=N`` for each thread and each call by itself: a fault is aimed at one thread,
and at the N-th call of one name.
"""

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FLUSHES = ("fsync", "fdatasync")
WRITES = ("write", "pwrite64", "writev", "pwritev", "sendto", "sendmsg", "ftruncate")
CALLS = ",".join((*FLUSHES, *WRITES))

_CALL = re.compile(r"^(?:\d+ +)?(\w+)\(")


def calls_in(trace: str) -> list[str]:
    """The names of the calls that strace wrote down, in their order."""
    return [match[1] for line in trace.splitlines() if (match := _CALL.match(line))]


@contextmanager
def tracing(
    strace: str, thread: int, into: Path, inject: str = "", *, follows: bool = False
) -> Iterator[Path]:
    """Trace one thread for the length of the block; ``inject`` is strace's own option.

    ``follows``: every thread of the process, ``when=N`` counted for each of them.
    """
    command = [strace, "-p", str(thread), "-o", str(into), "-e", f"trace={CALLS}"]
    if follows:
        command.insert(1, "-f")
    if inject:
        command += ["-e", f"inject={inject}"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as running:
        try:
            assert running.stderr is not None
            said = running.stderr.readline()
            if "attached" not in said:
                raise RuntimeError(f"strace could not attach: {said}{running.stderr.read()}")
            yield into
        finally:
            running.terminate()
            running.wait()
