"""Commands that make, remove, rename and subscribe mailboxes."""

from mailbox_store import mailboxes, subscriptions
from mailbox_store.database import Transaction
from mailbox_store.errors import MailboxNameRefused
from mailbox_store.names import SEPARATOR, normal_name
from mss_gateway.imap.grammar.arguments import RenameRequest
from mss_gateway.imap.responses import Reply, done
from mss_gateway.imap.state import Session


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
    await session.commit(lambda tx: subscriptions.add(tx, account_id, name))
    return done("SUBSCRIBE")


async def cmd_unsubscribe(session: Session, name: str) -> Reply:
    """RFC 9051 §6.3.8."""
    account_id = session.account_id
    await session.commit(lambda tx: subscriptions.remove(tx, account_id, name))
    return done("UNSUBSCRIBE")


def _new_name(name: str) -> str:
    """The name in its normal form; wildcards in a name would make LIST lie."""
    if any(wildcard in name for wildcard in "%*"):
        raise MailboxNameRefused(len(name))
    return normal_name(name)


def _make_superiors(tx: Transaction, session: Session, name: str) -> None:
    existing = {mailbox.name for mailbox in mailboxes.list_mailboxes(tx, session.account_id)}
    levels = name.split(SEPARATOR)
    for depth in range(1, len(levels)):
        superior = SEPARATOR.join(levels[:depth])
        if superior not in existing:
            mailboxes.create(tx, session.account_id, superior)
