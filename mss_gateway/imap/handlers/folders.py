"""Commands that make, remove, rename and subscribe mailboxes."""

import unicodedata

from mailbox_store import mailboxes, rights, subscriptions
from mailbox_store.database import MailboxId, Transaction
from mailbox_store.errors import MailboxNameRefused, MailboxNotFound
from mailbox_store.mailboxes import Mailbox
from mailbox_store.names import SEPARATOR, normal_name
from mss_gateway.imap import access, acts, identifiers
from mss_gateway.imap.grammar.arguments import RenameRequest
from mss_gateway.imap.grammar.listing import CreateRequest
from mss_gateway.imap.listed import Listed, line
from mss_gateway.imap.responses import Reply, Status, done
from mss_gateway.imap.state import Session

_NOT_IN_NEW_NAMES = frozenset("%*\u2028\u2029")
"""Wildcards would make LIST lie; line ends are RFC 9051 §5.1's."""

_USES = {use.lower(): use for use in mailboxes.SPECIAL_USES}


async def cmd_create(session: Session, request: CreateRequest) -> Reply:
    """RFC 9051 §6.3.4; missing superior mailboxes are made too, in the same transaction.

    Special uses are those of RFC 6154 §3; the OK carries MAILBOXID, RFC 8474 §4.1.
    """
    holder = session.someone
    name = _new_name(request.name)
    uses = dict.fromkeys(_USES.get(use.lower(), "") for use in request.uses)
    if not all(uses):
        return Reply(Status.NO, session.say("imap.usage_refuse"), b"USEATTR")

    def work(tx: Transaction) -> str:
        access.check_new(tx, holder, "CREATE", name)
        superior = _make_superiors(tx, session, name)
        made = _make(tx, session, name, superior, " ".join(uses) or None)
        acts.record(tx, holder, made.mailbox_id, "created")
        return identifiers.mailbox_id(tx, made.mailbox_id)

    mailbox_id = await session.commit(work)
    if _was_mended(session, request.name):
        _tell_name(session, name, request.name, b"\\Subscribed")
    return done("CREATE", b"MAILBOXID (%s)" % mailbox_id.encode("ascii"))


async def cmd_delete(session: Session, name: str) -> Reply:
    """RFC 9051 §6.3.5; deleting the selected mailbox leaves nothing selected."""
    holder = session.someone

    def work(tx: Transaction) -> MailboxId:
        box, _ = access.named(tx, holder, "DELETE", name)
        acts.record(tx, holder, box.mailbox_id, f"deleted with {box.messages}")
        return mailboxes.delete(tx, holder.account_id, name)

    deleted = await session.commit(work)
    if session.selected is not None and session.selected.mailbox_id == deleted:
        session.deselect()
    if _was_mended(session, name):
        _tell_name(session, normal_name(name), name, b"\\NonExistent")
    return done("DELETE")


async def cmd_rename(session: Session, request: RenameRequest) -> Reply:
    """RFC 9051 §6.3.6; missing superior mailboxes of the new name are made too."""
    holder, account_id = session.someone, session.account_id
    new_name = _new_name(request.new_name)

    def work(tx: Transaction) -> None:
        box, _ = access.named(tx, holder, "RENAME", request.name)
        access.check_new(tx, holder, "RENAME", new_name)
        _make_superiors(tx, session, new_name)
        mailboxes.rename(tx, account_id, request.name, new_name)
        if box.name == "INBOX":
            # its messages are elsewhere now, and may be read by whom they could be read before
            target = mailboxes.find(tx, account_id, new_name)
            rights.inherit(tx, box.mailbox_id, target.mailbox_id)
        acts.record(tx, holder, box.mailbox_id, "renamed")

    await session.commit(work)
    if _was_mended(session, request.name, request.new_name):
        names = await session.read(subscriptions.names, account_id)
        attributes = (b"\\Subscribed",) if new_name in names else ()
        _tell_name(session, new_name, request.name, *attributes)
    return done("RENAME")


async def cmd_subscribe(session: Session, name: str) -> Reply:
    """RFC 9051 §6.3.7; a member subscribes to what they may see, and to nothing else."""
    holder = session.someone

    def work(tx: Transaction) -> None:
        if not access.is_owner(holder):
            access.named(tx, holder, "SUBSCRIBE", name)
        subscriptions.add(tx, holder.account_id, name)

    await session.commit(work)
    return done("SUBSCRIBE")


async def cmd_unsubscribe(session: Session, name: str) -> Reply:
    """RFC 9051 §6.3.8."""
    account_id = session.account_id
    await session.commit(lambda tx: subscriptions.remove(tx, account_id, name))
    return done("UNSUBSCRIBE")


def _new_name(name: str) -> str:
    """The name in its normal form; raises MailboxNameRefused, also for one that is not composed.

    RFC 9051 §5.1, RFC 5198 §3: a client of the other mode could not write such a name.
    """
    if not _NOT_IN_NEW_NAMES.isdisjoint(name) or not unicodedata.is_normalized("NFC", name):
        raise MailboxNameRefused(len(name))
    return normal_name(name)


def _make_superiors(tx: Transaction, session: Session, name: str) -> Mailbox | None:
    """The mailbox right above ``name``, None for a name of one level."""
    levels = name.split(SEPARATOR)
    superior: Mailbox | None = None
    for depth in range(1, len(levels)):
        level = SEPARATOR.join(levels[:depth])
        try:
            superior = mailboxes.find(tx, session.account_id, level)
        except MailboxNotFound:
            superior = _make(tx, session, level, superior)
    return superior


def _make(
    tx: Transaction,
    session: Session,
    name: str,
    superior: Mailbox | None,
    special_use: str | None = None,
) -> Mailbox:
    """A mailbox; the rights are those of the one above it, RFC 4314 §4."""
    made = mailboxes.create(tx, session.account_id, name, special_use)
    if superior is not None:
        rights.inherit(tx, superior.mailbox_id, made.mailbox_id)
    return made


def _was_mended(session: Session, *given: str) -> bool:
    """Whether a client that can be told so gave a name which is not the one it stands for.

    RFC 9051 §6.3.9.7. A trailing separator is no other name; clients of RFC 3501 do not know the
    extended items of LIST.
    """
    return session.is_rev2 and any(
        name.removesuffix(SEPARATOR) != normal_name(name) for name in given
    )


def _tell_name(session: Session, name: str, old_name: str, *attributes: bytes) -> None:
    told = Listed(name, None, attributes)
    session.send(line(b"LIST", told, session.printed(name), session.printed(old_name)))
