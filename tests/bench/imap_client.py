"""An IMAP client that costs little: blocking sockets, TLS 1.3, octets counted and not parsed.

Both servers of a comparison are sent the same bytes; what comes back is only searched for its last
line and for the responses that are counted.
"""

import socket
import ssl
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache

from tests.bench.metering import Meter

_PIECE = 65_536
_KEPT = 131_072
_TIMEOUT = 300.0
_PIPELINED = 50
"""Messages that are sent before the answers are read, while a mailbox is filled."""

_FETCH = b" FETCH ("


class Unwanted(Exception):
    """The server said something else than what the benchmark is about."""


@dataclass(frozen=True, slots=True)
class Target:
    """A server that is measured, and how to be let in."""

    name: str
    port: int
    ca_file: str
    password: str
    meter: Meter


@dataclass(frozen=True, slots=True)
class Letter:
    """A message to be appended, as both servers get it."""

    raw: bytes
    flags: bytes = b"()"
    moment: bytes = b""

    def head(self) -> bytes:
        """What stands between the mailbox's name and the message in APPEND."""
        moment = b'"%s" ' % self.moment if self.moment else b""
        return b"%s %s{%d+}\r\n" % (self.flags, moment, len(self.raw))


@dataclass(slots=True)
class Line:
    """One TLS connection; ``octets`` and ``fetched`` count what the server sent on it."""

    channel: ssl.SSLSocket
    octets: int = 0
    fetched: int = 0
    answer: bytes = b""
    """What came last, its beginning left out when it was long."""
    _unread: bytes = field(default=b"", repr=False)

    def ask(self, command: bytes) -> None:
        """Run one command; raises :class:`Unwanted` when it is not answered with OK."""
        self.channel.sendall(b"a " + command + b"\r\n")
        self.until_done()

    def until_done(self) -> None:
        """Read to the tagged line of the command that was sent last."""
        recent = b""
        while True:
            piece = self.channel.recv(_PIECE)
            self.octets += len(piece)
            before = len(recent)
            recent += piece
            self.fetched += recent.count(_FETCH, max(0, before - len(_FETCH) + 1))
            if recent.endswith(b"\r\n"):
                last = recent[recent.rfind(b"\n", 0, -1) + 1 :]
                if last.startswith(b"a OK"):
                    self.answer = recent
                    return
                if last.startswith((b"a ", b"* BYE")):
                    raise Unwanted(f"the last line was {last[-200:]!r}")
            if not piece:
                raise Unwanted("the connection was closed")
            if len(recent) > _KEPT:
                recent = recent[-300:]

    def until(self, wanted: bytes) -> None:
        """Read until ``wanted`` has come, and no further than the piece that it came in."""
        while wanted not in self._unread:
            piece = self.channel.recv(_PIECE)
            if not piece:
                raise Unwanted(f"closed before {wanted!r}")
            self._unread = self._unread[-300:] + piece
        self._unread = self._unread.partition(wanted)[2]

    def append(self, mailbox: bytes, letters: Sequence[Letter]) -> None:
        """One APPEND of these messages (more than one: RFC 3502)."""
        parts = [b"a APPEND ", mailbox]
        for letter in letters:
            parts += [b" ", letter.head(), letter.raw]
        self.channel.sendall(b"".join((*parts, b"\r\n")))
        self.until_done()

    def fill(self, mailbox: bytes, letters: Iterable[Letter]) -> int:
        """Append many messages in their order; how many. Pipelined, one command each."""
        count = waiting = 0
        for letter in letters:
            self.channel.sendall(
                b"a APPEND %s %s%s\r\n" % (mailbox, letter.head(), letter.raw),
            )
            count, waiting = count + 1, waiting + 1
            if waiting == _PIPELINED:
                self._replies(waiting)
                waiting = 0
        self._replies(waiting)
        return count

    def capabilities(self) -> frozenset[bytes]:
        """What the server offers once somebody is signed in."""
        self.ask(b"CAPABILITY")
        for line in self.answer.split(b"\r\n"):
            if line.startswith(b"* CAPABILITY "):
                return frozenset(line.split()[2:])
        raise Unwanted("no CAPABILITY")

    def close(self) -> None:
        """Without LOGOUT: what it costs is no part of the command that was measured."""
        self.channel.close()

    def _replies(self, count: int) -> None:
        rest = b""
        while count:
            piece = self.channel.recv(_PIECE)
            if not piece:
                raise Unwanted("closed while a mailbox was filled")
            *lines, rest = (rest + piece).split(b"\r\n")
            for line in lines:
                if line.startswith(b"a OK"):
                    count -= 1
                elif line.startswith((b"a ", b"* BYE")):
                    raise Unwanted(f"{line!r} while a mailbox was filled")


def connect(target: Target, session: ssl.SSLSession | None = None) -> Line:
    """A connection that was greeted; ``session`` resumes an earlier TLS session."""
    raw = socket.create_connection(("127.0.0.1", target.port), _TIMEOUT)
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    context = _context(target.ca_file)
    line = Line(context.wrap_socket(raw, server_hostname="localhost", session=session))
    line.until(b"\r\n")
    return line


def sign_in(target: Target, login: str, session: ssl.SSLSession | None = None) -> Line:
    """A connection on which ``login`` is signed in."""
    line = connect(target, session)
    line.ask(f'LOGIN "{login}" "{target.password}"'.encode())
    return line


def opened(target: Target, login: str, mailbox: bytes) -> Line:
    """A connection with ``mailbox`` selected."""
    line = sign_in(target, login)
    line.ask(b"SELECT " + mailbox)
    return line


@cache
def _context(ca_file: str) -> ssl.SSLContext:
    """TLS 1.3 whoever serves it; one context, so that sessions can be resumed."""
    context = ssl.create_default_context(cafile=ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context
