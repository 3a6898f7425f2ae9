"""A real `mss demo` in a process of its own, and foreign clients that talk to it."""

import contextlib
import imaplib
import json
import os
import signal
import smtplib
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any

START_SECONDS = 180.0
PORT_OFFSETS = (25, 43, 65, 80, 87, 90, 93)
NEIGHBOUR = 100
"""From the ports of a demo to those of the second operator beside it."""


@dataclass(slots=True)
class Demo:
    """A running demo: what demo.json says, and its process."""

    state: Path
    told: dict[str, Any]
    process: subprocess.Popen[bytes]
    accounts: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.accounts = {one["address"].partition("@")[0]: one for one in self.told["accounts"]}

    @property
    def tls(self) -> ssl.SSLContext:
        """A client context that believes the demo's own authority."""
        return ssl.create_default_context(cafile=self.told["ca_file"])

    @contextmanager
    def submission(self, who: str) -> Iterator[smtplib.SMTP]:
        """A submission session of a professional, signed in over STARTTLS."""
        account = self.accounts[who]
        with smtplib.SMTP("localhost", self.told["submission"]["starttls"], timeout=30) as client:
            client.starttls(context=self.tls)
            client.login(account["address"], account["password"])
            yield client

    def address(self, who: str) -> str:
        """Of an account by its short name; an address is its own."""
        return who if "@" in who else str(self.accounts[who]["address"])

    def send(self, who: str, to: str, message: EmailMessage, options: tuple[str, ...] = ()) -> str:
        """Submit a message; the message_ref of the 250.

        ``to`` is an account's short name, or the address of somebody elsewhere; ``options`` go
        with its RCPT.
        """
        sender, recipient = self.address(who), self.address(to)
        if "From" not in message:
            message["From"] = sender
        if "To" not in message:
            message["To"] = recipient
        raw = message.as_bytes(policy=message.policy.clone(linesep="\r\n"))
        with self.submission(who) as client:
            client.mail(sender)
            code, line = client.rcpt(recipient, options)
            assert code == 250, line
            code, line = client.data(raw)
        assert code == 250, line
        return line.decode().split()[-1]

    @contextmanager
    def imap(self, who: str, folder: str = "INBOX") -> Iterator[imaplib.IMAP4_SSL]:
        """An IMAP session of a professional with ``folder`` selected."""
        account = self.accounts[who]
        client = imaplib.IMAP4_SSL("localhost", self.told["imap"]["tls"], ssl_context=self.tls)
        try:
            client.login(account["address"], account["password"])
            client.select(f'"{folder}"')
            yield client
        finally:
            with contextlib.suppress(OSError, imaplib.IMAP4.error):
                client.logout()

    def wait_for(self, who: str, subject: str, seconds: float = 20.0) -> bytes:
        """The newest message of an INBOX with this subject, once it is there."""
        deadline = time.monotonic() + seconds
        with self.imap(who) as client:
            while time.monotonic() < deadline:
                client.noop()
                found = client.search(None, "SUBJECT", f'"{subject}"')[1][0].split()
                if found:
                    fetched = client.fetch(found[-1].decode(), "(BODY.PEEK[])")[1]
                    assert isinstance(fetched[0], tuple)
                    return bytes(fetched[0][1])
                time.sleep(0.05)
        raise AssertionError(f"no message about {subject!r} for {who} in {seconds} s")

    def mss(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the operator's CLI beside the server."""
        return subprocess.run(
            [sys.executable, "-m", "mss_gateway", *arguments, "--config", self.told["config"]],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def stop(self) -> int:
        """SIGTERM, and the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


def start(state: Path, base_port: int | None = None) -> Demo:
    """Start a demo and wait until every port answers; its log goes to ``state``.log."""
    base = base_port or free_base_port()
    log = state.with_suffix(".log").open("ab")
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "mss_gateway",
            "demo",
            "--state",
            str(state),
            "--base-port",
            str(base),
        ],
        stdout=log,
        stderr=log,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    log.close()
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        if (state / "demo.json").exists():
            told = json.loads((state / "demo.json").read_text(encoding="utf-8"))
            if told["pid"] == process.pid:
                return Demo(state, told, process)
        time.sleep(0.05)
    process.kill()
    process.wait()
    raise AssertionError(state.with_suffix(".log").read_text(encoding="utf-8")[-3000:])


def free_base_port() -> int:
    """A base such that every port of a demo, and of its neighbour's, is free now.

    Below those that the system gives to whoever calls out: one of them may be taken at any moment.
    """
    bases = range(20_000, 32_600, 2 * NEIGHBOUR)
    first = os.getpid() % len(bases)
    for base in (*bases[first:], *bases[:first]):
        ports = [base + each + offset for each in (0, NEIGHBOUR) for offset in PORT_OFFSETS]
        if all(_is_free(port) for port in ports):
            return base
    raise AssertionError("no free ports")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
