"""Sign-ins on their way into the audit: written at once, or together, and none lost by stopping."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailbox_store.database import Database
from mss_gateway.observability import audit, register
from mss_gateway.observability.register import Register
from tests.support.nulls import NullSealing


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database.open(f"sqlite:///{tmp_path / 'store.db'}", NullSealing())
    yield opened
    opened.close()


def verdicts(database: Database) -> list[str]:
    database.write(lambda tx: None)  # what was submitted before is written
    with database.read() as view:
        return [row.verdict for row in audit.tail(view, 1_000)]


def test_a_sign_in_is_handed_over_at_once_when_nothing_is_gathered(database: Database) -> None:
    Register(database).add("account:7", "imap as account:9", "permitted")
    assert verdicts(database) == ["permitted"]
    with database.read() as view:
        (row,) = audit.tail(view, 1)
        assert (row.actor, row.act, row.object) == ("account:7", "sign-in", "imap as account:9")


def test_a_crowd_is_written_in_few_commits_and_in_order(database: Database) -> None:
    gathering = Register(database)
    gathering.start()
    before = database.commits
    for number in range(200):
        gathering.add("unknown", "imap", f"refused {number}")
    gathering.stop()
    assert verdicts(database) == [f"refused {number}" for number in range(200)]
    assert database.commits - before <= 1 + 3  # the look of the test is one of them
    with database.read() as view:
        assert audit.verify(view) == (200, None)


def test_what_is_gathered_is_written_without_being_asked_for(database: Database) -> None:
    gathering = Register(database)
    gathering.start()
    end = time.monotonic() + 10
    for number in (1, 2):
        gathering.add("unknown", "imap", "refused")
        while len(verdicts(database)) < number:
            assert time.monotonic() < end
            time.sleep(0.01)
    gathering.stop()


def test_stopping_loses_nothing_and_ends_the_gathering(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(register, "GATHER_SECONDS", 3_600.0)
    gathering = Register(database)
    gathering.stop()
    for number in range(2):
        gathering.start()
        gathering.start()
        gathering.add("unknown", "imap", f"gathered {number}")
        gathering.stop()
        gathering.add("unknown", "imap", f"at once {number}")
    assert verdicts(database) == ["gathered 0", "at once 0", "gathered 1", "at once 1"]
    assert not any(thread.name == "register" for thread in threading.enumerate())


def test_many_threads_lose_nothing(database: Database) -> None:
    gathering = Register(database)
    gathering.start()

    def sign_in() -> None:
        for _ in range(50):
            gathering.add("unknown", "imap", "refused")

    threads = [threading.Thread(target=sign_in) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    gathering.stop()
    assert len(verdicts(database)) == 400


def test_a_store_that_takes_nothing_holds_no_row_back(tmp_path: Path) -> None:
    closed = Database.open(f"sqlite:///{tmp_path / 'closed.db'}", NullSealing())
    gathering = Register(closed)
    gathering.start()
    closed.close()
    gathering.add("unknown", "imap", "refused")
    gathering.stop()
    assert gathering._rows == []
