"""The work that IMAP servers are given, and what one run of it cost them.

Everything that is not measured (connections, SELECT, a first turn) happens before the clock is
read. Each connection has a thread here; the server's CPU is read from its own meter, so what the
client costs is in no figure but those of time.
"""

import ssl
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count

from tests.bench import metering
from tests.bench.imap_client import Letter, Line, Target, connect, opened, sign_in

SETTLE_LIMIT = 900.0
"""Seconds that a server is given to come to rest after what it was told to do."""

TAIL_SECONDS = 0.05
"""What a server does right after its last answer belongs to the work: a process that ends."""

WARM_UP = 10
"""Messages that a server which was just started takes before it is measured."""

_SETTLE_SECONDS = 0.2
"""A server that used hardly any CPU for so long has nothing left to do."""

_IDLE_SHARE = 0.05
_numbers = count()

Turn = Callable[[int], None]
"""One operation; the number counts those of the same connection."""


@dataclass(frozen=True, slots=True)
class Run:
    """What so many operations took; ``found`` is what they all answered, to be compared.

    ``delays`` are latencies, or what else of time was measured, in seconds; ``memory`` is in
    octets; ``resumed`` TLS sessions are among the operations.
    """

    operations: int
    cpu_seconds: float
    seconds: float
    delays: list[float] = field(repr=False)
    octets: int = 0
    found: int = 0
    memory: int = 0
    resumed: int = 0

    def delay_ms(self, share: float) -> float:
        """What ``share`` of the operations stayed within."""
        ordered = sorted(self.delays)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000


def settle(target: Target) -> None:
    """Wait until the server does nothing any more."""
    ends = time.monotonic() + SETTLE_LIMIT
    while time.monotonic() < ends:
        before = target.meter.cpu_seconds()
        time.sleep(_SETTLE_SECONDS)
        if target.meter.cpu_seconds() - before < _SETTLE_SECONDS * _IDLE_SHARE:
            return


def run(target: Target, everyone: Sequence[Turn], turns: int) -> Run:
    """``turns`` operations of each of these at the same time."""
    delays: list[list[float]] = [[] for _ in everyone]
    failed: list[Exception] = []
    gate = threading.Barrier(len(everyone) + 1)

    def drive(turn: Turn, taken: list[float]) -> None:
        gate.wait()
        try:
            for number in range(turns):
                before = time.perf_counter()
                turn(number)
                taken.append(time.perf_counter() - before)
        except Exception as error:  # the thread's own would only be printed
            failed.append(error)

    threads = [
        threading.Thread(target=drive, args=pair) for pair in zip(everyone, delays, strict=True)
    ]
    for thread in threads:
        thread.start()
    settle(target)
    cpu, started = target.meter.cpu_seconds(), time.perf_counter()
    gate.wait()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - started
    time.sleep(TAIL_SECONDS)
    spent = target.meter.cpu_seconds() - cpu
    if failed:
        raise failed[0]
    every = [each for taken in delays for each in taken]
    return Run(turns * len(everyone), spent, seconds, every)


def commands(
    target: Target,
    logins: Sequence[str],
    mailbox: bytes,
    asked: Sequence[bytes],
    turns: int,
    messages: int = 1000,
) -> Run:
    """An operation is all of these commands; on a connection of each of these logins.

    ``%d`` in a command stands for a message: each turn takes the next one of the first
    ``messages``. Nothing is selected when ``mailbox`` is empty.
    """
    with ExitStack() as stack:
        lines = [sign_in(target, login) for login in logins]
        for line in lines:
            stack.callback(line.close)
            if mailbox:
                line.ask(b"SELECT " + mailbox)

        def turn(line: Line, number: int) -> None:
            message = b"%d" % (1 + number % messages)
            for command in asked:
                line.ask(command.replace(b"%d", message))

        turn(lines[0], 0)
        octets = sum(line.octets for line in lines)
        fetched = sum(line.fetched for line in lines)
        done = run(target, [partial(turn, line) for line in lines], turns)
        found = sum(line.fetched for line in lines) - fetched or _matches(lines[0].answer)
        return replace(done, octets=sum(line.octets for line in lines) - octets, found=found)


def stores(target: Target, login: str, mailbox: bytes, turns: int) -> Run:
    """STORE of one flag on one message after the other, then a second pass that takes it away.

    (Both at once on the same message would be unfair to a Maildir: it looks for the file again.)
    """
    half = max(1, turns // 2)
    with ExitStack() as stack:
        line = opened(target, login, mailbox)
        stack.callback(line.close)

        def turn(number: int) -> None:
            sign = b"-" if number // half % 2 else b"+"
            line.ask(b"STORE %d %bFLAGS (\\Flagged)" % (1 + number % half, sign))

        turn(0)
        turn(half)
        fetched = line.fetched
        done = run(target, [turn], 2 * half)
        return replace(done, found=line.fetched - fetched)


def appends(
    target: Target, logins: Sequence[str], letters: Callable[[str], list[Letter]], turns: int
) -> Run:
    """APPEND of one message each time, every connection into a new mailbox of its own account.

    The mailboxes stay: to delete them would be work of another kind.
    """
    mailbox = b"banc%d" % next(_numbers)
    with ExitStack() as stack:
        lines = [sign_in(target, login) for login in logins]
        everyone: list[Turn] = []
        for line, login in zip(lines, logins, strict=True):
            stack.callback(line.close)
            line.ask(b"CREATE " + mailbox)
            everyone.append(partial(_append_one, line, mailbox, letters(login)))
        for number in range(WARM_UP):
            for turn in everyone:
                turn(number)
        return run(target, everyone, turns)


def _append_one(line: Line, mailbox: bytes, letters: list[Letter], number: int) -> None:
    line.append(mailbox, [letters[number % len(letters)]])


def log_ins(target: Target, logins: Sequence[str], turns: int, *, resumes: bool) -> Run:
    """A new TLS connection, LOGIN and LOGOUT each time; ``resumes``: with the ticket of before."""
    sessions: dict[str, ssl.SSLSession | None] = {}
    resumed: list[bool] = []

    def turn(login: str, _number: int) -> None:
        line = connect(target, sessions.get(login))
        line.ask(f'LOGIN "{login}" "{target.password}"'.encode())
        if resumes:
            resumed.append(bool(line.channel.session_reused))
            sessions[login] = line.channel.session
        line.ask(b"LOGOUT")
        line.close()

    for login in logins:
        turn(login, 0)
    resumed.clear()
    done = run(target, [partial(turn, login) for login in logins], turns)
    return replace(done, resumed=sum(resumed))


def first_log_in(target: Target, login: str) -> Run:
    """One sign-in of somebody whom the server has not seen since it started."""
    return run(target, [lambda _: sign_in(target, login).close()], 1)


def notifications(target: Target, login: str, letter: Letter, turns: int) -> Run:
    """From the OK of an APPEND until EXISTS in a connection that idles; below zero: before it."""
    mailbox = b"banc%d" % next(_numbers)
    told: list[float] = []
    heard = threading.Semaphore(0)
    delays: list[float] = []
    with ExitStack() as stack:
        author = sign_in(target, login)
        stack.callback(author.close)
        author.ask(b"CREATE " + mailbox)
        watcher = opened(target, login, mailbox)
        stack.callback(watcher.close)
        watcher.channel.sendall(b"a IDLE\r\n")
        watcher.until(b"+")

        def listen() -> None:
            for _ in range(turns):
                watcher.until(b" EXISTS\r\n")
                told.append(time.perf_counter())
                heard.release()

        def turn(number: int) -> None:
            author.append(mailbox, [letter])
            said = time.perf_counter()
            heard.acquire()
            delays.append(told[number] - said)

        listener = threading.Thread(target=listen, daemon=True)
        listener.start()
        done = run(target, [turn], turns)
        listener.join()
    return replace(done, delays=delays)


def idle_memory(target: Target, logins: Sequence[str], connections: int) -> Run:
    """Memory of the server for each of so many connections that idle in INBOX, and their set-up."""
    with ExitStack() as stack:

        def idle(number: int) -> None:
            line = opened(target, logins[number % len(logins)], b"INBOX")
            stack.callback(line.close)
            line.channel.sendall(b"a IDLE\r\n")
            line.until(b"+")

        for number in range(len(logins)):
            idle(number)  # what the first ones load stays, and is not counted
        settle(target)
        memory = metering.octets(target.meter)
        done = run(target, [idle], connections)
        settle(target)
        grown = metering.octets(target.meter) - memory
    settle(target)
    return replace(done, memory=grown // connections)


def _matches(answer: bytes) -> int:
    """How many messages the last SEARCH found."""
    for line in answer.split(b"\r\n"):
        if line.startswith(b"* SEARCH"):
            return len(line.split()) - 2
    return 0
