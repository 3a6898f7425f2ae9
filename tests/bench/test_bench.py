"""The benchmarks do the work that they are about; how long it takes is nobody's business here."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest

from tests.bench import (
    corpus,
    dovecot,
    imap_bench,
    imap_load,
    imap_works,
    peers,
    sampling,
    serving,
    sweep,
)
from tests.bench.imap_bench import Start
from tests.bench.imap_client import Target
from tests.bench.imap_works import WORKS
from tests.bench.metering import ProcessTree, meter, octets
from tests.bench.sampling import Sampler
from tests.bench.served import Site

LETTERS = 80
"""The 78th has the rare word."""

FOUND = {
    "fetch flags": 4 * LETTERS,
    "list": 4 * LETTERS,
    "bodies": LETTERS,
    "fetch one, listed": 20,
    "fetch one body": 20,
    "store": 20,
    "search subject": 2,
    "search from": 2,
    "search header": 0,
    "search rare header": 20,
    "search text": 1,
    "search body": 1,
}
"""What each work must have answered to have been done at all."""


@pytest.fixture(scope="module", autouse=True)
def _nothing_is_waited_for() -> Iterator[None]:
    """What lets a server come to rest makes figures true; these tests look at none."""
    monkeypatch = pytest.MonkeyPatch()
    monkeypatch.setattr(imap_works, "AFTER_SECONDS", 0.0)
    monkeypatch.setattr(imap_load, "SETTLE_LIMIT", 0.0)
    monkeypatch.setattr(imap_load, "TAIL_SECONDS", 0.0)
    monkeypatch.setattr(sweep, "PAUSE_SECONDS", 0.0)
    yield
    monkeypatch.undo()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return Site(tmp_path_factory.mktemp("bench"), is_cheap=True)


@pytest.fixture(scope="module")
def target(site: Site) -> Iterator[Target]:
    with imap_bench.ours(site) as running:
        imap_works.fill(running, LETTERS)
        yield running


def test_every_imap_work_is_done_and_counted(target: Target) -> None:
    rows = list(imap_bench.alone(target, lambda: nullcontext(target), 1, 0.0, LETTERS))

    done = {(row["work"], row["connections"]): row for row in rows if "runs" in row}
    assert set(done) == {(work.name, number) for work in WORKS for number in work.connections}
    alone = {name: row for (name, number), row in done.items() if number == 1}
    assert {name: alone[name]["found"] for name in FOUND} == {
        name: [count] for name, count in FOUND.items()
    }
    assert all(row["operations_per_second"]["least"] > 0 for row in done.values())
    assert all(row["cpu_us"]["least"] > 0 for row in done.values() if "cpu_us" in row)
    assert alone["bodies"]["octets"] > LETTERS * 9_000


def test_the_sweep_puts_each_command_beside_itself_in_a_larger_mailbox(target: Target) -> None:
    rows = list(sweep.rows({10: target, 30: target}, runs=1, share=0.0))

    names = {row["work"] for row in rows}
    assert names >= {step.name for step in sweep.STEPS}
    assert names >= {"select", "store one flag", "idle wake", "append", "uid expunge"}
    assert all(set(row["cpu_us"]) == {"10", "30"} for row in rows)


def test_both_servers_answer_the_same_to_the_same_octets(site: Site, target: Target) -> None:
    named = frozenset(("list", "bodies", "search subject", "search text", "append"))
    try:
        dovecot.check()
    except dovecot.CannotRun as reason:
        pytest.skip(str(reason))

    with peers.peer(site, dovecot.TUNED) as peer:
        imap_works.fill(peer, LETTERS)
        again: dict[str, Start] = {
            target.name: lambda: nullcontext(target),
            peer.name: lambda: nullcontext(peer),
        }
        rows = list(peers.compared([target, peer], again, 1, 0.0, LETTERS, named))

    compared = {row["work"]: row for row in rows if "ratio" in row}
    assert set(compared) == named
    assert all(row["same_answers"] for row in compared.values())
    lines = peers.table(rows).splitlines()
    assert [line.split()[0] for line in lines[1:]] == [
        row["work"].split()[0] for row in rows if "ratio" in row
    ]


def test_dovecot_that_is_not_there_is_said_and_nothing_is_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)

    code = peers.main(["--quick"])

    told = capsys.readouterr()
    assert (code, told.out) == (2, "")
    assert "dovecot is not installed" in told.err


def test_letters_are_the_same_at_each_call_and_of_the_size_asked_for() -> None:
    first, again = (list(corpus.letters("a@mss.example", 100, 10_240)) for _ in range(2))

    assert first == again
    assert all(9_000 < len(letter.raw) < 11_000 for letter in first)
    rare = [corpus.RARE_WORD.encode() in letter.raw for letter in first]
    assert rare.count(True) == 1
    assert len({letter.raw for letter in first}) == 100


@pytest.mark.parametrize("is_grouped", [True, False])
def test_a_meter_counts_children_that_have_ended(is_grouped: bool) -> None:
    burn = "import time\nwhile time.process_time() < 0.3: pass"
    script = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {burn!r}])\n"
    with meter("test") as own:
        counted = own if is_grouped else ProcessTree()
        command = [sys.executable, "-c", script + "print('done', flush=True)\ninput()"]
        with subprocess.Popen(
            counted.entering(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as running:
            counted.started(running.pid)
            assert running.stdout is not None
            assert running.stdout.readline() == "done\n"
            spent, held = counted.cpu_seconds(), octets(counted)
            members = counted.members()
            running.communicate("\n")

    assert spent > 0.29
    assert held > 1_000_000
    assert members == [running.pid]


def test_a_sample_names_the_function_that_was_busy(tmp_path: Path) -> None:
    report = tmp_path / "stacks"
    sampler = Sampler(report)

    def busy_in_this_test(seconds: float) -> None:
        ends = time.thread_time() + seconds
        while time.thread_time() < ends:
            sum(range(100))

    sampler.switch()
    try:
        busy_in_this_test(0.3)
    finally:
        sampler.switch()

    figures = sampling.figures(report)
    assert figures["samples"] > 10
    within = {name.rpartition(":")[2]: share for name, share in figures["within"].items()}
    assert within["busy_in_this_test"] > 0.5


def test_an_operation_is_never_done_less_often_than_says_something() -> None:
    assert [imap_bench.turns(work, 1.0) for work in WORKS] == [work.count for work in WORKS]
    assert all(1 <= imap_bench.turns(work, 0.0) <= 20 for work in WORKS)
    assert imap_works.MAILBOX == 10_000
    assert serving.READER not in serving.AUTHORS
