"""A server that dies at any point of a dialogue leaves no connection of the soak's clients open."""

import contextlib
import gc
import imaplib
import select
import socket
import ssl
import struct
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from certs.certificate import to_pem
from certs.issuing.issue import Authority, export_for_client
from certs.keyring import PrivateKey
from tests.crash.clients import Account, Client
from tests.crash.connecting import closing_itself, trusting
from tests.crash.ledger import Ledger
from tests.crash.mailboxes import read_inbox

AUTHOR = Account("claire.martin@mss.example", "mot-de-passe")
OTHER = Account("sophie.laurent@mss.example", "")
TLS, HELLO = b"a handshake", b"the first octets of a handshake"

EHLO = (b"", b"220 essai\r\n"), (b"ehlo", b"250-essai\r\n250-AUTH PLAIN\r\n250 STARTTLS\r\n")
SUBMISSION = (
    (b"ehlo", b"250-essai\r\n250 AUTH PLAIN\r\n"),
    (b"AUTH", b"235 2.7.0 in\r\n"),
    (b"MAIL", b"250 2.1.0 ok\r\n"),
    (b"RCPT", b"250 2.1.5 ok\r\n"),
    (b"DATA", b"354 go\r\n"),
)
CAPABILITY = (b"CAPABILITY", b"* CAPABILITY IMAP4rev1\r\n# OK done\r\n")
LOGOUT = (b"LOGOUT", b"* BYE\r\n# OK done\r\n")
STEPS = {
    "starttls": (*EHLO, (b"STARTTLS", b"220 go\r\n"), (HELLO, b""), (TLS, b""), *SUBMISSION),
    "tls": ((HELLO, b""), (TLS, b""), (b"", b"220 essai\r\n"), *SUBMISSION),
    "starttls, not ready": (*EHLO, (b"STARTTLS", b"454 4.7.0 not now\r\n")),
    "tls, not let in": (
        *((TLS, b""), (b"", b"220 essai\r\n"), SUBMISSION[0]),
        *((b"AUTH", b"454 4.7.0 not now\r\n"),) * 3,
    ),
    "imap, not let in": (
        *((TLS, b""), (b"", b"* OK essai\r\n"), CAPABILITY),
        *((b"LOGIN", b"# NO [UNAVAILABLE] not now\r\n"), LOGOUT),
    ),
    "imap": (
        (HELLO, b""),
        (TLS, b""),
        (b"", b"* OK essai\r\n"),
        CAPABILITY,
        (b"LOGIN", b"# OK done\r\n"),
        (b"EXAMINE", b"* OK [UIDVALIDITY 1]\r\n* OK [UIDNEXT 2]\r\n# OK done\r\n"),
        (b"FETCH", b"* 1 FETCH (UID 1 BODY[] {10}\r\n12345"),
        (b"", b"67890)\r\n# OK done\r\n"),
        LOGOUT,
    ),
}
"""What each side says in turn: the server, once it has heard the first, says the second."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An authority, and what a server of it needs."""
    made = tmp_path_factory.mktemp("pki")
    now = datetime.now(UTC).replace(microsecond=0)
    authority, key = Authority.create("Essai", "p256", now, 1), PrivateKey.generate("p256")
    certificate = authority.issue_server(["localhost"], ["127.0.0.1"], key.public_key, now, 9)
    (made / "anchors.pem").write_bytes(to_pem(authority.root))
    export_for_client(key, (certificate, *authority.chain), made / "key.pem", made / "server.pem")
    return made


class Dying:
    """A server that plays so many steps with whoever calls, and ends, by a reset or without."""

    def __init__(self, name: str, folder: Path) -> None:
        self._steps, self.count, self.is_reset, self.deaths = STEPS[name], 0, False, 0
        self.surprises: list[bytes] = []
        self._tls = closing_itself(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
        self._tls.load_cert_chain(folder / "server.pem", folder / "key.pem")
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def close(self) -> None:
        """Nobody is let in any more."""
        self._listening.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listening.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                line, _ = self._listening.accept()
                with contextlib.ExitStack() as opened:
                    opened.callback(line.close)
                    with contextlib.suppress(OSError):
                        line = self._play(line, opened)
                        if self.is_reset:
                            line.setsockopt(
                                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
                            )
                self.deaths += 1

    def _play(self, line: socket.socket, opened: contextlib.ExitStack) -> socket.socket:
        line.settimeout(10)
        tag = b""
        for awaited, answer in self._steps[: self.count]:
            if awaited == HELLO:
                line.recv(5, socket.MSG_PEEK)
            elif awaited == TLS:
                line = opened.enter_context(self._tls.wrap_socket(line, server_side=True))
            elif awaited:
                heard = line.recv(4096)
                if awaited not in heard:
                    self.surprises += [heard] if heard else []
                    break
                tag = heard.split()[0]
            line.sendall(answer.replace(b"#", tag))
        return line


@contextmanager
def unclosed() -> Iterator[list[str]]:
    """What was left open in the block, once it has ended."""
    found: list[str] = []
    gc.collect()
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        yield found
        gc.collect()
    found += [str(each.message) for each in told if each.category is ResourceWarning]


def until(condition: Callable[[], bool]) -> None:
    ended = threading.Event()
    for _ in range(6000):
        if condition():
            return
        ended.wait(0.005)
    pytest.fail("nothing came of it")


def written(dying: Dying, told: dict[str, Any], ledger: Path) -> None:
    """A client of the soak meets this death twice."""
    stopping, number = threading.Event(), int(told["is_implicit"])
    client = Client(number, told, AUTHOR, (OTHER,), Ledger(ledger), stopping).start()
    last = dying.deaths + 2
    until(lambda: dying.deaths >= last)
    stopping.set()
    client.join()


@pytest.mark.parametrize("name", STEPS)
def test_a_death_at_any_point_leaves_nothing_open(name: str, folder: Path, tmp_path: Path) -> None:
    dying = Dying(name, folder)
    told = {
        "ca_file": str(folder / "anchors.pem"),
        "submission": {"tls": dying.port, "starttls": dying.port},
        "imap": {"tls": dying.port},
        "is_implicit": name.startswith("tls"),
    }
    try:
        with unclosed() as found:
            for count, is_reset in product(range(len(STEPS[name]) + 1), (False, True)):
                dying.count, dying.is_reset = count, is_reset
                if name.startswith("imap"):
                    with contextlib.suppress(OSError, imaplib.IMAP4.error):
                        read_inbox(told, AUTHOR)
                else:
                    written(dying, told, tmp_path / "ledger")
    finally:
        dying.close()
    assert dying.surprises == []
    assert found == []


def test_a_reset_between_connection_and_handshake_is_an_error_and_leaves_nothing_open(
    folder: Path,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening, unclosed() as found:
        plain = socket.create_connection(listening.getsockname())
        other, _ = listening.accept()
        other.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        other.close()
        select.select([plain], [], [])  # the reset has arrived
        with pytest.raises(ConnectionResetError):
            trusting(str(folder / "anchors.pem")).wrap_socket(plain, server_hostname="localhost")
        assert plain.fileno() == -1
    assert found == []
