"""One destination while something is due there: how many sessions, and when it is left in peace.

A first session proves that somebody is there; more follow only while there is more to carry. What
fails for the whole destination closes it and costs one item an attempt; what fails for a message
costs that message one (``smtp.trip``).
"""

import asyncio
from typing import Final

from mss_gateway.failures import Failure
from mss_gateway.life import outbound
from mss_gateway.observability import log
from mss_gateway.queue.destinations import Destination
from mss_gateway.smtp.client import Kind, PeerFailed
from mss_gateway.smtp.load import Load
from mss_gateway.smtp.trip import Closed, Trip

STRIKES: Final = 20
"""Failures in a row, of messages that need not be at fault, after which a destination rests."""

_WEIGHT: Final = {
    Kind.DOWN: STRIKES,
    Kind.UNPROVED: STRIKES,
    Kind.LOST: 7,
    Kind.IN_DOUBT: 7,
    Kind.TEMPORARY: 1,
}
"""Strikes of one failure: a session that breaks says more about the destination than a 4yz."""


class Carrier:
    """Serves one destination until nothing is due there, or nobody is."""

    def __init__(self, load: Load, destination: Destination) -> None:
        self.load, self.destination = load, destination
        self.is_probing = destination.failures > 0
        self._is_closed = False
        self._strikes = 0
        self._others: set[asyncio.Task[None]] = set()

    @property
    def is_over(self) -> bool:
        """Whether nothing new may be begun."""
        return self.load.is_stopping or self._is_closed

    async def carry(self) -> None:
        """Return when there is nothing more to do for now."""
        try:
            await self._session_after_session()
            while self._others:
                await asyncio.wait(tuple(self._others))
        finally:
            for other in self._others:
                other.cancel()
            if self._others:
                await asyncio.wait(tuple(self._others))

    async def welcome(self, *, is_more_waiting: bool) -> None:
        """A message was taken: what waits may go by several sessions."""
        self._strikes = 0
        if self.is_probing:
            self.is_probing = False
            await self.load.committed(outbound.reopen(self.load.gateway, self.destination.index))
        places = self.load.gateway.config.relay.connections_per_destination
        if is_more_waiting and not self.is_over and len(self._others) + 1 < places:
            other = asyncio.create_task(self._session_after_session())
            self._others.add(other)
            other.add_done_callback(self._ended)

    async def strike(self, failed: PeerFailed) -> None:
        """Count a failure that may be the destination's own; too many in a row close it."""
        weight = _WEIGHT.get(failed.kind)
        if weight is None:
            self._strikes = 0  # it answers, and says no: somebody is there
            return
        self._strikes += weight
        if self._strikes >= STRIKES:
            await self.close(failed.failure)

    async def close(self, failure: Failure) -> None:
        """Leave the destination in peace for a while; raises Closed."""
        if not self._is_closed:
            self._is_closed = True
            index = self.destination.index
            await self.load.committed(outbound.close(self.load.gateway, index, failure))
        raise Closed

    async def _session_after_session(self) -> None:
        while not self.is_over and await self._session():
            pass

    async def _session(self) -> bool:
        """Carry over one session; whether another one has something to carry."""
        async with self.load.links:
            trip = Trip(self.load, self)
            try:
                return await trip.run()
            except Closed:
                return False
            finally:
                await trip.end()

    def _ended(self, other: "asyncio.Task[None]") -> None:
        self._others.discard(other)
        if not other.cancelled() and (error := other.exception()) is not None:
            log.bug("courier", error)
