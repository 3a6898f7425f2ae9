"""One submission session: aiosmtpd's connection loop with our own verbs.

Of aiosmtpd remain the reading of command lines, time-outs and dispatch; every verb, every reply
and STARTTLS are here (docs/decisions/0003).
"""

import asyncio
import base64
import binascii
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aiosmtpd.smtp import SMTP, Session

from mss_gateway.directory.people import Person
from mss_gateway.failures import Failure, Refused
from mss_gateway.life import authn, policy, submission
from mss_gateway.life.authn import Attempt
from mss_gateway.life.gateway import Gateway
from mss_gateway.life.policy import Envelope
from mss_gateway.life.submission import Submission
from mss_gateway.message.address import AddressMalformed, EmailAddress
from mss_gateway.observability import log
from mss_gateway.smtp import replies
from mss_gateway.smtp.body import Budget, Reading, TooSlow, waiting
from mss_gateway.smtp.parameters import BadSyntax, UnknownParameter, mail_argument, rcpt_argument

COMMAND_OCTETS = 2048
HANDSHAKE_SECONDS = 10.0
UNAUTHENTICATED_SECONDS = 30.0
IDLE_SECONDS = 300.0
"""RFC 5321 §4.5.3.2.7 wants at least five minutes for a client that is known."""
FAILED_SIGN_INS = 5
"""Wrong passwords in one connection before it is closed."""


@dataclass(frozen=True, slots=True)
class Port:
    """What a session knows of the port it came in by."""

    gateway: Gateway
    tls: ssl.SSLContext
    is_implicit_tls: bool
    budget: Budget


class SubmissionSession(SMTP):
    """A session of RFC 6409 submission."""

    line_length_limit = 524_288  # the stream's buffer: large, for DATA; commands have their own
    command_size_limit = COMMAND_OCTETS

    def __init__(
        self, port: Port, opened: Callable[[str], bool], closed: Callable[[str], None]
    ) -> None:
        self._port = port
        self._gateway = port.gateway
        self._is_secure = port.is_implicit_tls
        self._opened, self._closed_by = opened, closed
        self._peer = "unknown"
        self._author: Person | None = None
        self._envelope: Envelope | None = None
        self._recipients: list[EmailAddress] = []
        self._failed_sign_ins = 0
        super().__init__(
            object(),
            hostname=port.gateway.config.site.hostname,
            ident="ESMTP MSS Gateway",
            data_size_limit=port.gateway.config.limits.message_octets,
            timeout=UNAUTHENTICATED_SECONDS,
            loop=asyncio.get_running_loop(),
        )

    # connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet, unless this address has too many connections (RFC 5321 §3.8)."""
        peer = transport.get_extra_info("peername")
        self._peer = str(peer[0]) if peer else "unknown"
        super().connection_made(transport)
        if not self._opened(self._peer):
            self._greeting_cancelled()
            self._writer.write(b"421 4.7.0 trop de connexions\r\n")
            self._writer.close()

    def connection_lost(self, error: Exception | None) -> None:
        """The client left, or was closed; what was not answered 250 is not ours."""
        self._closed_by(self._peer)
        super().connection_lost(error)

    async def push(self, status: bytes | str) -> None:
        """Send one reply, of one or several lines."""
        self._writer.write((status if isinstance(status, bytes) else status.encode()) + b"\r\n")
        await self._writer.drain()

    async def handle_exception(self, error: Exception) -> str:
        """Anything unforeseen is temporary outside and loud inside."""
        log.bug("smtp session", error, channel="submission")
        return replies.line(Failure.BUG).decode()

    # greeting and security

    async def smtp_EHLO(self, hostname: str | None) -> None:
        """RFC 5321 §4.1.1.1."""
        if not hostname:
            await self.push("501 5.5.4 EHLO attend un nom")
            return
        self._reset_transaction()
        self._greeted(hostname, extended=True)
        offered = ["PIPELINING", f"SIZE {self.data_size_limit}", "8BITMIME", "ENHANCEDSTATUSCODES"]
        if not self._is_secure:
            offered.append("STARTTLS")
        elif self._author is None:
            offered.append("AUTH PLAIN LOGIN")
        lines = [self.hostname, *offered]
        text = "\r\n".join(f"250-{line}" for line in lines[:-1])
        await self.push(f"{text}\r\n250 {lines[-1]}")

    async def smtp_HELO(self, hostname: str | None) -> None:
        """RFC 5321 §4.1.1.1; a client that cannot STARTTLS gets no further."""
        if not hostname:
            await self.push("501 5.5.4 HELO attend un nom")
            return
        self._reset_transaction()
        self._greeted(hostname, extended=False)
        await self.push(f"250 {self.hostname}")

    async def smtp_STARTTLS(self, argument: str | None) -> None:
        """RFC 3207 §4: nothing said before counts, and nothing may be waiting (threat T4)."""
        if argument:
            await self.push("501 5.5.4 STARTTLS n'attend rien")
            return
        if self._is_secure:
            await self.push("503 5.5.1 TLS est deja actif")
            return
        if waiting(self._reader):
            await self.push("554 5.5.1 commandes recues avant TLS")
            self._writer.close()
            return
        await self.push("220 2.0.0 TLS peut commencer")
        try:
            secured = await self.loop.start_tls(
                self._writer.transport,
                self,
                self._port.tls,
                server_side=True,
                ssl_handshake_timeout=HANDSHAKE_SECONDS,
            )
        except (OSError, ssl.SSLError):
            self._writer.close()
            return
        assert secured is not None
        self._switch(secured)
        self._is_secure = True
        self.session = Session(self.loop)
        self._reset_transaction()

    async def smtp_AUTH(self, argument: str | None) -> None:
        """RFC 4954 §4: PLAIN and LOGIN, after TLS only."""
        if not self._is_secure:
            await self._refuse(Failure.TLS_REQUIRED)
            return
        if self._author is not None or self._envelope is not None:
            await self.push("503 5.5.1 AUTH n'est pas attendu ici")
            return
        mechanism, _, initial = (argument or "").partition(" ")
        exchange = _MECHANISMS.get(mechanism.upper())
        if exchange is None:
            await self.push("504 5.5.4 mecanisme inconnu")
            return
        found = await exchange(self, initial.strip())
        if found is not None:
            await self._sign_in(*found)

    async def _sign_in(self, login: str, password: str) -> None:
        attempt = Attempt(login, password, "submission", self._peer)
        try:
            author = await self._gateway.bridge.run(authn.authenticate, self._gateway, attempt)
        except Refused as refused:
            self._failed_sign_ins += 1
            await self.push(replies.refusal(refused))
            if self._failed_sign_ins >= FAILED_SIGN_INS:
                self._writer.close()
            return
        self._author = author
        self._timeout_duration = IDLE_SECONDS
        self._reset_timeout()
        await self.push("235 2.7.0 identite verifiee")

    # the transaction

    async def smtp_MAIL(self, argument: str | None) -> None:
        """RFC 5321 §4.1.1.2, RFC 6409 §6.1: the reverse-path is the author's own."""
        if await self._is_out_of_place():
            return
        if self._envelope is not None:
            await self.push("503 5.5.1 un message est deja commence")
            return
        parsed = await self._parse(mail_argument, argument)
        if parsed is None:
            return
        reverse_path, size = parsed
        assert self._author is not None
        envelope = Envelope(self._author, reverse_path, "submission")
        if await self._permitted(policy.at_sender, envelope, size):
            self._envelope = envelope
            await self.push("250 2.1.0 expediteur accepte")

    async def smtp_RCPT(self, argument: str | None) -> None:
        """RFC 5321 §4.1.1.3: one verdict per recipient."""
        if await self._is_out_of_place():
            return
        if self._envelope is None:
            await self.push("503 5.5.1 MAIL d'abord")
            return
        recipient = await self._parse(rcpt_argument, argument)
        if recipient is None:
            return
        so_far = len(self._recipients)
        if await self._permitted(policy.at_recipient, self._envelope, recipient, so_far):
            self._recipients.append(recipient)
            await self.push("250 2.1.5 destinataire accepte")

    async def smtp_DATA(self, argument: str | None) -> None:
        """RFC 5321 §4.1.1.4: one reply for the message, after its commit."""
        if await self._is_out_of_place():
            return
        if argument:
            await self.push("501 5.5.4 DATA n'attend rien")
            return
        if self._envelope is None or not self._recipients:
            await self.push("503 5.5.1 MAIL et RCPT d'abord")
            return
        await self.push("354 envoyez le message, fin par CRLF.CRLF")
        reading = Reading(self._gateway.config.limits.message_octets, self._port.budget)
        try:
            await self._receive(reading)
        finally:
            reading.release()
            self._reset_transaction()

    async def _receive(self, reading: Reading) -> None:
        assert self._envelope is not None
        try:
            raw = await reading.read(self._reader)
        except (asyncio.IncompleteReadError, TooSlow):
            self._writer.close()
            return
        self._reset_timeout()
        if raw is None:
            is_too_big = reading.is_too_big
            await self._refuse(Failure.MESSAGE_TOO_BIG if is_too_big else Failure.SERVICE_BUSY)
            return
        sent = Submission(self._envelope, tuple(self._recipients), raw)
        try:
            receipt = await self._gateway.bridge.run(submission.accept, self._gateway, sent)
        except Refused as refused:
            await self.push(replies.refusal(refused))
            if refused.failure is Failure.BARE_LINE_ENDING:
                # what follows may be commands smuggled behind the body
                self._writer.close()
            return
        await self.push(f"250 2.0.0 {receipt.message_ref}")

    async def smtp_RSET(self, _argument: str | None) -> None:
        """RFC 5321 §4.1.1.5."""
        self._reset_transaction()
        await self.push("250 2.0.0 remis a zero")

    async def smtp_NOOP(self, _argument: str | None) -> None:
        """RFC 5321 §4.1.1.9."""
        await self.push("250 2.0.0 rien")

    async def smtp_VRFY(self, _argument: str | None) -> None:
        """RFC 5321 §7.3: whether an address exists is told to nobody."""
        await self.push("252 2.5.0 essayez RCPT")

    async def smtp_EXPN(self, _argument: str | None) -> None:
        """RFC 5321 §7.3."""
        await self.push("502 5.5.1 commande non offerte")

    async def smtp_HELP(self, _argument: str | None) -> None:
        """RFC 5321 §4.1.1.8."""
        await self.push("214 2.0.0 RFC 6409")

    async def smtp_QUIT(self, _argument: str | None) -> None:
        """RFC 5321 §4.1.1.10."""
        await self.push("221 2.0.0 au revoir")
        self._writer.close()

    # small steps

    def _switch(self, secured: asyncio.Transport) -> None:
        """Speak over another transport from here on; asyncio's streams have no public way."""
        self.transport = secured
        self._reader._transport = secured  # type: ignore[attr-defined]
        self._writer._transport = secured  # type: ignore[attr-defined]
        self._over_ssl = True

    def _greeting_cancelled(self) -> None:
        if self._handler_coroutine is not None:
            self._handler_coroutine.cancel()

    def _greeted(self, hostname: str, *, extended: bool) -> None:
        assert self.session is not None
        self.session.extended_smtp = extended
        self.session.host_name = hostname

    def _reset_transaction(self) -> None:
        self._envelope = None
        self._recipients = []

    async def _is_out_of_place(self) -> bool:
        """MAIL, RCPT and DATA want EHLO, TLS and AUTH first; answers when one is missing."""
        if self.session is None or not self.session.host_name:
            await self.push("503 5.5.1 EHLO d'abord")
        elif not self._is_secure:
            await self._refuse(Failure.TLS_REQUIRED)
        elif self._author is None:
            await self._refuse(Failure.AUTH_REQUIRED)
        else:
            return False
        return True

    async def _parse(self, parse: Callable[[str], Any], argument: str | None) -> Any:
        try:
            return parse(argument or "")
        except BadSyntax as error:
            await self.push(f"501 5.5.4 syntaxe: {error}<adresse>")
        except UnknownParameter:
            await self.push("555 5.5.4 parametre non offert")
        except AddressMalformed:
            await self._refuse(Failure.ADDRESS_MALFORMED)
        return None

    async def _permitted(self, ask: Callable[..., None], *facts: object) -> bool:
        try:
            await self._gateway.bridge.run(ask, self._gateway, *facts)
        except Refused as refused:
            await self.push(replies.refusal(refused))
            return False
        return True

    async def _refuse(self, failure: Failure) -> None:
        await self.push(replies.line(failure))

    async def _challenge(self, prompt: bytes) -> bytes | None:
        """Send a challenge, read the answer; None when it was cancelled or is not base64."""
        await self.push(b"334 " + base64.b64encode(prompt))
        line = (await self._reader.readline()).strip()
        return await self._decoded(line)

    async def _decoded(self, line: bytes) -> bytes | None:
        if line == b"*" or len(line) > COMMAND_OCTETS:
            await self.push("501 5.7.0 identification abandonnee")
            return None
        try:
            return b"" if line == b"=" else base64.b64decode(line, validate=True)
        except binascii.Error:
            await self.push("501 5.5.2 base64 attendu")
            return None


async def _plain(session: SubmissionSession, initial: str) -> tuple[str, str] | None:
    """SASL PLAIN (RFC 4616 §2): authorisation identity, login and password between NULs."""
    if initial:
        answer = await session._decoded(initial.encode("ascii", "replace"))
    else:
        answer = await session._challenge(b"")
    if answer is None:
        return None
    fields = answer.split(b"\0")
    if len(fields) != 3 or fields[0] not in (b"", fields[1]):
        await session.push(replies.line(Failure.BAD_CREDENTIALS))
        return None
    return fields[1].decode("utf-8", "replace"), fields[2].decode("utf-8", "replace")


async def _login(session: SubmissionSession, initial: str) -> tuple[str, str] | None:
    """LOGIN, not a standard but what Outlook knows."""
    if initial:
        login = await session._decoded(initial.encode("ascii", "replace"))
    else:
        login = await session._challenge(b"Username:")
    password = None if login is None else await session._challenge(b"Password:")
    if login is None or password is None:
        return None
    return login.decode("utf-8", "replace"), password.decode("utf-8", "replace")


_MECHANISMS: dict[str, Callable[[SubmissionSession, str], Awaitable[tuple[str, str] | None]]] = {
    "PLAIN": _plain,
    "LOGIN": _login,
}
