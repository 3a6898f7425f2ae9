"""Sends the notices that are due, on the service's event loop, one session at a time.

A relay that is away costs the notices nothing but time: they are left as they are, and it is tried
again after a while that grows to ten minutes. Whatever waits for a COMMIT runs behind the bridge.
"""

import asyncio
import secrets
from typing import Final

from mailbox_store.errors import StoreFailed
from mss_gateway.directory.notice_leases import LEASE_SECONDS, Claimed
from mss_gateway.life import notices
from mss_gateway.life.gateway import Gateway
from mss_gateway.life.notices import Result
from mss_gateway.life.notices_letter import letter
from mss_gateway.observability import log
from mss_gateway.queue import schedule
from mss_gateway.smtp.plain import LETTER_SECONDS, NotSent, Relay, Session, Trouble

POLL_SECONDS: Final = 1.0
PEOPLE: Final = 50
"""People whose notices are leased at a time."""

BATCH_SECONDS: Final = LEASE_SECONDS - 2 * LETTER_SECONDS
"""What a batch may take; the rest of it is given back while its leases last."""

LOOK_SECONDS: Final = 30.0
"""Between two counts of what waits."""

_RESULTS: Final = {
    Trouble.DEFERRED: Result.DEFERRED,
    Trouble.NO_SUCH_ADDRESS: Result.NO_SUCH_ADDRESS,
}


class Notifier:
    """:meth:`start` and :meth:`stop` run on the loop."""

    def __init__(self, gateway: Gateway, relay: Relay, poll_seconds: float = POLL_SECONDS) -> None:
        self._gateway = gateway
        self._relay = relay
        self._poll_seconds = poll_seconds
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._failures = 0

    def start(self) -> None:
        """Begin to send."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self, seconds: float) -> None:
        """Begin nothing new; the letter at hand has so long to end. The rest is given back."""
        self._stopping.set()
        if self._task is None:
            return
        _, late = await asyncio.wait([self._task], timeout=seconds)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late)

    async def run_batch(self) -> float:
        """Send what is due; how many seconds the relay is left in peace, 0 when all is well."""
        claimed = await self._gateway.bridge.run(notices.take, self._gateway, PEOPLE)
        if not claimed:
            return 0.0
        try:
            session = await Session.open(self._relay)
        except NotSent as error:
            return await self._left(claimed, error)
        try:
            return await self._send_all(session, claimed)
        finally:
            await session.close()

    async def _run(self) -> None:
        loop, gateway = asyncio.get_running_loop(), self._gateway
        look_at, is_recovered = 0.0, False
        while not self._stopping.is_set():
            rest = self._poll_seconds
            try:
                if not is_recovered:
                    await gateway.bridge.run(notices.recover, gateway)
                    is_recovered = True
                if loop.time() >= look_at:
                    await gateway.bridge.run(notices.look_after, gateway)
                    look_at = loop.time() + LOOK_SECONDS
                rest = max(rest, await self.run_batch())
            except StoreFailed as error:
                log.bug("notifier", error)
                return  # the process must end, and others say so
            except Exception as error:
                log.bug("notifier", error)
            await self._wait(rest)

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            pass

    async def _send_all(self, session: Session, claimed: tuple[Claimed, ...]) -> float:
        loop = asyncio.get_running_loop()
        ends = loop.time() + BATCH_SECONDS
        for number, one in enumerate(claimed):
            if self._stopping.is_set() or loop.time() >= ends or not session.is_usable:
                await self._give_back(claimed[number:])
                return 0.0
            try:
                await session.send(one.address, self._written(one))
            except NotSent as error:
                if error.trouble.is_of_relay:
                    return await self._left(claimed[number:], error)
                await self._settle(one, _RESULTS[error.trouble], error.trouble.value)
            else:
                self._failures = 0
                await self._settle(one, Result.SENT)
        return 0.0

    def _written(self, one: Claimed) -> bytes:
        gateway = self._gateway
        return letter(gateway.config, one, gateway.now(), secrets.token_hex(16))

    async def _left(self, claimed: tuple[Claimed, ...], error: NotSent) -> float:
        """The relay is away, or will have none of us: for every letter, and for a while."""
        self._failures += 1
        log.note("notices wait", failure=error.trouble.value, code=error.code, count=len(claimed))
        await self._give_back(claimed, error.trouble.value)
        return schedule.closed_for(self._failures, secrets.randbelow(1000) / 1000)

    async def _give_back(self, claimed: tuple[Claimed, ...], failure: str = "") -> None:
        for one in claimed:
            await self._settle(one, Result.AWAY, failure)

    async def _settle(self, one: Claimed, result: Result, failure: str = "") -> None:
        await self._gateway.bridge.run(notices.settle, self._gateway, one, result, failure)
