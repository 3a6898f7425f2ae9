"""One connection's bytes: lines and literals in, octets out with back pressure, TLS, time limits.

The buffer stops growing at ``HIGH_WATER`` octets beyond what the session waits for, so a client
that pipelines faster than it is served is held by TCP. One lazy timer per connection: moving a
deadline costs two assignments, not a timer.
"""

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import Callable
from typing import Final, cast

HIGH_WATER: Final = 65_536
WRITE_HIGH_WATER: Final = 262_144
WRITE_STALL_SECONDS: Final = 120.0
"""A client that takes none of our octets for so long is cut off."""

HANDSHAKE_SECONDS: Final = 10.0
"""TLS handshake, threat T7."""

SHUTDOWN_SECONDS: Final = 5.0
"""How long a closed TLS connection waits for the other side's close_notify."""

FINISH_SECONDS: Final = 2.0
FINISH_OCTETS: Final = 4 * 1024 * 1024


_NO_LINGER: Final = struct.pack("ii", 1, 0)


class ConnectionGone(Exception):
    """The client closed, or was cut off; nothing can be said to it any more."""


class TimedOut(Exception):
    """The client said nothing within the time limit."""


class Interrupted(Exception):
    """The server is stopping; the connection stands and can be told so."""


class LineTooLong(Exception):
    """No line end within the limit; nothing of the line was consumed."""


class Wire(asyncio.Protocol):
    """The two ends of one connection. Only one coroutine reads, and the same one writes."""

    def __init__(self, loop: asyncio.AbstractEventLoop, on_made: "Callable[[Wire], None]") -> None:
        self._loop = loop
        self._on_made = on_made
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._waiter: asyncio.Future[None] | None = None
        self._wanted = 1
        self._is_reading_paused = False
        self._is_writing_paused = False
        self._is_ended = False
        self._is_lost = False
        self._is_nudged = False
        self._is_interrupted = False
        self._deadline = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self.has_tls = False
        self.peer = ""

    # what the loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport = cast(asyncio.Transport, transport)  # uvloop's own class is none by inheritance
        self._transport = transport
        transport.set_write_buffer_limits(high=WRITE_HIGH_WATER)
        self.has_tls = transport.get_extra_info("ssl_object") is not None
        peer = transport.get_extra_info("peername")
        self.peer = str(peer[0]) if isinstance(peer, tuple) and peer else ""
        channel = transport.get_extra_info("socket")
        if channel is not None and channel.family in (socket.AF_INET, socket.AF_INET6):
            channel.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            channel.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self._on_made(self)

    def data_received(self, octets: bytes) -> None:
        self._buffer += octets
        if len(self._buffer) >= self._wanted:
            self._wake()
        self._hold_or_resume()

    def eof_received(self) -> bool:
        self._is_ended = True
        self._wake()
        return not self.has_tls  # a half-closed plain connection still hears its answers

    def connection_lost(self, error: Exception | None) -> None:
        self._is_ended = self._is_lost = True
        self._is_writing_paused = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._wake()

    def pause_writing(self) -> None:
        self._is_writing_paused = True

    def resume_writing(self) -> None:
        self._is_writing_paused = False
        self._wake()

    # what the session calls

    @property
    def is_lost(self) -> bool:
        """Whether the client is gone: what is being computed for it can stop."""
        return self._is_lost

    @property
    def has_input(self) -> bool:
        """Whether octets wait unread."""
        return bool(self._buffer)

    @property
    def peer_certificate(self) -> bytes | None:
        """The certificate (DER) that the client showed in the TLS handshake, if it showed one."""
        if self._transport is None or not self.has_tls:
            return None
        certificate: bytes | None = self._transport.get_extra_info("ssl_object").getpeercert(True)
        return certificate

    def time(self) -> float:
        """The loop's clock, in seconds."""
        return self._loop.time()

    def set_deadline(self, seconds: float) -> None:
        """From now on, a wait ends with ``TimedOut`` when ``seconds`` have passed."""
        self._deadline = self._loop.time() + seconds
        if self._timer is None or self._timer.when() > self._deadline:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self._loop.call_at(self._deadline, self._expire)

    async def line(self, limit: int) -> bytes:
        """The next line with its end of line; raises ``LineTooLong`` past ``limit`` octets."""
        searched = 0
        while True:
            end = self._buffer.find(b"\n", searched, limit)
            if end >= 0:
                return self._take(end + 1)
            searched = min(len(self._buffer), limit)
            if searched == limit:
                raise LineTooLong
            await self._more(searched + 1)

    @property
    def buffered(self) -> int:
        """Octets that wait unread."""
        return len(self._buffer)

    async def gather(self, count: int) -> None:
        """Wait until ``count`` octets wait unread."""
        while len(self._buffer) < count:
            await self._more(count)

    async def exactly(self, count: int) -> bytes:
        """The next ``count`` octets."""
        while len(self._buffer) < count:
            await self._more(count)
        return self._take(count)

    async def discard(self, count: int) -> None:
        """Read and forget ``count`` octets, holding few of them at a time."""
        while count:
            if not self._buffer:
                await self._more(1)
            dropped = min(count, len(self._buffer))
            del self._buffer[:dropped]
            count -= dropped
            self._hold_or_resume()

    def take_line(self, limit: int) -> bytes | None:
        """The next line if it is there whole; raises ``LineTooLong`` past ``limit`` octets."""
        end = self._buffer.find(b"\n", 0, limit)
        if end < 0 and len(self._buffer) >= limit:
            raise LineTooLong
        return self._take(end + 1) if end >= 0 else None

    async def pause(self, seconds: float) -> None:
        """Wait for more octets, a ``nudge``, or ``seconds``; for IDLE. Without a task or a timer
        of its own: thousands of connections spend their life here."""
        if self._is_nudged:
            self._is_nudged = False
            return
        self.set_deadline(seconds)
        try:
            await self._more(len(self._buffer) + 1, is_patient=False)
        except TimedOut:
            return
        finally:
            self._is_nudged = False

    def nudge(self) -> None:
        """End the pause that runs, or the next one at once; on the loop's thread."""
        self._is_nudged = True
        self._wake()

    def interrupt(self) -> None:
        """Make the wait for octets raise ``Interrupted``: the server is stopping."""
        self._is_interrupted = True
        self._wake()

    def write(self, octets: bytes) -> None:
        """Hand octets over; ``drain`` then waits until the client has taken enough of them."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(octets)

    async def drain(self) -> None:
        """Wait until few octets are left to be taken; raises ``ConnectionGone``."""
        left = 0
        if self._is_writing_paused and self._transport is not None:
            left = self._transport.get_write_buffer_size()
            # neither what the client sends nor what wakes us is a sign that it reads
            self.set_deadline(WRITE_STALL_SECONDS)
        while self._is_writing_paused:
            try:
                await self._wait()
            except TimedOut:
                now = 0 if self._transport is None else self._transport.get_write_buffer_size()
                if now >= left:
                    self.abort()
                    raise ConnectionGone from None
                left = now
                self.set_deadline(WRITE_STALL_SECONDS)
        if self._transport is None or self._transport.is_closing():
            raise ConnectionGone

    async def start_tls(self, context: ssl.SSLContext) -> None:
        """Go over to TLS; raises ``ConnectionGone`` when the handshake fails.

        ``loop.start_tls`` keeps uvloop's own TLS and its memory, house decision 11.
        """
        assert self._transport is not None
        try:
            transport = await self._loop.start_tls(
                self._transport,
                self,
                context,
                server_side=True,
                ssl_handshake_timeout=HANDSHAKE_SECONDS,
                ssl_shutdown_timeout=SHUTDOWN_SECONDS,
            )
        except (TimeoutError, OSError, ssl.SSLError):
            self.abort()
            # the loop tells a protocol of a lost connection only once its handshake was done
            self.connection_lost(None)
            raise ConnectionGone from None
        if transport is None:
            raise ConnectionGone
        transport.set_write_buffer_limits(high=WRITE_HIGH_WATER)
        self._transport = transport
        self.has_tls = True

    async def finish(self) -> None:
        """End our side and read past what still comes, for a little while.

        Closing with octets unread makes the kernel reset the connection, and the client would lose
        the line that says why.
        """
        if self._transport is None or not self._transport.can_write_eof():
            return
        self._transport.write_eof()
        self.set_deadline(FINISH_SECONDS)
        with contextlib.suppress(TimedOut, ConnectionGone, Interrupted):
            await self.discard(FINISH_OCTETS)

    def close(self) -> None:
        """Send what is written, then close."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Close now; what is written is lost, in the kernel's buffers too."""
        if self._transport is None:
            return
        channel = self._transport.get_extra_info("socket")
        if channel is not None and not self._is_lost:
            # uvloop's socket of a transport that is closed already has no number: a ValueError
            with contextlib.suppress(OSError, ValueError):
                channel.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        self._transport.abort()

    # within

    def _take(self, count: int) -> bytes:
        with memoryview(self._buffer) as view:
            taken = bytes(view[:count])
        del self._buffer[:count]
        self._wanted = 1
        self._hold_or_resume()
        return taken

    async def _more(self, wanted: int, *, is_patient: bool = True) -> None:
        """Wait for ``wanted`` octets in the buffer; if not patient, until anything happens."""
        self._wanted = wanted
        self._hold_or_resume()
        while True:
            if self._is_interrupted:
                raise Interrupted
            if self._is_ended:
                raise ConnectionGone
            await self._wait()
            if len(self._buffer) >= wanted or not is_patient:
                return

    async def _wait(self) -> None:
        if self._timer is None and self._loop.time() >= self._deadline:
            raise TimedOut
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _hold_or_resume(self) -> None:
        is_full = len(self._buffer) > self._wanted + HIGH_WATER
        transport = self._transport
        if is_full == self._is_reading_paused or transport is None or transport.is_closing():
            return
        self._is_reading_paused = is_full
        if is_full:
            transport.pause_reading()
        else:
            transport.resume_reading()

    def _expire(self) -> None:
        self._timer = None
        if self._loop.time() < self._deadline:
            self._timer = self._loop.call_at(self._deadline, self._expire)
        elif self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(TimedOut())
