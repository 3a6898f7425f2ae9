"""A connection that has ended is freed at once, however it ended: by reference counts alone.

The product's loop, with the garbage collector off; the clients are sockets in a thread, so that
whatever asyncio still holds is the server's.
"""

import asyncio
import contextlib
import gc
import socket
import ssl
import struct
import time
import weakref
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import uvloop

from mss_gateway.smtp import server
from mss_gateway.smtp.connection import PATIENCE, Patience
from mss_gateway.smtp.dialogue import Dialogue
from mss_gateway.smtp.server import Listeners
from mss_gateway.smtp.tarpit import REFUSED_PER_HOUR
from tests.support import peer_site, smtp_site
from tests.support.people import DOMAIN as OURS
from tests.support.smtp_site import DUBOIS, MARTIN, Site, plain_claim, until

PATIENT = replace(PATIENCE, tarpit=0.2, farewell=0.1)
SHORT = 0.2
"""Seconds: the one time-out that a test wants to be over; nothing else has to be done in time."""

HELD = frozenset(
    {
        *("Dialogue", "StreamReader", "StreamWriter", "TCPTransport", "SSLProtocol"),
        *("_SSLProtocolTransport", "SSLObject", "SubmissionSession", "MxSession", "SigningIn"),
    }
)
"""What a connection is made of, by the names of the classes."""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with smtp_site.open_site(tmp_path / "state") as opened:
        yield peer_site.welcoming(opened)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> "list[weakref.ref[Dialogue]]":
    """Every dialogue that a server makes, even one whose client never was there for it."""
    seen: list[weakref.ref[Dialogue]] = []

    class Seen(Dialogue):
        def __init__(self, *given: Any) -> None:
            super().__init__(*given)
            seen.append(weakref.ref(self))

    monkeypatch.setattr(server, "Dialogue", Seen)
    return seen


@dataclass(frozen=True, slots=True)
class Door:
    """Where one kind of client comes in; ``implicit`` is 0 where TLS never comes first."""

    name: str
    server: Listeners
    plain: int
    implicit: int
    tls: ssl.SSLContext
    author: str


@asynccontextmanager
async def opened(name: str, site: Site, patience: Patience) -> AsyncIterator[Door]:
    if name == "mx":
        async with peer_site.mx_serving(site, patience) as port:
            tls = peer_site.shown(peer_site.HOST).tls(site)
            yield Door(name, port.server, port.number, 0, tls, peer_site.GARNIER)
    else:
        async with smtp_site.serving(site, patience) as ports:
            trusting = site.trusting()
            yield Door(name, ports.server, ports.starttls, ports.tls, trusting, MARTIN)


class Caller:
    """A client that waits for every answer, on a thread of its own."""

    def __init__(self, door: Door, port: int = 0) -> None:
        self.door = door
        self.socket = socket.create_connection(("127.0.0.1", port or door.plain), 20)

    def secure(self) -> None:
        """Speak TLS from here on."""
        self.socket = self.door.tls.wrap_socket(self.socket, server_hostname="localhost")

    def reply(self) -> bytes:
        """The last line of the next reply."""
        line = b""
        while not line.endswith(b"\r\n") or line[3:4] == b"-":
            line = b"" if line.endswith(b"\r\n") else line
            octet = self.socket.recv(1)
            assert octet, f"cut after {line!r}"
            line += octet
        return line

    def say(self, line: str, code: bytes = b"2") -> None:
        """Send a line; the reply begins with ``code``."""
        self.socket.sendall(line.encode() + b"\r\n")
        assert self.reply().startswith(code)

    def greeted(self) -> None:
        """Up to the first EHLO."""
        assert self.reply().startswith(b"220 ")
        self.say("EHLO client.example")

    def known(self) -> None:
        """Up to where it is proved who somebody is: in TLS, by AUTH or by what MAIL looks at."""
        self.greeted()
        self.say("STARTTLS")
        self.secure()
        self.say("EHLO client.example")
        if self.door.name == "submission":
            self.say(f"AUTH PLAIN {plain_claim(self.door.author)}")
        else:
            self.say(f"MAIL FROM:<{self.door.author}>")

    def writing(self) -> None:
        """Up to the middle of a body."""
        self.known()
        if self.door.name == "submission":
            self.say(f"MAIL FROM:<{self.door.author}>")
        self.say(f"RCPT TO:<{DUBOIS}>")
        self.say("DATA", b"354 ")
        self.socket.sendall(f"From: <{self.door.author}>\r\n\r\nBonj".encode())

    def wait(self) -> None:
        """Let the server end it."""
        with contextlib.suppress(OSError):
            while self.socket.recv(65_536):
                pass

    def reset(self) -> None:
        """Leave without a word."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


def _hello() -> bytes:
    """The first message of a handshake, and no more."""
    outgoing = ssl.MemoryBIO()
    half = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="x")
    with contextlib.suppress(ssl.SSLWantReadError):
        half.do_handshake()
    return outgoing.read()


def silent(caller: Caller) -> None:
    caller.wait()


def leaves_at_once(caller: Caller) -> None:
    caller.reset()


def speaks_early(caller: Caller) -> None:
    caller.socket.sendall(b"EHLO client.example\r\nNOOP\r\n")
    caller.wait()


def quits(caller: Caller) -> None:
    caller.greeted()
    caller.say("QUIT")
    caller.wait()


def says_no_more_itself(caller: Caller) -> None:
    caller.greeted()
    caller.socket.shutdown(socket.SHUT_WR)
    caller.wait()


def stays_when_it_was_closed(caller: Caller) -> None:
    caller.known()
    caller.say("QUIT")
    while caller.door.server._sessions:  # it answers the end of TLS with nothing
        time.sleep(0.002)


def asks_for_tls_and_is_silent(caller: Caller) -> None:
    caller.greeted()
    caller.say("STARTTLS")
    caller.wait()


def asks_for_tls_and_begins(caller: Caller) -> None:
    caller.greeted()
    caller.say("STARTTLS")
    caller.socket.sendall(_hello())
    caller.wait()


def asks_for_tls_and_speaks_smtp(caller: Caller) -> None:
    caller.greeted()
    caller.say("STARTTLS")
    caller.socket.sendall(b"EHLO client.example\r\n")
    caller.wait()


def asks_for_tls_and_leaves(caller: Caller) -> None:
    caller.greeted()
    caller.say("STARTTLS")
    caller.reset()


def quits_in_tls(caller: Caller) -> None:
    caller.known()
    caller.say("QUIT")
    caller.wait()


def silent_in_tls(caller: Caller) -> None:
    caller.known()
    caller.wait()


def leaves_in_tls(caller: Caller) -> None:
    caller.known()
    caller.reset()


def leaves_while_it_is_judged(caller: Caller) -> None:
    caller.known()
    is_known = caller.door.name == "submission"
    line = f"MAIL FROM:<{MARTIN}>" if is_known else f"RCPT TO:<{DUBOIS}>"
    caller.socket.sendall(line.encode() + b"\r\n")
    caller.reset()


def stops_within_a_body(caller: Caller) -> None:
    caller.writing()
    caller.wait()


def leaves_within_a_body(caller: Caller) -> None:
    caller.writing()
    caller.reset()


def hands_over(caller: Caller) -> None:
    caller.writing()
    caller.say("our.\r\n.")
    caller.say("QUIT")
    caller.wait()


ENDS: tuple[Callable[[Caller], None], ...] = (
    silent,
    leaves_at_once,
    speaks_early,
    quits,
    says_no_more_itself,
    stays_when_it_was_closed,
    asks_for_tls_and_is_silent,
    asks_for_tls_and_begins,
    asks_for_tls_and_speaks_smtp,
    asks_for_tls_and_leaves,
    quits_in_tls,
    silent_in_tls,
    leaves_in_tls,
    leaves_while_it_is_judged,
    stops_within_a_body,
    leaves_within_a_body,
    hands_over,
)


def never_speaks(caller: Caller) -> None:
    caller.wait()


def begins_a_handshake(caller: Caller) -> None:
    caller.socket.sendall(_hello())
    caller.wait()


def begins_a_handshake_and_leaves(caller: Caller) -> None:
    caller.socket.sendall(_hello())
    caller.reset()


def speaks_no_tls(caller: Caller) -> None:
    caller.socket.sendall(b"EHLO client.example\r\n")
    caller.wait()


def fails_to_sign_in(caller: Caller) -> None:
    caller.secure()
    caller.greeted()
    caller.say(f"AUTH PLAIN {plain_claim(MARTIN, 'autre')}", b"535 ")
    caller.say("QUIT")


IMPLICIT: tuple[Callable[[Caller], None], ...] = (
    never_speaks,
    begins_a_handshake,
    begins_a_handshake_and_leaves,
    speaks_no_tls,
    fails_to_sign_in,
)

TIMED_OUT: dict[Callable[[Caller], None], Patience] = {
    silent: replace(PATIENT, unknown=SHORT),
    asks_for_tls_and_is_silent: replace(PATIENT, handshake=SHORT),
    asks_for_tls_and_begins: replace(PATIENT, handshake=SHORT),
    silent_in_tls: replace(PATIENT, known=SHORT),
    stops_within_a_body: replace(PATIENT, body=SHORT),
    never_speaks: replace(PATIENT, handshake=SHORT),
    begins_a_handshake: replace(PATIENT, handshake=SHORT),
}
"""Those that the server ends, with the patience that it loses."""

CASES = {"submission": ENDS, "mx": ENDS, "implicit": IMPLICIT}


def _held() -> Counter[str]:
    names = (type(each).__name__ for each in gc.get_objects())
    return Counter(name.replace("Seen", "Dialogue") for name in names if name in HELD | {"Seen"})


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


async def _is_freed(made: "list[weakref.ref[Dialogue]]", count: int, what: str) -> None:
    def is_gone() -> bool:
        return len(made) == count and not any(each() for each in made) and not _held()

    try:
        await until(is_gone)
    except TimeoutError:
        pytest.fail(f"{what}: {len(made)} made, held are {dict(_held())}")
    made.clear()


def _call(door: Door, end: Callable[[Caller], None]) -> None:
    caller = Caller(door, door.implicit if end in IMPLICIT else door.plain)
    try:
        end(caller)
    finally:
        caller.socket.close()


@pytest.mark.parametrize("name", CASES)
@pytest.mark.usefixtures("_uncollected")
def test_it_is_freed_without_the_collector(
    name: str, site: Site, made: "list[weakref.ref[Dialogue]]"
) -> None:
    async def run() -> None:
        for end in CASES[name]:
            async with opened(name, site, TIMED_OUT.get(end, PATIENT)) as door:
                await asyncio.to_thread(_call, door, end)
                await _is_freed(made, 1, end.__name__)

    uvloop.run(run())


@pytest.mark.parametrize("is_patient", [True, False])
@pytest.mark.usefixtures("_uncollected")
def test_so_is_one_that_is_slowed_down(
    is_patient: bool, site: Site, made: "list[weakref.ref[Dialogue]]"
) -> None:
    def asks_for_too_many(caller: Caller) -> None:
        caller.known()
        for _ in range(REFUSED_PER_HOUR):
            caller.say(f"RCPT TO:<personne@{OURS}>", b"5")
        caller.socket.sendall(f"RCPT TO:<personne@{OURS}>\r\n".encode())
        while not site.gateway.metrics.slowed._value.get():
            time.sleep(0.002)
        if is_patient:
            assert caller.reply().startswith(b"5")
            caller.say("QUIT")
        else:
            caller.reset()

    async def run() -> None:
        async with opened("mx", site, PATIENT) as door:
            await asyncio.to_thread(_call, door, asks_for_too_many)
            await _is_freed(made, 1, "slowed down")

    uvloop.run(run())


@pytest.mark.parametrize("name", ["submission", "mx"])
@pytest.mark.parametrize("seconds", [0.0, 5.0], ids=["cut", "retired"])
@pytest.mark.usefixtures("_uncollected")
def test_so_is_one_that_the_service_ends(
    seconds: float, name: str, site: Site, made: "list[weakref.ref[Dialogue]]"
) -> None:
    async def run() -> None:
        for until_then in (Caller.greeted, Caller.known, Caller.writing):
            async with opened(name, site, PATIENT) as door:
                caller = await asyncio.to_thread(Caller, door)
                try:
                    await asyncio.to_thread(until_then, caller)
                    leaving = asyncio.create_task(asyncio.to_thread(caller.wait))
                    if seconds and until_then is Caller.writing:
                        caller.socket.shutdown(socket.SHUT_RDWR)  # it would be let finish
                    await door.server.drain(seconds)
                    await leaving
                finally:
                    caller.socket.close()
                await _is_freed(made, 1, until_then.__name__)

    uvloop.run(run())


@pytest.mark.parametrize("name", ["submission", "mx"])
@pytest.mark.usefixtures("_uncollected")
def test_so_is_one_too_many(name: str, site: Site, made: "list[weakref.ref[Dialogue]]") -> None:
    limit = smtp_site.LIMITS.connections_per_address

    async def run() -> None:
        async with opened(name, site, PATIENT) as door:
            callers = [await asyncio.to_thread(Caller, door) for _ in range(limit)]
            try:
                for each in callers:
                    await asyncio.to_thread(each.greeted)
                await asyncio.to_thread(_call, door, Caller.wait)
                await until(lambda: len([each for each in made if each()]) == limit)
            finally:
                for each in callers:
                    each.socket.close()
            await _is_freed(made, limit + 1, "one too many")

    uvloop.run(run())
