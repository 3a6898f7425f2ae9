"""A store with two patients, and the few documents that these tests file."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from certs.sealing import RootKey, Sealing
from mailbox_store import accounts
from mailbox_store.database import Database
from mailbox_store.vault import AccountId


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    sealing = Sealing(RootKey.create(tmp_path / "root.key"))
    opened = Database.open(f"sqlite:///{tmp_path / 'store.db'}", sealing)
    yield opened
    opened.close()


@pytest.fixture
def patient(database: Database) -> AccountId:
    return database.write(lambda tx: accounts.create(tx, "patient"))


@pytest.fixture
def other_patient(database: Database, patient: AccountId) -> AccountId:
    return database.write(lambda tx: accounts.create(tx, "patient"))
