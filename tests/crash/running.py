"""The real server as a process that can be killed: `mss demo` in a process group of its own.

``MSS_DEMO`` names another command in its place: another tree's `mss demo`, to compare.
"""

import contextlib
import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
OFFSETS = (25, 43, 65, 80, 87, 90, 93)
"""Where the demo's ports lie above its base port."""

NEIGHBOUR = "-ville"
"""What the name of the neighbour's state ends with; `mss demo` makes it beside the first one."""

BETWEEN = 100
"""From the ports of a demo to those of its neighbour."""

START_SECONDS = 90.0


def free_base_port() -> int:
    """A base port from which every port of a demo and of its neighbour is free, below the ephemeral
    range.
    """
    start = 20_000 + os.getpid() * 7 % 45 * 200
    bases: list[int] = [*range(start, 29_000, 200), *range(20_000, start, 200)]
    for base in bases:
        with contextlib.ExitStack() as held:
            try:
                for offset in (*OFFSETS, *(each + BETWEEN for each in OFFSETS)):
                    probe = held.enter_context(socket.socket())
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    probe.bind(("127.0.0.1", base + offset))
            except OSError:
                continue
            return base
    raise OSError("no free ports for a demo")


class DidNotStart(Exception):
    """The server ended, or said nothing in time; its log is in the state's folder."""


@dataclass(slots=True)
class Demo:
    """A demo that is started, killed and started again on the same state and ports."""

    folder: Path
    base_port: int = field(default_factory=free_base_port)
    running: "subprocess.Popen[bytes] | None" = None
    told: dict[str, Any] = field(default_factory=dict)
    name: str = "state"
    environment: dict[str, str] = field(default_factory=dict)
    """Added to this process's own."""

    @property
    def state(self) -> Path:
        """The state directory."""
        return self.folder / self.name

    @property
    def neighbour(self) -> "Demo":
        """The other operator, once a first start has made its state: not started here."""
        return Demo(self.folder, self.base_port, name=self.name + NEIGHBOUR)

    @property
    def log(self) -> Path:
        """What every start of it said, on both streams."""
        return self.folder / f"{self.name}.log"

    def spawn(self) -> None:
        """Start the process, in a group of its own, and do not wait."""
        (self.state / "demo.json").unlink(missing_ok=True)
        named = shlex.split(os.environ.get("MSS_DEMO", ""))
        base = named or [sys.executable, "-m", "mss_gateway", "demo"]
        command = [*base, "--state", str(self.state)]
        if not self.name.endswith(NEIGHBOUR):  # it remembers its own
            command += ["--base-port", str(self.base_port)]
        with self.log.open("ab") as log:
            self.running = subprocess.Popen(
                command,
                cwd=ROOT,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                env=os.environ | self._bytecode() | self.environment,
            )

    def await_ready(self, seconds: float = START_SECONDS) -> dict[str, Any]:
        """Wait until every port answers; what `demo.json` says. Raises :class:`DidNotStart`."""
        assert self.running is not None
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            if (self.state / "demo.json").exists():
                self.told = json.loads((self.state / "demo.json").read_text("utf-8"))
                return self.told
            if self.running.poll() is not None:
                raise DidNotStart(f"exit code {self.running.returncode}: {self._last_words()}")
            time.sleep(0.01)
        raise DidNotStart(f"not ready after {seconds:.0f} s: {self._last_words()}")

    def start(self) -> float:
        """Start and wait until ready; the seconds that took."""
        before = time.monotonic()
        self.spawn()
        self.await_ready()
        return time.monotonic() - before

    def kill(self) -> int:
        """SIGKILL to the whole group; its exit status, -9 when the kill is what ended it."""
        assert self.running is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.running.pid, signal.SIGKILL)
        return self.running.wait()

    def stop(self, seconds: float = 60.0) -> int:
        """SIGTERM, and wait until it has drained; its exit status."""
        assert self.running is not None
        self.running.terminate()
        try:
            return self.running.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def _bytecode(self) -> dict[str, str]:
        """As where the package was installed: compiled once, not again at each start."""
        return {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(self.folder / "bytecode")}

    def _last_words(self) -> str:
        return self.log.read_text("utf-8", "replace")[-2000:]
