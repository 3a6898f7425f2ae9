"""SQLite as the store wants it: durable on every connection, and its errors told apart by code.

WAL with ``synchronous=FULL``: NORMAL may roll back committed transactions after a power cut. Both
settings are written and read back on each connection, and cannot be configured.
"""

import sqlite3
from enum import Enum, auto

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool, QueuePool

from mailbox_store.errors import StoreFailed, StoreUnavailable

BUSY_SECONDS = 20.0
"""How long a write waits for the operator's CLI, which takes the same write lock."""

CACHE_KIB = 65_536

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


def blame(error: DBAPIError) -> Blame:
    """Whose fault ``error`` is, by SQLite's primary result code, never by its text."""
    code = getattr(error.orig, "sqlite_errorcode", None)
    if code is None:
        # the driver refused the call before SQLite saw it: a parameter too many, a type unknown
        return Blame.STATEMENT
    return _BLAMES.get(code & 0xFF, Blame.STORE)


def in_own_words(error: DBAPIError) -> StoreUnavailable:
    """The store's exception for a database error outside any unit of work."""
    kind = StoreUnavailable if blame(error) is Blame.MOMENT else StoreFailed
    return kind(str(error.orig))


def writing(url: str) -> Engine:
    """Connections that may write; each is made when asked for."""
    return _engine(
        create_engine(
            url,
            poolclass=NullPool,
            isolation_level="AUTOCOMMIT",
            hide_parameters=True,
            connect_args=_arguments(),
        ),
        is_read_only=False,
    )


def reading(url: str, count: int) -> Engine:
    """``count`` kept connections, and as many more at need; SQLite itself refuses them writes."""
    return _engine(
        create_engine(
            url,
            poolclass=QueuePool,
            pool_size=count,
            max_overflow=count,
            isolation_level="AUTOCOMMIT",
            hide_parameters=True,
            connect_args=_arguments(),
        ),
        is_read_only=True,
    )


def in_transaction(connection: Connection) -> bool:
    """Whether a transaction is open; some errors make SQLite roll back by itself."""
    raw = connection.connection.driver_connection
    return isinstance(raw, sqlite3.Connection) and raw.in_transaction


def _arguments() -> dict[str, object]:
    return {"check_same_thread": False, "timeout": BUSY_SECONDS}


def _engine(engine: Engine, *, is_read_only: bool) -> Engine:
    @event.listens_for(engine, "connect")
    def _settings(connection: sqlite3.Connection, _record: object) -> None:
        for pragma in (
            "journal_mode = WAL",
            "synchronous = FULL",
            "foreign_keys = ON",
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
