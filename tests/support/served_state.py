"""A folder that `mss serve` can serve: config.toml, keys, a server certificate, two people.

Made once a run and copied. Ports are free ones of loopback; hashes and keys are cheap.
"""

import atexit
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from mss_gateway import compose, config
from mss_gateway.directory.people import NewPerson, Traits
from tests.crash import prepared
from tests.support.source_tree import ROOT

AUTHOR, RECIPIENT = "claire.martin@mss.example", "sophie.laurent@mss.example"
PASSWORD = "mot-de-passe"
PORTS = ("submission_starttls", "submission_tls", "imap_starttls", "imap_tls", "webmail", "metrics")
SECONDS = 30.0
_SERVING = '"event": "serving"'

_TEXT = """\
[listen]
{ports}
[certificates]
key_kind = "p256"
[identity]
password_memory_kib = 64
password_rounds = 1
"""


def copy_to(folder: Path, more: str = "", ports: dict[str, int] | None = None) -> Path:
    """A fresh copy in ``folder``; the path of its config.toml, which ends with ``more``."""
    shutil.copytree(_template(), folder, dirs_exist_ok=True)
    return write(folder, more, ports or free_ports())


def write(folder: Path, more: str, ports: dict[str, int]) -> Path:
    """Write the configuration again."""
    lines = "\n".join(f"{name} = {port}" for name, port in ports.items())
    path = folder / "config.toml"
    path.write_text(_TEXT.format(ports=lines) + more, encoding="utf-8")
    return path


def free_ports() -> dict[str, int]:
    """A free port for each listener, none of them twice."""
    probes = [socket.socket() for _ in PORTS]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return {name: probe.getsockname()[1] for name, probe in zip(PORTS, probes, strict=True)}
    finally:
        for probe in probes:
            probe.close()


@cache
def _template() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="mss-served-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = write(folder, "", dict.fromkeys(PORTS, 0))
    everyone = [NewPerson(each, "PER", Traits("Dr", "C", "M")) for each in (AUTHOR, RECIPIENT)]
    compose.close(prepared.prepare(config.load(path), everyone, PASSWORD))
    return folder


@dataclass(slots=True)
class Served:
    """A `mss serve` in a process of its own, on the state of ``folder``."""

    folder: Path
    ports: dict[str, int]
    running: "subprocess.Popen[bytes]" = field(init=False)

    @property
    def config_file(self) -> Path:
        return self.folder / "config.toml"

    @property
    def state(self) -> Path:
        """The state directory."""
        return self.folder / "var" / "mss"

    @property
    def anchors(self) -> Path:
        """Whom a client of it trusts."""
        return self.state / "pki" / "anchors.pem"

    @property
    def said(self) -> str:
        """Everything that it has said on standard error."""
        path = self.folder / "stderr"
        return path.read_text("utf-8", "replace") if path.exists() else ""

    def start(self, *before: str) -> None:
        """Start, and wait until the probe answers; ``before``: a program that runs it."""
        before_now = self.said.count(_SERVING)
        with (self.folder / "stderr").open("ab") as said:
            command = [sys.executable, "-m", "mss_gateway", "serve", "--config"]
            self.running = subprocess.Popen(
                [*before, *command, str(self.config_file)],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                start_new_session=True,
            )
        self.until(lambda: self.said.count(_SERVING) > before_now)

    def until(self, condition: Callable[[], bool]) -> None:
        """Wait for a condition; fails when the process ends before, or after half a minute."""
        ends = time.monotonic() + SECONDS
        while not condition():
            if self.running.poll() is not None and not condition():
                raise AssertionError(f"ended with {self.running.returncode}:\n{self.said}")
            assert time.monotonic() < ends, f"nothing came of it:\n{self.said}"
            time.sleep(0.02)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the server alone."""
        os.kill(self.running.pid, number)

    def ended(self) -> int:
        """Wait for its end; the exit code."""
        return self.running.wait(SECONDS)


@contextmanager
def serving(folder: Path, more: str = "") -> Iterator[Served]:
    """A copy that is served for the length of the block, and killed if it still runs then."""
    served = Served(folder, free_ports())
    copy_to(folder, more, served.ports)
    served.start()
    try:
        yield served
    finally:
        if served.running.poll() is None:
            os.killpg(served.running.pid, signal.SIGKILL)
            served.running.wait()
