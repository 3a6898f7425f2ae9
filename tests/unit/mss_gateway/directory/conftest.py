"""A store with null seals and a clock that moves when told."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from mailbox_store.database import Database
from mss_gateway.config import Mailboxes
from mss_gateway.directory import people
from mss_gateway.directory.people import NewPerson, Person, Traits
from tests.support.nulls import NullSealing

NOW = 1_795_000_000


@dataclass
class Clock:
    now: float = float(NOW)

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def first_start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store as its first start leaves it: making the schema anew for each test would be slow."""
    path = tmp_path_factory.mktemp("first-start") / "store.db"
    Database.open(f"sqlite:///{path}", NullSealing()).close()
    return path


@pytest.fixture
def database(tmp_path: Path, clock: Clock, first_start: Path) -> Iterator[Database]:
    shutil.copy(first_start, tmp_path / "store.db")
    opened = Database.open(f"sqlite:///{tmp_path / 'store.db'}", NullSealing(), clock=clock)
    yield opened
    opened.close()


def add(database: Database, new: NewPerson) -> Person:
    return database.write(lambda tx: people.add(tx, new, Mailboxes()))


@pytest.fixture
def doctor(database: Database) -> Person:
    """Dr Claire Martin, a professional of the house."""
    traits = Traits(title="Dr", given_name="Claire", family_name="Martin", rpps="99000000003")
    return add(database, NewPerson("claire.martin@mss.example", "PER", traits))


@pytest.fixture
def patient(database: Database) -> Person:
    traits = Traits(given_name="Camille", family_name="Exemple", ins="260019999910041")
    return add(database, NewPerson("260019999910041@patient.mss.example", "PAT", traits))
