"""A flush that fails (reliability P9): no 250 any more, not ready, and an end that says so.

After a failed fsync Linux may have marked the pages clean: to try again on the same file would
report success for what never reached the disk. So the service ends, and is started again.
"""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.crash.tracing import FLUSHES, tracing
from tests.protocol.test_draining import LETTER, line, probe, rest, say, signed_in
from tests.support import served_state
from tests.support.served_state import AUTHOR, PASSWORD, RECIPIENT, Served


def submit(served: Served) -> bytes:
    """Hand one message in; the reply to it, or nothing when the connection ended before."""
    with line(served, "submission_tls") as connection:
        signed_in(connection)
        for command, code in (
            (f"MAIL FROM:<{AUTHOR}>\r\n", b"250 "),
            (f"RCPT TO:<{RECIPIENT}>\r\n", b"250 "),
            ("DATA\r\n", b"354 "),
        ):
            say(connection, command.encode(), code)
        connection.sendall(LETTER + b"QUIT\r\n")
        return rest(connection)


def kept(served: Served) -> int:
    """How many messages the recipient has."""
    with line(served, "imap_tls") as connection:
        say(connection, b"", b"* OK")
        say(connection, f"a LOGIN {RECIPIENT} {PASSWORD}\r\n".encode(), b"a OK")
        told = say(connection, b"b STATUS INBOX (MESSAGES)\r\n", b"b OK")
    found = re.search(rb"MESSAGES (\d+)", told)
    assert found is not None
    return int(found[1])


def seen(served: Served) -> tuple[int, object]:
    """What /ready says; the end of the process counts as no."""
    try:
        status, told = probe(served, "/ready")
    except OSError:
        return 503, "ended"
    return status, told["faults"]


@pytest.mark.parametrize("when", [2])
def test_after_a_failed_flush_nothing_is_taken_and_the_service_ends(
    tmp_path: Path, require_program: Callable[[str], str], when: int
) -> None:
    strace = require_program("strace")
    with served_state.serving(tmp_path) as served:
        assert submit(served).startswith(b"250 ")
        served.until(lambda: kept(served) == 1)
        inject = f"{','.join(FLUSHES)}:error=EIO:when={when}"
        acknowledged, pid = 1, served.running.pid
        with tracing(strace, pid, tmp_path / "trace", inject, follows=True) as trace:
            while served.running.poll() is None:
                try:
                    answer = submit(served)
                except (OSError, AssertionError):  # it refuses, or has ended
                    break
                acknowledged += answer.startswith(b"250 ")
            served.until(lambda: seen(served)[0] == 503 or served.running.poll() is not None)
            assert served.ended() == 3
        assert trace.read_text().count("(INJECTED)") >= 1
        assert acknowledged <= when + 1, "250 after a flush that failed"
        assert served.said.count("\nmss: the store failed") == 1
        served.start()
        served.until(lambda: kept(served) >= acknowledged)
        assert kept(served) in (acknowledged, acknowledged + 1)
        assert seen(served) == (200, [])
