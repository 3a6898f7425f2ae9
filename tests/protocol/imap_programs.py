"""What the tests of mail programs share: the server over TLS, and what its store holds."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from mailbox_store import changes, flags, mailboxes, messages
from mailbox_store.database import Transaction
from tests.protocol.imap_site import Site, serving, with_tls

Tls = tuple[ssl.SSLContext, ssl.SSLContext]


@dataclass(frozen=True, slots=True)
class Stored:
    """A mailbox of Dr Martin as it is in the store: flags of each message by Message-ID."""

    flags: dict[str, frozenset[str]]
    highestmodseq: int


@asynccontextmanager
async def served(site: Site, tls: Tls, *, is_implicit_tls: bool = True) -> AsyncIterator[int]:
    """The server with a certificate of localhost; its port."""
    async with serving(site, with_tls(tls[0]), is_implicit_tls=is_implicit_tls) as port:
        yield port


def stored(site: Site, box: str = "INBOX") -> Stored:
    """What the store holds; raises MailboxNotFound."""
    with site.database.read() as view:
        target = mailboxes.find(view, site.account_id, box)
        snapshot = changes.snapshot(view, target.mailbox_id)
        found = {}
        for row in changes.rows(view, site.account_id, target.mailbox_id, 1, target.uidnext):
            raw = changes.read_body(view, site.account_id, row.message_id)
            named = flags.names(row.flags, snapshot.keywords)
            found[message_id(raw)] = frozenset(named)
        assert len(found) == target.messages, "two messages are the same"
    return Stored(found, target.highestmodseq)


def message_id(raw: bytes) -> str:
    """The Message-ID of a message, whichever line endings it has."""
    head = raw.replace(b"\r\n", b"\n").partition(b"\n\n")[0]
    for line in head.split(b"\n"):
        if line.lower().startswith(b"message-id:"):
            return line.partition(b":")[2].strip().decode("ascii")
    raise AssertionError("a message without Message-ID")


def make(site: Site, box: str) -> None:
    """A new mailbox of Dr Martin."""
    site.database.write(lambda tx: mailboxes.create(tx, site.account_id, box))


def alter(site: Site, box: str, uid: int, *, add: int = 0, is_removed: bool = False) -> None:
    """What another client of Dr Martin does meanwhile."""

    def work(tx: Transaction) -> None:
        target = mailboxes.find(tx, site.account_id, box)
        messages.set_flags(tx, target.mailbox_id, [uid], -1, add)
        if is_removed:
            messages.set_flags(tx, target.mailbox_id, [uid], -1, flags.DELETED)
            messages.expunge(tx, target.mailbox_id, [uid])

    site.database.write(work)


def names(site: Site) -> set[str]:
    """The mailboxes of Dr Martin."""
    with site.database.read() as view:
        return {box.name for box in mailboxes.list_mailboxes(view, site.account_id)}
