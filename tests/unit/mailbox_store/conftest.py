"""A store with null seals on a temporary file, and a clock that moves when told."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from mailbox_store import accounts, mailboxes
from mailbox_store.database import Database
from mailbox_store.vault import AccountId
from tests.support.nulls import NullSealing

NOW = 1_790_000_000


@dataclass
class Clock:
    """Unix seconds that stand still."""

    now: float = field(default=float(NOW))

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'store.db'}"


@pytest.fixture(scope="session")
def first_start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store as its first start leaves it: making the schema anew for each test would be slow."""
    path = tmp_path_factory.mktemp("first-start") / "store.db"
    Database.open(f"sqlite:///{path}", NullSealing()).close()
    return path


@pytest.fixture
def database(url: str, clock: Clock, first_start: Path) -> Iterator[Database]:
    shutil.copy(first_start, url.removeprefix("sqlite:///"))
    opened = Database.open(url, NullSealing(), clock=clock)
    yield opened
    opened.close()


@pytest.fixture
def account(database: Database) -> AccountId:
    """A professional's account with an INBOX."""
    return open_account(database)


@pytest.fixture
def other_account(database: Database) -> AccountId:
    return open_account(database)


def open_account(database: Database) -> AccountId:
    account_id = database.write(lambda tx: accounts.create(tx, "professional"))
    database.write(lambda tx: mailboxes.create(tx, account_id, "INBOX"))
    return account_id


@pytest.fixture
def count(database: Database) -> Callable[[str], int]:
    """``count("blobs WHERE …")``: how many rows."""

    def rows(of: str) -> int:
        with database.read() as view:
            found: int = view.sql(f"SELECT count(*) FROM {of}").scalar_one()
            return found

    return rows
