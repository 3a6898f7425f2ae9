"""One connection: greeting, command loop, time-outs, TLS, farewell. Knows no verb.

Of aiosmtpd remain the stream protocol and the timer: its own loop takes bare LF for a line end,
goes on with what is buffered after a close, and prints in English.

A connection that has ended is freed at once, with its TLS and its buffers: nothing that it holds
leads back to it. Left to the garbage collector, which looks at what has lived for long once in a
long while, three thousand slow clients would leave their memory taken for hours.
"""

import asyncio
import ssl
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from aiosmtpd.smtp import SMTP

from mss_gateway.failures import Failure
from mss_gateway.observability import log
from mss_gateway.smtp import replies
from mss_gateway.smtp.lines import (
    COMMAND_OCTETS,
    LineNotAscii,
    LineTooLong,
    StrayLineEnding,
    check_length,
    read_line,
)
from mss_gateway.smtp.replies import Said

MISTAKES = 10
"""Commands that make no sense before the connection is closed (threat T3)."""
EARLY_COMMANDS = 50
"""Commands of somebody unknown: no client needs as many to say who it is (threat T7)."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How many seconds a client is waited for (threat T7)."""

    handshake: float = 10.0
    unknown: float = 30.0
    known: float = 300.0
    """RFC 5321 §4.5.3.2.7 wants at least five minutes."""
    body: float = 180.0
    """Silence within a body; RFC 5321 §4.5.3.2.5 wants three minutes."""
    tarpit: float = 5.0
    """The longest wait before an answer to a peer that asks for too many who are refused."""
    farewell: float = 10.0
    """For the peer to let go of a connection that was closed, before it is cut."""


PATIENCE = Patience()

Verb = Callable[[str], Awaitable[None]]
"""A command: gets its argument, answers by itself."""

_Connected = Callable[[asyncio.StreamReader, asyncio.StreamWriter], object]


class Connection(SMTP, ABC):
    """A connection; its subclass knows the verbs.

    ``opened`` is told of it and says whether its address may have one more; ``closed`` is told when
    the client is gone. Before :meth:`connection_made` and after :meth:`_let_go` it is part of no
    cycle: it may be dropped in a TLS handshake that never ends, of which asyncio tells nobody.
    """

    line_length_limit = COMMAND_OCTETS  # the stream's; a body asks for more while it comes in

    def __init__(
        self,
        hostname: str,
        patience: Patience,
        opened: Callable[["Connection"], bool],
        closed: Callable[["Connection"], None],
        *,
        takes_utf8: bool = False,
    ) -> None:
        self.channel = "smtp"
        self.takes_utf8 = takes_utf8
        self._patience = patience
        self._opened, self._closed_by = opened, closed
        self.peer_address = "unknown"
        self._is_over = False
        self._is_lost = False
        self._is_handled = False
        self._is_listening = False
        self._is_retiring = False
        self._mistakes = 0
        self._longest_line = COMMAND_OCTETS
        self._early_commands: int | None = EARLY_COMMANDS
        super().__init__(
            object(),
            hostname=hostname,
            ident="ESMTP MSS Gateway",
            timeout=patience.unknown,
            loop=asyncio.get_running_loop(),
        )
        # the library's, a method of ours, would be a cycle from the first moment
        self._client_connected_cb: _Connected | None = None

    def __dir__(self) -> Iterable[str]:
        """Nothing for the library to find: it looks through all names at each connection.

        Its commands and its AUTH would be found by that; a dialogue has a table of its own.
        """
        return ()

    # the transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin, unless this address has too many connections (RFC 5321 §3.8)."""
        peer = transport.get_extra_info("peername")
        self.peer_address = str(peer[0]) if peer else "unknown"
        self._client_connected_cb = self._cb_client_connected
        super().connection_made(transport)
        self._client_connected_cb = None
        assert self._handler_coroutine is not None
        # who leaves at once has it cancelled before its first step, and so before its end
        self._handler_coroutine.add_done_callback(self._handled)
        if not self._opened(self):
            self._handler_coroutine.cancel()
            self.part_with(Said.TOO_MANY_CONNECTIONS)

    def connection_lost(self, error: Exception | None) -> None:
        """The client left, or was let go; what was not answered 250 is not ours."""
        if self._is_lost:
            return
        self._is_lost = self._is_over = True
        self._closed_by(self)
        # nobody asks why; an error that is raised from a stream holds the stream that holds it
        super().connection_lost(None)
        if self._is_handled:
            self._let_go()

    def _handled(self, _: object) -> None:
        """The handler has ended, by itself or cancelled."""
        self.end()
        self._is_handled = True
        if self._is_lost:
            self._let_go()

    def _let_go(self) -> None:
        """Client and handler are gone: hold nothing that holds this connection."""
        self._handler_coroutine = None
        self._timeout_handle = None
        del self._reader, self._writer

    def _reset_timeout(self, duration: float | None = None) -> None:
        if not self._is_over:
            super()._reset_timeout(duration)

    def _timeout_cb(self) -> None:
        self.part_with(Said.TIMED_OUT)

    def retire(self) -> None:
        """The service stops: leave at once when nothing is going on, else after the command."""
        self._is_retiring = True
        if self._is_listening:
            self.part_with(Said.SHUTTING_DOWN)

    def cut(self) -> None:
        """Close without any further waiting."""
        self._is_over = True
        self._writer.transport.abort()

    def end(self) -> None:
        """Say nothing more, hear nothing more; a peer that does not let go is cut off."""
        if self._is_over:
            return
        self._is_over = True
        self._writer.close()
        if self._timeout_handle is not None:
            self._timeout_handle.cancel()
        self._timeout_handle = self.loop.call_later(self._patience.farewell, self.cut)

    def part_with(self, last: Said) -> None:
        """Say a last line and end the connection."""
        if not self._is_over:
            self._writer.write(last.line + b"\r\n")
            self.end()

    # the dialogue

    @abstractmethod
    def verb(self, name: str) -> Verb | None:
        """The command of this name in capitals, if there is one."""

    async def _handle_client(self) -> None:
        """Commands one by one until one side ends it."""
        try:
            if self.has_more_waiting():
                self.part_with(Said.SPOKE_EARLY)  # before the greeting (threat T3)
                return
            await self.write(f"220 {self.hostname} {self.__ident__}".encode())
            while not self._is_over:
                await self._next_command()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client has left: nobody is there to be told
        finally:
            self.end()

    async def _next_command(self) -> None:
        try:
            line = await self.hear()
            check_length(line)
        except LineTooLong:
            await self.mistake(Said.LINE_TOO_LONG)
        except LineNotAscii:
            await self.mistake(Said.LINE_NOT_ASCII)
        except StrayLineEnding:
            await self.write(replies.line(Failure.BARE_LINE_ENDING))
            self.end()
        else:
            await self._obey(line)
        if self._is_retiring:
            self.part_with(Said.SHUTTING_DOWN)

    async def _obey(self, line: str) -> None:
        word, _, argument = line.partition(" ")
        verb = self.verb(word.upper())
        if verb is None:
            await self.mistake(Said.UNKNOWN_COMMAND)
            return
        if self._early_commands is not None:
            self._early_commands -= 1
            if self._early_commands < 0:
                self.part_with(Said.TOO_MANY_COMMANDS)
                return
        self._reset_timeout()
        try:
            await verb(argument.strip(" "))
        except (ConnectionError, asyncio.IncompleteReadError):
            raise
        except StrayLineEnding:
            await self.write(replies.line(Failure.BARE_LINE_ENDING))
            self.end()
        except Exception as error:
            # temporary outside, loud inside; no library's text reaches the wire
            log.bug("smtp session", error, channel=self.channel)
            await self.write(replies.line(Failure.BUG))

    def believe(self) -> None:
        """The other side has proved who it is: it may take its time."""
        self._early_commands = None
        self._timeout_duration = self._patience.known
        self._reset_timeout()

    async def hear(self) -> str:
        """The client's next line; raises what ``read_line`` does."""
        self._is_listening = True
        try:
            return await read_line(self._reader, self._longest_line, takes_utf8=self.takes_utf8)
        finally:
            self._is_listening = False

    def allow_lines(self, octets: int) -> None:
        """How long a line may be from here on, with its CRLF: for AUTH and what answers it."""
        self._longest_line = octets
        self._reader._limit = octets  # type: ignore[attr-defined]

    async def say(self, said: Said) -> None:
        """Answer with a line of the protocol's own."""
        await self.write(said.line)

    async def mistake(self, said: Said) -> None:
        """Answer a command that makes no sense here; one too many ends the connection."""
        self._mistakes += 1
        if self._mistakes > MISTAKES:
            self.part_with(Said.TOO_MANY_MISTAKES)
        else:
            await self.say(said)

    async def write(self, line: bytes) -> None:
        """Send a reply, given without its last CRLF."""
        self._writer.write(line + b"\r\n")
        await self._writer.drain()

    def has_more_waiting(self) -> bool:
        """Whether the client has sent something that nobody has read yet."""
        return bool(self._reader._buffer)  # type: ignore[attr-defined]

    # TLS

    async def start_tls(self, context: ssl.SSLContext) -> bool:
        """Speak TLS from here on; False when the handshake failed, which ends the connection."""
        try:
            secured = await self.loop.start_tls(
                self._writer.transport,
                self,
                context,
                server_side=True,
                ssl_handshake_timeout=self._patience.handshake,
            )
        except OSError:
            # asyncio tells a protocol of a lost connection only once its handshake was done
            self.connection_lost(None)
            return False
        if secured is None or self._is_lost:
            return False
        self.transport = secured
        # asyncio's streams have no public way to speak over another transport
        self._reader._transport = secured  # type: ignore[attr-defined]
        self._writer._transport = secured  # type: ignore[attr-defined]
        self._over_ssl = True
        return True
