"""The pace of work that nobody waits for: a moment of it, then a longer rest.

A thread that computes holds the interpreter's lock, and whoever sends a message wants it.
"""

import threading
import time
from typing import Final

WORK_SECONDS: Final = 0.0005
"""Work for so long at least before a rest."""

REST_SHARE: Final = 2.0
"""A rest is so many times as long as the work before it, by the clock: with much to do in other
threads both are longer."""

REST_SECONDS: Final = 0.05
"""Rest for so long at most."""


class Stopped(Exception):
    """The service stops: what was not committed is done again after the next start."""


class Pace:
    """Called between pieces of work: rests in proportion to them.

    Raises :class:`Stopped` once ``stopping`` is set.
    """

    def __init__(self, stopping: threading.Event) -> None:
        self._stopping = stopping
        self._since = 0.0

    def begin(self) -> None:
        """Work begins now, after whatever was waited for."""
        self._since = time.perf_counter()

    def __call__(self) -> None:
        if self._stopping.is_set():
            raise Stopped
        worked = time.perf_counter() - self._since
        if worked >= WORK_SECONDS:
            time.sleep(min(REST_SHARE * worked, REST_SECONDS))
            self._since = time.perf_counter()
