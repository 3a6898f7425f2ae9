"""The one way from async sessions into the synchronous core: a bounded pool of threads.

Sessions await ``run``; nothing in the core knows that asyncio exists. The pool is bounded because
each thread may hold a body of the message limit; what waits, waits on the event loop for free.
"""

import asyncio
import functools
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Bridge:
    """A bounded thread pool that coroutines may await."""

    def __init__(self, threads: int = 8) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="core")

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run ``work`` on a pool thread; what it raises is raised here."""
        loop = asyncio.get_running_loop()
        call = functools.partial(work, *args, **kwargs) if kwargs or args else work
        return await loop.run_in_executor(self._pool, call)

    async def committed(self, future: Future[T]) -> T:
        """Await a unit of work that was submitted to the store: returns after its COMMIT."""
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Let what runs finish; take nothing more."""
        self._pool.shutdown(wait=True)
