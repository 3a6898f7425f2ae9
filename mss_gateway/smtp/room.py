"""How many octets of messages may be in memory on their way out, over all destinations."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

COPIES: Final = 3
"""A message while it is made ready: as it was stored, enveloped, in base64."""


class Room:
    """A budget of octets; who waits for room gets it in turn. A message larger than all waits for
    all of it."""

    def __init__(self, octets: int) -> None:
        self._all = self.free = octets
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @asynccontextmanager
    async def for_message(self, octets: int) -> AsyncIterator[None]:
        """Within it, there is room for a message of so many octets."""
        wanted = min(octets * COPIES, self._all)
        if self._waiting or wanted > self.free:
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append((wanted, turn))
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():
                    self._give(wanted)
                raise
        else:
            self.free -= wanted
        try:
            yield
        finally:
            self._give(wanted)

    def _give(self, octets: int) -> None:
        self.free += octets
        while self._waiting and (self._waiting[0][1].done() or self._waiting[0][0] <= self.free):
            wanted, turn = self._waiting.popleft()
            if not turn.done():
                self.free -= wanted
                turn.set_result(None)
