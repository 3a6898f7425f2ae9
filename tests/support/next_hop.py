"""Other people's servers as the next hop, told to be as lenient as they can: Postfix and Exim.

Debian's packages, installed or only unpacked (``.ci/run`` says how); each with a configuration and
a queue of its own on loopback, where every message stays as it was understood. They want root: they
give their own programs other rights. Exim asks for the account it was built for, and sees one in a
mount namespace of its own.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

UNPACKED = Path(__file__).parents[2] / "var" / "next-hops"
START_SECONDS = 30.0
NAMES = ("postfix", "exim")
MESSAGE_ID = re.compile(rb"Message-ID: <([^>]+)>", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class NextHop:
    """One of them at work; ``kept`` is the folder and the pattern of what it took."""

    name: str
    port: int
    kept: tuple[Path, str]

    def taken(self) -> list[bytes]:
        """Every message in its queue, envelope and all."""
        folder, pattern = self.kept
        return [path.read_bytes() for path in sorted(folder.glob(pattern))]

    def identifiers(self) -> list[str]:
        """The first Message-ID of each, empty where there is none."""
        found = (MESSAGE_ID.search(one) for one in self.taken())
        return ["" if one is None else one[1].decode("ascii", "replace") for one in found]

    def forget(self) -> None:
        """Empty the queue."""
        folder, pattern = self.kept
        for path in folder.glob(pattern):
            path.unlink()


def require(name: str) -> Path:
    """The root below which the program is; skips with the reason, fails where CI has to have it."""
    program = {"postfix": "usr/lib/postfix/sbin/smtpd", "exim": "usr/sbin/exim4"}[name]
    if os.geteuid() != 0:
        pytest.skip(f"{name} has to be started by root")
    if name == "exim" and subprocess.run(["unshare", "--mount", "true"], check=False).returncode:
        pytest.skip("exim wants an account of its own, and no mount namespace is to be had here")
    for root in (UNPACKED, Path("/")):
        if (root / program).exists():
            return root
    reason = f"{name} is neither installed nor unpacked in {UNPACKED.name}"
    if os.environ.get("MSS_CI"):
        pytest.fail(f"{reason}, and MSS_CI is set: see .ci/run")
    pytest.skip(reason)


@contextmanager
def running(name: str, certificate: Path, key: Path) -> Iterator[NextHop]:
    """One of :data:`NAMES` while it lasts; everything that it started is gone at the end."""
    root = require(name)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="mss-next-hop-") as made:
        folder = Path(made)
        folder.chmod(0o755)  # they work under other accounts
        for source in (certificate, key):
            shutil.copy(source, folder / source.name)
        values = {"folder": folder, "port": port, "certificate": certificate.name, "key": key.name}
        begin = _postfix if name == "postfix" else _exim
        hop, command, environment = begin(root, folder, values)
        with (folder / "said").open("wb") as said:
            process = subprocess.Popen(
                command,
                env=os.environ | environment,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                start_new_session=True,
            )
        try:
            _await(process, port, folder)
            yield hop
        finally:
            _end(process)


def _await(process: "subprocess.Popen[bytes]", port: int, folder: Path) -> None:
    ends = time.monotonic() + START_SECONDS
    while time.monotonic() < ends and process.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1) as found:
            if found.recv(3) == b"220":
                return
        time.sleep(0.05)
    logs = [path for pattern in ("said", "kept/*log") for path in folder.glob(pattern)]
    raise AssertionError("\n".join(path.read_text("utf-8", "replace")[-2000:] for path in logs))


def _end(process: "subprocess.Popen[bytes]") -> None:
    """The whole of its session."""
    for sent in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, sent)
        with suppress(subprocess.TimeoutExpired):
            process.wait(5)
    process.wait()


def _postfix(
    root: Path, folder: Path, values: dict[str, object]
) -> tuple[NextHop, list[str], dict[str, str]]:
    programs = root / "usr/lib/postfix/sbin"
    for name in (*(f"queue/{one}" for one in POSTFIX_QUEUES), "kept"):
        (folder / name).mkdir(parents=True)
        shutil.chown(folder / name, "daemon")
    shutil.chown(folder / "queue" / "public", "daemon", "mail")
    shutil.chown(folder / "queue" / "pid", "root")
    (folder / "main.cf").write_text(POSTFIX.format(programs=programs, **values), "utf-8")
    (folder / "master.cf").write_text(POSTFIX_PROGRAMS.format(**values), "utf-8")
    command = [str(programs / "master"), "-c", str(folder), "-d"]
    hop = NextHop("postfix", int(str(values["port"])), (folder / "queue" / "hold", "*"))
    return hop, command, {"LD_LIBRARY_PATH": str(root / "usr/lib/postfix")}


def _exim(
    root: Path, folder: Path, values: dict[str, object]
) -> tuple[NextHop, list[str], dict[str, str]]:
    (folder / "exim.conf").write_text(EXIM.format(**values), "utf-8")
    for name in ("spool", "kept"):
        (folder / name).mkdir()
    for name in ("spool", "kept", str(values["certificate"]), str(values["key"])):
        shutil.chown(folder / name, "nobody", "nogroup")
    for name, line in (
        ("passwd", "Debian-exim:x:109:115::/:/bin/false"),
        ("group", "Debian-exim:x:115:"),
    ):
        known = Path("/etc", name).read_text("utf-8")
        (folder / name).write_text(f"{known}{line}\n", "utf-8")
    program = root / "usr/sbin/exim4"
    script = (
        f"mount --bind {folder}/passwd /etc/passwd && mount --bind {folder}/group /etc/group"
        f" && exec {program} -C {folder}/exim.conf -bdf"
    )
    command = ["unshare", "--mount", "/bin/sh", "-c", script]
    hop = NextHop("exim", int(str(values["port"])), (folder / "spool" / "input", "*-H"))
    return hop, command, {}


POSTFIX_QUEUES = (
    *("incoming", "active", "deferred", "hold", "bounce", "defer", "corrupt", "flush", "trace"),
    *("saved", "private", "public", "pid", "maildrop"),
)

POSTFIX = """\
compatibility_level = 3.6
daemon_directory = {programs}
queue_directory = {folder}/queue
data_directory = {folder}/kept
import_environment = MAIL_CONFIG LANG=C LD_LIBRARY_PATH
mail_owner = daemon
setgid_group = mail
myhostname = mx1.ville.example
mydestination =
relay_domains = ville.example
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
maillog_file = {folder}/kept/log
maillog_file_prefixes = {folder}
smtpd_tls_cert_file = {folder}/{certificate}
smtpd_tls_key_file = {folder}/{key}
smtpd_tls_security_level = may
smtpd_peername_lookup = no
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_client_restrictions = check_client_access static:HOLD
smtpd_data_restrictions =
smtpd_forbid_bare_newline = no
smtpd_forbid_unauth_pipelining = no
smtp_dns_support_level = disabled
"""
"""Lenient, and whatever it takes is held."""

POSTFIX_PROGRAMS = """\
127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"""

EXIM = """\
primary_hostname = mx1.ville.example
exim_user = nobody
exim_group = nogroup
never_users =
spool_directory = {folder}/spool
log_file_path = {folder}/kept/%slog
keep_environment =
pid_file_path = {folder}/spool/pid
local_interfaces = 127.0.0.1
daemon_smtp_ports = {port}
host_lookup =
tls_advertise_hosts = *
tls_certificate = {folder}/{certificate}
tls_privatekey = {folder}/{key}
queue_only
smtp_enforce_sync = false
strict_acl_vars = false
chunking_advertise_hosts =
acl_smtp_rcpt = yes_to_all
begin acl
yes_to_all:
  accept
"""
