"""The one way to write: units of work, committed in groups by one thread.

While one COMMIT flushes, the next units of work gather: one flush then makes many messages
durable. Default: SQLite, as ``engine`` sets it up.
"""

import logging
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, NewType, TypeVar

from sqlalchemy.exc import DBAPIError

from mailbox_store import engine
from mailbox_store.engine import Blame
from mailbox_store.errors import StoreFailed, StoreUnavailable
from mailbox_store.migrations import migrate
from mailbox_store.rows import Cursor, Rows
from mailbox_store.vault import Sealing, Vault

T = TypeVar("T")
MailboxId = NewType("MailboxId", int)
Announcement = Callable[[Mapping[MailboxId, int]], None]

NEWEST = (1 << 63) - 1
"""In an announcement, for a mailbox that went or whose MODSEQ nobody said."""

GROUP_LIMIT = 256
"""Units of work in one COMMIT at most: bounds the time a writer waits for its neighbours."""

_log = logging.getLogger(__name__)


class View:
    """A consistent reading of the store. Statements are fixed SQL with ``?`` parameters."""

    writes = False

    def __init__(self, connection: sqlite3.Connection, vault: Vault) -> None:
        self._connection = connection
        self._streams: list[Cursor] = []
        self.vault = vault

    def sql(self, statement: str, parameters: Sequence[Any] = ()) -> Rows:
        """Run one statement as it stands; the driver binds the parameters."""
        return Rows(self._connection.execute(statement, parameters), self._streams)

    def end(self) -> None:
        """End every statement that was left in the middle; its rows cannot be read any more."""
        for cursor in self._streams:
            cursor.close()
        self._streams.clear()


class Transaction(View):
    """One unit of work on the writer thread; ``now`` is its time in unix seconds."""

    writes = True

    def __init__(self, connection: sqlite3.Connection, vault: Vault, now: int) -> None:
        super().__init__(connection, vault)
        self.now = now
        self.touched: dict[MailboxId, int] = {}

    def many(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run one statement for each of ``rows``, in the driver's own loop."""
        self._connection.executemany(statement, rows)

    def changed(self, mailbox_id: MailboxId, modseq: int = NEWEST) -> None:
        """Announce this mailbox, now at ``modseq``, to who watches it once the COMMIT stands."""
        self.touched[mailbox_id] = max(modseq, self.touched.get(mailbox_id, 0))


@dataclass(slots=True)
class _Unit(Generic[T]):
    work: Callable[[Transaction], T]
    future: Future[T]


@dataclass(slots=True)
class _Outcome(Generic[T]):
    """What a unit came to; told to its waiter once the COMMIT stands."""

    unit: _Unit[T]
    touched: dict[MailboxId, int]
    result: T | None = None
    raised: BaseException | None = None

    def tell(self) -> None:
        if self.raised is not None:
            self.unit.future.set_exception(self.raised)
        else:
            self.unit.future.set_result(self.result)  # type: ignore[arg-type]  # T includes None


class Database:
    """A pool of readers and one writer thread with group commit."""

    def __init__(
        self,
        url: str,
        sealing: Sealing,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.vault = Vault(sealing)
        self.url = url
        self.commits = 0
        self.failed_commits = 0
        self._clock = clock
        self._writing = engine.make(url, is_read_only=False)
        reading = engine.make(url, is_read_only=True)
        self._readers = engine.Readers(reading)
        self._version = engine.Version(reading)
        self._units: queue.SimpleQueue[_Unit[Any] | None] = queue.SimpleQueue()
        self._announce: list[Announcement] = []
        # nothing is queued once one of these is true: whoever asked would wait for ever
        self._gate = threading.Lock()
        self._failed = False
        self._closed = False
        self._writer = threading.Thread(target=self._write_loop, name="store-writer", daemon=True)

    @classmethod
    def open(
        cls, url: str, sealing: Sealing, *, clock: Callable[[], float] = time.time
    ) -> "Database":
        """Migrate the schema to the newest step, make keys on a first start, start the writer.

        Raises StoreUnavailable when the file is locked or its disk full, StoreFailed when it cannot
        be opened, is not durable, or was written by a newer release.
        """
        database = cls(url, sealing, clock=clock)
        try:
            migrate(database._writing)
            database._writer.start()
            database.write(database.vault.initialise)
        except DBAPIError as error:
            database.close()
            raise engine.in_own_words(error.orig) from error
        except BaseException:
            database.close()
            raise
        return database

    @property
    def has_failed(self) -> bool:
        """True once a write or flush failed for good: the process must end."""
        return self._failed

    @contextmanager
    def read(self) -> Generator[View, None, None]:
        """A snapshot for reading: from its first statement on, nothing seen inside changes."""
        connection = self._readers.take()
        try:
            connection.execute("BEGIN")
            view = View(connection, self.vault)
            try:
                yield view
            finally:
                view.end()
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            self._readers.give_back(connection)

    def version(self) -> int:
        """Another number after each commit, also of another process; asking costs microseconds."""
        return self._version.read()

    def submit(self, work: Callable[[Transaction], T]) -> Future[T]:
        """Queue a unit of work; the future answers only after its COMMIT.

        What ``work`` raises rolls back this unit alone and comes out of the future.
        ``StoreUnavailable``: not durable, may be tried again. ``StoreFailed``: the store is down.
        A future cancelled before its unit began withdraws the unit; later it has no effect.
        """
        future: Future[T] = Future()
        with self._gate:
            if not (self._failed or self._closed):
                self._units.put(_Unit(work, future))
                return future
        future.set_exception(StoreFailed("the store takes no more writes"))
        return future

    def write(self, work: Callable[[Transaction], T]) -> T:
        """Run a unit of work and wait for its COMMIT. Never from a unit of work or a listener."""
        return self.submit(work).result()

    def on_commit(self, listener: Announcement) -> None:
        """Call ``listener`` on the writer thread after each COMMIT that changed mailboxes.

        It must not wait. What it raises is logged and harms nobody: a wake-up may be lost.
        """
        self._announce.append(listener)

    def close(self) -> None:
        """Finish what was submitted, then stop the writer and the readers."""
        with self._gate:
            self._closed = True
        if self._writer.is_alive():
            self._units.put(None)
            self._writer.join()
        self._version.dispose()
        self._writing.dispose()
        self._readers.dispose()

    def _write_loop(self) -> None:
        try:
            with engine.connected(self._writing) as connection:
                is_last = False
                while not (is_last or self._failed):
                    group, is_last = self._gather()
                    self._commit_group(connection, group)
        except BaseException as error:
            # nobody is above this thread: those who wait must hear of it all the same
            _log.critical("the store's writer ended: %s", type(error).__name__)
            self._failed = True
        self._refuse_the_rest()

    def _gather(self) -> tuple[list[_Unit[Any]], bool]:
        """Wait for one unit, then take those that gathered meanwhile; True with the last ones."""
        group: list[_Unit[Any]] = []
        unit = self._units.get()
        while unit is not None:
            if unit.future.set_running_or_notify_cancel():
                group.append(unit)
            if len(group) == GROUP_LIMIT or self._units.empty():
                return group, False
            unit = self._units.get()
        return group, True

    def _commit_group(self, connection: sqlite3.Connection, group: list[_Unit[Any]]) -> None:
        if not group:
            return
        try:
            now = int(self._clock())
            connection.execute("BEGIN IMMEDIATE")
            outcomes = [_run_unit(Transaction(connection, self.vault, now), unit) for unit in group]
            connection.execute("COMMIT")
        except BaseException as error:
            self._fail_group(connection, group, error)
            return
        self.commits += 1
        for outcome in outcomes:
            outcome.tell()
        touched: dict[MailboxId, int] = {}
        for outcome in outcomes:  # in the order of the units: the last one knows the newest
            touched |= outcome.touched
        if touched:
            self._tell_listeners(touched)

    def _tell_listeners(self, touched: Mapping[MailboxId, int]) -> None:
        for listener in self._announce:
            try:
                listener(touched)
            except Exception as error:
                _log.error("a listener to commits failed: %s", type(error).__name__)

    def _fail_group(
        self, connection: sqlite3.Connection, group: list[_Unit[Any]], error: BaseException
    ) -> None:
        """No one is told of success. What is not of the moment ends the store for good."""
        self.failed_commits += 1
        is_passing = isinstance(error, sqlite3.Error) and engine.blame(error) is Blame.MOMENT
        try:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        except sqlite3.Error:
            is_passing = False
        if not is_passing:
            self._failed = True
        kind = StoreUnavailable if is_passing else StoreFailed
        text = str(error) if isinstance(error, sqlite3.Error) else type(error).__name__
        for unit in group:
            unit.future.set_exception(kind(text))

    def _refuse_the_rest(self) -> None:
        with self._gate:
            self._closed = True
        while not self._units.empty():
            unit = self._units.get()
            if unit is not None and unit.future.set_running_or_notify_cancel():
                unit.future.set_exception(StoreFailed("the store takes no more writes"))


def _run_unit(tx: Transaction, unit: _Unit[T]) -> _Outcome[T]:
    """One savepoint: a unit that raises leaves no trace and does not disturb its neighbours.

    Raises a database error that is not the unit's own: then the whole group fails.
    """
    tx.sql("SAVEPOINT unit")
    outcome = _Outcome(unit, tx.touched)
    try:
        outcome.result = unit.work(tx)
    except BaseException as error:
        outcome.raised = error
    tx.end()
    if outcome.raised is not None:
        is_database = isinstance(outcome.raised, sqlite3.Error)
        if is_database and engine.blame(outcome.raised) is not Blame.STATEMENT:
            raise outcome.raised
        outcome.touched = {}
        tx.sql("ROLLBACK TO unit")
    tx.sql("RELEASE unit")
    return outcome
