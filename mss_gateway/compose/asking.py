"""A question that may take for ever, asked by people who may not: one at a time, each with an end.

Whoever asks while an answer is on its way waits for the same one, so that a store that hangs holds
one thread, however often a probe comes by.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Asking(Generic[T]):
    """``ask`` is called on the loop; its answer is good for ``good_for`` seconds."""

    def __init__(
        self,
        ask: Callable[[], Awaitable[T]],
        good_for: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ask, self._good_for, self._clock = ask, good_for, clock
        self._asked: asyncio.Task[T] | None = None
        self._known: tuple[float, T] | None = None

    async def within(self, seconds: float | None) -> T:
        """The answer, or what ``ask`` raises; TimeoutError after ``seconds``, None for never."""
        if self._known is not None and self._clock() - self._known[0] < self._good_for:
            return self._known[1]
        if self._asked is None or self._asked.done():
            self._asked = asyncio.get_running_loop().create_task(self._put())
            self._asked.add_done_callback(_hear)
        return await asyncio.wait_for(asyncio.shield(self._asked), seconds)

    async def close(self) -> None:
        """Wait for no answer any more."""
        if self._asked is not None and not self._asked.done():
            self._asked.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await self._asked

    async def _put(self) -> T:
        began = self._clock()
        answer = await self._ask()
        self._known = began, answer
        return answer


def _hear(task: "asyncio.Task[T]") -> None:
    """An answer that came too late for everybody is heard all the same, or asyncio complains."""
    if not task.cancelled():
        task.exception()
