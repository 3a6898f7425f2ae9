"""One TLS session with another operator's server: reach it, prove who it is, hand messages over.

Nothing is ever said in clear but EHLO and STARTTLS. Every step has a time limit (RFC 5321
§4.5.3.2). The stream itself is ``conversation``'s.
"""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import Final

from aiosmtplib.errors import SMTPException

from mss_gateway.failures import Failure, Refused
from mss_gateway.life.relay import Outgoing
from mss_gateway.smtp import offers
from mss_gateway.smtp.answer import Answer, AnswerMalformed
from mss_gateway.smtp.conversation import Conversation
from mss_gateway.smtp.offers import Offers
from mss_gateway.smtp.stuffing import END

Prove = Callable[[bytes], Awaitable[None]]
"""Told the peer's certificate (DER), returns when it may be spoken to; raises Refused."""


class Kind(Enum):
    """What a failure says about the message, and about everything else that goes there."""

    DOWN = "down"
    """Nobody there who understands us: so it is for every message."""
    UNPROVED = "unproved"
    """No TLS, or not the certificate of the domain's operator: nothing is sent there."""
    LOST = "lost"
    """The session broke before the message was handed over."""
    TEMPORARY = "temporary"
    """The server said 4yz about this message."""
    PERMANENT = "permanent"
    """The server said 5yz about this message."""
    IN_DOUBT = "in_doubt"
    """The session broke after the final dot: it may have been taken, and is sent again the same."""


_FAILURES: Final = {
    Kind.DOWN: Failure.PEER_UNREACHABLE,
    Kind.UNPROVED: Failure.DESTINATION_UNPROVED,
    Kind.LOST: Failure.PEER_UNREACHABLE,
    Kind.TEMPORARY: Failure.PEER_DEFERS,
    Kind.PERMANENT: Failure.PEER_REFUSED,
    Kind.IN_DOUBT: Failure.PEER_UNREACHABLE,
}


class PeerFailed(Exception):
    """``answer`` is what the server said, where it said something; ``cause`` is for the log."""

    def __init__(
        self,
        kind: Kind,
        answer: Answer | None = None,
        cause: str = "",
        failure: Failure | None = None,
    ) -> None:
        super().__init__(kind.value)
        self.kind = kind
        self.answer = answer
        self.cause = cause
        self.failure = failure or _FAILURES[kind]


@dataclass(frozen=True, slots=True)
class Waits:
    """Seconds that each step may take (RFC 5321 §4.5.3.2).

    ``body``: all blocks together. Who takes them in drips would hold the message beyond its lease
    (``queue.leases.RELAY_LEASE_SECONDS``), and have it sent by another session too.
    """

    connection: float = 30.0
    handshake: float = 30.0
    greeting: float = 300.0
    command: float = 300.0
    begin: float = 120.0
    block: float = 180.0
    end: float = 600.0
    farewell: float = 5.0
    body: float = 1_200.0


WAITS: Final = Waits()


@dataclass(frozen=True, slots=True)
class Place:
    """Where to connect: an IP address or the operator's own host name; ``host`` is named in TLS."""

    address: str
    port: int
    host: str


_BROKEN: Final = (SMTPException, AnswerMalformed, OSError, EOFError, TimeoutError)
"""What a session that does not go on raises, by name only: the texts are the server's."""


class Link:
    """A session past TLS and EHLO, with a peer whose identity is proved."""

    def __init__(
        self,
        conversation: Conversation,
        offered: Offers,
        waits: Waits,
        prove: Callable[[], Awaitable[None]],
    ) -> None:
        self._conversation, self._waits, self._prove = conversation, waits, prove
        self._is_clean = True
        self._has_ended = False
        self.offered = offered
        self.sent = 0

    @classmethod
    async def open(
        cls,
        place: Place,
        tls: ssl.SSLContext,
        prove: Prove,
        own_name: str,
        waits: Waits = WAITS,
    ) -> "Link":
        """Connect, STARTTLS, proof, EHLO; raises PeerFailed (DOWN, UNPROVED)."""
        conversation = Conversation()
        try:
            async with asyncio.timeout(waits.connection):
                await asyncio.get_running_loop().create_connection(
                    lambda: conversation, place.address, place.port
                )
        except _BROKEN as error:
            raise PeerFailed(Kind.DOWN, cause=type(error).__name__) from None
        try:
            shown = await _secured(conversation, place, tls, prove, own_name, waits)
            offered = await _introduced(conversation, own_name, waits)
        except BaseException:
            conversation.cut()
            raise
        return cls(conversation, offered, waits, partial(prove, shown))

    @property
    def is_usable(self) -> bool:
        """Whether another message may be tried on it."""
        return not self._has_ended and self._conversation.is_connected

    async def prove(self) -> None:
        """Who it is, asked again as things stand now; raises PeerFailed (UNPROVED)."""
        try:
            await self._prove()
        except Refused as refused:
            raise PeerFailed(Kind.UNPROVED, cause=refused.cause) from None

    async def send(self, outgoing: Outgoing) -> Answer:
        """Hand one message over; the answer to its final dot, always a yes.

        Raises PeerFailed (LOST, TEMPORARY, PERMANENT, IN_DOUBT).
        """
        self._check_fits(outgoing)
        said = offers.Sent(
            outgoing.reverse_path or "",
            len(outgoing.raw),
            outgoing.is_eight_bit,
            outgoing.needs_utf8,
            outgoing.returns,
            outgoing.envelope_id,
            outgoing.requires_tls,
        )
        async with self._lost_when_broken():
            await self._begin()
            await self._say(offers.mail_argument(said, self.offered), self._waits.command)
            recipient = offers.rcpt_argument(outgoing.recipient, outgoing.asked, self.offered)
            await self._say(recipient, self._waits.command)
            await self._say(b"DATA", self._waits.begin, 354)
            async with asyncio.timeout(self._waits.body):
                is_whole = await self._conversation.hand_over(outgoing.raw, self._waits.block)
            if not is_whole:
                await self._answered_early()
            self._conversation.write(END)
        return await self._outcome()

    async def close(self) -> None:
        """QUIT, and wait for a word for a moment."""
        if self.is_usable:
            with contextlib.suppress(*_BROKEN):
                await self._conversation.ask(b"QUIT", self._waits.farewell)
        self.cut()

    def leave(self) -> None:
        """QUIT, and wait for nothing."""
        if self.is_usable:
            with contextlib.suppress(*_BROKEN):
                self._conversation.write(b"QUIT\r\n")
        self._has_ended = True
        self._conversation.let_go()

    def cut(self) -> None:
        """Leave without a word."""
        self._has_ended = True
        self._conversation.cut()

    async def _begin(self) -> None:
        """Forget a transaction that did not end; after one that did, nothing is left of it."""
        if not self._is_clean:
            heard = await self._conversation.ask(b"RSET", self._waits.command)
            if heard.code != 250:
                self.cut()
                raise PeerFailed(Kind.LOST, cause="RSET")
        self._is_clean = False

    def _check_fits(self, outgoing: Outgoing) -> None:
        """What the server says beforehand that it would not take (RFC 1870 §6.1, RFC 6152 §3)."""
        limit = self.offered.size
        if limit is not None and len(outgoing.raw) > limit:
            raise PeerFailed(Kind.PERMANENT, Answer(552, "5.3.4"), failure=Failure.MESSAGE_TOO_BIG)
        if outgoing.needs_utf8 and not self.offered.has("SMTPUTF8"):
            raise PeerFailed(Kind.PERMANENT, Answer(553, "5.6.7"), "no SMTPUTF8")
        if outgoing.is_eight_bit and not self.offered.has("8BITMIME"):
            # what was signed is not altered on its way (RFC 6152 §3 would have it converted)
            raise PeerFailed(Kind.PERMANENT, Answer(554, "5.6.3"), "no 8BITMIME")

    async def _say(self, line: bytes, seconds: float, expected: int = 250) -> None:
        """Say a command that must succeed."""
        heard = await self._conversation.ask(line, seconds)
        if heard.code // 100 == expected // 100:
            return
        raise self._failed(heard)

    def _failed(self, heard: Answer) -> PeerFailed:
        if heard.code == 421:
            self.cut()  # RFC 5321 §3.8: it is closing
        if heard.is_no:
            return PeerFailed(Kind.PERMANENT, heard)
        if heard.code // 100 == 4:
            return PeerFailed(Kind.TEMPORARY, heard)
        self.cut()
        return PeerFailed(Kind.LOST, heard, "out of order")

    async def _answered_early(self) -> None:
        """It answered in the middle of the body: no session goes on from there."""
        heard = await self._conversation.ended(self._waits.command)
        self.cut()
        if heard.is_yes:
            raise PeerFailed(Kind.LOST, cause="taken before its end")
        raise self._failed(heard)

    async def _outcome(self) -> Answer:
        """The answer to the final dot; without one, nobody knows."""
        try:
            heard = await self._conversation.ended(self._waits.end)
        except _BROKEN as error:
            self.cut()
            raise PeerFailed(Kind.IN_DOUBT, cause=type(error).__name__) from None
        except BaseException:
            self.cut()
            raise
        if heard.is_yes:
            self._is_clean = True
            self.sent += 1
            return heard
        failed = self._failed(heard)
        raise PeerFailed(Kind.IN_DOUBT, heard) if failed.kind is Kind.LOST else failed

    @asynccontextmanager
    async def _lost_when_broken(self) -> AsyncIterator[None]:
        try:
            yield
        except _BROKEN as error:
            self.cut()
            raise PeerFailed(Kind.LOST, cause=type(error).__name__) from None
        except asyncio.CancelledError:
            self.cut()
            raise


async def _secured(
    conversation: Conversation,
    place: Place,
    tls: ssl.SSLContext,
    prove: Prove,
    own_name: str,
    waits: Waits,
) -> bytes:
    """Greeting, EHLO, STARTTLS, and who is at the other end: its certificate (DER).

    Raises PeerFailed.
    """
    try:
        greeting = await conversation.greeted(waits.greeting)
        if greeting.code != 220:
            raise PeerFailed(Kind.DOWN, greeting, "greeting")
        if not (await _introduced(conversation, own_name, waits)).has("STARTTLS"):
            raise PeerFailed(Kind.UNPROVED, cause="no STARTTLS")
        ready = await conversation.ask(b"STARTTLS", waits.command)
        if ready.code != 220:
            raise PeerFailed(Kind.UNPROVED, ready, "STARTTLS")
    except _BROKEN as error:
        raise PeerFailed(Kind.DOWN, cause=type(error).__name__) from None
    try:
        shown = await conversation.secure(tls, place.host or None, waits.handshake)
        await prove(shown)
    except Refused as refused:
        raise PeerFailed(Kind.UNPROVED, cause=refused.cause) from None
    except (*_BROKEN, ValueError) as error:
        # ValueError: a host whose name cannot be said in TLS
        raise PeerFailed(Kind.UNPROVED, cause=type(error).__name__) from None
    return shown


async def _introduced(conversation: Conversation, own_name: str, waits: Waits) -> Offers:
    """EHLO; raises PeerFailed."""
    try:
        heard = await conversation.ask(b"EHLO " + own_name.encode("ascii"), waits.command)
    except _BROKEN as error:
        raise PeerFailed(Kind.DOWN, cause=type(error).__name__) from None
    if heard.code != 250:
        raise PeerFailed(Kind.DOWN, heard, "EHLO")
    return offers.read(heard)
