"""Acts that any stranger can cause: on record once a minute, with how many there were.

Who has proved nothing pays next to nothing for being refused: a row for each would let anybody fill
the journal, and the disk with it. The metrics count every one.
"""

import threading
import time
from collections.abc import Callable
from typing import Final

SECONDS: Final = 60.0


class Sparing:
    """Asked from any thread. ``what`` is of a closed list: each one is remembered."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._turn = threading.Lock()
        self._kept: dict[str, tuple[float, int]] = {}

    def due(self, what: str) -> int:
        """How many a row of now stands for, this one included; 0: no row now."""
        now = self._clock()
        with self._turn:
            written_at, passed = self._kept.get(what, (now - SECONDS, 0))
            if now - written_at < SECONDS:
                self._kept[what] = written_at, passed + 1
                return 0
            self._kept[what] = now, 0
        return passed + 1
