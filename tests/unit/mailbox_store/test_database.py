"""The one way to write: groups, savepoints, failures, announcements."""

import logging
import resource
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import CancelledError, Future, wait
from contextlib import contextmanager
from pathlib import Path

import pytest

from mailbox_store import database as module
from mailbox_store import engine
from mailbox_store.database import NEWEST, Database, MailboxId, Transaction
from mailbox_store.errors import StoreFailed, StoreUnavailable
from tests.support.nulls import NullSealing

Count = Callable[[str], int]
PATIENCE = 10.0


def put(bit: int) -> Callable[[Transaction], int]:
    """A unit that leaves one row, or breaks the table's key when the row is there."""

    def work(tx: Transaction) -> int:
        tx.sql("INSERT INTO blob_chunks (chunk_id, sealed) VALUES (?, x'00')", (bit,))
        tx.changed(MailboxId(bit))
        return bit

    return work


@contextmanager
def busy_writer(database: Database) -> Iterator[None]:
    """Hold the writer inside a unit, so that what is submitted meanwhile makes one group."""
    begun, may_end = threading.Event(), threading.Event()

    def work(_: Transaction) -> None:
        begun.set()
        may_end.wait(PATIENCE)

    held = database.submit(work)
    assert begun.wait(PATIENCE)
    try:
        yield
    finally:
        may_end.set()
        held.result(PATIENCE)


@contextmanager
def no_file_grows(path: Path) -> Iterator[None]:
    """Every write past a file's present end fails, as on a dying disk (EFBIG, an I/O error)."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def fill(tx: Transaction) -> None:
    """A megaoctet, more than any page left over."""
    tx.sql("INSERT INTO blob_chunks (chunk_id, sealed) VALUES (999, zeroblob(1048576))")


# groups


def test_units_that_gather_share_one_commit(database: Database, count: Count) -> None:
    before = database.commits
    with busy_writer(database):
        futures = [database.submit(put(n)) for n in range(20)]
    assert [future.result(PATIENCE) for future in futures] == list(range(20))
    assert database.commits - before == 2
    assert count("blob_chunks") == 20


@pytest.mark.parametrize(("units", "commits"), [(4, 1), (5, 2)])
def test_a_group_is_bounded(
    database: Database, monkeypatch: pytest.MonkeyPatch, units: int, commits: int
) -> None:
    monkeypatch.setattr(module, "GROUP_LIMIT", 4)
    before = database.commits
    with busy_writer(database):
        futures = [database.submit(put(n)) for n in range(units)]
    wait(futures, PATIENCE)
    assert database.commits - before == 1 + commits


def test_a_waiter_hears_only_after_the_commit(database: Database, url: str) -> None:
    seen: list[int] = []
    outside = sqlite3.connect(url.removeprefix("sqlite:///"), check_same_thread=False)

    def look(_: Future[int]) -> None:
        seen.append(outside.execute("SELECT count(*) FROM blob_chunks").fetchone()[0])

    with busy_writer(database):
        future = database.submit(put(1))
        future.add_done_callback(look)
        neighbour = database.submit(put(2))
    wait([future, neighbour], PATIENCE)
    outside.close()
    assert seen == [2]


def test_the_time_of_a_unit_is_the_clock_in_whole_seconds(database: Database) -> None:
    assert database.write(lambda tx: tx.now) == 1_790_000_000


# one unit alone


def test_a_unit_that_raises_leaves_no_trace_and_no_mark_on_its_neighbours(
    database: Database, count: Count
) -> None:
    def breaks(tx: Transaction) -> None:
        put(2)(tx)
        raise LookupError("no such thing")

    before = database.commits
    with busy_writer(database):
        first, broken, last = (database.submit(work) for work in (put(1), breaks, put(3)))
    assert (first.result(PATIENCE), last.result(PATIENCE)) == (1, 3)
    with pytest.raises(LookupError, match="no such thing"):
        broken.result(PATIENCE)
    assert count("blob_chunks") == 2
    assert database.commits - before == 2


@pytest.mark.parametrize(
    ("statement", "parameters", "error"),
    [
        (
            "INSERT INTO blob_chunks (chunk_id, sealed) VALUES (1, x'00')",
            (),
            sqlite3.IntegrityError,
        ),
        ("INSERT INTO keywords VALUES (99, 1, x'00')", (), sqlite3.IntegrityError),
        ("INSERT INTO no_such_table VALUES (1)", (), sqlite3.OperationalError),
        ("SELEKT", (), sqlite3.OperationalError),
        ("SELECT ?", (1, 2), sqlite3.Error),
        ("SELECT ?", (object(),), sqlite3.Error),
        ("SELECT zeroblob(2000000000)", (), sqlite3.Error),
        ("SELECT ?", (1 << 70,), OverflowError),
    ],
    ids=["key", "foreign", "table", "syntax", "binding", "type", "too big", "overflow"],
)
def test_a_statement_at_fault_fails_its_unit_only(
    database: Database,
    count: Count,
    statement: str,
    parameters: tuple[object, ...],
    error: type[Exception],
) -> None:
    with busy_writer(database):
        first = database.submit(put(1))
        broken = database.submit(lambda tx: tx.sql(statement, parameters).fetchall())
        last = database.submit(put(3))
    assert (first.result(PATIENCE), last.result(PATIENCE)) == (1, 3)
    with pytest.raises(error):
        broken.result(PATIENCE)
    assert count("blob_chunks") == 2
    assert not database.has_failed


def test_a_database_error_never_shows_what_was_bound(database: Database) -> None:
    database.write(put(1))
    with pytest.raises(sqlite3.IntegrityError) as caught:
        database.write(lambda tx: tx.sql("INSERT INTO blob_chunks VALUES (?, ?)", (1, b"INSULINE")))
    assert "INSULINE" not in str(caught.value)


@pytest.mark.parametrize("raised", [SystemExit, KeyboardInterrupt, GeneratorExit])
def test_even_an_exit_fails_its_unit_only(
    database: Database, raised: type[BaseException], count: Count
) -> None:
    def exits(tx: Transaction) -> None:
        put(1)(tx)
        raise raised

    future = database.submit(exits)
    wait([future], PATIENCE)
    assert isinstance(future.exception(), raised)
    assert database.write(put(2)) == 2
    assert count("blob_chunks") == 1


def test_a_unit_that_was_given_up_before_it_began_is_withdrawn(
    database: Database, count: Count
) -> None:
    with busy_writer(database):
        given_up, kept = database.submit(put(1)), database.submit(put(2))
        assert given_up.cancel()
    assert kept.result(PATIENCE) == 2
    with pytest.raises(CancelledError):
        given_up.result(PATIENCE)
    assert count("blob_chunks") == 1


def test_a_unit_that_runs_can_no_longer_be_given_up(database: Database) -> None:
    begun, may_end = threading.Event(), threading.Event()

    def work(_: Transaction) -> str:
        begun.set()
        may_end.wait(PATIENCE)
        return "done"

    future = database.submit(work)
    assert begun.wait(PATIENCE)
    assert not future.cancel()
    may_end.set()
    assert future.result(PATIENCE) == "done"


# announcements


def test_only_committed_changes_are_announced_and_only_after_the_commit(
    database: Database, count: Count
) -> None:
    heard: list[tuple[Mapping[MailboxId, int], int]] = []
    told = threading.Event()

    def listener(changed: Mapping[MailboxId, int]) -> None:
        heard.append((changed, count("blob_chunks")))
        told.set()

    def breaks(tx: Transaction) -> None:
        tx.changed(MailboxId(7))
        raise LookupError

    database.on_commit(listener)
    with busy_writer(database):
        for work in (put(1), breaks, put(2)):
            database.submit(work)
    assert told.wait(PATIENCE)
    assert heard == [({1: NEWEST, 2: NEWEST}, 2)]


def test_a_commit_that_changed_no_mailbox_is_not_announced(database: Database) -> None:
    heard: list[object] = []
    database.on_commit(heard.append)
    database.write(lambda tx: None)
    database.close()
    assert heard == []


def test_a_listener_that_raises_harms_nobody(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    told = threading.Event()

    def breaks(_: object) -> None:
        raise ValueError("a secret of somebody")

    database.on_commit(breaks)
    database.on_commit(lambda _: told.set())
    with caplog.at_level(logging.ERROR):
        assert database.write(put(1)) == 1
        assert told.wait(PATIENCE)
    assert database.write(put(2)) == 2
    assert "ValueError" in caplog.text
    assert "secret" not in caplog.text


# what the disk does


def test_an_io_error_tells_every_waiter_and_ends_writing_for_good(
    database: Database, url: str, tmp_path: Path
) -> None:
    with no_file_grows(tmp_path / "store.db-wal"):
        with busy_writer_that_fails(database) as held:
            futures = [database.submit(put(n)) for n in range(3)]
            futures.append(database.submit(fill))  # type: ignore[arg-type]
        for future in [held, *futures]:
            assert isinstance(future.exception(PATIENCE), StoreFailed)
    assert database.has_failed
    with pytest.raises(StoreFailed):
        database.write(put(9))
    with database.read() as view:
        assert view.sql("SELECT count(*) FROM blob_chunks").scalar_one() == 0
    database.close()
    # the next process recovers from the log, and none of it is there
    reopened = Database.open(url, NullSealing())
    assert reopened.write(put(9)) == 9
    with reopened.read() as view:
        assert view.sql("SELECT count(*) FROM blob_chunks").scalar_one() == 1
    reopened.close()


@contextmanager
def busy_writer_that_fails(database: Database) -> Iterator["Future[int]"]:
    """As :func:`busy_writer`, for a writer whose own COMMIT will fail: it writes a row too."""
    begun, may_end = threading.Event(), threading.Event()

    def work(tx: Transaction) -> int:
        begun.set()
        may_end.wait(PATIENCE)
        return put(100)(tx)

    held = database.submit(work)
    assert begun.wait(PATIENCE)
    try:
        yield held
    finally:
        may_end.set()
        wait([held], PATIENCE)


def test_a_full_disk_is_said_and_writing_goes_on_when_there_is_room(
    database: Database, count: Count
) -> None:
    pages = database.write(lambda tx: tx.sql("PRAGMA page_count").scalar_one())
    database.write(lambda tx: tx.sql(f"PRAGMA max_page_count = {pages + 8}").scalar_one())
    with busy_writer(database):
        neighbour, full = database.submit(put(1)), database.submit(fill)
    for future in (neighbour, full):
        error = future.exception(PATIENCE)
        assert isinstance(error, StoreUnavailable)
        assert not isinstance(error, StoreFailed)
    assert count("blob_chunks") == 0
    assert not database.has_failed
    assert database.write(put(1)) == 1
    database.write(lambda tx: tx.sql("PRAGMA max_page_count = 1000000").scalar_one())
    database.write(fill)
    assert count("blob_chunks") == 2


def test_a_write_waits_for_another_process(database: Database, url: str) -> None:
    outside = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    outside.execute("BEGIN IMMEDIATE")
    future = database.submit(put(1))
    assert not wait([future], 0.05).done
    outside.execute("COMMIT")
    outside.close()
    assert future.result(PATIENCE) == 1


def test_a_write_does_not_wait_for_ever(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "BUSY_SECONDS", 0.01)
    database = Database.open(url, NullSealing())
    outside = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    outside.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable) as caught:
        database.write(put(1))
    assert type(caught.value) is StoreUnavailable
    outside.execute("COMMIT")
    outside.close()
    assert database.write(put(1)) == 1
    database.close()


def test_a_clock_that_fails_ends_writing_and_leaves_nobody_waiting(url: str) -> None:
    times = [1_790_000_000.0]
    database = Database.open(url, NullSealing(), clock=lambda: times[0] / len(times))
    times.clear()
    with pytest.raises(StoreFailed):
        database.write(put(1))
    assert database.has_failed
    database.close()


def test_after_a_failure_what_was_queued_is_not_written_either(
    url: str, first_start: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(first_start, url.removeprefix("sqlite:///"))
    monkeypatch.setattr(module, "GROUP_LIMIT", 1)
    fails = [False]

    def clock() -> float:
        if fails.pop():
            fails.append(False)  # this once
            raise OSError("no clock")
        fails.append(False)
        return 1_790_000_000.0

    database = Database.open(url, NullSealing(), clock=clock)
    with busy_writer(database):
        failing, queued = database.submit(put(1)), database.submit(put(2))
        fails[0] = True
    for future in (failing, queued):
        assert isinstance(future.exception(PATIENCE), StoreFailed)
    with database.read() as view:
        assert view.sql("SELECT count(*) FROM blob_chunks").scalar_one() == 0
    database.close()


# readers


def test_a_reader_sees_its_snapshot_and_nothing_uncommitted(database: Database) -> None:
    begun, may_end = threading.Event(), threading.Event()

    def work(tx: Transaction) -> None:
        put(1)(tx)
        begun.set()
        may_end.wait(PATIENCE)

    future = database.submit(work)
    assert begun.wait(PATIENCE)
    with database.read() as view:
        assert view.sql("SELECT count(*) FROM blob_chunks").scalar_one() == 0
        may_end.set()
        future.result(PATIENCE)
        assert view.sql("SELECT count(*) FROM blob_chunks").scalar_one() == 0
    with database.read() as view:
        assert view.sql("SELECT count(*) FROM blob_chunks").scalar_one() == 1


def test_rows_left_off_in_the_middle_hold_no_later_view_back(database: Database) -> None:
    database.write(lambda tx: [put(n)(tx) for n in range(1000)] and None)
    with database.read() as view:
        rows = iter(view.sql("SELECT chunk_id FROM blob_chunks"))
        next(rows)
    database.write(put(1000))
    with database.read() as view:
        assert view.sql("SELECT count(*) FROM blob_chunks").scalar_one() == 1001
    with pytest.raises(sqlite3.ProgrammingError):
        next(rows)


@pytest.mark.parametrize("fails", [False, True])
def test_rows_left_off_in_a_unit_hold_no_later_unit_back(
    database: Database, url: str, fails: bool
) -> None:
    left: list[object] = []

    def leaves_off(tx: Transaction) -> None:
        rows = iter(tx.sql("SELECT slot FROM slot_keys"))
        next(rows)
        left.append(rows)
        if fails:
            raise LookupError

    database.submit(leaves_off).exception(PATIENCE)
    # another process writes: an older snapshot could then not be written from
    outside = sqlite3.connect(url.removeprefix("sqlite:///"))
    outside.execute("INSERT INTO blob_chunks VALUES (1, x'00')")
    outside.commit()
    outside.close()
    assert database.write(put(2)) == 2


def test_a_view_cannot_write(database: Database) -> None:
    with pytest.raises(sqlite3.OperationalError, match="readonly"), database.read() as view:
        view.sql("INSERT INTO blob_chunks (chunk_id, sealed) VALUES (1, x'00')")


def test_what_is_raised_inside_a_view_comes_out_and_the_view_is_given_back(
    database: Database,
) -> None:
    for _ in range(5):  # more than there are connections
        with pytest.raises(LookupError), database.read():
            raise LookupError


# opening and closing


def test_closing_finishes_what_was_submitted_and_refuses_the_rest(
    database: Database, url: str
) -> None:
    with busy_writer(database):
        futures = [database.submit(put(n)) for n in range(5)]
    database.close()
    assert [future.result(0) for future in futures] == list(range(5))
    with pytest.raises(StoreFailed):
        database.submit(put(9)).result(0)
    database.close()  # twice does no harm
    reopened = Database.open(url, NullSealing())
    with reopened.read() as view:
        assert view.sql("SELECT count(*) FROM blob_chunks").scalar_one() == 5
    reopened.close()


def test_nobody_who_submits_while_the_store_closes_waits_for_ever(database: Database) -> None:
    answers: list[BaseException | None] = []
    begun = threading.Event()

    def submit_many() -> None:
        for n in range(300):
            answers.append(database.submit(put(n)).exception(PATIENCE))
            begun.set()

    submitter = threading.Thread(target=submit_many)
    submitter.start()
    assert begun.wait(PATIENCE)
    database.close()
    submitter.join(PATIENCE)
    assert len(answers) == 300
    assert all(answer is None or isinstance(answer, StoreFailed) for answer in answers)


def test_every_connection_is_durable(database: Database) -> None:
    asked = ("journal_mode", "synchronous", "foreign_keys")
    expected = ["wal", 2, 1]
    with database.read() as view:
        assert [view.sql(f"PRAGMA {name}").scalar_one() for name in asked] == expected
    assert (
        database.write(lambda tx: [tx.sql(f"PRAGMA {name}").scalar_one() for name in asked])
        == expected
    )


def test_a_store_that_cannot_be_durable_does_not_open() -> None:
    with pytest.raises(StoreFailed, match="wal"):
        Database.open("sqlite://", NullSealing())


@pytest.mark.parametrize("content", [b"not a database" * 100, None])
def test_a_store_that_cannot_be_opened_says_so_in_its_own_words(
    tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "missing" / "store.db" if content is None else tmp_path / "store.db"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(StoreFailed):
        Database.open(f"sqlite:///{path}", NullSealing())


def test_a_start_that_fails_leaves_no_writer_behind(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Database.open(url, NullSealing()).close()
    before = set(threading.enumerate())
    monkeypatch.setattr(NullSealing, "new_index_key", lambda _: b"another root")
    with pytest.raises(Exception, match="is not"):
        Database.open(url, NullSealing())
    assert set(threading.enumerate()) <= before
