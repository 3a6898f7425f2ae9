"""Debian's Dovecot beside ours: a configuration and a mail store of its own in a temporary folder.

Dovecot 2.3 with Maildir and its index files, TLS with our certificate, passwords in clear in a file
(they cost nothing to check) and its authentication cache on. It separates users by processes, for
which it wants root, and its own two users, which Debian's package makes.
"""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.bench.imap_client import Target
from tests.bench.metering import Meter, meter

TUNED = "dovecot"
"""Processes serve one connection after another."""

SHIPPED = "dovecot as shipped"
"""As Debian configures it: processes for each connection, to keep people apart."""

START_SECONDS = 30.0
STOP_SECONDS = 30.0
_LINGER_SECONDS = 2.0
_OWN_USERS = ("dovecot", "dovenull")
_MAIL_UID = 5000

_CONFIG = """\
protocols = imap
listen = 127.0.0.1
instance_name = mss-bench-{port}
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
ssl = required
ssl_cert = <{certificate}
ssl_key = <{key}
ssl_min_protocol = TLSv1.2
disable_plaintext_auth = yes
auth_mechanisms = plain login
auth_cache_size = 10M
mail_location = maildir:~/Maildir
mail_max_userip_connections = 10000
default_process_limit = 5000
default_client_limit = 20000
default_vsz_limit = 1G
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {folder}/logins
}}
userdb {{
  driver = static
  args = uid={uid} gid={uid} home={folder}/homes/%u
}}
service imap-login {{
  inet_listener imap {{
    port = 0
  }}
  inet_listener imaps {{
    address = 127.0.0.1
    port = {port}
    ssl = yes
  }}
{login_settings}}}
service imap {{
  process_limit = 5000
{imap_settings}}}
"""

_TUNED_LOGIN = """\
  service_count = 0
  process_min_avail = 2
  client_limit = 5000
"""
_TUNED_IMAP = """\
  service_count = 1000
  process_min_avail = 8
"""


class CannotRun(Exception):
    """Why Dovecot cannot be run on this machine."""


def check() -> str:
    """The version of Dovecot; raises :class:`CannotRun` with the reason."""
    program = shutil.which("dovecot", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        raise CannotRun("dovecot is not installed (Debian: dovecot-imapd)")
    if os.geteuid() != 0:
        raise CannotRun("dovecot separates users by processes and must be started by root")
    for name in _OWN_USERS:
        try:
            pwd.getpwnam(name)
        except KeyError:
            raise CannotRun(f"dovecot's own user {name} does not exist") from None
    told = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    if not told.stdout.startswith("2.3."):
        raise CannotRun(f"the configuration is for dovecot 2.3, this is {told.stdout.strip()}")
    return told.stdout.split()[0]


@contextmanager
def serve(
    name: str, logins: Sequence[str], password: str, certificate: Path, key: Path, ca_file: str
) -> Iterator[Target]:
    """A running Dovecot, ``TUNED`` or ``SHIPPED``, with no message yet; stopped whole at the end.

    Raises :class:`CannotRun` when it does not answer.
    """
    check()
    port = _free_port()
    folder = Path(tempfile.mkdtemp(prefix="mss-dovecot-"))
    try:
        folder.chmod(0o711)
        _write(folder, port, logins, password, (certificate, key), name == TUNED)
        with meter(f"dovecot-{port}") as counted:
            command = ["dovecot", "-F", "-c", str(folder / "dovecot.conf")]
            environment = os.environ | {"PATH": f"{os.environ.get('PATH', '')}:/usr/sbin"}
            with subprocess.Popen(
                counted.entering(command),
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            ) as running:
                try:
                    counted.started(running.pid)
                    _await_port(port, running, folder / "log")
                    yield Target(name, port, ca_file, password, counted)
                finally:
                    _stop(running, counted)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _write(
    folder: Path,
    port: int,
    logins: Sequence[str],
    password: str,
    tls: tuple[Path, Path],
    is_tuned: bool,
) -> None:
    (folder / "homes").mkdir()
    os.chown(folder / "homes", _MAIL_UID, _MAIL_UID)
    kept = "".join(f"{login}:{{PLAIN}}{password}::::::\n" for login in logins)
    (folder / "logins").write_text(kept, "utf-8")
    certificate, key = (shutil.copy(source, folder / source.name) for source in tls)
    text = _CONFIG.format(
        folder=folder,
        port=port,
        uid=_MAIL_UID,
        certificate=certificate,
        key=key,
        login_settings=_TUNED_LOGIN if is_tuned else "",
        imap_settings=_TUNED_IMAP if is_tuned else "",
    )
    (folder / "dovecot.conf").write_text(text, "utf-8")


def _await_port(port: int, running: "subprocess.Popen[bytes]", log: Path) -> None:
    ends = time.monotonic() + START_SECONDS
    while time.monotonic() < ends and running.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    said = log.read_text("utf-8", "replace")[-500:] if log.exists() else "nothing"
    raise CannotRun(f"dovecot does not answer; its log: {said}")


def _stop(running: "subprocess.Popen[bytes]", counted: Meter) -> None:
    """The master, then whoever of its processes outlives it."""
    members = counted.members()
    running.terminate()
    try:
        running.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        running.kill()
        running.wait()
    for sent in (signal.SIGTERM, signal.SIGKILL):
        ends = time.monotonic() + _LINGER_SECONDS
        while any(_lives(pid) for pid in members) and time.monotonic() < ends:
            time.sleep(0.05)
        for pid in filter(_lives, members):
            with suppress(ProcessLookupError):
                os.kill(pid, sent)


def _lives(pid: int) -> bool:
    """Whether this is still the Dovecot process that it was."""
    with suppress(OSError):
        return b"dovecot" in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
