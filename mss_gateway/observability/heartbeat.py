"""The pulse of the event loop: how late it comes to what it promised itself.

Everything that speaks to the outside runs on one loop: what holds it up, holds everybody up.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Final

BEAT_SECONDS: Final = 0.25


class Heartbeat:
    """Measures between :meth:`start` and :meth:`stop`, both on the loop it measures."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, beat_seconds: float = BEAT_SECONDS
    ) -> None:
        self._clock, self._beat_seconds = clock, beat_seconds
        self._expected: float | None = None
        self._last = 0.0
        self._task: asyncio.Task[None] | None = None

    @property
    def lag(self) -> float:
        """Seconds by which the last beat was late, or by which the next one already is.

        0 before the first beat is due, and once the measuring has ended.
        """
        overdue = 0.0 if self._expected is None else self._clock() - self._expected
        return max(self._last, overdue, 0.0)

    def start(self) -> None:
        """Begin to measure."""
        self._task = asyncio.get_running_loop().create_task(self._beat())

    async def stop(self) -> None:
        """End."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        self._expected, self._last = None, 0.0

    async def _beat(self) -> None:
        while True:
            self._expected = self._clock() + self._beat_seconds
            await asyncio.sleep(self._beat_seconds)
            self._last = self._clock() - self._expected
