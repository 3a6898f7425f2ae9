"""What the tasks of all destinations share: room, sessions, leases on their way back."""

import asyncio
from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TypeVar

from mss_gateway.life import outbound
from mss_gateway.life.gateway import Gateway
from mss_gateway.queue.items import Item
from mss_gateway.smtp.reaching import Reach
from mss_gateway.smtp.room import Room

T = TypeVar("T")


@dataclass(slots=True)
class Load:
    """``links`` bounds the sessions of all destinations together."""

    gateway: Gateway
    reach: Reach
    room: Room
    links: asyncio.Semaphore
    is_stopping: bool = False
    _returning: set["Future[None]"] = field(default_factory=set)

    async def committed(self, future: "Future[T]") -> T:
        """What a unit of work answers, after its COMMIT."""
        return await self.gateway.bridge.committed(future)

    def give_back(self, left: Iterable[Item]) -> None:
        """Without waiting: whoever calls may be on the point of being cancelled."""
        returned = tuple(left)
        if returned:
            self._returning.add(outbound.give_back(self.gateway, returned))

    async def settled(self) -> None:
        """Return when every lease was given back, or could not be."""
        waiting = [asyncio.wrap_future(each) for each in self._returning]
        self._returning.clear()
        await asyncio.gather(*waiting, return_exceptions=True)
