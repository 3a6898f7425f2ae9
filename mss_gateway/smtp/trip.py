"""One session's worth of items: claim, reach, prepare, send, settle, one after the other.

An item is ours from its claim until its outcome is committed; whatever ends a trip before gives it
back. What was sent and not answered is settled as in doubt, or stays so: the same octets go again.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from mailbox_store.errors import StoreError
from mss_gateway.failures import Failure, Refused, row
from mss_gateway.life import attempts, outbound, relay
from mss_gateway.life.outbound import Claimed
from mss_gateway.life.relay import Outgoing
from mss_gateway.observability import log
from mss_gateway.queue.leases import Item
from mss_gateway.smtp.answer import Answer
from mss_gateway.smtp.client import Kind, Link, PeerFailed
from mss_gateway.smtp.load import Load
from mss_gateway.smtp.routes import NoRoute

if TYPE_CHECKING:
    from mss_gateway.smtp.carrier import Carrier

T = TypeVar("T")

BATCH: Final = 8
"""Items claimed at once: one COMMIT for all of them, and little to be given back."""

FRESH_SECONDS: Final = 600.0
"""How old a claim may be when a message is begun: a slow server is still given its time for it
(``client.Waits``), and its lease does not run out while it is being sent."""


class Closed(Exception):
    """The destination rests from now on; nothing more of it is tried."""


class Trip:
    """Items of one destination over one session; :meth:`end` is always called."""

    def __init__(self, load: Load, carrier: "Carrier") -> None:
        self._load, self._carrier = load, carrier
        self._gateway, self._domain = load.gateway, carrier.destination.domain
        self._left: list[Claimed] = []
        self._link: Link | None = None
        self._host = ""
        self._shown = load.shown
        self._claimed_at = 0.0
        self._was_late = False

    async def run(self) -> bool:
        """Carry what is due; True when the session has carried its share and more may wait.

        Raises Closed.
        """
        share = self._gateway.config.relay.messages_per_connection
        while share > 0 and not self._carrier.is_over:
            wanted = 1 if self._carrier.is_probing else min(BATCH, share)
            index = self._carrier.destination.index
            run = self._gateway.bridge.run
            self._left = await run(outbound.claim, self._gateway, index, wanted)
            if not self._left:
                return False
            share -= len(self._left)
            self._claimed_at = self._now()
            objection = await self._objection()
            await self._still_proved()
            is_more_waiting = len(self._left) == wanted
            while self._left and not self._carrier.is_over:
                if objection is not None:
                    await self._objected(self._left[0].item, objection)
                elif await self._reached(self._left[0].item):
                    if not await self._carry(self._left[0], is_more_waiting):
                        self._was_late = True
                        break
                    self._was_late = False
                del self._left[0]
            share += len(self._left)
            self._give_back()
        return not self._carrier.is_over

    async def end(self) -> None:
        """Give back what was not tried, and leave."""
        self._give_back()
        if self._link is None:
            return
        if self._load.is_stopping:
            self._link.leave()
        else:
            await self._link.close()

    def _give_back(self) -> None:
        self._load.give_back(one.item for one in self._left)
        self._left = []

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    def _is_stale(self) -> bool:
        """Whether the claim is too old to begin anything under it."""
        return self._now() - self._claimed_at > FRESH_SECONDS

    async def _objection(self) -> Failure | None:
        """Why nothing may leave for the domain now."""
        own = self._load.to_judge()
        run = self._gateway.bridge.run
        objection = await run(outbound.objection, self._gateway, self._domain, own)
        if own is not None and own is self._load.shown and objection is None:
            self._load.found_good()
        return objection

    async def _objected(self, item: Item, objection: Failure) -> None:
        """Nothing may leave for the domain; raises Closed for what one item says of all others."""
        await self._failed(item, objection)
        if objection is Failure.OWN_CERTIFICATE:
            log.note("own certificate is good no more", failure=objection.value)
            await self._close(objection)

    async def _still_proved(self) -> None:
        """A session lasts longer than news of a revocation may take: who it is, asked again.

        So are we: one that showed a former certificate of ours is left.
        """
        if self._link is not None and self._shown is not self._load.shown:
            self._link.cut()
        if self._link is not None and self._link.is_usable:
            try:
                await self._link.prove()
            except PeerFailed:
                self._link.cut()  # the next one tells why

    async def _carry(self, claimed: Claimed, is_more_waiting: bool) -> bool:
        """Try one item over the session that there is, and settle it; raises Closed.

        False when the claim had grown too old for anything to be begun.
        """
        item = claimed.item
        async with self._load.room.for_message(claimed.octets):
            if self._is_stale():
                if not self._was_late:
                    return False
                # who is as slow each time is nobody there: it counts as an attempt
                await self._peer_failed(item, PeerFailed(Kind.LOST, cause="too late"))
                return True
            outgoing = await self._prepared(item)
            if outgoing is None or self._link is None:
                return True
            try:
                answer = await self._sent(outgoing)
            except PeerFailed as failed:
                await self._peer_failed(item, failed)
                return True
            except StoreError:
                raise
            except Exception as error:
                await self._broke_off(item, error)
                return True
        await self._succeeded(outgoing, answer)
        await self._carrier.welcome(is_more_waiting=is_more_waiting)
        return True

    async def _reached(self, item: Item) -> bool:
        """Whether there is a session; if not, the item is settled. Raises Closed."""
        if self._link is not None and self._link.is_usable:
            return True
        try:
            await self._connect()
        except NoRoute as refused:
            await self._refused(item, refused.failure)
            if row(refused.failure).retry:
                await self._close(refused.failure)
            return False
        except PeerFailed as failed:
            self._log(item, failed)
            await self._failed(item, failed.failure, self._reply(failed.answer))
            await self._close(failed.failure)
        return self._link is not None

    async def _connect(self) -> None:
        """Raises NoRoute, PeerFailed."""
        self._shown = self._load.shown
        self._link, self._host = await self._load.reach.link(self._domain)

    async def _close(self, failure: Failure) -> None:
        del self._left[0]  # it has its outcome, the others were not tried
        await self._carrier.close(failure)

    async def _prepared(self, item: Item) -> Outgoing | None:
        """What leaves, once it is committed; None when the item is settled."""
        try:
            prepared = await self._gateway.bridge.run(relay.prepare, self._gateway, item)
        except Refused as refused:
            await self._refused(item, refused.failure)
            return None
        except StoreError:
            raise
        except Exception as error:
            log.bug("relay", error, message_ref=item.message_ref)
            await self._failed(item, Failure.BUG)
            return None
        if prepared is None or not await self._load.committed(prepared.kept):
            return None  # somebody else has done it
        return prepared.outgoing

    async def _sent(self, outgoing: Outgoing) -> Answer:
        """The server's yes; a session that had grown old is made anew once. Raises PeerFailed."""
        assert self._link is not None
        was_used = self._link.sent > 0
        try:
            return await self._link.send(outgoing)
        except PeerFailed as failed:
            if not was_used or failed.kind is not Kind.LOST or failed.answer is not None:
                raise
        try:
            await self._connect()
        except NoRoute as refused:
            raise PeerFailed(Kind.DOWN, cause=refused.cause, failure=refused.failure) from None
        if self._is_stale():
            raise PeerFailed(Kind.LOST, cause="too late")
        return await self._link.send(outgoing)

    async def _succeeded(self, outgoing: Outgoing, answer: Answer) -> None:
        assert self._link is not None
        peer_tells = self._link.offered.has("DSN")
        settle = partial(
            relay.succeeded,
            self._gateway,
            outgoing,
            self._reply(answer),
            peer_tells=peer_tells,
        )
        await self._settled(outgoing.item, settle)
        self._gateway.metrics.relayed.labels("relayed").inc()

    async def _broke_off(self, item: Item, error: Exception) -> None:
        """Something of ours failed in the middle: nobody knows how much the server has."""
        log.bug("relay", error, message_ref=item.message_ref)
        if self._link is not None:
            self._link.cut()
        await self._failed(item, Failure.BUG, in_doubt=True)

    async def _settled(self, item: Item, settle: Callable[[], "Future[T]"]) -> None:
        """The item's result is written; or it stumbles, and the next one has its turn."""
        try:
            await self._load.committed(await self._gateway.bridge.run(settle))
        except Exception as error:
            stumble = partial(attempts.stumbled, self._gateway, item, error)
            await self._load.committed(await self._gateway.bridge.run(stumble))

    async def _peer_failed(self, item: Item, failed: PeerFailed) -> None:
        self._log(item, failed)
        in_doubt = failed.kind is Kind.IN_DOUBT
        await self._failed(item, failed.failure, self._reply(failed.answer), in_doubt=in_doubt)
        try:
            await self._carrier.strike(failed)
        except Closed:
            del self._left[0]
            raise

    async def _refused(self, item: Item, failure: Failure) -> None:
        """We say no, before anybody there was asked."""
        log.note("relay", message_ref=item.message_ref, failure=failure.value)
        await self._failed(item, failure)

    async def _failed(
        self,
        item: Item,
        failure: Failure,
        reply: str = "",
        *,
        in_doubt: bool = False,
    ) -> None:
        settle = partial(relay.failed, self._gateway, item, failure, reply, in_doubt=in_doubt)
        await self._settled(item, settle)
        self._gateway.metrics.relayed.labels("deferred" if row(failure).retry else "refused").inc()

    def _reply(self, answer: Answer | None) -> str:
        """Host and codes, as reports read them; the server's text stays with the server.

        What its offers let us know was said by nobody, and names no host.
        """
        if answer is None:
            return ""
        return f"{self._host} {answer.said}".lstrip() if answer.lines else answer.said

    def _log(self, item: Item, failed: PeerFailed) -> None:
        log.note(
            "relay",
            message_ref=item.message_ref,
            failure=failed.failure.value,
            state=failed.kind.value,
            code=None if failed.answer is None else failed.answer.code,
            error=failed.cause,
        )
