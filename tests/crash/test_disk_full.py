"""A full disk (reliability P5): new mail is told to wait, reading goes on, nothing is lost.

On a file system of 64 MB of our own, which wants the rights of root.
"""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.crash.test_failed_flush import kept, seen, submit
from tests.protocol.test_draining import line, say, signed_in
from tests.support import served_state
from tests.support.served_state import AUTHOR, PASSWORD, RECIPIENT, Served

LIMITS = """\
[limits]
message_octets = 1000000
patient_message_octets = 1000000
free_octets = 8000000
"""


@contextmanager
def small_disk(folder: Path, mount: str, umount: str) -> Iterator[Path]:
    """A file system of 64 MB for the length of the block; skips where none may be mounted."""
    folder.mkdir()
    command = [mount, "-t", "tmpfs", "-o", "size=64m,mode=0700", "tmpfs", str(folder)]
    mounted = subprocess.run(command, capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"no file system may be mounted here: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run([umount, "-l", str(folder)], check=True)


def fill(folder: Path, leave: int) -> None:
    """Write until only ``leave`` octets are free."""
    octets = shutil.disk_usage(folder).free - leave
    with (folder / "filler").open("ab") as filler:
        while octets > 0:
            piece = min(octets, 1 << 20)
            try:
                filler.write(os.urandom(piece))
                filler.flush()
            except OSError:
                return
            octets -= piece


def at_mail(served: Served) -> bytes:
    """What MAIL is answered."""
    with line(served, "submission_tls") as connection:
        signed_in(connection)
        return say(connection, f"MAIL FROM:<{AUTHOR}>\r\n".encode(), b"\r\n")


@contextmanager
def reading(served: Served) -> Iterator[Callable[[], bytes]]:
    """A session that was opened while there is room; what it reads each time it is asked."""
    with line(served, "imap_tls") as connection:
        say(connection, b"", b"* OK")
        say(connection, f"a LOGIN {RECIPIENT} {PASSWORD}\r\n".encode(), b"a OK")
        say(connection, b"b SELECT INBOX\r\n", b"b OK")
        yield lambda: say(connection, b"c FETCH 1 BODY.PEEK[]\r\n", b"c OK")


def append(served: Served) -> bytes:
    """What APPEND is answered."""
    with line(served, "imap_tls") as connection:
        say(connection, b"", b"* OK")
        say(connection, f"a LOGIN {AUTHOR} {PASSWORD}\r\n".encode(), b"a OK")
        return say(connection, b"b APPEND Drafts {12+}\r\nA: b\r\n\r\ncd\r\n\r\n", b"\r\n")


def test_a_full_disk_makes_mail_wait_and_lets_it_be_read(
    tmp_path: Path, require_program: Callable[[str], str]
) -> None:
    programs = require_program("mount"), require_program("umount")
    with (
        small_disk(tmp_path / "disk", *programs) as disk,
        served_state.serving(disk / "served", LIMITS) as served,
    ):
        acknowledged = sum(submit(served).startswith(b"250 ") for _ in range(3))
        assert acknowledged == 3
        served.until(lambda: kept(served) == 3)
        with reading(served) as read:
            for leave in (4_000_000, 0):
                fill(disk, leave)
                assert at_mail(served).startswith(b"452 4.3.1 ")
                assert b"Une ligne." in read()
                status, faults = seen(served)
                assert status == 503
                assert "disk-low" in str(faults)
        (disk / "filler").unlink()
        served.until(lambda: seen(served)[0] == 200)
        assert at_mail(served).startswith(b"250 ")
        assert submit(served).startswith(b"250 ")
        served.until(lambda: kept(served) == 4)
        fill(disk, 4_000_000)
        assert append(served).startswith(b"b NO [UNAVAILABLE] ")
        (disk / "filler").unlink()
        assert append(served).startswith(b"b OK ")
