"""A served state for the benchmarks: prepared once, served as often as needed, loaded."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mss_gateway import compose
from tests.bench import filling, serving
from tests.bench.letters import SIZES
from tests.bench.measuring import cpu_seconds
from tests.bench.metering import Meter
from tests.crash.running import ROOT, free_base_port

PYTHON = os.environ.get("MSS_BENCH_PYTHON", sys.executable)
"""What runs our server."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: whose CPU is read, and whom the load talks to."""

    pid: int
    ports: dict[str, int]
    ca_file: str
    state: Path
    start_seconds: float
    start_cpu_seconds: float

    def load(self, **task: Any) -> dict[str, Any]:
        """Run one load to its end; what it reports, with the server's CPU meanwhile."""
        with self.loading("ready", **task) as client:
            before = cpu_seconds(self.pid)
            say(client, "go")
            report: dict[str, Any] = json.loads(said(client))
            report["cpu_seconds"] = cpu_seconds(self.pid) - before
            return report

    @contextmanager
    def loading(self, until: str, **task: Any) -> Iterator["subprocess.Popen[str]"]:
        """A load that has said ``until``: every connection stands."""
        task.setdefault("port", self.ports[task["protocol"]])
        task.setdefault("logins", list(serving.AUTHORS))
        task |= {"ca_file": self.ca_file, "password": serving.PASSWORD}
        with loading(until, task) as client:
            yield client

    def waiting(self) -> int:
        """Items in the queue."""
        with sqlite3.connect(f"file:{self.state / compose.STORE_FILE}?mode=ro", uri=True) as store:
            count: int = store.execute("SELECT count(*) FROM queue_items").fetchone()[0]
        store.close()
        return count

    def drain(self, *, release: bool) -> dict[str, Any]:
        """Wait until the queue is empty: items, seconds, the server's CPU meanwhile."""
        items, before, started = self.waiting(), cpu_seconds(self.pid), time.perf_counter()
        if release:
            os.kill(self.pid, signal.SIGUSR1)
        while self.waiting():
            time.sleep(0.05)
        return {
            "operations": items,
            "seconds": time.perf_counter() - started,
            "cpu_seconds": cpu_seconds(self.pid) - before,
        }


class Site:
    """A prepared state; every :meth:`serve` begins from a copy of it, on ports of its own."""

    def __init__(self, folder: Path, *, is_cheap: bool = False) -> None:
        """``is_cheap``: weak keys and hashes, for tests that look at no figure."""
        self._folder, self._count, self._log = folder, 0, folder / "server.log"
        self._prepared = folder / "prepared"
        self._prepared.mkdir()
        config = serving.settings(self._prepared, 0)
        if is_cheap:
            keys = replace(config.certificates, key_kind="p256")
            hashes = replace(config.identity, password_memory_kib=8_192, password_rounds=1)
            config = replace(config, certificates=keys, identity=hashes)
        gateway = serving.prepare(config)
        filling.fill(gateway, serving.PATIENT, serving.PATIENT_LETTERS, SIZES["10 KB"])
        compose.close(gateway)

    def tls_files(self) -> tuple[Path, Path]:
        """The server's certificate and its key, for another server to present."""
        config = serving.settings(self._prepared, 0)
        return config.in_state(config.tls.certificate), config.in_state(config.tls.key)

    def ca_file(self) -> str:
        """The certificates that a client of any of its servers trusts."""
        config = serving.settings(self._prepared, 0)
        return str(config.in_state(config.certificates.anchors))

    @contextmanager
    def serve(
        self,
        *,
        hold: bool = False,
        is_indexed: bool = True,
        from_first: bool = True,
        counted: Meter | None = None,
        sample: str = "",
    ) -> Iterator[Server]:
        """Start a server and stop it; ``from_first`` gives it a fresh copy of the state.

        ``counted`` is told who it is before it starts; with ``sample`` it looks at itself, from
        SIGUSR2 to SIGUSR2, and writes what it saw to that file.
        """
        self._count += 1
        state = self._folder / f"served{self._count}"
        if from_first:
            shutil.copytree(self._prepared, state)
        base = free_base_port()
        command = [PYTHON, "-m", "tests.bench.serving", str(state), str(base)]
        command += ["--hold"] if hold else []
        command += [] if is_indexed else ["--unindexed"]
        command += [f"--sample={sample}"] if sample else []
        started = time.perf_counter()
        with (
            self._log.open("ab") as log,
            subprocess.Popen(
                command if counted is None else counted.entering(command),
                cwd=ROOT,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            ) as running,
        ):
            try:
                told = json.loads(_line(running, self._log))
                if counted is not None:
                    counted.started(told["pid"])
                config = serving.settings(state, base)
                yield Server(
                    told["pid"],
                    told["ports"],
                    str(config.in_state(config.certificates.anchors)),
                    state / config.state.directory,
                    time.perf_counter() - started,
                    cpu_seconds(told["pid"]),
                )
            finally:
                running.terminate()
                running.wait()
        shutil.rmtree(state)


@contextmanager
def loading(until: str, task: dict[str, Any]) -> Iterator["subprocess.Popen[str]"]:
    """The load in a process of its own, once it has said ``until``; it is told to end after."""
    command = [sys.executable, "-m", "tests.bench.load", json.dumps(task)]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as client:
        word = said(client)
        if word != until:
            raise RuntimeError(f"the load said {word!r} instead of {until!r}")
        yield client
        client.communicate("\n")


def say(client: "subprocess.Popen[str]", word: str) -> None:
    """One line to its standard input."""
    assert client.stdin is not None
    client.stdin.write(word + "\n")
    client.stdin.flush()


def said(client: "subprocess.Popen[str]") -> str:
    """The next line of its standard output; raises RuntimeError when it ended instead."""
    return _line(client)


def _line(client: "subprocess.Popen[str]", log: Path | None = None) -> str:
    assert client.stdout is not None
    line = client.stdout.readline().strip()
    if not line:
        last_words = "" if log is None else log.read_text("utf-8", "replace")[-1000:]
        raise RuntimeError(f"{client.args!r} ended without a word ({client.wait()}): {last_words}")
    return line
