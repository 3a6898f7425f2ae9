"""The engine, and the one way to write: units of work, committed in groups by one thread.

Default: SQLite in WAL mode with ``synchronous=FULL`` (NORMAL may roll back committed transactions
after a power cut; the setting is not configurable and is checked at start). While one COMMIT
flushes, the next units of work gather: one flush then makes many messages durable.
"""

import queue
import threading
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, NewType, TypeVar

from sqlalchemy import Connection, CursorResult, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError

from mailbox_store.errors import StoreFailed, StoreUnavailable
from mailbox_store.vault import Sealing, Vault

T = TypeVar("T")
MailboxId = NewType("MailboxId", int)
Announcement = Callable[[frozenset[MailboxId]], None]

GROUP_LIMIT = 256
"""Units of work in one COMMIT at most: bounds the time a writer waits for its neighbours."""

BUSY_SECONDS = 20
"""How long a write waits for the operator's CLI, which takes the same write lock."""


class View:
    """A consistent reading of the store. Statements are fixed SQL with ``?`` parameters."""

    writes = False

    def __init__(self, connection: Connection, vault: Vault) -> None:
        self.connection = connection
        self.vault = vault

    def sql(self, statement: str, parameters: Sequence[Any] = ()) -> CursorResult[*tuple[Any, ...]]:
        """Run one statement as it stands; the driver binds the parameters."""
        return self.connection.exec_driver_sql(statement, tuple(parameters))


class Transaction(View):
    """A unit of work on the writer thread; ``now`` is its time in unix seconds."""

    writes = True

    def __init__(self, connection: Connection, vault: Vault, now: int) -> None:
        super().__init__(connection, vault)
        self.now = now
        self.touched: set[MailboxId] = set()

    def changed(self, mailbox_id: MailboxId) -> None:
        """Announce this mailbox to the sessions that watch it, once the COMMIT stands."""
        self.touched.add(mailbox_id)


@dataclass(slots=True)
class _Unit(Generic[T]):
    work: Callable[[Transaction], T]
    future: Future[T]


class Database:
    """The store's engine: a pool of readers and one writer thread with group commit."""

    def __init__(
        self,
        url: str,
        sealing: Sealing,
        *,
        readers: int = 8,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.vault = Vault(sealing)
        self.url = url
        self._clock = clock
        self._engine = _engine(url, readers)
        self._units: queue.SimpleQueue[_Unit[Any] | None] = queue.SimpleQueue()
        self._announce: list[Announcement] = []
        self._failed = False
        self._closed = False
        self.commits = 0
        self._writer = threading.Thread(target=self._write_loop, name="store-writer", daemon=True)

    @classmethod
    def open(
        cls, url: str, sealing: Sealing, *, readers: int = 8, clock: Callable[[], float] = time.time
    ) -> "Database":
        """Migrate the schema to the newest step, make keys on a first start, start the writer."""
        from mailbox_store.migrations import migrate

        database = cls(url, sealing, readers=readers, clock=clock)
        migrate(database._engine)
        database._check_durability()
        database._writer.start()
        database.write(database.vault.initialise)
        return database

    @property
    def has_failed(self) -> bool:
        """True once a write or flush failed for good: the process must end."""
        return self._failed

    @contextmanager
    def read(self) -> Generator[View, None, None]:
        """A snapshot for reading; nothing seen inside changes until it is left."""
        with self._engine.connect() as connection:
            connection.exec_driver_sql("BEGIN")
            try:
                yield View(connection, self.vault)
            finally:
                connection.exec_driver_sql("ROLLBACK")

    def submit(self, work: Callable[[Transaction], T]) -> Future[T]:
        """Queue a unit of work; the future answers only after its COMMIT.

        What ``work`` raises rolls back this unit alone and comes out of the future.
        ``StoreUnavailable``: not durable, may be tried again. ``StoreFailed``: the store is down.
        """
        future: Future[T] = Future()
        if self._failed or self._closed:
            future.set_exception(StoreFailed("the store takes no more writes"))
        else:
            self._units.put(_Unit(work, future))
        return future

    def write(self, work: Callable[[Transaction], T]) -> T:
        """Run a unit of work and wait for its COMMIT."""
        return self.submit(work).result()

    def on_commit(self, listener: Announcement) -> None:
        """Call ``listener`` on the writer thread after each COMMIT that changed mailboxes."""
        self._announce.append(listener)

    def close(self) -> None:
        """Finish what was submitted, then stop the writer and the readers."""
        self._closed = True
        if self._writer.is_alive():
            self._units.put(None)
            self._writer.join()
        self._engine.dispose()

    def _check_durability(self) -> None:
        with self._engine.connect() as connection:
            journal = connection.exec_driver_sql("PRAGMA journal_mode").scalar_one()
            level = connection.exec_driver_sql("PRAGMA synchronous").scalar_one()
        if journal != "wal" or level != 2:
            raise StoreFailed(f"journal_mode={journal} synchronous={level}: wal and 2 are needed")

    def _write_loop(self) -> None:
        with self._engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA query_only = OFF")
            while True:
                group, is_last = self._gather()
                if group:
                    self._commit_group(connection, group)
                if is_last:
                    break
        self._refuse_the_rest()

    def _gather(self) -> tuple[list[_Unit[Any]], bool]:
        """Wait for one unit, then take those that gathered meanwhile."""
        group: list[_Unit[Any]] = []
        unit = self._units.get()
        while unit is not None:
            group.append(unit)
            if len(group) == GROUP_LIMIT or self._units.empty():
                return group, False
            unit = self._units.get()
        return group, True

    def _commit_group(self, connection: Connection, group: list[_Unit[Any]]) -> None:
        outcomes: list[tuple[_Unit[Any], Any, BaseException | None]] = []
        tx = Transaction(connection, self.vault, int(self._clock()))
        try:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            for unit in group:
                outcomes.append(_run_unit(tx, unit))
            connection.exec_driver_sql("COMMIT")
        except Exception as error:
            self._fail_group(connection, group, error)
            return
        self.commits += 1
        for unit, result, raised in outcomes:
            if raised is None:
                unit.future.set_result(result)
            else:
                unit.future.set_exception(raised)
        if tx.touched:
            touched = frozenset(tx.touched)
            for listener in self._announce:
                listener(touched)

    def _fail_group(
        self, connection: Connection, group: list[_Unit[Any]], error: Exception
    ) -> None:
        """Nothing of the group is durable. An I/O error ends the store for good."""
        try:
            connection.exec_driver_sql("ROLLBACK")
        except DBAPIError:
            # SQLite rolled back by itself, or the connection is past saving: both are handled below
            self._failed = self._failed or not _is_passing(error)
        if not _is_passing(error):
            self._failed = True
        kind = StoreFailed if self._failed else StoreUnavailable
        for unit in group:
            if not unit.future.done():
                unit.future.set_exception(kind(str(error)))

    def _refuse_the_rest(self) -> None:
        while not self._units.empty():
            unit = self._units.get()
            if unit is not None:
                unit.future.set_exception(StoreFailed("the store is closed"))


def _run_unit(tx: Transaction, unit: _Unit[T]) -> tuple[_Unit[T], T | None, BaseException | None]:
    """One savepoint: a unit that raises leaves no trace and does not disturb its neighbours."""
    touched = set(tx.touched)
    tx.sql("SAVEPOINT unit")
    try:
        result = unit.work(tx)
    except DBAPIError as error:
        if not isinstance(error.orig, _ours()):
            raise
        outcome: tuple[_Unit[T], T | None, BaseException | None] = (unit, None, error)
    except Exception as error:
        outcome = (unit, None, error)
    else:
        tx.sql("RELEASE unit")
        return unit, result, None
    tx.touched = touched
    tx.sql("ROLLBACK TO unit")
    tx.sql("RELEASE unit")
    return outcome


def _ours() -> tuple[type[Exception], ...]:
    """Database errors that speak of the statement and not of the disk."""
    import sqlite3

    return (sqlite3.IntegrityError, sqlite3.ProgrammingError, sqlite3.InterfaceError)


def _is_passing(error: Exception) -> bool:
    """Locked, busy or full: the next unit may succeed. Anything else from the disk may not."""
    text = str(error).lower()
    return any(word in text for word in ("locked", "busy", "full"))


def _engine(url: str, readers: int) -> Engine:
    engine = create_engine(
        url,
        isolation_level="AUTOCOMMIT",
        pool_size=readers,
        max_overflow=readers,
        connect_args={"check_same_thread": False, "timeout": BUSY_SECONDS},
    )

    @event.listens_for(engine, "connect")
    def _settings(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        for pragma in (
            "journal_mode = WAL",
            "synchronous = FULL",
            "foreign_keys = ON",
            "cache_size = -65536",
            "temp_store = MEMORY",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    return engine
