"""That what was restored is what a site needs: its keys open it, every body and every row."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from certs.errors import CannotOpen
from certs.sealing import RootKey, Sealing
from mailbox_store import integrity
from mailbox_store.database import Database
from mailbox_store.integrity import Holders
from mss_gateway.backup.errors import BackupRefused
from mss_gateway.queue import spooled

STORE: Final = "store.db"
ROOT_KEY: Final = "root.key"


@dataclass(slots=True)
class Restored:
    """What came back. ``closed``: accounts without a key, erased or never in this key table."""

    snapshot: str
    key_table: str
    site: str
    accounts: int = 0
    messages: int = 0
    documents: int = 0
    bodies: int = 0
    octets: int = 0
    files: int = 0
    closed: int = 0
    unopened: int = 0
    faults: list[str] = field(default_factory=list)


def prove(work: Path, told: Restored) -> None:
    """Open the store with its keys, and every body in it."""
    try:
        sealing = Sealing(RootKey.load(work / ROOT_KEY))
        database = Database.open(f"sqlite:///{work / STORE}", sealing)
    except CannotOpen:
        raise BackupRefused(
            f"the keys of {told.key_table} do not open the data of {told.snapshot}: give another"
            " key table (--key-table); nothing was restored"
        ) from None
    try:
        _count(database, told)
    finally:
        database.close()


def _count(database: Database, told: Restored) -> None:
    with database.read() as view:
        told.accounts = view.sql("SELECT count(*) FROM accounts").scalar_one()
        told.messages = view.sql("SELECT count(*) FROM messages").scalar_one()
        told.documents = view.sql("SELECT count(*) FROM documents").scalar_one()
        told.closed = view.sql(
            "SELECT count(*) FROM accounts WHERE wrapped_key IS NULL"
        ).scalar_one()
        spool = spooled.find_spool(view)
        fault = view.sql("PRAGMA quick_check(1)").scalar_one()
        stranded = view.sql("PRAGMA foreign_key_check").first()
    report = integrity.verify(
        database,
        (Holders("messages"), Holders("documents"), Holders("queued_messages", account_id=spool)),
        opens=True,
    )
    told.bodies, told.octets, told.unopened = report.bodies, report.octets, len(report.altered)
    counts = {
        "incomplete": len(report.incomplete),
        "miscounted": len(report.miscounted),
        "unheld": len(report.unheld),
        "stray chunks": report.stray_chunks,
    }
    told.faults = [f"{what} {count}" for what, count in counts.items() if count]
    if fault != "ok":
        told.faults.append("the database's own check")
    if stranded is not None:
        told.faults.append("rows that refer to others which are not there")
