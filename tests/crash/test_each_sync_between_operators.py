"""One message from another operator, and one to it, killed at each write and flush of its life.

Taken at our MX: whoever saw no 250 hands the same octets over again, and one copy is visible.
Carried by our relay: the other side takes the same octets once, and gets no others.

``MSS_CRASH_EVERY=1`` strikes at every point; without it, at one of so many.
"""

import json
import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.crash import exchange
from tests.crash.acceptance import Aftermath
from tests.crash.exchange import ExchangeRig
from tests.crash.tracing import FLUSHES, calls_in, tracing

ROLES = {"writer": "store-writer", "loop": "MainThread"}
POINTS = 8
"""How many points of each way a sample strikes, about."""

Struck = tuple[int, Aftermath, str]
"""How the server ended, what a restart found, the trace."""


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ExchangeRig]:
    one = ExchangeRig(tmp_path_factory.mktemp("exchange"))
    yield one
    one.close()


@pytest.fixture
def strace(require_program: Callable[[str], str]) -> str:
    return require_program("strace")


def taken(rig: ExchangeRig, strace: str, role: str, into: Path, inject: str = "") -> Struck:
    """One message handed to our MX, from its last dot to its delivery, with at most one fault."""
    with rig.serve(rig.taking) as running:
        with closing(rig.caller()) as caller:
            caller.until_the_last_dot()
            with tracing(strace, running.threads[ROLES[role]], into, inject) as trace:
                answer = caller.finish()
                running.until(lambda: exchange.delivered(running.state))
        status = rig.stopped(running)
    aftermath = rig.aftermath_of_taking(running.state)
    assert inject or answer.startswith(b"250 ")
    return status, aftermath, trace.read_text()


def relayed(rig: ExchangeRig, strace: str, role: str, into: Path, inject: str = "") -> Struck:
    """One message carried by our relay, from the greeting to its end, with at most one fault."""
    with rig.called() as called:
        with rig.serve(rig.relaying) as running:
            with tracing(strace, running.threads[ROLES[role]], into, inject) as trace:
                called.greets.set()
                running.until(lambda: exchange.waiting(running.state) == 0)
            status = rig.stopped(running)
        aftermath = rig.aftermath_of_relaying(running.state, called)
    return status, aftermath, trace.read_text()


@pytest.mark.parametrize("way", [taken, relayed], ids=["taken", "relayed"])
def test_a_kill_at_any_write_or_flush_loses_and_doubles_nothing(
    rig: ExchangeRig, strace: str, tmp_path: Path, way: Callable[..., Struck]
) -> None:
    calls = {}
    for role in ROLES:
        status, aftermath, trace = way(rig, strace, role, tmp_path / role)
        assert (status, aftermath.wrong) == (0, ())
        calls[role] = calls_in(trace)
    assert any(name in FLUSHES for name in calls["writer"]), "it must flush"
    points = [(role, at) for role, names in calls.items() for at in range(len(names))]
    step = 1 if os.environ.get("MSS_CRASH_EVERY") else -(-len(points) // POINTS)
    counters: Counter[str] = Counter(points=len(points))
    wrong = []
    for role, at in points[::step]:
        name, names = calls[role][at], calls[role]
        number = names[: at + 1].count(name)
        inject = f"{name}:signal=SIGKILL:when={number}"
        status, aftermath, trace = way(rig, strace, role, tmp_path / "trace", inject)
        wrong += [f"{role}, {name} {number}: {each}" for each in aftermath.wrong]
        counters["struck"] += 1
        if status == -signal.SIGKILL:
            assert calls_in(trace)[-1] == name
            counters["killed"] += 1
    print(json.dumps({"strace": f"SIGKILL at each call, {way.__name__}", **counters}))
    assert wrong == []
    # how many pages a commit writes may vary by a few: the last points are then not reached
    assert counters["killed"] >= 0.7 * counters["struck"]
