"""One submission session: the verbs of RFC 6409. A verb normalises, calls ``life``, prints."""

import base64
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from mss_gateway.directory.people import Person
from mss_gateway.failures import Failure, Refused
from mss_gateway.life import authn, policy, submission
from mss_gateway.life.authn import Attempt
from mss_gateway.life.gateway import Gateway
from mss_gateway.life.policy import Envelope
from mss_gateway.life.submission import Submission
from mss_gateway.message.address import AddressMalformed, EmailAddress
from mss_gateway.smtp import replies, sasl
from mss_gateway.smtp.body import PIECE_OCTETS, Budget, Endless, Reading, TooSlow
from mss_gateway.smtp.connection import Connection, Patience
from mss_gateway.smtp.lines import COMMAND_OCTETS, LineRefused
from mss_gateway.smtp.parameters import BadSyntax, UnknownParameter, mail_argument, rcpt_argument
from mss_gateway.smtp.replies import Said

FAILED_SIGN_INS = 5
"""Wrong passwords in one connection before it is closed (threat T9)."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Port:
    """What a session knows of the port it came in by."""

    gateway: Gateway
    tls: ssl.SSLContext
    is_implicit_tls: bool
    budget: Budget
    patience: Patience
    clock: Callable[[], float]


class SubmissionSession(Connection):
    """A professional's own client handing in messages."""

    def __init__(
        self, port: Port, opened: Callable[[str], bool], closed: Callable[[str], None]
    ) -> None:
        site = port.gateway.config.site
        self._port = port
        self._gateway = port.gateway
        self._postmaster = EmailAddress("postmaster", site.domains[0])
        self._is_secure = port.is_implicit_tls
        self._is_greeted = False
        self._author: Person | None = None
        self._envelope: Envelope | None = None
        self._recipients: list[EmailAddress] = []
        self._failed_sign_ins = 0
        super().__init__(site.hostname, port.patience, opened, closed)

    # greeting, TLS, identity

    async def smtp_EHLO(self, name: str) -> None:
        """RFC 5321 §4.1.1.1."""
        if not await self._is_greeted_by(name):
            return
        limit = self._gateway.config.limits.message_octets
        offered = ["PIPELINING", f"SIZE {limit}", "8BITMIME", "ENHANCEDSTATUSCODES"]
        if not self._is_secure:
            offered.append("STARTTLS")
        elif self._author is None:
            offered.append("AUTH PLAIN LOGIN")
        lines = [self.hostname, *offered]
        text = "\r\n".join(f"250-{line}" for line in lines[:-1])
        await self._write(f"{text}\r\n250 {lines[-1]}".encode())

    async def smtp_HELO(self, name: str) -> None:
        """RFC 5321 §4.1.1.1; a client that cannot STARTTLS gets no further."""
        if await self._is_greeted_by(name):
            await self._write(f"250 {self.hostname}".encode())

    async def smtp_STARTTLS(self, argument: str) -> None:
        """RFC 3207 §4: nothing said before counts, and nothing may be waiting (threat T4)."""
        if argument:
            await self._mistake(Said.NO_ARGUMENT)
            return
        if self._is_secure:
            await self._mistake(Said.TLS_ALREADY)
            return
        if self._has_more_waiting():
            self._part_with(Said.SPOKE_EARLY)
            return
        await self._say(Said.TLS_READY)
        if self._has_more_waiting():
            self._end()  # an answer would be read as one to a command said in TLS
            return
        if await self._start_tls(self._port.tls):
            self._is_secure = True
            self._is_greeted = False
            self._reset_transaction()

    async def smtp_AUTH(self, argument: str) -> None:
        """RFC 4954 §4: PLAIN and LOGIN, after TLS only."""
        if not self._is_secure:
            await self._refuse(Failure.TLS_REQUIRED)
            return
        if not self._is_greeted:
            await self._mistake(Said.EHLO_FIRST)
            return
        if self._author is not None:
            await self._mistake(Said.AUTH_MISPLACED)
            return
        name, _, initial = argument.partition(" ")
        mechanism = sasl.MECHANISMS.get(name.upper())
        if mechanism is None:
            await self._mistake(Said.MECHANISM_UNKNOWN)
            return
        try:
            await self._sign_in(await mechanism(self._challenge, initial.strip(" ")))
        except sasl.Cancelled:
            await self._say(Said.SIGN_IN_CANCELLED)
        except (sasl.NotBase64, LineRefused):
            await self._mistake(Said.NOT_BASE64)
        except sasl.Unreadable:
            await self._fail_sign_in(Refused(Failure.BAD_CREDENTIALS))
        except Refused as refused:
            await self._fail_sign_in(refused)

    async def _challenge(self, prompt: bytes) -> str:
        await self._write(b"334 " + base64.b64encode(prompt))
        return await self._hear()

    async def _sign_in(self, claim: sasl.Claim) -> None:
        attempt = Attempt(claim.login, claim.password, "submission", self._peer)
        self._author = await self._gateway.bridge.sign_in(
            authn.authenticate, self._gateway, attempt
        )
        self._early_commands = None
        self._timeout_duration = self._patience.known
        self._reset_timeout()
        await self._say(Said.SIGNED_IN)

    async def _fail_sign_in(self, refused: Refused) -> None:
        self._failed_sign_ins += 1
        await self._write(replies.refusal(refused))
        if self._failed_sign_ins >= FAILED_SIGN_INS:
            self._end()

    # the transaction

    async def smtp_MAIL(self, argument: str) -> None:
        """RFC 5321 §4.1.1.2, RFC 6409 §6.1: the reverse-path is the author's own."""
        author = await self._known_author()
        if author is None:
            return
        if self._envelope is not None:
            await self._mistake(Said.MAIL_TWICE)
            return
        parsed = await self._parsed(mail_argument, argument, Said.MAIL_SYNTAX)
        if parsed is None:
            return
        reverse_path, size = parsed
        envelope = Envelope(author, reverse_path, "submission")
        if await self._is_permitted(policy.at_sender, envelope, size):
            self._envelope = envelope
            await self._say(Said.SENDER_TAKEN)

    async def smtp_RCPT(self, argument: str) -> None:
        """RFC 5321 §4.1.1.3: one verdict per recipient."""
        if await self._known_author() is None:
            return
        if self._envelope is None:
            await self._mistake(Said.MAIL_FIRST)
            return
        recipient = await self._parsed(self._recipient, argument, Said.RCPT_SYNTAX)
        if recipient is None:
            return
        so_far = len(self._recipients)
        if await self._is_permitted(policy.at_recipient, self._envelope, recipient, so_far):
            self._recipients.append(recipient)
            await self._say(Said.RECIPIENT_TAKEN)

    async def smtp_DATA(self, argument: str) -> None:
        """RFC 5321 §4.1.1.4: one reply for the message, after its commit."""
        if await self._known_author() is None:
            return
        if argument:
            await self._mistake(Said.NO_ARGUMENT)
            return
        if self._envelope is None:
            await self._mistake(Said.MAIL_FIRST)
            return
        if not self._recipients:
            await self._mistake(Said.RCPT_FIRST)
            return
        envelope, recipients = self._envelope, tuple(self._recipients)
        self._reset_transaction()
        await self._say(Said.SEND_BODY)
        limit = self._gateway.config.limits.message_octets
        reading = Reading(limit, self._port.budget, self._port.clock, self._heard)
        try:
            await self._receive(reading, envelope, recipients)
        finally:
            reading.release()
            self._reader._limit = COMMAND_OCTETS  # type: ignore[attr-defined]
            self._reset_timeout()

    async def _receive(
        self, reading: Reading, envelope: Envelope, recipients: tuple[EmailAddress, ...]
    ) -> None:
        # pieces, not lines, come in here: the stream may hold a whole one
        self._reader._limit = PIECE_OCTETS  # type: ignore[attr-defined]
        try:
            raw = await reading.read(self._reader)
            sent = Submission(envelope, recipients, raw)
            receipt = await self._gateway.bridge.run(submission.accept, self._gateway, sent)
        except Refused as refused:
            message_ref = refused.message_ref or self._gateway.new_ref()
            await self._write(replies.line(refused.failure, message_ref))
            if refused.failure is Failure.BARE_LINE_ENDING:
                self._end()  # what follows may be commands smuggled behind the body
        except TooSlow:
            self._part_with(Said.TIMED_OUT)
        except Endless:
            await self._refuse(Failure.MESSAGE_TOO_BIG)
            self._end()
        else:
            await self._write(f"250 2.0.0 {receipt.message_ref}".encode())

    async def smtp_RSET(self, _argument: str) -> None:
        """RFC 5321 §4.1.1.5."""
        self._reset_transaction()
        await self._say(Said.DONE)

    # the rest

    async def smtp_NOOP(self, _argument: str) -> None:
        """RFC 5321 §4.1.1.9."""
        await self._say(Said.DONE)

    async def smtp_VRFY(self, _argument: str) -> None:
        """RFC 5321 §7.3: whether an address exists is told to nobody (threat T10)."""
        await self._mistake(Said.NOT_OFFERED)

    async def smtp_EXPN(self, _argument: str) -> None:
        """RFC 5321 §7.3."""
        await self._mistake(Said.NOT_OFFERED)

    async def smtp_HELP(self, _argument: str) -> None:
        """RFC 5321 §4.1.1.8."""
        await self._say(Said.HELP)

    async def smtp_QUIT(self, _argument: str) -> None:
        """RFC 5321 §4.1.1.10."""
        self._part_with(Said.CLOSING)

    # small steps

    async def _is_greeted_by(self, name: str) -> bool:
        """EHLO and HELO come with a name and end their group of commands (RFC 2920 §3.1)."""
        if not name:
            await self._mistake(Said.NAME_WANTED)
            return False
        if self._author is None and self._has_more_waiting():
            self._part_with(Said.SPOKE_EARLY)
            return False
        self._is_greeted = True
        self._reset_transaction()
        return True

    async def _known_author(self) -> Person | None:
        """MAIL, RCPT and DATA want EHLO, TLS and AUTH first; answers when one is missing."""
        if not self._is_greeted:
            await self._mistake(Said.EHLO_FIRST)
        elif not self._is_secure:
            await self._refuse(Failure.TLS_REQUIRED)
        elif self._author is None:
            await self._refuse(Failure.AUTH_REQUIRED)
        return self._author if self._is_greeted else None

    def _reset_transaction(self) -> None:
        self._envelope = None
        self._recipients = []

    def _recipient(self, argument: str) -> EmailAddress:
        return rcpt_argument(argument, self._postmaster)

    async def _parsed(self, parse: Callable[[str], T], argument: str, usage: Said) -> T | None:
        try:
            return parse(argument)
        except BadSyntax:
            await self._mistake(usage)
        except UnknownParameter:
            await self._mistake(Said.PARAMETER_UNKNOWN)
        except AddressMalformed:
            await self._refuse(Failure.ADDRESS_MALFORMED)
        return None

    async def _is_permitted(self, ask: Callable[..., None], *facts: object) -> bool:
        try:
            await self._gateway.bridge.run(ask, self._gateway, *facts)
        except Refused as refused:
            await self._write(replies.refusal(refused))
            return False
        return True

    async def _refuse(self, failure: Failure) -> None:
        await self._write(replies.line(failure))

    def _heard(self) -> None:
        """A piece of the body came: the client is alive, if slow."""
        self._reset_timeout(self._patience.body)
