"""One acceptance, stopped at will: a server forked for it, a client that keeps its last dot."""

import base64
import json
import os
import shutil
import socket
import sqlite3
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from mailbox_store import changes, mailboxes
from mss_gateway import compose
from mss_gateway.directory import people
from mss_gateway.directory.people import NewPerson, Traits
from mss_gateway.queue import leases
from mss_gateway.queue.worker import Worker
from tests.crash import inspecting, prepared
from tests.crash.connecting import trusting
from tests.crash.ledger import Sent
from tests.crash.mailboxes import is_whole
from tests.crash.minimal_server import settings
from tests.crash.running import ROOT

AUTHOR, RECIPIENT = "claire.martin@mss.example", "sophie.laurent@mss.example"
PASSWORD = "mot-de-passe"
SECONDS = 20.0

SENT = Sent(
    "<acceptance@mss.example>",
    AUTHOR,
    (RECIPIENT,),
    b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + b"Une ligne du compte rendu.\r\n" * 300,
)
_RAW = (
    f"From: <{AUTHOR}>\r\nTo: <{RECIPIENT}>\r\nSubject: essai\r\n"
    f"Message-ID: {SENT.message_id}\r\nMIME-Version: 1.0\r\n"
).encode() + SENT.entity


@dataclass(frozen=True, slots=True)
class Fate:
    """What is known afterwards: the answer to the message, and how the server ended."""

    answer: bytes
    status: int

    @property
    def is_acked(self) -> bool:
        """250 came."""
        return self.answer.startswith(b"250 ")


@dataclass(frozen=True, slots=True)
class Aftermath:
    """What a restart finds: copies of the message in the mailbox, and what is wrong with that."""

    copies: int
    wrong: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Serving:
    """A server that waits for the last dot of one message."""

    pid: int
    threads: dict[str, int]
    state: Path
    connection: ssl.SSLSocket

    def finish(self) -> bytes:
        """Send the last dot and leave: the answer, empty when the connection broke instead."""
        try:
            self.connection.sendall(b".\r\n")
            return self.connection.recv(4096)
        except OSError:
            return b""
        finally:
            self.connection.close()

    def await_delivery(self) -> bool:
        """Whether the queue empties before the server ends."""
        ends = time.monotonic() + SECONDS
        while time.monotonic() < ends and is_alive(self.pid):
            if _is_delivered(self.state):
                return True
            time.sleep(0.01)
        return False


class Forking:
    """The process that forks servers; ``log`` is what they say.

    ``environment`` is added to its own.
    """

    def __init__(self, log: IO[bytes], environment: Mapping[str, str] | None = None) -> None:
        self._log = log
        self._forking = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.minimal_server"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env={**os.environ, **(environment or {})},
        )

    def fork(self, state: Path, port: int) -> dict[str, Any]:
        """A fresh server on that state: its process and its threads, once it answers."""
        assert self._forking.stdin is not None
        self._forking.stdin.write(f"{state} {port}\n")
        self._forking.stdin.flush()
        return self._hear()

    def ended(self) -> int:
        """The exit status of the server forked last; negative for a signal."""
        return int(self._hear()["ended"])

    def close(self) -> None:
        """End it."""
        self._forking.communicate()

    def _hear(self) -> dict[str, Any]:
        assert self._forking.stdout is not None
        line = self._forking.stdout.readline()
        if not line:
            raise RuntimeError(Path(self._log.name).read_text("utf-8", "replace")[-2000:])
        told: dict[str, Any] = json.loads(line)
        return told


class Rig:
    """Forks servers on copies of one prepared state, and reads back what they left."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._count = folder, 0
        self._prepared = folder / "prepared"
        self._prepared.mkdir()
        everyone = [NewPerson(each, "PER", Traits("Dr", "C", "M")) for each in (AUTHOR, RECIPIENT)]
        compose.close(prepared.prepare(settings(self._prepared, 1), everyone, PASSWORD))
        self._anchors = prepared.anchors_file(settings(self._prepared, 1))
        self._log = (folder / "server.log").open("wb")
        self._forking = Forking(self._log)

    def close(self) -> None:
        """End the process that forks."""
        self._forking.close()
        self._log.close()

    @contextmanager
    def serve(self) -> Iterator[Serving]:
        """A fresh server, and a client that has sent all of its message but the last dot."""
        self._count += 1
        state = self._folder / f"state{self._count}"
        shutil.copytree(self._prepared, state)
        port = free_port()
        told = self._forking.fork(state, port)
        with _connected(port, self._anchors) as connection:
            _until_the_last_dot(connection)
            _await_quiet(state)
            yield Serving(told["pid"], told["threads"], state, connection)

    def ended(self) -> int:
        """The exit status of the server forked last; negative for a signal."""
        return self._forking.ended()

    def aftermath(self, state: Path, fate: Fate) -> Aftermath:
        """Start again without strace, finish the queue, and read what is there."""
        kept = _recover(state)
        wrong = []
        if fate.is_acked and len(kept) != 1:
            wrong.append(f"answered 250, and {len(kept)} in the mailbox")
        if len(kept) > 1:
            wrong.append(f"{len(kept)} copies")
        if not all(is_whole(SENT, raw) for raw in kept):
            wrong.append("a message that is not what was sent, signed")
        chain = inspecting.audit_chain(settings(state, 1))
        if chain is not None or inspecting.integrity(state) != "ok":
            wrong.append("the database or its audit chain is broken")
        return Aftermath(len(kept), tuple(wrong))


def _recover(state: Path) -> list[bytes]:
    """The messages in the recipient's INBOX once the queue has nothing left to do."""
    gateway = compose.build(settings(state, 1))
    try:
        gateway.database.write(leases.recover)
        worker = Worker(gateway, threading.Event())
        while worker.run_batch():
            pass
        with gateway.database.read() as view:
            person = people.by_address(view, RECIPIENT)
            assert person is not None
            inbox = mailboxes.find(view, person.account_id, "INBOX")
            rows = list(changes.rows(view, person.account_id, inbox.mailbox_id, 1, 1 << 31))
            return [changes.read_body(view, person.account_id, row.message_id) for row in rows]
    finally:
        compose.close(gateway)


@contextmanager
def _connected(port: int, anchors: Path) -> Iterator[ssl.SSLSocket]:
    context = trusting(str(anchors))
    with socket.create_connection(("127.0.0.1", port), SECONDS) as plain:
        with context.wrap_socket(plain, server_hostname="localhost") as connection:
            yield connection


def _until_the_last_dot(connection: ssl.SSLSocket) -> None:
    secret = base64.b64encode(f"\0{AUTHOR}\0{PASSWORD}".encode())
    for command, code in (
        (b"", b"220"),
        (b"EHLO essai.example\r\n", b"250"),
        (b"AUTH PLAIN " + secret + b"\r\n", b"235"),
        (f"MAIL FROM:<{AUTHOR}>\r\n".encode(), b"250"),
        (f"RCPT TO:<{RECIPIENT}>\r\n".encode(), b"250"),
        (b"DATA\r\n", b"354"),
    ):
        connection.sendall(command)
        answer = connection.recv(4096)
        if not answer.startswith(code):
            raise RuntimeError(f"{command!r}: {answer!r}")
    connection.sendall(_RAW)


def _await_quiet(state: Path) -> None:
    """The sign-in is on record: nothing is written any more until the last dot."""
    ends = time.monotonic() + SECONDS
    while time.monotonic() < ends:
        with closing(_reading(state)) as store:
            if store.execute("SELECT count(*) FROM audit WHERE act = 'sign-in'").fetchone()[0]:
                return
        time.sleep(0.01)
    raise RuntimeError("no sign-in on record")


def _is_delivered(state: Path) -> bool:
    with closing(_reading(state)) as store:
        delivered = store.execute("SELECT count(*) FROM deliveries").fetchone()[0]
        waiting = store.execute("SELECT count(*) FROM queue_items").fetchone()[0]
    return bool(delivered) and not waiting


def _reading(state: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{state / compose.STORE_FILE}?mode=ro", uri=True, timeout=5)


def is_alive(pid: int) -> bool:
    """A child that ended and was not waited for yet is a zombie, and not alive."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(") ")[2][0]
    except OSError:
        return False
    return state not in "ZX"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
