"""The one way from async sessions into the synchronous core: bounded pools of threads.

Sessions await ``run``; nothing in the core knows that asyncio exists. The pools are bounded because
each thread may hold a body of the message limit; what waits, waits on the event loop for free.
Three lanes, so that a run of wrong passwords or a crowd of readers never keeps mail waiting.
"""

import asyncio
import functools
import os
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

CORE_THREADS = 2 * (os.cpu_count() or 1)
"""Two per core: one may wait for a COMMIT or read a large archive while another works. More only
take the interpreter's lock from each other: 8 on 2 cores cost 1.8 times the CPU of 2 for listing
a mailbox to 8 clients at once, and a quarter more for each submission.
"""

SIGN_IN_THREADS = 4
"""A password costs tens of milliseconds and much memory; more of them at once is no faster."""

WEB_THREADS = 8


class Bridge:
    """Bounded thread pools that coroutines may await."""

    def __init__(self, threads: int = CORE_THREADS) -> None:
        self._core = ThreadPoolExecutor(threads, thread_name_prefix="core")
        self._web = ThreadPoolExecutor(WEB_THREADS, thread_name_prefix="web")
        self._sign_in = ThreadPoolExecutor(SIGN_IN_THREADS, thread_name_prefix="sign-in")

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run ``work`` on a thread of the mail protocols; what it raises is raised here."""
        return await _run(self._core, functools.partial(work, *args, **kwargs))

    async def run_page(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The same on a thread of the webmail."""
        return await _run(self._web, functools.partial(work, *args, **kwargs))

    async def sign_in(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The same on a thread for passwords."""
        return await _run(self._sign_in, functools.partial(work, *args, **kwargs))

    async def committed(self, future: Future[T]) -> T:
        """Await a unit of work that was submitted to the store: returns after its COMMIT."""
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Let what runs finish; take nothing more."""
        for pool in (self._core, self._web, self._sign_in):
            pool.shutdown(wait=True)


async def _run(pool: Executor, call: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(pool, call)
