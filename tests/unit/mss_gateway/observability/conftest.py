"""A store with null seals whose clock moves one second per commit."""

import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailbox_store.database import Database
from tests.support.nulls import NullSealing

NOW = 1_795_000_000


@pytest.fixture(scope="session")
def first_start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store as its first start leaves it: making the schema anew for each test would be slow."""
    path = tmp_path_factory.mktemp("first-start") / "store.db"
    Database.open(f"sqlite:///{path}", NullSealing()).close()
    return path


@pytest.fixture
def url(tmp_path: Path, first_start: Path) -> str:
    shutil.copy(first_start, tmp_path / "store.db")
    return f"sqlite:///{tmp_path / 'store.db'}"


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    ticks = itertools.count(NOW)
    opened = Database.open(url, NullSealing(), clock=lambda: float(next(ticks)))
    yield opened
    opened.close()
