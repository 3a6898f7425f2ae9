"""One message between two operators, stopped at will: taken by our MX, or carried by our relay.

The server under test is the first operator of a demo, forked on copies of its prepared state. The
other side is a few lines here that keep what any peer would: the octets it sent and was not
answered for, or the octets it has taken, once each.
"""

import contextlib
import os
import shutil
import signal
import socket
import sqlite3
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mss_gateway import compose
from mss_gateway.cli import demo, demo_space
from mss_gateway.cli.demo_config import Place, place_of
from mss_gateway.directory import people
from mss_gateway.life import outbound, relay, submission
from mss_gateway.life.gateway import Gateway
from mss_gateway.life.policy import Envelope
from mss_gateway.life.submission import Submission
from mss_gateway.message.address import parse_address
from tests.crash import inspecting
from tests.crash.acceptance import SECONDS, Aftermath, Forking, is_alive
from tests.crash.connecting import closing_itself
from tests.crash.ledger import Sent
from tests.crash.mailboxes import is_whole, read_stored
from tests.crash.minimal_server import settings_between
from tests.crash.running import free_base_port

HERE, THERE = "claire.martin@mss.example", "nadia.benali@ville.example"
_MX, _OTHER_MX = 25, 125
"""Above the base port of the demo."""


def _sent(author: str, recipient: str) -> Sent:
    text = (
        b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + b"Une ligne du compte rendu.\r\n" * 40
    )
    return Sent(f"<echange.{author}>", author, (recipient,), text)


COMING, LEAVING = _sent(THERE, HERE), _sent(HERE, THERE)


Octets = bytes
"""A message as it is sent, without its end."""


@dataclass(frozen=True, slots=True)
class Side:
    """Which way, from which state the server begins, and which port it has."""

    prepared: Path
    port: int


@dataclass(frozen=True, slots=True)
class Running:
    """A server of ours, up."""

    pid: int
    threads: dict[str, int]
    state: Path

    def until(self, condition: Callable[[], bool]) -> bool:
        """Whether it comes true before the server ends."""
        ends = time.monotonic() + SECONDS
        while time.monotonic() < ends and is_alive(self.pid):
            if condition():
                return True
            time.sleep(0.01)
        return False


class ExchangeRig:
    """Prepares two operators that know each other, one message each way, and forks the first.

    ``environment`` is added to that of the servers.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str] | None = None) -> None:
        self._folder, self._count = folder, 0
        base = free_base_port()
        place = place_of(folder / "state", base)
        demo._prepare(place)
        self._town = place.neighbour
        self.mx_port, self._town_port = base + _MX, base + _OTHER_MX
        self._log = (folder / "server.log").open("wb")
        with _built(self._town) as gateway:
            self.coming = _leaving_octets(gateway, COMING)
        self.taking = Side(folder / "taking", self.mx_port)
        shutil.copytree(place.state, self.taking.prepared)
        with _built(place) as gateway:
            _submit(gateway, LEAVING)
        self.relaying = Side(folder / "relaying", self.mx_port)
        shutil.copytree(place.state, self.relaying.prepared)
        self._forking = Forking(self._log, environment)

    def close(self) -> None:
        """End the process that forks."""
        self._forking.close()
        self._log.close()

    @contextmanager
    def serve(self, side: Side, state: Path | None = None) -> Iterator[Running]:
        """Our server on a fresh copy, or again on what an earlier one has left."""
        if state is None:
            self._count += 1
            state = self._folder / f"copy{self._count}"
            shutil.copytree(side.prepared, state)
        told = self._forking.fork(state, side.port)
        try:
            yield Running(told["pid"], told["threads"], state)
        except BaseException:
            with contextlib.suppress(ProcessLookupError):
                os.kill(told["pid"], signal.SIGKILL)
            raise

    def ended(self) -> int:
        """The exit status of the server forked last; negative for a signal."""
        return self._forking.ended()

    def stopped(self, running: Running, number: signal.Signals = signal.SIGTERM) -> int:
        """The same, of one that is told to stop."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(running.pid, number)
        return self.ended()

    def caller(self) -> "Caller":
        """The other operator's server, on its way to our MX."""
        return Caller(self.mx_port, self.coming, _town_tls(self._town, ssl.PROTOCOL_TLS_CLIENT))

    def called(self) -> "Called":
        """The other operator's server, where our relay calls."""
        return Called(self._town_port, _town_tls(self._town, ssl.PROTOCOL_TLS_SERVER))

    def aftermath_of_taking(self, state: Path) -> Aftermath:
        """Start again, hand the same octets over once more, as who saw no 250 does; and read."""
        with self.serve(self.taking, state) as running:
            with closing(self.caller()) as caller:
                caller.until_the_last_dot()
                again = caller.finish()
            running.until(lambda: waiting(state) == 0)
            status = self.stopped(running)
        wrong = [] if again.startswith(b"250 ") and status == 0 else [f"not taken again: {again!r}"]
        gateway = compose.build(settings_between(state, 0))
        try:
            kept = [raw for _, raw in read_stored(gateway, HERE).messages]
        finally:
            compose.close(gateway)
        if len(kept) != 1 or not is_whole(COMING, kept[0]):
            wrong.append(f"{len(kept)} in the mailbox")
        return Aftermath(len(kept), (*wrong, *_broken(state)))

    def aftermath_of_relaying(self, state: Path, called: "Called") -> Aftermath:
        """Start again and let it finish: what the other side then has taken, and our record."""
        with self.serve(self.relaying, state) as running:
            running.until(lambda: waiting(state) == 0)
            status = self.stopped(running)
        wrong = [] if status == 0 else [f"ended with {status}"]
        if len(called.taken) != 1:
            wrong.append(f"the other side has it {len(called.taken)} times")
        relays = [acts.relays for acts in inspecting.audited(state).acts.values() if acts.stores]
        if waiting(state) or relays.count(1) != 1:
            wrong.append(f"relays on record: {relays}, waiting: {waiting(state)}")
        return Aftermath(len(called.taken), (*wrong, *_broken(state)))


class Caller:
    """A peer that hands one message over to our MX."""

    def __init__(self, port: int, octets: Octets, tls: ssl.SSLContext) -> None:
        self._octets, self._tls = octets, tls
        self._line: socket.socket = socket.create_connection(("127.0.0.1", port), SECONDS)

    def close(self) -> None:
        """Leave."""
        self._line.close()

    def until_the_last_dot(self) -> None:
        """Everything but the end."""
        self._say(b"", b"220")
        self._say(b"EHLO ville.example\r\n", b"250")
        self._say(b"STARTTLS\r\n", b"220")
        self._line = self._tls.wrap_socket(self._line, server_hostname="localhost")
        self._say(b"EHLO ville.example\r\n", b"250")
        self._say(f"MAIL FROM:<{THERE}>\r\n".encode(), b"250")
        self._say(f"RCPT TO:<{HERE}>\r\n".encode(), b"250")
        self._say(b"DATA\r\n", b"354")
        self._line.sendall(self._octets)

    def finish(self) -> bytes:
        """The last dot: the answer, empty when the connection broke instead."""
        try:
            self._line.sendall(b".\r\n")
            return self._line.recv(4096)
        except OSError:
            return b""

    def _say(self, command: bytes, code: bytes) -> None:
        if command:
            self._line.sendall(command)
        answer = self._line.recv(4096)
        if not answer.startswith(code):
            raise RuntimeError(f"{command!r}: {answer!r}")


@dataclass(slots=True)
class Called:
    """A peer that takes what our relay brings, the same octets once; it greets when it is told."""

    port: int
    tls: ssl.SSLContext
    taken: set[Octets] = field(default_factory=set)
    greets: threading.Event = field(default_factory=threading.Event)
    _opened: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    _lines: set[socket.socket] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _is_over: bool = False

    def __enter__(self) -> "Called":
        with contextlib.ExitStack() as opening:
            listening = opening.enter_context(socket.create_server(("127.0.0.1", self.port)))
            serving = threading.Thread(target=self._serve, args=(listening,), daemon=True)
            serving.start()
            opening.callback(serving.join)
            opening.callback(self._cut)
            opening.callback(listening.shutdown, socket.SHUT_RDWR)
            self._opened = opening.pop_all()
        return self

    def __exit__(self, *_error: object) -> None:
        """Nobody calls any more, and whoever still did is cut off."""
        self._opened.close()

    def _cut(self) -> None:
        self.greets.set()
        with self._lock:
            self._is_over = True
            for line in self._lines:
                with contextlib.suppress(OSError):  # it has ended by itself
                    line.shutdown(socket.SHUT_RDWR)

    def _serve(self, listening: socket.socket) -> None:
        sessions = []
        with contextlib.suppress(OSError):  # closed
            while True:
                line, _ = listening.accept()
                sessions.append(threading.Thread(target=self._session, args=(line,), daemon=True))
                sessions[-1].start()
        self._cut()
        for session in sessions:
            session.join()

    def _session(self, line: socket.socket) -> None:
        with contextlib.suppress(OSError), contextlib.ExitStack() as opened:
            opened.callback(line.close)
            self.greets.wait(SECONDS)
            line.settimeout(SECONDS)
            with self._held(line), line.makefile("rb") as lines:
                line.sendall(b"220 ville.example\r\n")
                wants_tls = self._talk(line, lines)
            if wants_tls:
                secured = opened.enter_context(self.tls.wrap_socket(line, server_side=True))
                with self._held(secured), secured.makefile("rb") as lines:
                    self._talk(secured, lines)

    @contextmanager
    def _held(self, line: socket.socket) -> Iterator[None]:
        """Cut off with the others from here on."""
        with self._lock:
            if self._is_over:
                raise ConnectionResetError("over")
            self._lines.add(line)
        try:
            yield
        finally:
            with self._lock:
                self._lines.discard(line)

    def _talk(self, line: socket.socket, lines: Any) -> bool:
        """Answer until STARTTLS, then True, or until the end."""
        while verb := lines.readline().split(b" ")[0].strip().upper():
            match verb:
                case b"EHLO":
                    line.sendall(b"250-ville.example\r\n250-SIZE 50000000\r\n250 STARTTLS\r\n")
                case b"STARTTLS":
                    line.sendall(b"220 go\r\n")
                    return True
                case b"DATA":
                    line.sendall(b"354 go\r\n")
                    self._take(lines)
                    line.sendall(b"250 2.0.0 taken\r\n")
                case b"QUIT":
                    line.sendall(b"221 bye\r\n")
                    return False
                case _:
                    line.sendall(b"250 ok\r\n")
        return False

    def _take(self, lines: Any) -> None:
        """Responsibility begins here: before the answer, and whether or not it arrives."""
        octets = b""
        while (row := lines.readline()) != b".\r\n":
            if not row.endswith(b"\r\n"):
                raise ConnectionResetError("cut off")
            octets += row
        self.taken.add(octets)


def waiting(state: Path) -> int:
    """Items in the queue."""
    with closing(
        sqlite3.connect(f"file:{state / compose.STORE_FILE}?mode=ro", uri=True, timeout=5)
    ) as store:
        return int(store.execute("SELECT count(*) FROM queue_items").fetchone()[0])


def delivered(state: Path) -> bool:
    """Whether something came in and is done."""
    with closing(inspecting.Watch(state)) as watch:
        return watch.arrived() > 0 and watch.waiting() == 0


def _broken(state: Path) -> list[str]:
    chain = inspecting.audit_chain(settings_between(state, 0))
    whole = inspecting.integrity(state)
    return [] if chain is None and whole == "ok" else [f"broken: {chain}, {whole}"]


@contextmanager
def _built(place: Place) -> Iterator[Gateway]:
    gateway = demo_space.build(place)
    try:
        yield gateway
    finally:
        compose.close(gateway)


def _submit(gateway: Gateway, sent: Sent) -> None:
    with gateway.database.read() as view:
        author = people.by_address(view, sent.author)
    assert author is not None
    (recipient,) = sent.recipients
    raw = (
        f"From: <{sent.author}>\r\nTo: <{recipient}>\r\nSubject: essai 1-1\r\n"
        f"Message-ID: {sent.message_id}\r\nMIME-Version: 1.0\r\n"
    ).encode() + sent.entity
    envelope = Envelope(author, parse_address(sent.author), "submission")
    submission.accept(gateway, Submission(envelope, (parse_address(recipient),), raw))


def _leaving_octets(gateway: Gateway, sent: Sent) -> Octets:
    """What the relay of that operator sends for a message of its own."""
    _submit(gateway, sent)
    (found,) = outbound.due(gateway)
    (claimed,) = outbound.claim(gateway, found.index, 1)
    prepared = relay.prepare(gateway, claimed.item)
    assert prepared is not None and prepared.kept.result()
    return prepared.outgoing.raw


def _town_tls(town: Place, protocol: int) -> ssl.SSLContext:
    settings = demo_space.settings_of(town)
    context = closing_itself(ssl.SSLContext(protocol))
    context.load_verify_locations(settings.in_state(settings.certificates.anchors))
    context.load_cert_chain(
        settings.in_state(settings.tls.certificate), settings.in_state(settings.tls.key)
    )
    return context
