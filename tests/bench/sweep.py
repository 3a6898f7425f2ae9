"""Whether a command that touches one message costs the same in a small mailbox and in a large one.

Steady: the command over and over on a connection that has selected the mailbox. First: the first
command after SELECT, by itself, SELECT not counted. Each mailbox is alone on a server of its own:
what grows with the store, not only with the mailbox, is seen too. The two alternate.
"""

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from typing import Any

from tests.bench import corpus, imap_bench, imap_load, serving
from tests.bench.imap_client import Letter, Line, Target, opened, sign_in
from tests.bench.imap_load import Run
from tests.bench.measuring import spread
from tests.bench.served import Site

SIZES = (100, 100_000)
GOAL = 1.3
"""Cost in the large mailbox over cost in the small one."""

FIRSTS = 8
"""First commands of one run; their median counts."""

PAUSE_SECONDS = 0.03
"""Before and after a command that is read by itself: the server is at rest then."""

BOX = b"INBOX"
_NEW = Letter(b"Subject: nouveau\r\n\r\nUn message de plus.\r\n")


@dataclass(frozen=True, slots=True)
class Step:
    """One row of the sweep; ``%d`` stands for a message."""

    name: str
    asked: bytes
    count: int
    is_selected: bool = True


STEPS = (
    Step("noop", b"NOOP", 2000),
    Step("fetch flags of one", b"FETCH %d (FLAGS)", 1000),
    Step("fetch body of one", b"FETCH %d (BODY.PEEK[])", 500),
    Step("status", b"STATUS INBOX (MESSAGES UIDNEXT UNSEEN)", 1000, is_selected=False),
)

Targets = dict[int, Target]
"""Size of the mailbox → the server that holds it, and nothing else."""

Measure = Callable[[Target], float]


def sweep(
    site: Site, runs: int, share: float, sizes: tuple[int, ...] = SIZES
) -> Iterator[dict[str, Any]]:
    """The rows of two servers that are started and filled for it; nothing is indexed meanwhile."""
    with ExitStack() as stack:
        targets: Targets = {}
        for size in sizes:
            targets[size] = stack.enter_context(imap_bench.ours(site, hold=True))
            fill(targets[size], size)
        for target in targets.values():
            imap_load.settle(target)
        yield from rows(targets, runs, share)


def fill(target: Target, size: int) -> None:
    """Give the reader so many small letters."""
    with closing(sign_in(target, serving.READER)) as line:
        line.fill(BOX, corpus.small_letters(serving.READER, size))


def rows(targets: Targets, runs: int, share: float) -> Iterator[dict[str, Any]]:
    """Every step steady and as the first command, then what changes the mailbox."""
    for name, phase, measure in _steps(share, min(targets)):
        spent: dict[int, list[float]] = {size: [] for size in targets}
        for _ in range(runs):
            for size, target in targets.items():
                spent[size].append(measure(target))
        yield _row(name, phase, spent)


def _steps(share: float, messages: int) -> Iterator[tuple[str, str, Measure]]:
    """Name, phase, and what gives microseconds of CPU for one operation."""
    yield "select", "each time", partial(_steady, (b"SELECT " + BOX, b"UNSELECT"), b"", FIRSTS, 1)
    for step in STEPS:
        count = max(20, int(step.count * share))
        selected = BOX if step.is_selected else b""
        yield step.name, "steady", partial(_steady, (step.asked,), selected, count, messages)
        if step.is_selected:
            yield step.name, "first after SELECT", partial(_first, step.asked)
    few = max(10, int(100 * share))
    yield "store one flag", "steady", partial(_storing, min(messages, 2 * few))
    yield "store one flag", "first after SELECT", partial(_first, b"STORE %d +FLAGS (\\Answered)")
    yield "idle wake", "steady", partial(_waking, few)
    yield "append", "steady", partial(_appending, few)
    yield "uid expunge", "steady", partial(_expunging, few)


def _row(name: str, phase: str, spent: dict[int, list[float]]) -> dict[str, Any]:
    figures = {size: spread(each, 1) for size, each in spent.items()}
    small, large = min(spent), max(spent)
    ratio = figures[large]["median"] / max(figures[small]["median"], 1e-9)
    goal = None if name == "select" else GOAL
    return {
        "work": name,
        "phase": phase,
        "cpu_us": {str(size): each for size, each in figures.items()},
        "ratio": round(ratio, 3),
        "goal": goal,
        "is_met": goal is None or ratio <= goal,
    }


def _each(done: Run) -> float:
    return done.cpu_seconds / done.operations * 1e6


def _steady(
    asked: tuple[bytes, ...], selected: bytes, count: int, messages: int, target: Target
) -> float:
    login = [serving.READER]
    return _each(imap_load.commands(target, login, selected, asked, count, messages))


def _storing(count: int, target: Target) -> float:
    return _each(imap_load.stores(target, serving.READER, BOX, count))


def _first(asked: bytes, target: Target) -> float:
    """The median of some first commands, each read by itself once the server is at rest."""
    spent = []
    with closing(opened(target, serving.READER, BOX)) as line:
        for number in range(1, FIRSTS + 1):
            line.ask(b"SELECT " + BOX)
            time.sleep(PAUSE_SECONDS)
            before = target.meter.cpu_seconds()
            line.ask(asked.replace(b"%d", b"%d" % number))
            time.sleep(PAUSE_SECONDS)
            spent.append((target.meter.cpu_seconds() - before) * 1e6)
        line.ask(b"STORE 1:%d -FLAGS.SILENT (\\Answered)" % FIRSTS)
    return statistics.median(spent)


def _waking(count: int, target: Target) -> float:
    """A STORE and what it costs to tell it to a connection that idles."""
    with (
        closing(opened(target, serving.READER, BOX)) as author,
        closing(opened(target, serving.READER, BOX)) as watcher,
    ):
        watcher.channel.sendall(b"a IDLE\r\n")
        watcher.until(b"+")

        def turn(number: int) -> None:
            author.ask(b"STORE 1 %bFLAGS (\\Flagged)" % (b"-" if number % 2 else b"+"))
            watcher.until(b" FETCH (")

        turn(0)
        turn(1)
        return _each(imap_load.run(target, [turn], count - count % 2))


def _appending(count: int, target: Target) -> float:
    """Messages come one by one with the mailbox selected, and go again, which is not counted."""
    with closing(opened(target, serving.READER, BOX)) as line:
        line.append(BOX, [_NEW])
        first = _uid(line)
        spent = _each(imap_load.run(target, [lambda _: line.append(BOX, [_NEW])], count))
        _doom(line, first)
        line.ask(b"EXPUNGE")
        return spent


def _expunging(count: int, target: Target) -> float:
    """Messages go one by one with the mailbox selected; what they came by is not counted."""
    with closing(opened(target, serving.READER, BOX)) as line:
        line.append(BOX, [_NEW])
        first = _uid(line)
        for _ in range(count):
            line.append(BOX, [_NEW])
        _doom(line, first)
        line.ask(b"UID EXPUNGE %d" % first)

        def turn(number: int) -> None:
            line.ask(b"UID EXPUNGE %d" % (first + 1 + number))

        return _each(imap_load.run(target, [turn], count))


def _uid(line: Line) -> int:
    """What APPENDUID said, RFC 4315 §3."""
    return int(line.answer.partition(b"[APPENDUID ")[2].split(b"]")[0].split()[1])


def _doom(line: Line, first: int) -> None:
    line.ask(b"UID STORE %d:* +FLAGS.SILENT (\\Deleted)" % first)
