"""The dialogue of RFC 5321 that every port has in common: EHLO to QUIT, one message at a time.

A verb normalises, calls, prints. What differs between ports, who may speak and what becomes of a
message, is the :class:`Side` that a dialogue is opened with.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

from mss_gateway.failures import Failure, Refused
from mss_gateway.life.gateway import Gateway
from mss_gateway.message.address import AddressMalformed, EmailAddress
from mss_gateway.queue.carried import Asked
from mss_gateway.smtp import replies
from mss_gateway.smtp.body import PIECE_OCTETS, Budget, Endless, Reading, TooSlow
from mss_gateway.smtp.connection import Connection, Patience, Verb
from mss_gateway.smtp.lines import COMMAND_OCTETS
from mss_gateway.smtp.parameters import (
    BadParameter,
    BadSyntax,
    BadValue,
    MailArgument,
    RcptArgument,
    UnknownParameter,
    mail_argument,
    rcpt_argument,
)
from mss_gateway.smtp.replies import Said

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Port:
    """What a dialogue knows of the port it came in by."""

    gateway: Gateway
    tls: ssl.SSLContext
    is_implicit_tls: bool
    budget: Budget
    patience: Patience
    clock: Callable[[], float]


@dataclass(frozen=True, slots=True)
class HandedOver:
    """A whole transaction: what MAIL and RCPT said, and DATA without its dots of transparency."""

    announced: MailArgument
    rcpt: tuple[RcptArgument, ...]
    raw: bytes

    @property
    def recipients(self) -> tuple[EmailAddress, ...]:
        """The addresses in the order of RCPT."""
        return tuple(each.address for each in self.rcpt)

    @property
    def asked(self) -> dict[str, Asked]:
        """What is asked to be heard of each recipient; the last word counts."""
        return {str(each.address): each.asked for each in self.rcpt}


class Side(Protocol):
    """Who is at the other side of a dialogue, and what they may do: a program or a server."""

    @property
    def channel(self) -> str:
        """As logs and metrics name this kind of port."""

    @property
    def verbs(self) -> Mapping[str, Verb]:
        """The commands of this kind of port alone, by their names."""

    @property
    def is_known(self) -> bool:
        """Whether the other side has proved who it is."""

    def offers(self) -> list[str]:
        """What EHLO offers here besides what every port offers."""

    def missing(self) -> Failure | None:
        """What must still be done before MAIL, once there is TLS."""

    async def begin(self, announced: MailArgument) -> None:
        """May a message begin with this MAIL? Raises Refused."""

    async def admit(self, recipient: EmailAddress, so_far: int) -> None:
        """May this recipient be added to ``so_far`` others? Raises Refused."""

    async def accept(self, handed: HandedOver) -> str:
        """Take responsibility for the message; its message_ref. Raises Refused."""


class Dialogue(Connection):
    """One connection speaking SMTP; ``side`` is made for it and lives as long as the client."""

    def __init__(
        self,
        port: Port,
        side: Callable[["Dialogue"], Side],
        opened: Callable[[Connection], bool],
        closed: Callable[[Connection], None],
    ) -> None:
        site = port.gateway.config.site
        self.port = port
        self.gateway = port.gateway
        self.is_secure = port.is_implicit_tls
        self.is_greeted = False
        self._postmaster = EmailAddress("postmaster", site.domains[0])
        self._announced: MailArgument | None = None
        self._recipients: list[RcptArgument] = []
        takes_utf8 = self.gateway.config.submission.smtputf8
        super().__init__(site.hostname, port.patience, opened, closed, takes_utf8=takes_utf8)
        self._new_side = side
        self._side: Side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The client is there, on a port of implicit TLS past its handshake."""
        self._side = self._new_side(self)
        self.channel = self._side.channel
        super().connection_made(transport)

    def _let_go(self) -> None:
        super()._let_go()
        del self._side

    def verb(self, name: str) -> Verb | None:
        """A command of this kind of port, or of every port."""
        own: Verb | None = getattr(self, f"smtp_{name}") if name in _OWN_VERBS else None
        return self._side.verbs.get(name, own)

    # greeting, TLS

    async def smtp_EHLO(self, name: str) -> None:
        """RFC 5321 §4.1.1.1."""
        if not await self._is_greeted_by(name):
            return
        limit = self.gateway.config.limits.message_octets
        offered = ["PIPELINING", f"SIZE {limit}", "8BITMIME", "ENHANCEDSTATUSCODES", "DSN"]
        if self.takes_utf8:
            offered.append("SMTPUTF8")
        offered += ["REQUIRETLS", *self._side.offers()] if self.is_secure else ["STARTTLS"]
        lines = [self.hostname, *offered]
        text = "\r\n".join(f"250-{line}" for line in lines[:-1])
        await self.write(f"{text}\r\n250 {lines[-1]}".encode())

    async def smtp_HELO(self, name: str) -> None:
        """RFC 5321 §4.1.1.1; a client that cannot STARTTLS gets no further."""
        if await self._is_greeted_by(name):
            await self.write(f"250 {self.hostname}".encode())

    async def smtp_STARTTLS(self, argument: str) -> None:
        """RFC 3207 §4: nothing said before counts, and nothing may be waiting (threat T4)."""
        if argument:
            await self.mistake(Said.NO_ARGUMENT)
            return
        if self.is_secure:
            await self.mistake(Said.TLS_ALREADY)
            return
        if self.has_more_waiting():
            self.part_with(Said.SPOKE_EARLY)
            return
        await self.say(Said.TLS_READY)
        if self.has_more_waiting():
            self.end()  # an answer would be read as one to a command said in TLS
            return
        if await self.start_tls(self.port.tls):
            self.is_secure = True
            self.is_greeted = False
            self._reset_transaction()

    # the transaction

    async def smtp_MAIL(self, argument: str) -> None:
        """RFC 5321 §4.1.1.2: a message begins."""
        if not await self._may_go_on():
            return
        if self._announced is not None:
            await self.mistake(Said.MAIL_TWICE)
            return
        announced = await self._parsed(self._mail_argument, argument, Said.MAIL_SYNTAX)
        if announced is not None and await self._is_permitted(self._side.begin(announced)):
            self._announced = announced
            await self.say(Said.SENDER_TAKEN)

    async def smtp_RCPT(self, argument: str) -> None:
        """RFC 5321 §4.1.1.3: one verdict per recipient."""
        if not await self._may_go_on():
            return
        if self._announced is None:
            await self.mistake(Said.MAIL_FIRST)
            return
        rcpt = await self._parsed(self._rcpt_argument, argument, Said.RCPT_SYNTAX)
        if rcpt is None:
            return
        if await self._is_permitted(self._side.admit(rcpt.address, len(self._recipients))):
            self._recipients.append(rcpt)
            await self.say(Said.RECIPIENT_TAKEN)

    async def smtp_DATA(self, argument: str) -> None:
        """RFC 5321 §4.1.1.4: one reply for the message, after its commit."""
        if not await self._may_go_on():
            return
        if argument:
            await self.mistake(Said.NO_ARGUMENT)
            return
        if self._announced is None:
            await self.mistake(Said.MAIL_FIRST)
            return
        if not self._recipients:
            await self.mistake(Said.RCPT_FIRST)
            return
        announced, rcpt = self._announced, tuple(self._recipients)
        self._reset_transaction()
        await self.say(Said.SEND_BODY)
        limit = self.gateway.config.limits.message_octets
        reading = Reading(limit, self.port.budget, self.port.clock, self._heard)
        try:
            await self._receive(reading, announced, rcpt)
        finally:
            reading.release()
            self._reader._limit = COMMAND_OCTETS  # type: ignore[attr-defined]
            self._reset_timeout()

    async def _receive(
        self, reading: Reading, announced: MailArgument, rcpt: tuple[RcptArgument, ...]
    ) -> None:
        # pieces, not lines, come in here: the stream may hold a whole one
        self._reader._limit = PIECE_OCTETS  # type: ignore[attr-defined]
        try:
            handed = HandedOver(announced, rcpt, await reading.read(self._reader))
            message_ref = await self._side.accept(handed)
        except Refused as refused:
            message_ref = refused.message_ref or self.gateway.new_ref()
            await self.write(replies.line(refused.failure, message_ref))
            if refused.failure is Failure.BARE_LINE_ENDING:
                self.end()  # what follows may be commands smuggled behind the body
        except TooSlow:
            self.part_with(Said.TIMED_OUT)
        except Endless:
            await self.refuse(Failure.MESSAGE_TOO_BIG)
            self.end()
        else:
            await self.write(f"250 2.0.0 {message_ref}".encode())

    async def smtp_RSET(self, _argument: str) -> None:
        """RFC 5321 §4.1.1.5."""
        self._reset_transaction()
        await self.say(Said.DONE)

    # the rest

    async def smtp_NOOP(self, _argument: str) -> None:
        """RFC 5321 §4.1.1.9."""
        await self.say(Said.DONE)

    async def smtp_VRFY(self, _argument: str) -> None:
        """RFC 5321 §7.3: whether an address exists is told to nobody (threat T10)."""
        await self.mistake(Said.NOT_OFFERED)

    async def smtp_EXPN(self, _argument: str) -> None:
        """RFC 5321 §7.3."""
        await self.mistake(Said.NOT_OFFERED)

    async def smtp_HELP(self, _argument: str) -> None:
        """RFC 5321 §4.1.1.8."""
        await self.say(Said.HELP)

    async def smtp_QUIT(self, _argument: str) -> None:
        """RFC 5321 §4.1.1.10."""
        self.part_with(Said.CLOSING)

    # small steps

    async def refuse(self, failure: Failure) -> None:
        """Answer what a failure says, for what concerns no message yet."""
        await self.write(replies.line(failure))

    def peer_certificate(self) -> bytes | None:
        """The certificate (DER) that was shown in the TLS handshake, if one was."""
        secured = self._writer.get_extra_info("ssl_object")
        shown: bytes | None = None if secured is None else secured.getpeercert(True)
        return shown

    async def _is_greeted_by(self, name: str) -> bool:
        """EHLO and HELO come with a name and end their group of commands (RFC 2920 §3.1)."""
        if not name:
            await self.mistake(Said.NAME_WANTED)
            return False
        if not self._side.is_known and self.has_more_waiting():
            self.part_with(Said.SPOKE_EARLY)
            return False
        self.is_greeted = True
        self._reset_transaction()
        return True

    async def _may_go_on(self) -> bool:
        """MAIL, RCPT and DATA want EHLO and TLS first; answers when something is missing."""
        if not self.is_greeted:
            await self.mistake(Said.EHLO_FIRST)
            return False
        missing = self._side.missing() if self.is_secure else Failure.TLS_REQUIRED
        if missing is not None:
            await self.refuse(missing)
        return missing is None

    def _reset_transaction(self) -> None:
        self._announced = None
        self._recipients = []

    def _mail_argument(self, argument: str) -> MailArgument:
        return mail_argument(argument, self.takes_utf8)

    def _rcpt_argument(self, argument: str) -> RcptArgument:
        is_utf8 = self._announced is not None and self._announced.is_utf8
        return rcpt_argument(argument, self._postmaster, is_utf8)

    async def _parsed(self, parse: Callable[[str], T], argument: str, usage: Said) -> T | None:
        try:
            return parse(argument)
        except BadSyntax:
            await self.mistake(usage)
        except BadParameter:
            await self.mistake(Said.PARAMETER_MALFORMED)
        except BadValue:
            await self.mistake(Said.VALUE_NOT_OFFERED)
        except UnknownParameter:
            await self.mistake(Said.PARAMETER_UNKNOWN)
        except AddressMalformed:
            await self.refuse(Failure.ADDRESS_MALFORMED)
        return None

    async def _is_permitted(self, asking: Awaitable[None]) -> bool:
        try:
            await asking
        except Refused as refused:
            await self.write(replies.refusal(refused))
            return False
        return True

    def _heard(self) -> None:
        """A piece of the body came: the client is alive, if slow."""
        self._reset_timeout(self._patience.body)


_OWN_VERBS = frozenset(
    name.removeprefix("smtp_") for name in vars(Dialogue) if name.startswith("smtp_")
)
"""Those of the library, such as its AUTH, are not ours to offer."""
