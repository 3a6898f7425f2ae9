"""An IMAP server on loopback over a real store with null seals, for transcripts and clients."""

import asyncio
import itertools
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from mailbox_store import accounts, mailboxes, messages
from mailbox_store.database import Database, Transaction
from mailbox_store.vault import AccountId
from mss_gateway.bridge import Bridge
from mss_gateway.failures import Failure, Refused
from mss_gateway.imap.hub import Hub
from mss_gateway.imap.server import ImapServer
from mss_gateway.imap.state import Holder, ImapSettings, Services
from mss_gateway.message.parse import scan
from mss_gateway.message.summary import summarise
from tests.support.nulls import NullSealing

NOW = 1_790_000_000
LOGIN, PASSWORD = "claire.martin@mss.example", "mot de passe"
OTHER_LOGIN = "paul.bernard@mss.example"
FILED_LOGIN = "secretariat@mss.example"


def sentence(key: str) -> str:
    """The key itself: transcripts speak of keys, the French is tested with the texts."""
    return key


@dataclass(frozen=True, slots=True)
class Site:
    """A store with three accounts, and what the server reports as unforeseen."""

    database: Database
    bridge: Bridge
    holders: dict[str, Holder]
    reported: list[tuple[str, BaseException]]

    @property
    def account_id(self) -> AccountId:
        """Dr Martin's."""
        return self.holders[LOGIN].account_id

    def authenticate(self, login: str, password: str, peer: str) -> Holder:
        """As ``life.authn``: one password for all, refused alike when unknown."""
        assert peer
        if login not in self.holders or password != PASSWORD:
            raise Refused(Failure.BAD_CREDENTIALS, "test")
        return self.holders[login]

    def put(self, raw: bytes, box: str = "INBOX", flags: int = 0, moment: int = NOW) -> int:
        """Deliver a message to Dr Martin; its UID."""
        ref = f"ref{next(_REFS)}"
        summary = summarise(scan(raw))
        with self.database.read() as view:
            seal = view.vault.account(view, self.account_id)
        arrival = messages.seal_arrival(seal, self.account_id, ref, raw, summary, b"")

        def work(tx: Transaction) -> int:
            target = mailboxes.find(tx, self.account_id, box)
            return messages.append(
                tx,
                target.mailbox_id,
                arrival,
                flags,
                moment,
            ).uid

        return self.database.write(work)


_REFS = itertools.count(1)


def plain(number: int, subject: str = "Resultats", body: str = "Bonjour.") -> bytes:
    """A small message of an invented author."""
    return (
        f"From: Claire Martin <claire.martin@mss.example>\r\n"
        f"To: Paul Bernard <paul.bernard@mss.example>\r\n"
        f"Subject: {subject} {number}\r\n"
        f"Date: Tue, 22 Sep 2026 10:00:{number % 60:02d} +0200\r\n"
        f"Message-ID: <{number}@mss.example>\r\n"
        f"\r\n{body}\r\n"
    ).encode()


def _new_account(database: Database, has_copies_filed: bool) -> Holder:
    def work(tx: Transaction) -> AccountId:
        account_id = accounts.create(tx, "professional")
        mailboxes.create(tx, account_id, "INBOX")
        for name, use in (("Sent", "\\Sent"), ("Trash", "\\Trash")):
            mailboxes.create(tx, account_id, name, use)
        return account_id

    return Holder(database.write(work), has_copies_filed)


@contextmanager
def open_site(folder: Path) -> Iterator[Site]:
    """A fresh store in ``folder``."""
    database = Database.open(
        f"sqlite:///{folder / 'store.sqlite'}", NullSealing(), clock=lambda: NOW
    )
    bridge = Bridge(4)
    try:
        holders = {
            LOGIN: _new_account(database, False),
            OTHER_LOGIN: _new_account(database, False),
            FILED_LOGIN: _new_account(database, True),
        }
        yield Site(database, bridge, holders, [])
    finally:
        bridge.close()
        database.close()


SETTINGS = ImapSettings(tls=None, message_octets=4_096, allows_plain_text_login=True)


@asynccontextmanager
async def serving(
    site: Site, settings: ImapSettings = SETTINGS, *, is_implicit_tls: bool = False
) -> AsyncIterator[int]:
    """The server on a loopback port; the port."""
    loop = asyncio.get_running_loop()
    hub = Hub(loop)
    site.database.on_commit(hub.announce)
    references = itertools.count(1)
    services = Services(
        site.database,
        site.bridge,
        hub,
        site.authenticate,
        sentence,
        lambda command, error: site.reported.append((command, error)),
        lambda: f"appended{next(references)}-{id(services)}",
    )
    server = ImapServer(settings, services)
    port = await server.listen("127.0.0.1", 0, is_implicit_tls=is_implicit_tls)
    try:
        yield port
    finally:
        await server.close()


def with_tls(context: ssl.SSLContext) -> ImapSettings:
    """Settings of a production server, small messages aside."""
    return replace(SETTINGS, tls=context, allows_plain_text_login=False)
