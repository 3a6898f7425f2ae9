"""Debian's Postfix beside ours: a configuration, a queue and Maildirs of its own, on loopback.

Postfix 3.7 with TLS on its submission port, AUTH asked of Dovecot's authentication service (with
passwords in clear, which cost nothing to check; its CPU is not counted), and virtual(8), which
writes each message into its recipient's Maildir. On a second port every message goes through
pipe(8), eight at a time, to a script that signs and encrypts it with ``openssl cms`` and hands it
in again: what people do today. It wants root, and sees its own configuration as ``/etc/postfix``,
in a mount namespace of its own: its commands take none from elsewhere without root. Nothing outside
of its folder is touched.
"""

import grp
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.bench.metering import Meter, meter
from tests.bench.peer_settings import (
    AUTHENTICATION,
    CERTIFICATE_USE,
    FILTER,
    MAIN,
    MASTER,
    PLACER,
)

START_SECONDS = 30.0
STOP_SECONDS = 30.0
_CONFIG = "/etc/postfix"
_PATH = {"PATH": f"{os.environ.get('PATH', '')}:/usr/sbin"}
_START = f'mount --bind "$0" {_CONFIG} && exec postfix start-fg'


class CannotRun(Exception):
    """Why Postfix cannot be run on this machine."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A Postfix that runs: its ports, its Maildirs, its CPU."""

    port: int
    filtered_port: int
    homes: Path
    meter: Meter
    log: Path

    def placed(self) -> int:
        """Messages in all Maildirs."""
        return sum(len(os.listdir(each)) for each in self.homes.glob("*/Maildir/new"))


def check() -> str:
    """The version of Postfix; raises :class:`CannotRun` with the reason."""
    for name in ("postfix", "dovecot", "openssl"):
        if shutil.which(name, path=_PATH["PATH"]) is None:
            raise CannotRun(f"{name} is not installed (Debian: postfix, dovecot-core, openssl)")
    if os.geteuid() != 0:
        raise CannotRun("postfix gives each of its programs its own rights, and is started by root")
    try:
        pwd.getpwnam("postfix")
        grp.getgrnam("postdrop")
    except KeyError as missing:
        raise CannotRun(f"postfix's own account does not exist: {missing}") from None
    told = subprocess.run(
        ["postconf", "-dh", "mail_version"], env=_PATH, capture_output=True, text=True, check=True
    )
    return told.stdout.strip()


@contextmanager
def serve(logins: Sequence[str], password: str, certificate: Path, key: Path) -> Iterator[Peer]:
    """A running Postfix whose Maildirs are empty; stopped whole at the end.

    Raises :class:`CannotRun` when it does not answer.
    """
    check()
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="mss-postfix-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        folder.chmod(0o755)
        port, filtered_port = _free_ports()
        _write(folder, logins, password, (certificate, key), (port, filtered_port))
        asked = stack.enter_context(meter(f"auth-{port}"))
        command = ["dovecot", "-F", "-c", str(folder / "auth.conf")]
        stack.enter_context(_running(command, asked, folder / "auth.log"))
        counted = stack.enter_context(meter(f"postfix-{port}"))
        command = ["unshare", "--mount", "/bin/sh", "-c", _START, str(folder / "config")]
        started = stack.enter_context(_running(command, counted, folder / "start.log"))
        log = folder / "kept" / "log"
        for each in (port, filtered_port):
            _await_port(each, started, log)
        yield Peer(port, filtered_port, folder / "homes", counted, log)


def _write(
    folder: Path,
    logins: Sequence[str],
    password: str,
    tls: tuple[Path, Path],
    ports: tuple[int, int],
) -> None:
    shutil.copytree(_CONFIG, folder / "config")
    for name in ("queue/private", "kept", "homes", "run", "filter/work"):
        (folder / name).mkdir(parents=True)
    owner = pwd.getpwnam("postfix").pw_uid
    for name in ("kept", "queue/private"):
        os.chown(folder / name, owner, -1)
    (folder / "queue/private").chmod(0o700)
    os.chown(folder / "homes", PLACER, PLACER)
    (folder / "filter/work").chmod(0o1777)
    certificate, key = (shutil.copy(source, folder / source.name) for source in tls)
    values = {
        "folder": folder,
        "certificate": certificate,
        "key": key,
        "port": ports[0],
        "filtered_port": ports[1],
        "placer": PLACER,
        "domain": logins[0].partition("@")[2],
    }
    (folder / "config/main.cf").write_text(MAIN.format(**values), "utf-8")
    (folder / "config/master.cf").write_text(MASTER.format(**values), "utf-8")
    homes = "".join(f"{login} {login}/Maildir/\n" for login in logins)
    (folder / "config/homes").write_text(homes, "utf-8")
    kept = "".join(f"{login}:{{PLAIN}}{password}::::::\n" for login in logins)
    (folder / "logins").write_text(kept, "utf-8")
    (folder / "auth.conf").write_text(AUTHENTICATION.format(**values), "utf-8")
    _write_filter(folder, values)


def _write_filter(folder: Path, values: dict[str, object]) -> None:
    """The script, and an RSA-2048 certificate for each side of it."""
    script = folder / "filter/run"
    script.write_text(FILTER.format(**values), "utf-8")
    script.chmod(0o755)
    for name in ("author", "reader"):
        key, certificate = (folder / f"filter/{name}.{kind}" for kind in ("key", "crt"))
        command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
        command += ["-subj", f"/CN={name}", "-keyout", str(key), "-out", str(certificate)]
        for extension in CERTIFICATE_USE:
            command += ["-addext", extension]
        subprocess.run(command, check=True, capture_output=True)
        key.chmod(0o644)  # the filter runs without rights


@contextmanager
def _running(command: list[str], counted: Meter, said: Path) -> Iterator["subprocess.Popen[bytes]"]:
    with (
        said.open("ab") as log,
        subprocess.Popen(
            counted.entering(command),
            env=os.environ | _PATH,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        ) as running,
    ):
        try:
            counted.started(running.pid)
            yield running
        finally:
            _stop(running, counted)


def _stop(running: "subprocess.Popen[bytes]", counted: Meter) -> None:
    """The first of them, then whoever outlives it."""
    left = counted.members()
    running.terminate()
    try:
        running.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        running.kill()
        running.wait()
    for sent in (signal.SIGTERM, signal.SIGKILL):
        ends = time.monotonic() + 2.0
        while _of(left, counted) and time.monotonic() < ends:
            time.sleep(0.05)
        for pid in _of(left, counted):
            with suppress(ProcessLookupError):
                os.kill(pid, sent)


def _of(left: list[int], counted: Meter) -> list[int]:
    """Those that are still there and counted."""
    return [pid for pid in counted.members() if pid in left and Path(f"/proc/{pid}").exists()]


def _await_port(port: int, running: "subprocess.Popen[bytes]", log: Path) -> None:
    ends = time.monotonic() + START_SECONDS
    while time.monotonic() < ends and running.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    said = log.read_text("utf-8", "replace")[-800:] if log.exists() else "nothing"
    raise CannotRun(f"postfix does not answer; its log: {said}")


def _free_ports() -> tuple[int, int]:
    with socket.socket() as first, socket.socket() as second:
        first.bind(("127.0.0.1", 0))
        second.bind(("127.0.0.1", 0))
        return first.getsockname()[1], second.getsockname()[1]
