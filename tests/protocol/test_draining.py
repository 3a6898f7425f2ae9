"""SIGTERM: nothing new is taken, what was begun is finished, everybody is told, the code is 0."""

import contextlib
import json
import signal
import socket
import ssl
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support import served_state
from tests.support.served_state import AUTHOR, PASSWORD, RECIPIENT, Served

LETTER = (
    f"From: <{AUTHOR}>\r\nTo: <{RECIPIENT}>\r\nSubject: essai\r\n\r\nUne ligne.\r\n.\r\n".encode()
)


@pytest.fixture(params=[""])
def served(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Served]:
    with served_state.serving(tmp_path, request.param) as started:
        yield started


@contextmanager
def line(served: Served, name: str) -> Iterator[ssl.SSLSocket]:
    """A TLS connection to a listener."""
    context = ssl.create_default_context(cafile=str(served.anchors))
    with socket.create_connection(("127.0.0.1", served.ports[name]), 30) as plain:
        with context.wrap_socket(plain, server_hostname="localhost") as connection:
            yield connection


def say(connection: ssl.SSLSocket, octets: bytes, until: bytes) -> bytes:
    """Send, and read until an answer holds ``until``."""
    if octets:
        connection.sendall(octets)
    heard = b""
    while until not in heard:
        piece = connection.recv(4096)
        assert piece, f"closed after {heard!r}"
        heard += piece
    return heard


def signed_in(connection: ssl.SSLSocket) -> None:
    """Past AUTH on the submission port."""
    secret = b64encode(f"\0{AUTHOR}\0{PASSWORD}".encode())
    say(connection, b"", b"220 ")
    say(connection, b"EHLO client.example\r\n", b"250 ")
    say(connection, b"AUTH PLAIN " + secret + b"\r\n", b"235 ")


def in_body(connection: ssl.SSLSocket) -> None:
    """Everything of a message but its body."""
    signed_in(connection)
    say(connection, f"MAIL FROM:<{AUTHOR}>\r\n".encode(), b"250 ")
    say(connection, f"RCPT TO:<{RECIPIENT}>\r\n".encode(), b"250 ")
    say(connection, b"DATA\r\n", b"354 ")


def in_idle(connection: ssl.SSLSocket) -> None:
    """An IMAP client that waits."""
    say(connection, b"", b"* OK")
    say(connection, f"a LOGIN {AUTHOR} {PASSWORD}\r\n".encode(), b"a OK")
    say(connection, b"b SELECT INBOX\r\n", b"b OK")
    say(connection, b"c IDLE\r\n", b"+ ")


def rest(connection: ssl.SSLSocket) -> bytes:
    """What comes before the end."""
    heard = b""
    with contextlib.suppress(OSError):
        while piece := connection.recv(4096):
            heard += piece
    return heard


def probe(served: Served, path: str) -> tuple[int, dict[str, object]]:
    """Status and document of a probe."""
    url = f"http://127.0.0.1:{served.ports['metrics']}{path}"
    asked = urllib.request.Request(url, headers={"Accept": "application/json"})
    try:
        with urllib.request.urlopen(asked, timeout=30) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as answer:
        return answer.code, json.loads(answer.read())


def is_closed(served: Served, name: str) -> bool:
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", served.ports[name])) != 0


def test_what_was_begun_is_finished_and_everybody_is_told(served: Served) -> None:
    with (
        line(served, "submission_tls") as writing,
        line(served, "submission_tls") as idle,
        line(served, "imap_tls") as waiting,
    ):
        in_body(writing)
        signed_in(idle)
        in_idle(waiting)
        assert probe(served, "/ready")[0] == 200
        served.signal(signal.SIGTERM)
        assert rest(idle).startswith(b"421 ")
        assert b"* BYE" in rest(waiting)
        for name in ("submission_tls", "submission_starttls", "imap_tls", "imap_starttls"):
            served.until(lambda name=name: is_closed(served, name))  # type: ignore[misc]
        status, told = probe(served, "/ready")
        assert (status, told["faults"]) == (503, ["draining"])
        assert probe(served, "/live")[0] == 200
        for piece in (LETTER[:40], LETTER[40:]):
            writing.sendall(piece)
        answer = rest(writing)
        assert answer.startswith(b"250 2.0.0 ")
        assert b"\r\n421 " in answer
    assert served.ended() == 0
    assert '"state": "drained"' in served.said


@pytest.mark.parametrize("served", ["[health]\ndrain_seconds = 12\n"], indirect=True)
def test_who_hangs_is_cut_off_in_the_end(served: Served) -> None:
    with line(served, "submission_tls") as hanging:
        in_body(hanging)
        hanging.sendall(LETTER[:40])
        served.signal(signal.SIGTERM)
        assert b"250 " not in rest(hanging)
    assert served.ended() == 0


def test_a_second_signal_ends_sooner(served: Served) -> None:
    with line(served, "submission_tls") as hanging, line(served, "imap_tls") as waiting:
        in_body(hanging)
        in_idle(waiting)
        served.signal(signal.SIGTERM)
        assert b"* BYE" in rest(waiting)
        assert served.running.poll() is None, "it waits for the one in DATA"
        served.signal(signal.SIGINT)
        assert b"250 " not in rest(hanging)
    assert served.ended() == 0
