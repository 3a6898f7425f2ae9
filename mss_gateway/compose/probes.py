"""What the probes and the metrics show: gathered when somebody asks, within a bounded time.

Not ready is what another server would do better: a store that takes nothing, a full disk, a key
that opens nothing, a drain. What no other server would do better (revocation that is stale, a white
list that is old) degrades, and is told beside a yes.
"""

import asyncio
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from certs.errors import CertsError
from mailbox_store import integrity
from mailbox_store.database import View
from mailbox_store.errors import StoreFailed, StoreUnavailable
from mss_gateway.compose import measuring
from mss_gateway.compose.asking import Asking
from mss_gateway.directory.revocation_survey import Survey
from mss_gateway.life.gateway import Gateway
from mss_gateway.observability.health import Fault, Health
from mss_gateway.observability.heartbeat import Heartbeat

LAG_SECONDS: Final = 1.0
"""A loop that is later than that is not alive."""

WRITE_SECONDS: Final = 1.0
"""How long the proof that the store takes writes is good for."""

PATIENCE_SECONDS: Final = 1.5
"""For the store; with the above, a yes rests on a write that is at most 2.5 s old."""

LOOK_SECONDS: Final = 10.0
"""How long a look at what changes slowly is good for."""

SKEW_SECONDS: Final = 300.0
"""The wall clock may have moved against the monotonic one by so much since the start."""

_PROBE: Final = b"probe"


@dataclass(frozen=True, slots=True)
class Around:
    """What the service knows of itself and the store does not."""

    heartbeat: Heartbeat
    threads: Callable[[], frozenset[str]]
    """Names of the threads that must be alive now."""
    is_draining: Callable[[], bool]
    survey: Callable[[], Survey | None]
    """What the last round of fetching saw of revocation, None before the first."""
    connections: Callable[[], dict[str, int]]
    """Open connections of the protocols whose servers do not count themselves."""


class Probes:
    """Asked by ``observability.health``; everything on the loop's thread."""

    def __init__(self, gateway: Gateway, around: Around) -> None:
        self._gateway, self._around = gateway, around
        self._began = gateway.clock() - time.monotonic()
        self._proof = Asking(self._write, WRITE_SECONDS)
        self._look = Asking(self._look_around, LOOK_SECONDS)
        self._metrics = Asking(self._gather, 0.0)

    async def live(self) -> Health:
        """Whether the loop turns and every thread is there; nothing is asked of the store."""
        lag = self._around.heartbeat.lag
        alive = {thread.name for thread in threading.enumerate()}
        gone = self._around.threads() - alive
        faults = []
        if lag >= LAG_SECONDS:
            faults.append(Fault.LOOP_SLOW)
        if gone:
            faults.append(Fault.THREAD_GONE)
        return Health(tuple(faults), (), {"loop_lag_seconds": lag, "threads_gone": len(gone)})

    async def ready(self) -> Health:
        """Whether mail is taken."""
        faults: list[Fault] = []
        if self._around.is_draining():
            faults.append(Fault.DRAINING)
        if self._gateway.database.has_failed:
            # the rest would be asked of nobody
            return Health((*faults, Fault.STORE_FAILED))
        proof, (found, remarks, measures) = await asyncio.gather(self._proved(), self._looked())
        faults += proof
        faults += found
        remarks += self._clock_remarks(measures)
        survey = self._around.survey()
        if survey is not None and survey.stale:
            remarks.append(Fault.REVOCATION_STALE)
        try:
            free, wanted = measuring.disk(self._gateway.config)
        except OSError:
            free, wanted = 0, 1
        measures |= {"disk_free_octets": free, "disk_floor_octets": wanted}
        if free < wanted:
            faults.append(Fault.DISK_LOW)
        return Health(tuple(dict.fromkeys(faults)), tuple(remarks), measures)

    async def render(self) -> bytes:
        """The metrics; one gathering at a time, however many ask."""
        return await self._metrics.within(None)

    async def close(self) -> None:
        """Wait for no answer any more."""
        for each in (self._proof, self._look, self._metrics):
            await each.close()

    # each asked at most once at a time

    async def _write(self) -> None:
        """A commit with its flush; it keeps the time of the queue, which is of use."""
        future = self._gateway.database.submit(self._gateway.queue_clock.keep)
        await self._gateway.bridge.committed(future)

    async def _look_around(self) -> "_Seen":
        return await self._gateway.bridge.run(_look_at, self._gateway)

    async def _gather(self) -> bytes:
        gateway = self._gateway
        gateway.metrics.loop_lag_seconds.set(self._around.heartbeat.lag)
        for protocol, count in self._around.connections().items():
            gateway.metrics.connections.labels(protocol).set(count)
        measuring.fill_revocation(gateway, self._around.survey())
        return await gateway.bridge.run(_render, gateway)

    # what came of it

    async def _proved(self) -> list[Fault]:
        try:
            await self._proof.within(PATIENCE_SECONDS)
        except TimeoutError:
            return [Fault.STORE_SLOW]
        except StoreFailed:
            return [Fault.STORE_FAILED]
        except StoreUnavailable:
            return [Fault.STORE_REFUSES]
        return []

    async def _looked(self) -> tuple[list[Fault], list[Fault], dict[str, float]]:
        try:
            seen = await self._look.within(PATIENCE_SECONDS)
        except (TimeoutError, StoreUnavailable):
            return [Fault.STORE_SLOW], [], {}
        return list(seen.faults), list(seen.remarks), dict(seen.measures)

    def _clock_remarks(self, measures: dict[str, float]) -> list[Fault]:
        moved = self._gateway.clock() - time.monotonic() - self._began
        measures["clock_moved_seconds"] = moved
        return [Fault.CLOCK_SKEWED] if abs(moved) > SKEW_SECONDS else []


@dataclass(frozen=True, slots=True)
class _Seen:
    """What changes slowly."""

    faults: tuple[Fault, ...]
    remarks: tuple[Fault, ...]
    measures: dict[str, float]


def _look_at(gateway: Gateway) -> _Seen:
    """On a thread of the bridge: schema, keys, certificate, white list."""
    faults, remarks, measures = [], [], {}
    with gateway.database.read() as view:
        current, newest = integrity.schema(view)
        is_open = _opens(gateway, view)
        is_list_stale = measuring.is_whitelist_stale(gateway, view)
    if current != newest:
        faults.append(Fault.SCHEMA_OTHER)
    if not is_open:
        faults.append(Fault.KEY_UNUSABLE)
    if is_list_stale:
        remarks.append(Fault.WHITELIST_STALE)
    left = measuring.certificate_seconds(gateway)
    measures["server_certificate_days"] = -1.0 if math.isnan(left) else left / measuring.DAY
    if math.isnan(left) or left < measuring.SOON_DAYS * measuring.DAY:
        remarks.append(Fault.CERTIFICATE_ENDS)
    return _Seen(tuple(faults), tuple(remarks), measures)


def _opens(gateway: Gateway, view: View) -> bool:
    """Whether what is sealed now can be opened again: the keys are there and are the same."""
    try:
        seal = gateway.database.vault.account(view, gateway.spool)
        return seal.open(seal.seal(_PROBE, _PROBE), _PROBE) == _PROBE
    except CertsError:
        return False


def _render(gateway: Gateway) -> bytes:
    with gateway.database.read() as view:
        measuring.fill(gateway, view)
    return gateway.metrics.render()
