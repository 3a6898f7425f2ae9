"""A site with something to lose, its backup, and what can be done to a file of it."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from certs.certificate import Certificate
from certs.keyring import PrivateKey
from certs.receiver import new_receiver
from certs.sealing import RootKey, Sealing
from mailbox_store import bodies
from mailbox_store.database import Database, View
from mailbox_store.vault import AccountId
from mss_gateway.backup import create, opening, restore, verify
from mss_gateway.backup.create import Kept, Source
from mss_gateway.backup.folder import Folder
from mss_gateway.backup.keytable import Beside
from mss_gateway.backup.opening import Opener
from mss_gateway.backup.proof import Restored
from mss_gateway.backup.units import Made
from mss_gateway.backup.verify import Report
from mss_gateway.life import submission
from tests.support import smtp_site, xdm
from tests.support.smtp_messages import xdm_message
from tests.support.smtp_site import DUBOIS, MARTIN, PATIENT, Site, simple

NOW = 1_795_340_000.0
DAY = 86_400.0
ALL = Kept()


@cache
def receiver(name: str = "backup") -> tuple[PrivateKey, Certificate]:
    """A recipient's key pair; the same for the same name."""
    return new_receiver(name, datetime.fromtimestamp(NOW, UTC), 10)


@dataclass(slots=True)
class Backed:
    """A site and the folder of its backup; ``now`` is the time of the next snapshot."""

    site: Site
    place: Folder
    key: PrivateKey
    certificate: Certificate
    now: float = NOW
    passed: list[int] = field(default_factory=list)

    @property
    def state(self) -> Path:
        return self.site.gateway.config.state_directory

    def source(self) -> Source:
        """What is backed up: the state directory, and a configuration from elsewhere."""
        settings = self.site.gateway.config
        config_file = self.state.with_name("elsewhere.toml")
        config_file.write_text("# settings\n", encoding="utf-8")
        left_out = (self.place.path, self.place.keys, *self.state.glob("store.db*"))
        root_key = settings.in_state(settings.state.root_key)
        beside = Beside(self.state, root_key, config_file, left_out)
        return Source(self.site.gateway.database, beside, "0")

    def create(self, kept: Kept = ALL, *others: Certificate) -> Made:
        """Take a snapshot, a minute after the one before."""
        self.now += 60
        recipients = (self.certificate, *others)
        return create.create(
            self.source(), self.place, recipients, self.now, kept, self.passed.append
        )

    def opener(self) -> Opener:
        return opening.opener(self.place, self.key, b"")

    def verify(self, *, with_key: bool = True) -> Report:
        by = self.opener() if with_key else None
        return verify.verify(self.place, by, self.passed.append)

    def restore(self, into: Path, snapshot: str = "", key_table: str = "") -> Restored:
        chosen = restore.choose(self.place, snapshot, key_table)
        return restore.restore(self.place, chosen, into, self.opener(), self.passed.append)

    def send(self, count: int, octets: int = 500) -> None:
        """So many messages from one professional to another, delivered."""
        for number in range(count):
            body = hashlib.shake_256(f"{self.now} {number}".encode()).hexdigest(octets // 2)
            lines = "\r\n".join(body[at : at + 70] for at in range(0, len(body), 70))
            raw = simple(body=f"{lines}\r\n")
            submission.accept(self.site.gateway, self.site.submission(MARTIN, (DUBOIS,), raw))
        self.site.work()

    def files(self) -> list[Path]:
        """Every file of the backup that holds something."""
        everything = (*self.place.path.rglob("*"), *self.place.keys.rglob("*"))
        return sorted({path for path in everything if path.is_file() and path.stat().st_size})


@contextmanager
def backed(folder: Path, *, messages: int = 3) -> Iterator[Backed]:
    """A site with messages between professionals, and a patient with a document."""
    with smtp_site.open_site(folder / "state") as site:
        key, certificate = receiver()
        made = Backed(site, Folder.at(folder / "backup"), key, certificate)
        made.send(messages)
        archive = xdm_message(xdm.archive_of(xdm.cda_document()))
        submission.accept(site.gateway, site.submission(MARTIN, (PATIENT,), archive))
        site.work()
        yield made


def contents(view: View) -> dict[tuple[str, int, int], str]:
    """SHA-256 of every message, document and waiting message, by table, account and row."""
    found = {}
    spool = view.sql("SELECT account_id FROM accounts WHERE kind = 'spool'").scalar_one()
    for table, account in (("messages", ""), ("documents", ""), ("queued_messages", spool)):
        whose = account or "account_id"
        rows = view.sql(f"SELECT rowid, {whose}, blob_id, object_key FROM {table}").fetchall()
        for row, account_id, blob_id, wrapped in rows:
            seal = view.vault.account(view, AccountId(account_id))
            body = bodies.read(view, seal, blob_id, bytes(wrapped))
            found[table, account_id, row] = hashlib.sha256(body).hexdigest()
    return found


@contextmanager
def opened(state: Path) -> Iterator[Database]:
    """The store of a state directory, by its own keys."""
    sealing = Sealing(RootKey.load(state / "root.key"))
    database = Database.open(f"sqlite:///{state / 'store.db'}", sealing)
    try:
        yield database
    finally:
        database.close()


def restored_contents(state: Path) -> dict[tuple[str, int, int], str]:
    """:func:`contents` of a state directory that nobody serves."""
    with opened(state) as database, database.read() as view:
        return contents(view)


def flip(path: Path, offset: int) -> None:
    """Change one octet of a file; a negative offset counts from its end."""
    octets = bytearray(path.read_bytes())
    octets[offset] ^= 0x01
    path.write_bytes(octets)
