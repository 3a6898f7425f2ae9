"""A throw-away Dovecot on loopback, to be asked what it makes of the same messages.

Dovecot 2.3 of Debian, one account in a Maildir, plain text (there is nothing to protect), started
by root because it separates its work by system accounts, which Debian's package makes. Everything
lies in a temporary folder of its own: pytest's are closed to those accounts.
"""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.programs import require_program

LOGIN, PASSWORD = "lucie", "mot-de-passe"
START_SECONDS = 30.0
STOP_SECONDS = 10.0
_MAIL_UID = 5000

_CONFIG = """\
protocols = imap
listen = 127.0.0.1
instance_name = mss-test-{port}
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain login
mail_location = maildir:~/Maildir
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={uid} gid={uid} home={folder}/homes/%u
}}
service imap-login {{
  inet_listener imap {{
    address = 127.0.0.1
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
"""


@dataclass(frozen=True, slots=True)
class Dovecot:
    """Where it listens, and where it keeps the Maildir of ``LOGIN``."""

    port: int
    maildir: Path


@contextmanager
def serving() -> Iterator[Dovecot]:
    """A running Dovecot, stopped at the end; skips the test, with the reason, where it cannot run.

    Under ``MSS_CI=1`` a Dovecot that is not installed fails the test instead.
    """
    program = _program()
    folder = Path(tempfile.mkdtemp(prefix="mss-dovecot-"))
    try:
        folder.chmod(0o711)
        homes = folder / "homes"
        homes.mkdir()
        os.chown(homes, _MAIL_UID, _MAIL_UID)
        port = _free_port()
        config = folder / "dovecot.conf"
        config.write_text(
            _CONFIG.format(folder=folder, port=port, password=PASSWORD, uid=_MAIL_UID)
        )
        with subprocess.Popen(
            [program, "-F", "-c", str(config)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as running:
            try:
                _await_port(port, running, folder / "log")
                yield Dovecot(port, homes / LOGIN / "Maildir")
            finally:
                _stop(running)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _program() -> str:
    program = require_program("dovecot")
    if os.geteuid() != 0:
        pytest.skip("dovecot separates its work by system accounts and must be started by root")
    told = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    if not told.stdout.startswith("2.3."):
        pytest.skip(f"the configuration is for dovecot 2.3, this is {told.stdout.strip()}")
    return program


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _await_port(port: int, running: "subprocess.Popen[bytes]", log: Path) -> None:
    ends = time.monotonic() + START_SECONDS
    while time.monotonic() < ends and running.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    said = log.read_text("utf-8", "replace")[-500:] if log.exists() else "nothing"
    raise AssertionError(f"dovecot does not answer; its log: {said}")


def _stop(running: "subprocess.Popen[bytes]") -> None:
    """The master takes its processes with it."""
    running.terminate()
    try:
        running.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        running.kill()
        running.wait()
