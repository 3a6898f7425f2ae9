"""A wall clock that jumps (reliability P10): nothing is lost, reported or told late by the jump.

The queue measures its patience by a clock of its own. What a jump of a year does break, rightly, is
whatever judges by the calendar: certificates, revocation lists and the white list are over, so that
other operators are neither believed nor called until the clock is right again. Nothing is given up
for that.

libfaketime moves the wall clock of a running server; its monotonic clock goes on. Its
``clock_nanosleep`` errs after a jump, which our indexer notes and survives; so the servers are
killed here, not asked to drain.
"""

import os
import signal
import sqlite3
import ssl
import time
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from mss_gateway import compose
from mss_gateway.queue import desk
from tests.crash.exchange import HERE, ExchangeRig, Running, waiting
from tests.crash.mailboxes import read_stored
from tests.crash.minimal_server import settings_between

LIBRARIES = (
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1",
)
HOUR, DAY = 3600, 86_400


@pytest.fixture
def library() -> str:
    found = next((each for each in LIBRARIES if Path(each).exists()), None)
    if found is None:
        reason = "Debian's libfaketime is not installed"
        if os.environ.get("MSS_CI"):
            pytest.fail(f"{reason}, and MSS_CI is set: add it to .ci/run")
        pytest.skip(reason)
    return found


class Clock:
    """The wall clock of the servers, seconds beside the true one."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.jump(0)

    def jump(self, seconds: int) -> None:
        """Every server sees it at its next look."""
        draft = self._file.with_suffix(".draft")
        draft.write_text(f"{seconds:+d}\n", "ascii")
        draft.replace(self._file)

    def environment(self, library: str) -> dict[str, str]:
        """What makes a process follow this clock."""
        return {
            "LD_PRELOAD": library,
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_NO_CACHE": "1",
            "NO_FAKE_STAT": "1",
        }


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    return Clock(tmp_path / "clock")


@pytest.fixture
def rig(tmp_path: Path, clock: Clock, library: str) -> Iterator[ExchangeRig]:
    one = ExchangeRig(tmp_path, clock.environment(library))
    yield one
    one.close()


def asked(state: Path, statement: str) -> int:
    """A number out of the live store."""
    with closing(sqlite3.connect(f"file:{state / compose.STORE_FILE}?mode=ro", uri=True)) as store:
        return int(store.execute(statement).fetchone()[0] or 0)


def handed_over(rig: ExchangeRig) -> bytes:
    """What the other operator is answered for the same message, each time; empty: not let in."""
    with closing(rig.caller()) as caller:
        try:
            caller.until_the_last_dot()
        except (OSError, ssl.SSLError, RuntimeError):
            return b""
        return caller.finish()


def attempts(running: Running) -> int:
    return asked(running.state, "SELECT max(attempts) FROM queue_items")


def try_now(running: Running) -> None:
    """As `mss queue retry` does."""
    gateway = compose.build(settings_between(running.state, 0))
    try:
        with gateway.database.read() as view:
            waiting_here = [line.item_id for line in desk.listing(view)]
        for one in waiting_here:
            gateway.database.write(partial(desk.retry_now, item_id=one))
    finally:
        compose.close(gateway)


def tried_again(running: Running) -> None:
    """One more attempt was made, and came to nothing."""
    before = attempts(running)
    try_now(running)
    assert running.until(lambda: attempts(running) > before)


JUMPS = ((2 * HOUR, True), (-2 * HOUR, False), (2 * HOUR, True), (400 * DAY, False))
"""Seconds beside the true time, and whether certificates and lists made just now are good then."""


def test_no_jump_loses_or_bounces_what_waits_for_a_peer_that_is_down(
    rig: ExchangeRig, clock: Clock
) -> None:
    with rig.serve(rig.relaying) as running:
        assert running.until(lambda: attempts(running) > 0)
        for jump, is_believed in JUMPS:
            clock.jump(jump)
            assert handed_over(rig).startswith(b"250 ") == is_believed
            if is_believed:
                last = asked(running.state, "SELECT max(at) FROM audit")
                assert abs(last - time.time() - jump) < HOUR, "the jump was not seen"
            tried_again(running)
        rig.stopped(running, signal.SIGKILL)
    clock.jump(400 * DAY)  # a start in the wrong year
    with rig.serve(rig.relaying, running.state) as running:
        tried_again(running)
        rig.stopped(running, signal.SIGKILL)
    clock.jump(0)
    with rig.serve(rig.relaying, running.state) as running:
        tried_again(running)
        assert waiting(running.state) == 1, "it was given up, or reported"
        _finishes(rig, running)


def _finishes(rig: ExchangeRig, running: Running) -> None:
    """The peer is there at last: it gets the message once, and nobody was told anything."""
    assert handed_over(rig).startswith(b"250 ")
    with rig.called() as called:
        called.greets.set()
        try_now(running)
        assert running.until(lambda: waiting(running.state) == 0)
    assert len(called.taken) == 1
    assert asked(running.state, "SELECT count(*) FROM audit WHERE act = 'report'") == 0
    assert asked(running.state, "SELECT count(*) FROM audit WHERE act = 'relay'") == 1
    rig.stopped(running, signal.SIGKILL)
    gateway = compose.build(settings_between(running.state, 0))
    try:
        assert len(read_stored(gateway, HERE).messages) == 1, "handed over three times: one"
    finally:
        compose.close(gateway)
