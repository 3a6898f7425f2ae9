"""Ending within a bounded time, whatever hangs: sessions first, then threads, the store last.

What is acknowledged is durable already, and what is leased is taken again at the next start: so
whoever does not end in time is left behind, and nothing is lost by it.
"""

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable
from typing import Final

from mss_gateway.observability import log

STOP_SECONDS: Final = 3.0
"""For leases to be given back, then for the threads at their work, then for the store: three times
within the time of the whole."""

FAILED_SECONDS: Final = 2.0
"""For the sessions when the store has failed: there is nothing left to finish."""

Work = Callable[[], None]


async def until_told(ending: Awaitable[object], hurry: asyncio.Event) -> bool:
    """Wait for ``ending``; False, and it is cancelled, once ``hurry`` is set."""
    task = asyncio.ensure_future(ending)
    told = asyncio.ensure_future(hurry.wait())
    try:
        await asyncio.wait({task, told}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
            return True
        return False
    finally:
        for each in (task, told):
            each.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait({task, told})


async def waited(ending: Awaitable[object], seconds: float) -> None:
    """Wait for ``ending``, and no longer than ``seconds``."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(ending, seconds)


async def in_time(work: Work, seconds: float) -> bool:
    """Run what blocks on a thread of its own; False when it has not ended after ``seconds``.

    The thread is a daemon: a process that ends does not wait for it, as it would for an executor's.
    """
    loop, ended = asyncio.get_running_loop(), asyncio.Event()

    def run() -> None:
        try:
            work()
        except Exception as error:
            log.bug("stopping", error)  # the others still want to be stopped
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(ended.set)

    threading.Thread(target=run, name="stopping", daemon=True).start()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(ended.wait(), seconds)
    return ended.is_set()


async def all_in_time(works: list[Work], seconds: float) -> int:
    """Run them beside each other; how many have not ended after ``seconds``."""
    ended = await asyncio.gather(*(in_time(work, seconds) for work in works))
    return ended.count(False)
