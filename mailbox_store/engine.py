"""SQLite as the store wants it: durable on every connection, and its errors told apart by code.

WAL with ``synchronous=FULL``: NORMAL may roll back committed transactions after a power cut. Both
settings are written and read back on each connection, and cannot be configured.
"""

import queue
import sqlite3
import threading
from collections.abc import Generator
from contextlib import contextmanager
from enum import Enum, auto

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.pool import NullPool, PoolProxiedConnection

from mailbox_store.errors import StoreFailed, StoreUnavailable

BUSY_SECONDS = 20.0
"""How long a write waits for the operator's CLI, which takes the same write lock."""

CACHE_KIB = 16_384
"""Page cache of each connection."""

_SYNCHRONOUS_FULL = 2


class Blame(Enum):
    """Whose fault a database error is."""

    STATEMENT = auto()
    """The statement's own: its unit of work fails, and nothing else."""
    MOMENT = auto()
    """Locked, full, out of memory: nothing was written, the next try may succeed."""
    STORE = auto()
    """The disk or the file: nothing may be written any more."""


_BLAMES = {
    sqlite3.SQLITE_ERROR: Blame.STATEMENT,
    sqlite3.SQLITE_CONSTRAINT: Blame.STATEMENT,
    sqlite3.SQLITE_MISMATCH: Blame.STATEMENT,
    sqlite3.SQLITE_MISUSE: Blame.STATEMENT,
    sqlite3.SQLITE_RANGE: Blame.STATEMENT,
    sqlite3.SQLITE_TOOBIG: Blame.STATEMENT,
    sqlite3.SQLITE_BUSY: Blame.MOMENT,
    sqlite3.SQLITE_LOCKED: Blame.MOMENT,
    sqlite3.SQLITE_PROTOCOL: Blame.MOMENT,
    sqlite3.SQLITE_FULL: Blame.MOMENT,
    sqlite3.SQLITE_NOMEM: Blame.MOMENT,
    sqlite3.SQLITE_INTERRUPT: Blame.MOMENT,
}
"""Primary result code → blame. What is not here (I/O error, corruption…) is the store's."""


def blame(error: BaseException | None) -> Blame:
    """Whose fault ``error`` is, by SQLite's primary result code, never by its text."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        # the driver refused the call before SQLite saw it: a parameter too many, a type unknown
        return Blame.STATEMENT
    return _BLAMES.get(code & 0xFF, Blame.STORE)


def in_own_words(error: BaseException | None) -> StoreUnavailable:
    """The store's exception for a database error outside any unit of work."""
    kind = StoreUnavailable if blame(error) is Blame.MOMENT else StoreFailed
    return kind(str(error))


def make(url: str, *, is_read_only: bool) -> Engine:
    """An engine whose connections are made when asked for; readers cannot write, by SQLite."""
    engine = create_engine(
        url,
        poolclass=NullPool,
        isolation_level="AUTOCOMMIT",
        hide_parameters=True,
        connect_args={"check_same_thread": False, "timeout": BUSY_SECONDS},
    )

    @event.listens_for(engine, "connect")
    def _settings(connection: sqlite3.Connection, _record: object) -> None:
        for pragma in (
            "journal_mode = WAL",
            "synchronous = FULL",
            "foreign_keys = ON",
            "secure_delete = ON",  # the key of who was erased is not left in a free page
            f"cache_size = -{CACHE_KIB}",
            "temp_store = MEMORY",
            f"query_only = {'ON' if is_read_only else 'OFF'}",
        ):
            connection.execute(f"PRAGMA {pragma}").close()
        journal = connection.execute("PRAGMA journal_mode").fetchone()[0]
        level = connection.execute("PRAGMA synchronous").fetchone()[0]
        if journal != "wal" or level != _SYNCHRONOUS_FULL:
            raise StoreFailed(f"journal_mode={journal} synchronous={level}: wal and 2 are needed")

    return engine


@contextmanager
def connected(engine: Engine) -> Generator[sqlite3.Connection, None, None]:
    """One connection of the driver's own, given back at the end."""
    pooled = engine.raw_connection()
    try:
        yield _driver(pooled)
    finally:
        pooled.close()


class Readers:
    """Reading connections that stay out of the pool between two views: taking one costs nothing."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._idle: queue.SimpleQueue[sqlite3.Connection] = queue.SimpleQueue()
        self._pooled: list[PoolProxiedConnection] = []
        self._lock = threading.Lock()

    def take(self) -> sqlite3.Connection:
        """An idle connection, or another one."""
        try:
            return self._idle.get_nowait()
        except queue.Empty:
            with self._lock:
                pooled = self._engine.raw_connection()
                self._pooled.append(pooled)
            return _driver(pooled)

    def give_back(self, connection: sqlite3.Connection) -> None:
        """Nobody reads from it any more."""
        self._idle.put(connection)

    def dispose(self) -> None:
        """Close every connection."""
        with self._lock:
            for pooled in self._pooled:
                pooled.close()
            self._pooled.clear()
        self._engine.dispose()


class Version:
    """A number that is another one after a commit of anybody, in whatever process."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._pooled: PoolProxiedConnection | None = None
        self._lock = threading.Lock()

    def read(self) -> int:
        """SQLite's ``data_version`` as one connection sees it: no row is read."""
        with self._lock:
            if self._pooled is None:
                self._pooled = self._engine.raw_connection()
            found: int = _driver(self._pooled).execute("PRAGMA data_version").fetchone()[0]
            return found

    def dispose(self) -> None:
        """Close the connection."""
        with self._lock:
            if self._pooled is not None:
                self._pooled.close()
                self._pooled = None


def _driver(pooled: PoolProxiedConnection) -> sqlite3.Connection:
    raw = pooled.driver_connection
    assert isinstance(raw, sqlite3.Connection)
    return raw
