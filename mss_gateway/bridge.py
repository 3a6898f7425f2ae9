"""The one way from async sessions into the synchronous core: bounded pools of threads.

Sessions await ``run``; nothing in the core knows that asyncio exists. The pools are bounded because
each thread may hold a body of the message limit; what waits, waits on the event loop for free.
Three lanes, so that a run of wrong passwords or a crowd of readers never keeps mail waiting.

The lanes are ours rather than ``concurrent.futures``: a command of IMAP is one or two hand-overs
and little else, and an executor's future, its lock and its callbacks cost twice what these do.
"""

import asyncio
import contextlib
import functools
import os
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, ParamSpec, TypeVar

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
        self._core = _Lane("core", threads)
        self._web = _Lane("web", WEB_THREADS)
        self._sign_in = _Lane("sign-in", SIGN_IN_THREADS)

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run ``work`` on a thread of the mail protocols; what it raises is raised here."""
        return await self._core.run(functools.partial(work, *args, **kwargs))

    async def run_page(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The same on a thread of the webmail."""
        return await self._web.run(functools.partial(work, *args, **kwargs))

    async def sign_in(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The same on a thread for passwords."""
        return await self._sign_in.run(functools.partial(work, *args, **kwargs))

    async def committed(self, future: Future[T]) -> T:
        """Await a unit of work that was submitted to the store: returns after its COMMIT."""
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Let what runs finish; take nothing more."""
        for lane in (self._core, self._web, self._sign_in):
            lane.close()


class _Lane:
    """Threads that take calls in turn; started one by one, as calls wait for want of one."""

    def __init__(self, name: str, threads: int) -> None:
        self._name = name
        self._calls: queue.SimpleQueue[_Call | None] = queue.SimpleQueue()
        self._left = threads
        self._threads: list[threading.Thread] = []
        self._idle = threading.Semaphore(0)
        self._gate = threading.Lock()
        self._is_closed = False

    def run(self, work: Callable[[], T]) -> "asyncio.Future[T]":
        """What ``work`` answers or raises, on a thread of the lane; from a loop's thread."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        with self._gate:
            if self._is_closed:
                raise RuntimeError("the bridge is closed")
            self._calls.put((loop, future, work))
            if not self._idle.acquire(blocking=False) and self._left:
                self._left -= 1
                thread = threading.Thread(
                    target=self._serve, name=f"{self._name}_{len(self._threads)}", daemon=True
                )
                self._threads.append(thread)
                thread.start()
        return future

    def close(self) -> None:
        """Let what waits and what runs finish; take nothing more."""
        with self._gate:
            self._is_closed = True
        for _ in self._threads:
            self._calls.put(None)
        for thread in self._threads:
            thread.join()

    def _serve(self) -> None:
        while (call := self._calls.get()) is not None:
            loop, future, work = call
            try:
                answer, error = work(), None
            except BaseException as raised:
                answer, error = None, raised
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(_tell, future, answer, error)
            del call, loop, future, work, answer, error  # nothing of it is kept while idle
            self._idle.release()


_Call = tuple[asyncio.AbstractEventLoop, "asyncio.Future[Any]", Callable[[], Any]]


def _tell(future: "asyncio.Future[Any]", answer: object, error: BaseException | None) -> None:
    """On the loop's thread; a future that was cancelled meanwhile wants nothing."""
    if future.done():
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(answer)
