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


@dataclass(frozen=True, slots=True)
class Found:
    """The store at one instant: references that were committed, items by state, deliveries."""

    committed: frozenset[str]
    leased: int
    waiting: int
    deliveries: int


@contextmanager
def copied(state: Path) -> Iterator[Path]:
    """A copy of the database of ``state``, gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        for name in (STORE_FILE, f"{STORE_FILE}-wal"):
            if (state / name).exists():
                shutil.copyfile(state / name, Path(folder) / name)
        yield Path(folder) / STORE_FILE


def look(state: Path) -> Found:
    """What stands committed, read from a copy."""
    with copied(state) as path, closing(sqlite3.connect(path)) as store:
        one = store.execute("SELECT count(*) FROM queue_items WHERE state = 'leased'").fetchone()
        return Found(
            frozenset(
                row[0] for row in store.execute("SELECT message_ref FROM audit WHERE act = 'store'")
            ),
            one[0],
            store.execute("SELECT count(*) FROM queue_items").fetchone()[0],
            store.execute("SELECT count(*) FROM deliveries").fetchone()[0],
        )


def await_commit(state: Path, seconds: float) -> None:
    """Return as soon as another message is seen to be durable, or when the time is over."""
    with _watching(state) as store:
        last = _highest(store)
        _await(lambda: _highest(store) > last, seconds)


def await_lease(state: Path, seconds: float) -> None:
    """Return as soon as an item is seen to be leased, or when the time is over."""
    with _watching(state) as store:
        leased = "SELECT 1 FROM queue_items WHERE state = 'leased' LIMIT 1"
        _await(lambda: store.execute(leased).fetchone() is not None, seconds)


def audited(state: Path) -> dict[str, tuple[int, int]]:
    """message_ref → how many times it was stored, how many times delivered."""
    with copied(state) as path, closing(sqlite3.connect(path)) as store:
        return {
            row[0]: (row[1], row[2])
            for row in store.execute(
                "SELECT message_ref, sum(act = 'store'), sum(act = 'deliver' AND"
                " verdict = 'delivered') FROM audit WHERE message_ref IS NOT NULL GROUP BY 1"
            )
        }


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


@contextmanager
def _watching(state: Path) -> Iterator[sqlite3.Connection]:
    """The live database, for reading only."""
    with closing(sqlite3.connect(f"file:{state / STORE_FILE}?mode=ro", uri=True)) as store:
        yield store


def _highest(store: sqlite3.Connection) -> int:
    found = store.execute("SELECT max(rowid) FROM queue_items").fetchone()[0]
    return 0 if found is None else int(found)


def _await(happened: Callable[[], bool], seconds: float) -> None:
    ends = time.monotonic() + seconds
    while not happened() and time.monotonic() < ends:
        time.sleep(0.0005)
