"""Carries what is due to other operators, on the service's event loop.

Each destination has its own task, so that a slow one holds up nobody else. A destination that was
closed is tried with one item first; nothing else of it is touched until somebody answers. Whatever
is slow or waits for a COMMIT runs behind the bridge.
"""

import asyncio
import contextlib
import ssl
from typing import Final

from certs.certificate import Certificate
from mailbox_store.errors import StoreFailed
from mss_gateway.life import outbound
from mss_gateway.life.gateway import Gateway
from mss_gateway.observability import log
from mss_gateway.queue.destinations import Destination
from mss_gateway.smtp.carrier import Carrier
from mss_gateway.smtp.client import WAITS, Waits
from mss_gateway.smtp.load import Load
from mss_gateway.smtp.reaching import Reach
from mss_gateway.smtp.room import Room
from mss_gateway.smtp.routes import Resolver

POLL_SECONDS: Final = 1.0
"""A wake-up may be lost; this finds the item."""

LINKS: Final = 200
"""Sessions at once, over all destinations: well below the files a process may open."""

REST_SECONDS: Final = 5.0
"""A destination whose task failed for a reason of ours is left alone so long."""


class Courier:
    """:meth:`start` and :meth:`stop` run on the loop; :meth:`wake` may be called on any thread."""

    def __init__(
        self,
        gateway: Gateway,
        tls: ssl.SSLContext,
        resolver: Resolver | None,
        waits: Waits = WAITS,
        shown: Certificate | None = None,
    ) -> None:
        """``shown`` is the certificate of ``tls``; without it, nobody asks whether it is good."""
        self._gateway = gateway
        self._load = Load(
            gateway,
            Reach(gateway, tls, resolver, waits),
            Room(gateway.config.limits.bodies_in_flight_octets),
            asyncio.Semaphore(LINKS),
            shown,
        )
        self._due = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._watch: asyncio.Task[None] | None = None
        self._serving: dict[bytes, asyncio.Task[None]] = {}

    def start(self) -> None:
        """Begin to carry; what a dead process had leased was taken back by the queue's worker."""
        self._loop = asyncio.get_running_loop()
        self.shows(self._load.shown)
        self._watch = self._loop.create_task(self._run())

    def wake(self) -> None:
        """Something may be due."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody carries any more
                self._loop.call_soon_threadsafe(self._due.set)

    def shows(self, certificate: Certificate | None) -> None:
        """Sessions from now on show this one: what waited for a good one is due at once."""
        self._load.show(certificate)
        if certificate is not None:
            outbound.resume(self._gateway).add_done_callback(lambda _: self.wake())

    async def stop(self, seconds: float) -> None:
        """Begin nothing new; what is being sent has so long to end. Leases are given back."""
        self._load.is_stopping = True
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.wait([self._watch])
        tasks = list(self._serving.values())
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=seconds)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late)
        await self._load.settled()

    async def _run(self) -> None:
        while True:
            self._due.clear()
            try:
                await self._look()
            except StoreFailed as error:
                log.bug("courier", error)
                return
            except Exception as error:
                log.bug("courier", error)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(POLL_SECONDS):
                    await self._due.wait()

    async def _look(self) -> None:
        for found in await self._gateway.bridge.run(outbound.due, self._gateway):
            if found.index not in self._serving:
                task = asyncio.create_task(self._serve(found))
                self._serving[found.index] = task

    async def _serve(self, destination: Destination) -> None:
        try:
            await Carrier(self._load, destination).carry()
        except Exception as error:
            log.bug("courier", error)
            if not self._load.is_stopping:
                await asyncio.sleep(REST_SECONDS)
        finally:
            self._serving.pop(destination.index, None)
            self._due.set()  # what became due meanwhile was nobody's
