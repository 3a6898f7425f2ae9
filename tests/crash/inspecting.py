"""Looking at a store that was killed or stopped, from outside, without mending it.

Reads a copy of the database and its WAL: what a look recovers in the copy helps nobody.
"""

import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from mss_gateway import compose
from mss_gateway.compose import STORE_FILE
from mss_gateway.config import Config
from mss_gateway.observability import audit


@contextmanager
def copied(state: Path) -> Iterator[Path]:
    """A copy of the database of ``state``, gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        for name in (STORE_FILE, f"{STORE_FILE}-wal"):
            if (state / name).exists():
                shutil.copyfile(state / name, Path(folder) / name)
        yield Path(folder) / STORE_FILE


class Watch:
    """The database of one state while it is served and after its server was killed: read only.

    Opened while it is served and closed before the next start, so that the next server recovers
    what the dead one left by itself, as if nobody had looked.
    """

    def __init__(self, state: Path) -> None:
        self._store = sqlite3.connect(
            f"file:{state / STORE_FILE}?mode=ro", uri=True, timeout=10, check_same_thread=False
        )

    def close(self) -> None:
        """Let go of it."""
        self._store.close()

    def waiting(self) -> int:
        """Items in the queue."""
        return self._number("SELECT count(*) FROM queue_items")

    def leased(self) -> int:
        """Items at work."""
        return self._number("SELECT count(*) FROM queue_items WHERE state = 'leased'")

    def in_doubt(self) -> int:
        """Items whose octets were drawn and perhaps sent, and whose outcome is not known here."""
        return self._number("SELECT count(*) FROM queue_items WHERE attempt IS NOT NULL")

    def arrived(self) -> int:
        """Messages that another operator handed over."""
        return self._number("SELECT count(*) FROM audit WHERE act = 'store' AND actor = 'peer'")

    def last_act(self) -> int:
        """Number of the last row of the audit."""
        return self._number("SELECT max(seq) FROM audit")

    def collapsed(self, *, of_peers: bool) -> int:
        """Retries of what was taken before: its sender, client or operator, never saw our 250."""
        return self._number(
            "SELECT count(*) FROM audit WHERE act = 'store' AND verdict = 'retry collapsed'"
            f" AND actor {'=' if of_peers else '<>'} 'peer'"
        )

    def await_commit(self, seconds: float) -> None:
        """Return as soon as another message is seen to be durable, or when the time is over."""
        last = self._number("SELECT max(rowid) FROM queue_items")
        _await(lambda: self._number("SELECT max(rowid) FROM queue_items") > last, seconds)

    def await_arrival(self, seconds: float) -> None:
        """The same for one that another operator handed over."""
        last = self.last_act()
        arrived = "SELECT 1 FROM audit WHERE seq > ? AND act = 'store' AND actor = 'peer'"
        _await(lambda: self._store.execute(arrived, (last,)).fetchone() is not None, seconds)

    def await_lease(self, seconds: float) -> None:
        """Return as soon as an item is seen to be leased, or when the time is over."""
        _await(lambda: self.leased() > 0, seconds)

    def await_attempt(self, seconds: float) -> None:
        """Return as soon as an item is seen to leave for elsewhere, or when the time is over."""
        _await(lambda: self.in_doubt() > 0, seconds)

    def _number(self, statement: str) -> int:
        return int(self._store.execute(statement).fetchone()[0] or 0)


@dataclass(frozen=True, slots=True)
class Acts:
    """How many times one message is on record: taken, delivered here, relayed elsewhere.

    ``recipients``: for how many it was taken. A message has a reference for each of its forms.
    """

    recipients: int
    stores: int
    deliveries: int
    relays: int
    is_from_peer: bool


@dataclass(frozen=True, slots=True)
class Record:
    """The audit of one state by message, and how many retries it shows by who handed them over."""

    acts: dict[str, Acts]
    collapsed_of_clients: int
    collapsed_of_peers: int


def audited(state: Path) -> Record:
    """What the audit of a stopped state says."""
    with copied(state) as path, closing(sqlite3.connect(path)) as store:
        rows = store.execute(
            "SELECT message_ref, max(CASE WHEN act = 'store' AND verdict = 'accepted'"
            " THEN CAST(object AS INTEGER) END),"
            " sum(act = 'store' AND verdict = 'accepted'),"
            " sum(act = 'deliver' AND verdict = 'delivered'),"
            " sum(act = 'relay' AND verdict = 'relayed'), max(actor = 'peer')"
            " FROM audit WHERE message_ref IS NOT NULL GROUP BY 1"
        ).fetchall()
        collapsed = dict(
            store.execute(
                "SELECT actor = 'peer', count(*) FROM audit WHERE act = 'store'"
                " AND verdict = 'retry collapsed' GROUP BY 1"
            ).fetchall()
        )
    acts = {row[0]: Acts(row[1] or 0, row[2], row[3], row[4], bool(row[5])) for row in rows}
    return Record(acts, collapsed.get(0, 0), collapsed.get(1, 0))


def integrity(state: Path) -> str:
    """``ok``, or the first complaint of SQLite about its pages, indexes and foreign keys."""
    with copied(state) as path, closing(sqlite3.connect(path)) as store:
        answer = str(store.execute("PRAGMA integrity_check").fetchone()[0])
        broken = store.execute("PRAGMA foreign_key_check").fetchone()
        return answer if broken is None else f"foreign key: {broken}"


def audit_chain(config: Config) -> audit.Broken | None:
    """The product's own verification of the audit of a stopped state: where it breaks, if it does.

    Opens the store itself, not a copy: nothing else may serve it.
    """
    gateway = compose.build(config)
    try:
        with gateway.database.read() as view:
            return audit.verify(view)[1]
    finally:
        compose.close(gateway)


def _await(happened: Callable[[], bool], seconds: float) -> None:
    ends = time.monotonic() + seconds
    while not happened() and time.monotonic() < ends:
        time.sleep(0.0005)
