"""An IMAP server on loopback over a real store with null seals, for transcripts and clients."""

import asyncio
import itertools
import json
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from certs.certificate import addresses, from_der
from mailbox_store import accounts, mailboxes, messages
from mailbox_store.database import Database, Transaction
from mailbox_store.vault import AccountId
from mss_gateway.bridge import Bridge
from mss_gateway.directory import members, people
from mss_gateway.directory.people import Traits
from mss_gateway.failures import Failure, Refused
from mss_gateway.imap.hub import Hub
from mss_gateway.imap.server import ImapServer
from mss_gateway.imap.state import Holder, ImapSettings, Services
from mss_gateway.life.claims import CertificateClaim, Claim, PasswordClaim, Provider, TokenClaim
from mss_gateway.message.parse import scan
from mss_gateway.message.summary import summarise
from tests.support.nulls import NullSealing

NOW = 1_790_000_000
LOGIN, PASSWORD = "claire.martin@mss.example", "mot de passe"
OTHER_LOGIN = "paul.bernard@mss.example"
FILED_LOGIN = "secretariat@mss.example"
MEMBER_LOGIN = "nadia.petit@mss.example"
TOKEN = "jeton.d.acces"  # of Dr Martin


def sentence(key: str) -> str:
    """The key itself: transcripts speak of keys, the French is tested with the texts."""
    return key


@dataclass(frozen=True, slots=True)
class Site:
    """A store with four accounts, and what the server reports as unforeseen.

    Dr Bernard and Nadia Petit share the secretariat's box; she may only read there.
    """

    database: Database
    bridge: Bridge
    holders: dict[str, Holder]
    reported: list[tuple[str, BaseException]]

    @property
    def account_id(self) -> AccountId:
        """Dr Martin's."""
        return self.holders[LOGIN].account_id

    async def authenticate(self, claim: Claim, peer: str) -> Holder:
        """As ``life.authn``: one password and one token for all, refused alike when unknown.

        A certificate is that of the first box it names.
        """
        assert peer
        match claim:
            case PasswordClaim(login=login):
                is_right = claim.password == PASSWORD
            case TokenClaim():
                login, is_right = LOGIN, claim.token == TOKEN
            case CertificateClaim():
                login = addresses(from_der(claim.certificate))[0]
                is_right = True
        if login not in self.holders or not is_right:
            raise Refused(Failure.BAD_CREDENTIALS, "test")
        if claim.authorised in ("", login):
            return self.holders[login]
        owner, person_id = self.holders.get(claim.authorised), self.holders[login].account_id
        with self.database.read() as view:
            rights = owner and members.rights_of(view, owner.account_id, person_id)
        if owner is None or not rights:
            raise Refused(Failure.BAD_CREDENTIALS, "test")
        return replace(owner, person_id=person_id, rights=rights)

    def put(
        self,
        raw: bytes,
        box: str = "INBOX",
        flags: int = 0,
        moment: int = NOW,
        login: str = LOGIN,
    ) -> int:
        """Deliver a message, to Dr Martin unless it is said to whom; its UID."""
        ref, account_id = f"ref{next(_REFS)}", self.holders[login].account_id
        summary = summarise(scan(raw))
        with self.database.read() as view:
            seal = view.vault.account(view, account_id)
        arrival = messages.seal_arrival(seal, account_id, ref, raw, summary, b"")

        def work(tx: Transaction) -> int:
            target = mailboxes.find(tx, account_id, box)
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


def _new_holder(database: Database, login: str, box_type: str = "PER") -> Holder:
    """An account with three folders, and its holder in the directory."""

    def work(tx: Transaction) -> AccountId:
        account_id = accounts.create(tx, "professional")
        mailboxes.create(tx, account_id, "INBOX")
        for name, use in (("Sent", "\\Sent"), ("Trash", "\\Trash")):
            mailboxes.create(tx, account_id, name, use)
        _enter(tx, account_id, login, box_type)
        return account_id

    account_id = database.write(work)
    return Holder(account_id, box_type == "ORG", account_id, members.RIGHTS)


def _enter(tx: Transaction, account_id: AccountId, login: str, box_type: str) -> None:
    """As ``people.add``, for an account that is there: transcripts know the ids of its folders."""
    sealed = json.dumps({"address": login, "traits": asdict(Traits())}).encode()
    tx.sql(
        "INSERT INTO people (account_id, box_type, standing, smime, sent_copy,"
        " accepts_patient_initiated, is_unlisted, created_at, sealed, address_index)"
        " VALUES (?, ?, 'ACTIVE', 'gateway', 'client', 0, 0, ?, ?, ?)",
        (
            account_id,
            box_type,
            NOW,
            tx.vault.account(tx, account_id).seal(sealed, b"person"),
            tx.vault.index.of("address", login),
        ),
    )
    assert people.by_account(tx, account_id).address == login


def _share(database: Database, owner: Holder, holder: Holder, rights: str) -> None:
    database.write(lambda tx: members.grant(tx, owner.account_id, holder.account_id, rights))


@contextmanager
def open_site(folder: Path) -> Iterator[Site]:
    """A fresh store in ``folder``."""
    database = Database.open(
        f"sqlite:///{folder / 'store.sqlite'}", NullSealing(), clock=lambda: NOW
    )
    bridge = Bridge(4)
    try:
        holders = {
            LOGIN: _new_holder(database, LOGIN),
            OTHER_LOGIN: _new_holder(database, OTHER_LOGIN),
            FILED_LOGIN: _new_holder(database, FILED_LOGIN, "ORG"),
            MEMBER_LOGIN: _new_holder(database, MEMBER_LOGIN),
        }
        _share(database, holders[FILED_LOGIN], holders[OTHER_LOGIN], "lrswipkxte")
        _share(database, holders[FILED_LOGIN], holders[MEMBER_LOGIN], "lrs")
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
        provider=Provider("https://connexion.example", "mss"),
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
