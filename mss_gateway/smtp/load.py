"""What the tasks of all destinations share: room, sessions, leases on their way back."""

import asyncio
from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Final, TypeVar

from certs.certificate import Certificate
from mss_gateway.life import outbound
from mss_gateway.life.gateway import Gateway
from mss_gateway.queue.leases import Item
from mss_gateway.smtp.reaching import Reach
from mss_gateway.smtp.room import Room

T = TypeVar("T")

GOOD_SECONDS: Final = 1.0
"""For so long nobody asks again whether our own certificate is good: no list travels faster."""


@dataclass(slots=True)
class Load:
    """``links`` bounds the sessions of all destinations together.

    ``shown``: the certificate that this server shows when it calls; None: nobody asks about it.
    """

    gateway: Gateway
    reach: Reach
    room: Room
    links: asyncio.Semaphore
    shown: Certificate | None = None
    is_stopping: bool = False
    _good_until: float = 0.0
    _returning: set["Future[None]"] = field(default_factory=set)

    def show(self, certificate: Certificate | None) -> None:
        """What sessions show from now on; nobody has judged it yet."""
        self.shown, self._good_until = certificate, 0.0

    def to_judge(self) -> Certificate | None:
        """What is shown, unless it was found good a moment ago: a judgement costs a millisecond."""
        return self.shown if asyncio.get_running_loop().time() >= self._good_until else None

    def found_good(self) -> None:
        """It was judged just now."""
        self._good_until = asyncio.get_running_loop().time() + GOOD_SECONDS

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
