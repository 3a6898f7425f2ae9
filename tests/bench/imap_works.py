"""THE table of what IMAP servers are measured on: work, how often, its unit, the goal.

A goal is what ours may cost at most, as a share of what Dovecot costs in the same run with
everything of ours sealed at rest; for a delay or memory it is the figure itself.
"""

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import cache, partial

from tests.bench import corpus, imap_load, serving
from tests.bench.imap_client import Letter, Target, sign_in
from tests.bench.imap_load import Run

MAILBOX = 10_000
BODY_OCTETS = 10_240
IDLE_CONNECTIONS = 1_000

AFTER_SECONDS = 3.0
"""What a server does for messages behind its answers, as indexing them, begins within so long."""

CPU_US, DELAY_MS, MEMORY = "cpu_us", "p99_ms", "memory_octets"
COMPARED = (CPU_US, DELAY_MS, MEMORY)
"""What is compared: microseconds of CPU, milliseconds of 99 in a hundred, octets of memory."""

LIST_ITEMS = b"(UID FLAGS RFC822.SIZE INTERNALDATE ENVELOPE BODYSTRUCTURE)"
"""What a mail client asks of a mailbox it lists."""

Measure = Callable[[Target, int, int], Run]
"""(server, operations in all, connections) → one run."""


@dataclass(frozen=True, slots=True)
class Work:
    """One row. ``per_message``: the figure is for one of the messages that the command lists."""

    name: str
    measure: Measure
    count: int
    goal: float | None = None
    compared: str = CPU_US
    per_message: bool = False
    connections: tuple[int, ...] = (1,)
    with_default: bool = False
    """Also compared with Dovecot as it is shipped, which starts a process for each connection."""

    is_fresh: bool = False
    """Measured on servers that were just started: what earlier work left would be in the figure."""

    def value(self, done: Run, mailbox: int) -> float:
        """The figure that is compared."""
        if self.compared == MEMORY:
            return done.memory
        if self.compared == DELAY_MS:
            return done.delay_ms(0.99)
        each = done.operations * (mailbox if self.per_message else 1)
        return done.cpu_seconds / each * 1e6

    def least(self) -> int:
        """Operations below which a run says nothing."""
        return 4 if self.per_message or self.count < 40 else 20


def fill(target: Target, count: int, octets: int = BODY_OCTETS) -> None:
    """Give the reader's INBOX its letters, and wait until they are indexed."""
    with closing(sign_in(target, serving.READER)) as line:
        line.fill(b"INBOX", corpus.letters(serving.READER, count, octets))
    time.sleep(AFTER_SECONDS)
    imap_load.settle(target)


def _reading(*asked: bytes, mailbox: bytes = b"INBOX") -> Measure:
    def measure(target: Target, count: int, connections: int) -> Run:
        logins = [serving.READER] * connections
        return imap_load.commands(target, logins, mailbox, asked, max(1, count // connections))

    return measure


def _storing(target: Target, count: int, _connections: int) -> Run:
    return imap_load.stores(target, serving.READER, b"INBOX", count)


def _appending(target: Target, count: int, connections: int) -> Run:
    logins = serving.AUTHORS[:connections]
    return imap_load.appends(target, logins, _letters, max(1, count // connections))


@cache
def _letters(login: str) -> list[Letter]:
    """Fifty letters that nobody has: made before the clock is read."""
    return list(corpus.letters(login, 50, BODY_OCTETS, first=1_000_000))


def _signing_in(resumes: bool, target: Target, count: int, connections: int) -> Run:
    logins = serving.AUTHORS[:connections]
    return imap_load.log_ins(target, logins, max(1, count // connections), resumes=resumes)


def _notifying(target: Target, count: int, _connections: int) -> Run:
    login = serving.AUTHORS[0]
    return imap_load.notifications(target, login, _letters(login)[0], count)


def _idling(target: Target, count: int, _connections: int) -> Run:
    return imap_load.idle_memory(target, serving.AUTHORS, count)


# fmt: off
WORKS = (
    Work("login", partial(_signing_in, False), 160, 0.5, connections=(1, 8), with_default=True),
    Work("login, TLS resumed", partial(_signing_in, True), 160, 0.5, connections=(8,),
         with_default=True),
    Work("select", _reading(b"SELECT INBOX", b"UNSELECT", mailbox=b""), 200),
    Work("fetch flags", _reading(b"FETCH 1:* (FLAGS)"), 24, 2.0, per_message=True),
    Work("list", _reading(b"FETCH 1:* " + LIST_ITEMS), 4, 0.6, per_message=True,
         connections=(1, 8)),
    Work("bodies", _reading(b"FETCH 1:* (BODY.PEEK[])"), 1, 0.8, per_message=True),
    Work("fetch one, listed", _reading(b"FETCH %d " + LIST_ITEMS), 1000),
    Work("fetch one body", _reading(b"FETCH %d (BODY.PEEK[])"), 1000),
    Work("store", _storing, 1000, 0.8),
    Work("append", _appending, 800, 0.8, connections=(1, 8), is_fresh=True),
    Work("search subject", _reading(b"SEARCH SUBJECT scanner"), 6, 1.0),
    Work("search from", _reading(b"SEARCH FROM moreau"), 6, 1.0),
    Work("search header", _reading(b'SEARCH HEADER Message-ID "<777."'), 6, 1.0),
    Work("search rare header", _reading(b"SEARCH HEADER User-Agent Evolution"), 6, 1.0),
    Work("search text", _reading(b"SEARCH TEXT zygomatique"), 3, 0.1),
    Work("search body", _reading(b"SEARCH BODY zygomatique"), 3, 0.1),
    Work("noop", _reading(b"NOOP"), 4000, 1.0, connections=(1, 8)),
    Work("status", _reading(b"STATUS INBOX (MESSAGES UIDNEXT UNSEEN)", mailbox=b""), 2000),
    Work("idle notification", _notifying, 40, 50.0, DELAY_MS),
    Work("idle memory", _idling, IDLE_CONNECTIONS, 60_000.0, MEMORY, is_fresh=True),
)
# fmt: on
