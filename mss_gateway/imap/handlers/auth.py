"""Commands after login that open or change mailboxes."""

from mailbox_store import mailboxes
from mailbox_store.changes import Snapshot, snapshot
from mailbox_store.database import Transaction, View
from mailbox_store.errors import MailboxNameRefused
from mailbox_store.flags import SEEN
from mss_gateway.imap.grammar.arguments import RenameRequest
from mss_gateway.imap.responses import Reply, done, untagged_ok
from mss_gateway.imap.selected import Selected
from mss_gateway.imap.state import Session


async def cmd_select(session: Session, name: str) -> Reply:
    """RFC 9051 §6.3.2."""
    return await _open(session, name, is_read_only=False)


async def cmd_examine(session: Session, name: str) -> Reply:
    """RFC 9051 §6.3.3."""
    return await _open(session, name, is_read_only=True)


async def _open(session: Session, name: str, is_read_only: bool) -> Reply:
    """A failed SELECT leaves nothing selected. \\Recent is never set, RFC 9051 §E."""
    session.deselect()
    account_id = session.account_id

    def read(view: View) -> Snapshot:
        return snapshot(view, mailboxes.find(view, account_id, name).mailbox_id)

    here = Selected(await session.read(read), is_read_only)
    session.select(here)
    session.send(here.printer.announced(is_read_only))
    session.send(b"* %d EXISTS\r\n* 0 RECENT\r\n" % len(here.uids))
    unseen = next((at for at, flags in enumerate(here.told, 1) if not flags & SEEN), None)
    if unseen is not None:
        session.send(untagged_ok(b"UNSEEN %d" % unseen, "."))
    session.send(untagged_ok(b"UIDVALIDITY %d" % here.uidvalidity, "."))
    session.send(untagged_ok(b"UIDNEXT %d" % here.uidnext, "."))
    return done("SELECT", b"READ-ONLY" if is_read_only else b"READ-WRITE")


async def cmd_create(session: Session, name: str) -> Reply:
    """RFC 9051 §6.3.4; missing superior mailboxes are made too, in the same transaction."""
    account_id = session.account_id
    name = _new_name(name)

    def work(tx: Transaction) -> None:
        _make_superiors(tx, session, name)
        mailboxes.create(tx, account_id, name)

    await session.commit(work)
    return done("CREATE")


async def cmd_delete(session: Session, name: str) -> Reply:
    """RFC 9051 §6.3.5; deleting the selected mailbox leaves nothing selected."""
    account_id = session.account_id
    deleted = await session.commit(lambda tx: mailboxes.delete(tx, account_id, name))
    if session.selected is not None and session.selected.mailbox_id == deleted:
        session.deselect()
    return done("DELETE")


async def cmd_rename(session: Session, request: RenameRequest) -> Reply:
    """RFC 9051 §6.3.6; missing superior mailboxes of the new name are made too."""
    account_id = session.account_id
    new_name = _new_name(request.new_name)

    def work(tx: Transaction) -> None:
        mailboxes.find(tx, account_id, request.name)
        _make_superiors(tx, session, new_name)
        mailboxes.rename(tx, account_id, request.name, new_name)

    await session.commit(work)
    return done("RENAME")


async def cmd_subscribe(session: Session, name: str) -> Reply:
    """RFC 9051 §6.3.7."""
    account_id = session.account_id
    await session.commit(lambda tx: mailboxes.set_subscribed(tx, account_id, name, True))
    return done("SUBSCRIBE")


async def cmd_unsubscribe(session: Session, name: str) -> Reply:
    """RFC 9051 §6.3.8."""
    account_id = session.account_id
    await session.commit(lambda tx: mailboxes.set_subscribed(tx, account_id, name, False))
    return done("UNSUBSCRIBE")


def _new_name(name: str) -> str:
    """The name in its normal form; wildcards in a name would make LIST lie."""
    if any(wildcard in name for wildcard in "%*"):
        raise MailboxNameRefused(len(name))
    return mailboxes.normal_name(name)


def _make_superiors(tx: Transaction, session: Session, name: str) -> None:
    existing = {mailbox.name for mailbox in mailboxes.list_mailboxes(tx, session.account_id)}
    levels = name.split(mailboxes.SEPARATOR)
    for depth in range(1, len(levels)):
        superior = mailboxes.SEPARATOR.join(levels[:depth])
        if superior not in existing:
            mailboxes.create(tx, session.account_id, superior)
