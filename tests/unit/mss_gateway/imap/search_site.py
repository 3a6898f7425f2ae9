"""Mailboxes to search in: any number of accounts in one store, each with a session of its own."""

import asyncio
import itertools
from collections.abc import Coroutine, Iterable
from dataclasses import dataclass
from typing import TypeVar

from mailbox_store import accounts, flags, mailboxes, messages
from mailbox_store.database import Database, Transaction
from mailbox_store.mailboxes import Mailbox
from mailbox_store.vault import AccountId
from mss_gateway.imap.census import Census
from mss_gateway.imap.hub import Hub
from mss_gateway.imap.images import Images
from mss_gateway.imap.selected import Selected
from mss_gateway.imap.state import Holder, Services, Session
from mss_gateway.imap.syncing import load
from mss_gateway.imap.wire import Wire
from mss_gateway.message.parse import scan
from mss_gateway.message.summary import summarise
from tests.protocol.imap_site import NOW, SETTINGS, Site, sentence

T = TypeVar("T")

_REFS = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Shelf:
    """One account with an INBOX, and a session that has it selected."""

    site: Site
    inbox: Mailbox

    @property
    def database(self) -> Database:
        return self.site.database

    @property
    def account_id(self) -> AccountId:
        return self.inbox.account_id

    def put(self, raws: Iterable[bytes], box: Mailbox | None = None, moment: int = NOW) -> None:
        """Deliver messages, in one unit of work."""
        with self.database.read() as view:
            seal = view.vault.account(view, self.account_id)
        arrivals = [
            messages.seal_arrival(
                seal, self.account_id, f"s{next(_REFS)}", raw, summarise(scan(raw)), b""
            )
            for raw in raws
        ]
        target = (box or self.inbox).mailbox_id

        def unit(tx: Transaction) -> None:
            for arrival in arrivals:
                messages.append(tx, target, arrival, 0, moment)

        self.database.write(unit)

    def expunge(self, uids: Iterable[int]) -> None:
        """Remove messages as another session would."""

        def unit(tx: Transaction) -> None:
            messages.set_flags(tx, self.inbox.mailbox_id, uids, -1, flags.DELETED)
            messages.expunge(tx, self.inbox.mailbox_id, uids)

        self.database.write(unit)

    async def session(self, box: Mailbox | None = None) -> Session:
        """A session that has just selected the mailbox; its connection was never made."""
        loop = asyncio.get_running_loop()
        services = Services(
            self.database,
            self.site.bridge,
            Hub(loop),
            self.site.authenticate,
            sentence,
            lambda command, error: self.site.reported.append((command, error)),
            lambda: "never",
            clock=lambda: NOW,
        )
        wire = Wire(loop, lambda _: None)
        session = Session(wire, SETTINGS, services, Census(1, 1, 1), Images())
        session.holder = Holder(self.account_id, False, self.account_id, "lrswipkxtea")
        with self.database.read() as view:
            mailbox = mailboxes.by_id(view, (box or self.inbox).mailbox_id)
            keywords = flags.keywords(view, mailbox.mailbox_id)
        session.select(Selected(mailbox, keywords, False))
        await load(session)
        return session


def new_shelf(site: Site) -> Shelf:
    """An account of its own."""

    def unit(tx: Transaction) -> Mailbox:
        return mailboxes.create(tx, accounts.create(tx, "professional"), "INBOX")

    return Shelf(site, site.database.write(unit))


def run(work: Coroutine[object, object, T]) -> T:
    """Run to the end on a loop of its own."""
    return asyncio.run(work)
