"""A store with null seals, a spool, and a clock that moves when told."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from mailbox_store.database import Database
from mailbox_store.vault import AccountId, AccountSeal
from mss_gateway.queue import items, leases, spooled
from mss_gateway.queue.carried import Carried, Destined
from mss_gateway.queue.leases import Item
from mss_gateway.queue.spooled import Queued
from tests.support.nulls import NullSealing

NOW = 1_795_000_000

CARRIED = Carried(
    reverse_path="claire.martin@mss.example",
    author="claire.martin@mss.example",
    author_account=3,
    author_role="PROFESSIONAL",
    channel="submission",
    signature="valid",
    signer="Dr Claire MARTIN",
    signer_fingerprint="ab" * 32,
    is_automatic=False,
    closes=False,
    reply_to=("secretariat@mss.example", "paul.bernard@mss.example"),
    has_xdm=True,
)
REPORT = replace(CARRIED, reverse_path=None, author_account=0, reply_to=(), has_xdm=False)


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
    """A store as its first start leaves it, with a spool."""
    path = tmp_path_factory.mktemp("first-start") / "store.db"
    database = Database.open(f"sqlite:///{path}", NullSealing())
    database.write(spooled.spool_account)
    database.close()
    return path


@pytest.fixture
def database(tmp_path: Path, clock: Clock, first_start: Path) -> Iterator[Database]:
    shutil.copy(first_start, tmp_path / "store.db")
    opened = Database.open(f"sqlite:///{tmp_path / 'store.db'}", NullSealing(), clock=clock)
    yield opened
    opened.close()


@pytest.fixture
def spool_account(database: Database) -> AccountId:
    return database.write(spooled.spool_account)


@pytest.fixture
def spool(database: Database, spool_account: AccountId) -> AccountSeal:
    with database.read() as view:
        return view.vault.account(view, spool_account)


def sealed(
    spool: AccountSeal,
    ref: str = "ref1",
    raw: bytes = b"Subject: x\r\n\r\n",
    carried: Carried = CARRIED,
) -> Queued:
    return spooled.seal_message(spool, ref, raw, b"summary", carried)


def put(
    database: Database,
    spool: AccountSeal,
    *recipients: str,
    ref: str = "ref1",
    stage: str = "deliver",
) -> None:
    """Queue a message for these recipients."""
    queued = sealed(spool, ref)
    destined = [Destined(each, stage) for each in recipients]
    database.write(lambda tx: items.enqueue(tx, spool, queued, destined))


def claim(database: Database, spool: AccountSeal, count: int = 10) -> list[Item]:
    return database.write(lambda tx: leases.claim(tx, spool, count, tx.now))


def count(database: Database, table: str) -> int:
    with database.read() as view:
        found: int = view.sql(f"SELECT count(*) FROM {table}").scalar_one()
        return found


def holds(database: Database, item: Item) -> bool:
    return database.write(lambda tx: leases.holds(tx, item))
