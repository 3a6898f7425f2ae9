"""One acceptance, killed at each write and each flush of its life; and flushes that fail.

A kill -9 between two system calls shows the order in which things become durable: with 250 sent
before the commit, or a delivery before its row, one of these points loses or doubles a message.
That a page written and not flushed is *forgotten* (a power cut) is not shown by any kill; for that
a file system that drops what was not flushed is needed, and is not part of this test.
"""

import json
import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.crash.acceptance import Fate, Rig
from tests.crash.tracing import FLUSHES, calls_in, tracing

ROLES = {"writer": "store-writer", "loop": "MainThread"}
"""Who makes system calls for a message: the store's writer, and the loop that sends 250."""


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    one = Rig(tmp_path_factory.mktemp("acceptance"))
    yield one
    one.close()


@pytest.fixture
def strace(require_program: Callable[[str], str]) -> str:
    return require_program("strace")


def calls_of(rig: Rig, strace: str, role: str, into: Path) -> list[str]:
    """The writes and flushes of one thread, from the last dot to the delivery, undisturbed."""
    with rig.serve() as serving:
        with tracing(strace, serving.threads[ROLES[role]], into) as trace:
            answer = serving.finish()
            assert serving.await_delivery()
        os.kill(serving.pid, signal.SIGTERM)
    fate = Fate(answer, rig.ended())
    assert fate.is_acked and fate.status == 0
    assert rig.aftermath(serving.state, fate).wrong == ()
    return calls_in(trace.read_text())


def struck(rig: Rig, strace: str, role: str, into: Path, inject: str) -> tuple[Fate, Path, str]:
    """The same with one fault: what became of it, the state left, the trace."""
    with rig.serve() as serving:
        with tracing(strace, serving.threads[ROLES[role]], into, inject) as trace:
            answer = serving.finish()
            if serving.await_delivery():
                os.kill(serving.pid, signal.SIGTERM)
            status = rig.ended()
    return Fate(answer, status), serving.state, trace.read_text()


def test_a_kill_at_any_write_or_flush_loses_nothing_acknowledged(
    rig: Rig, strace: str, tmp_path: Path
) -> None:
    calls = {role: calls_of(rig, strace, role, tmp_path / role) for role in ROLES}
    assert any(name in FLUSHES for name in calls["writer"]), "the acceptance must flush"
    assert len(calls["loop"]) >= 1, "250 is a write of the loop"
    counters: Counter[str] = Counter(points=sum(map(len, calls.values())))
    wrong = []
    for role, names in calls.items():
        for at, name in enumerate(names):
            number = names[: at + 1].count(name)  # strace counts each call by its name
            inject = f"{name}:signal=SIGKILL:when={number}"
            fate, state, trace = struck(rig, strace, role, tmp_path / "trace", inject)
            left = rig.aftermath(state, fate)
            wrong += [f"{role}, {name} {number}: {each}" for each in left.wrong]
            counters["acknowledged" if fate.is_acked else "not acknowledged"] += 1
            counters["committed, not answered"] += left.copies and not fate.is_acked
            if fate.status == -signal.SIGKILL:
                assert "+++ killed by SIGKILL +++" in trace
                counters["killed"] += 1
                assert calls_in(trace)[-1] == name
                counters[f"killed at {role} {name}"] += 1
    print(json.dumps({"strace": "SIGKILL at each call", **counters}))
    assert wrong == []
    # how many pages a commit writes may vary by a few: the last points are then not reached
    assert counters["killed"] >= 0.9 * counters["points"]
    assert any(counters[f"killed at writer {name}"] for name in FLUSHES)
    assert counters["acknowledged"] and counters["not acknowledged"]
    assert counters["committed, not answered"], "no kill fell between the commit and 250"


@pytest.mark.parametrize("when", [1, 2, 3])
def test_after_a_flush_that_fails_nothing_more_is_acknowledged(
    rig: Rig, strace: str, tmp_path: Path, when: int
) -> None:
    flush = next(
        name for name in calls_of(rig, strace, "writer", tmp_path / "t") if name in FLUSHES
    )
    inject = f"{flush}:error=EIO:when={when}"
    fate, state, trace = struck(rig, strace, "writer", tmp_path / "trace", inject)
    assert trace.count("(INJECTED)") == 1
    assert not fate.is_acked or when > 1, "250 after a flush that failed"
    assert fate.status == 3, "the process must end: only a restart knows what is durable"
    assert rig.aftermath(state, fate).wrong == ()
