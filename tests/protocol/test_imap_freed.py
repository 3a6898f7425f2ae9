"""An IMAP connection that has ended is freed at once, by reference counts alone, like one of SMTP.

The product's loop, with the garbage collector off; the clients are sockets in a thread.
"""

import asyncio
import contextlib
import gc
import socket
import ssl
import struct
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
import uvloop

from mss_gateway.imap import server, wire
from tests.protocol import imap_site
from tests.protocol.imap_site import LOGIN, PASSWORD, Site
from tests.support.smtp_site import until

HELD = frozenset(
    {
        *("Wire", "Session", "Selected", "TCPTransport", "SSLProtocol"),
        *("_SSLProtocolTransport", "SSLObject"),
    }
)
"""What a connection is made of, by the names of the classes."""

SHORT = 0.2
"""Seconds: the one time-out that a test wants to be over."""


class Caller:
    """A client that waits for every answer, on a thread of its own."""

    def __init__(self, port: int, tls: ssl.SSLContext) -> None:
        self.tls = tls
        self.socket = socket.create_connection(("127.0.0.1", port), 20)

    def secure(self) -> None:
        """Speak TLS from here on."""
        self.socket = self.tls.wrap_socket(self.socket, server_hostname="localhost")

    def line(self) -> bytes:
        """The server's next line."""
        line = b""
        while not line.endswith(b"\r\n"):
            octet = self.socket.recv(1)
            assert octet, f"cut after {line!r}"
            line += octet
        return line

    def say(self, command: str) -> None:
        """Run a command, which is done."""
        self.socket.sendall(f"a {command}\r\n".encode())
        while not (line := self.line()).startswith(b"a "):
            pass
        assert line.startswith(b"a OK"), line

    def reading(self) -> None:
        """From the greeting in TLS to a mailbox that was read."""
        self.line()
        self.say(f'LOGIN {LOGIN} "{PASSWORD}"')
        self.say("SELECT INBOX")
        self.say("FETCH 1:* (FLAGS BODY.PEEK[])")

    def wait(self) -> None:
        """Let the server end it."""
        with contextlib.suppress(OSError):
            while self.socket.recv(65_536):
                pass

    def reset(self) -> None:
        """Leave without a word."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


def silent(caller: Caller) -> None:
    caller.wait()


def leaves_at_once(caller: Caller) -> None:
    caller.reset()


def asks_for_tls_and_is_silent(caller: Caller) -> None:
    caller.line()
    caller.say("STARTTLS")
    caller.wait()


def asks_for_tls_and_speaks_imap(caller: Caller) -> None:
    caller.line()
    caller.say("STARTTLS")
    caller.socket.sendall(b"b NOOP\r\n")
    caller.wait()


def asks_for_tls_and_leaves(caller: Caller) -> None:
    caller.line()
    caller.say("STARTTLS")
    caller.reset()


def reads_and_logs_out(caller: Caller) -> None:
    caller.line()
    caller.say("STARTTLS")
    caller.secure()
    caller.socket.sendall(b"b NOOP\r\n")
    caller.reading()
    caller.say("LOGOUT")
    caller.wait()


PLAIN = (
    silent,
    leaves_at_once,
    asks_for_tls_and_is_silent,
    asks_for_tls_and_speaks_imap,
    asks_for_tls_and_leaves,
    reads_and_logs_out,
)


def speaks_no_tls(caller: Caller) -> None:
    caller.socket.sendall(b"a NOOP\r\n")
    caller.wait()


def leaves_after_reading(caller: Caller) -> None:
    caller.secure()
    caller.reading()
    caller.reset()


def leaves_while_idle(caller: Caller) -> None:
    caller.secure()
    caller.reading()
    caller.socket.sendall(b"b IDLE\r\n")
    assert caller.line().startswith(b"+ ")
    caller.reset()


def leaves_within_an_append(caller: Caller) -> None:
    caller.secure()
    caller.reading()
    caller.socket.sendall(b"b APPEND INBOX {300}\r\n")
    assert caller.line().startswith(b"+ ")
    caller.socket.sendall(b"From:")
    caller.reset()


def says_a_line_without_end(caller: Caller) -> None:
    caller.secure()
    caller.line()
    with contextlib.suppress(OSError):
        caller.socket.sendall(b"a " + 200_000 * b"x")
    caller.wait()


IMPLICIT = (
    silent,
    speaks_no_tls,
    leaves_after_reading,
    leaves_while_idle,
    leaves_within_an_append,
    says_a_line_without_end,
)


def _held() -> Counter[str]:
    names = (type(each).__name__ for each in gc.get_objects())
    return Counter(name for name in names if name in HELD)


@pytest.fixture
def _uncollected() -> Iterator[None]:
    """Without the collector; what was there before is not looked at."""
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()


async def _is_freed(what: str) -> None:
    try:
        await until(lambda: not _held())
    except TimeoutError:
        pytest.fail(f"{what}: held are {dict(_held())}")


@pytest.mark.parametrize("ends", [PLAIN, IMPLICIT], ids=["plain", "implicit"])
@pytest.mark.usefixtures("_uncollected")
def test_it_is_freed_without_the_collector(
    ends: tuple[Callable[[Caller], None], ...],
    site: Site,
    tls_pair: tuple[ssl.SSLContext, ssl.SSLContext],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = imap_site.with_tls(tls_pair[0])
    site.put(imap_site.plain(1))

    def call(end: Callable[[Caller], None], port: int) -> None:
        caller = Caller(port, tls_pair[1])
        try:
            end(caller)
        finally:
            caller.socket.close()

    async def run() -> None:
        for end in ends:
            times_out = end in (silent, asks_for_tls_and_is_silent)
            seconds = SHORT if times_out else wire.HANDSHAKE_SECONDS
            asked = replace(settings, before_login_seconds=SHORT) if end is silent else settings
            with monkeypatch.context() as patched:
                patched.setattr(server, "HANDSHAKE_SECONDS", seconds)
                patched.setattr(wire, "HANDSHAKE_SECONDS", seconds)
                async with imap_site.serving(site, asked, is_implicit_tls=ends is IMPLICIT) as port:
                    await asyncio.to_thread(call, end, port)
                    await _is_freed(end.__name__)

    uvloop.run(run())
