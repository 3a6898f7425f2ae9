"""The stream to another operator's server: a command, its answer, and not an octet more.

Of aiosmtplib remain the stream protocol, its flow control and the pairing of a command with its
answer: its own reading of answers is lax, and its DATA rewrites lone line ends under a signature.
An octet that comes when no answer is due ends the session: nothing that was said before TLS is
believed after it (threat T4).
"""

import asyncio
import ssl
from typing import cast

from aiosmtplib.protocol import SMTPProtocol
from aiosmtplib.response import SMTPResponse

from mss_gateway.smtp import answer
from mss_gateway.smtp.answer import Answer, AnswerMalformed
from mss_gateway.smtp.stuffing import stuffed


class Conversation(SMTPProtocol):
    """The stream: one answer for each command, and not an octet more."""

    def __init__(self) -> None:
        super().__init__(asyncio.get_running_loop())
        self.heard = Answer(0)

    def data_received(self, octets: bytes) -> None:
        """Pair an answer with the command it is for; whatever else comes ends the session."""
        waiter = self._response_waiter
        if waiter is None:
            return
        if waiter.done() or not self._response_pending:
            self.cut()
            return
        self._buffer.extend(octets)
        try:
            found, end = answer.read(self._buffer)
        except AnswerMalformed as error:
            self._buffer.clear()
            self._set_response_exception(waiter, error)
            self.cut()
            return
        if found is None:
            return
        if end < len(self._buffer):
            self._set_response_exception(waiter, AnswerMalformed("more than an answer"))
            self.cut()
            return
        self._buffer.clear()
        self.heard = found
        waiter.set_result(SMTPResponse(found.code, ""))

    def cut(self) -> None:
        """End the session without a word."""
        if self.transport is not None:
            cast(asyncio.WriteTransport, self.transport).abort()

    def let_go(self) -> None:
        """End the session once what was written has left."""
        if self.transport is not None:
            self.transport.close()

    async def greeted(self, seconds: float) -> Answer:
        """The server's first words."""
        await self.read_response(timeout=seconds)
        return self.heard

    async def ask(self, line: bytes, seconds: float) -> Answer:
        """Say a command; its answer."""
        await self.execute_command(line, timeout=seconds)
        return self.heard

    async def secure(self, tls: ssl.SSLContext, host: str | None, seconds: float) -> bytes:
        """Speak TLS from here on; the peer's certificate in DER."""
        secured = await self._loop.start_tls(
            cast(asyncio.WriteTransport, self.transport),
            self,
            tls,
            server_side=False,
            server_hostname=host,
            ssl_handshake_timeout=seconds,
        )
        if secured is None:
            raise ConnectionResetError("gone")
        self.transport = secured
        self._over_ssl = True
        shown: bytes | None = secured.get_extra_info("ssl_object").getpeercert(True)
        if shown is None:
            raise ssl.SSLError("no certificate")
        return shown

    async def hand_over(self, raw: bytes, seconds: float) -> bool:
        """Send the body without its end; False when the server answered before the end."""
        self._response_pending = True
        for piece in stuffed(raw):
            if self._response_waiter is None or self._response_waiter.done():
                return False
            self.write(piece)  # type: ignore[arg-type]
            async with asyncio.timeout(seconds):
                await self._drain_helper()
        return self._response_waiter is not None and not self._response_waiter.done()

    async def ended(self, seconds: float) -> Answer:
        """The answer to the body."""
        await self.read_response(timeout=seconds)
        return self.heard
