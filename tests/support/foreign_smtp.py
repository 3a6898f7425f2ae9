"""Another operator's server on loopback that answers what a test wrote, and keeps what it heard.

It is no server of ours: a few lines of asyncio that follow a script, so that every answer, and
every way of not answering, can be met.
"""

import asyncio
import contextlib
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum


class Act(Enum):
    """What a server may do instead of answering."""

    DROP = "drop"
    """Close the connection."""
    HANG = "hang"
    """Say nothing any more."""


Step = bytes | Act
Script = Mapping[str, Step | Sequence[Step]]
"""Step → what is done each time, or the first times; afterwards the usual. The steps are
``greeting``, ``EHLO`` (in clear), ``STARTTLS``, ``injected`` (a moment later, still in clear),
``handshake``, ``EHLO2`` (over TLS), ``MAIL``, ``RCPT``, ``DATA``, ``body`` (in its middle, after
which nothing is read any more), ``dot``, ``RSET`` and ``QUIT``."""

USUAL: Mapping[str, bytes] = {
    "greeting": b"220 mx1.ville.example ESMTP\r\n",
    "EHLO": b"250-mx1.ville.example\r\n250-SIZE 50000000\r\n250 STARTTLS\r\n",
    "STARTTLS": b"220 2.0.0 go\r\n",
    "EHLO2": b"250-mx1.ville.example\r\n250-SIZE 50000000\r\n250-8BITMIME\r\n250 DSN\r\n",
    "MAIL": b"250 2.1.0 ok\r\n",
    "RCPT": b"250 2.1.5 ok\r\n",
    "DATA": b"354 go\r\n",
    "dot": b"250 2.0.0 taken as 1234\r\n",
    "RSET": b"250 2.0.0 ok\r\n",
    "QUIT": b"221 2.0.0 bye\r\n",
}


@dataclass(slots=True)
class Taken:
    """One body, as it came over the wire without its end, and the commands before it."""

    mail: str
    rcpt: str
    wire: bytes

    @property
    def raw(self) -> bytes:
        """With single dots."""
        return b"\r\n".join(line.removeprefix(b".") for line in self.wire.split(b"\r\n"))


@dataclass(slots=True)
class ForeignServer:
    """``bodies`` are all that were sent whole, whatever was answered."""

    tls: ssl.SSLContext
    script: Script = field(default_factory=dict)
    port: int = 0
    sessions: int = 0
    bodies: list[Taken] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    in_clear: list[str] = field(default_factory=list)
    shown: list[bytes] = field(default_factory=list)
    most_at_once: int = 0
    _seen: Counter[str] = field(default_factory=Counter)
    _open: set["asyncio.Task[None]"] = field(default_factory=set)

    def follow(self, script: Script) -> None:
        """Another script from here on."""
        self.script = script
        self._seen.clear()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        self.most_at_once = max(self.most_at_once, len(self._open))
        self.sessions += 1
        try:
            await _Session(self, reader, writer).run()
        except (OSError, EOFError, _Over):
            pass
        except asyncio.CancelledError:
            pass  # the test is over
        finally:
            self._open.discard(task)
            writer.transport.abort()

    def step(self, name: str) -> Step:
        """What is done at this step, this time."""
        planned = self.script.get(name)
        number = self._seen[name]
        self._seen[name] += 1
        if planned is None:
            return USUAL.get(name, b"")
        if isinstance(planned, bytes | Act):
            return planned
        return planned[number] if number < len(planned) else USUAL.get(name, b"")

    async def close(self) -> None:
        """End every connection."""
        tasks = tuple(self._open)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks)


class _Over(Exception):
    """The script says so."""


@dataclass(slots=True)
class _Session:
    server: ForeignServer
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    mail: str = ""
    rcpt: str = ""
    is_secure: bool = False

    async def run(self) -> None:
        await self.do("greeting")
        while line := await self.reader.readline():
            text = line.decode("ascii").removesuffix("\r\n")
            self.server.commands.append(text)
            if not self.is_secure:
                self.server.in_clear.append(text)
            verb = text.partition(" ")[0].upper()
            await getattr(self, f"_{verb.lower()}")(text)

    async def do(self, name: str) -> bool:
        """Do a step; whether it was a yes."""
        step = self.server.step(name)
        if step is Act.DROP:
            raise _Over
        if step is Act.HANG:
            await asyncio.Event().wait()
        assert isinstance(step, bytes)
        self.writer.write(step)
        await self.writer.drain()
        return step[:1] in (b"2", b"3")

    async def _ehlo(self, _text: str) -> None:
        await self.do("EHLO2" if self.is_secure else "EHLO")

    async def _starttls(self, _text: str) -> None:
        if not await self.do("STARTTLS"):
            return
        if self.server.script.get("handshake") is Act.DROP:
            raise _Over
        if self.server.script.get("handshake") is Act.HANG:
            await asyncio.Event().wait()
        if "injected" in self.server.script:
            await asyncio.sleep(0.001)  # apart from the answer
            await self.do("injected")
        await self.writer.start_tls(self.server.tls)
        self.is_secure = True
        shown = self.writer.get_extra_info("ssl_object").getpeercert(True)
        self.server.shown.append(shown or b"")

    async def _mail(self, text: str) -> None:
        self.mail = text
        await self.do("MAIL")

    async def _rcpt(self, text: str) -> None:
        self.rcpt = text
        await self.do("RCPT")

    async def _data(self, _text: str) -> None:
        if not await self.do("DATA"):
            return
        if "body" in self.server.script:
            await self.reader.read(1)
            await self.do("body")
            await asyncio.Event().wait()  # it has said what it had to say
        wire = await self.reader.readuntil(b"\r\n.\r\n")
        self.server.bodies.append(Taken(self.mail, self.rcpt, wire.removesuffix(b".\r\n")))
        await self.do("dot")

    async def _rset(self, _text: str) -> None:
        await self.do("RSET")

    async def _quit(self, _text: str) -> None:
        await self.do("QUIT")
        raise _Over


@asynccontextmanager
async def foreign_server(
    tls: ssl.SSLContext, script: Script | None = None
) -> AsyncIterator[ForeignServer]:
    """A server on a free port."""
    server = ForeignServer(tls, script or {})
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, limit=1 << 26)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        await server.close()
        with contextlib.suppress(OSError):
            await listening.wait_closed()
