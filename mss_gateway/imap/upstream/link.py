"""A connection that is made again when it breaks, so many times and no more."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from mss_gateway.imap.upstream.conversation import Account
from mss_gateway.imap.upstream.errors import RemoteLost
from mss_gateway.imap.upstream.remote import Remote
from mss_gateway.observability import log

T = TypeVar("T")


@dataclass(slots=True)
class Link:
    """Runs work on a connection, and anew on another one when that breaks.

    ``pauses`` are the seconds before each new attempt; when they are used up without any progress
    the last ``RemoteLost`` comes out. The very first connection is tried once: a wrong name or
    port should be told at once.
    """

    account: Account
    pauses: tuple[float, ...] = (1.0, 2.0, 4.0, 8.0, 16.0)
    _remote: Remote | None = None
    _failures: int = 0
    _was_open: bool = False

    async def run(self, work: Callable[[Remote], Awaitable[T]]) -> T:
        """``work``, which may be begun several times: it asks for nothing that it has already.

        Raises ``RemoteLost``, ``RemoteRefused``, and what ``work`` raises of its own.
        """
        while True:
            try:
                if self._remote is None:
                    self._remote = await Remote.open(self.account)
                    self._was_open = True
                result = await work(self._remote)
            except RemoteLost:
                self.drop()
                if not self._was_open or self._failures >= len(self.pauses):
                    raise
                pause = self.pauses[self._failures]
                self._failures += 1
                log.note("import", state="reconnecting", count=self._failures)
                await asyncio.sleep(pause)
            else:
                self._failures = 0
                return result

    def progressed(self) -> None:
        """Something was brought: the next failure is a first one."""
        self._failures = 0

    async def close(self) -> None:
        """Sign out; a server that does not answer is left."""
        if self._remote is not None:
            await self._remote.close()
            self._remote = None

    def drop(self) -> None:
        """Go without a word; work that is run after this connects again."""
        if self._remote is not None:
            self._remote.abort()
            self._remote = None
