"""Commands of the selected state that end it, expunge, copy or move."""

from mailbox_store import mailboxes, messages
from mailbox_store.database import Transaction
from mailbox_store.errors import MailboxNotFound
from mss_gateway.failures import Failure
from mss_gateway.imap.grammar.arguments import CopyRequest
from mss_gateway.imap.grammar.sets import NumberSet, printed
from mss_gateway.imap.responses import Reply, Status, done, refused, untagged_ok
from mss_gateway.imap.state import Session

_Pairs = tuple[int, list[tuple[int, int]]]


async def cmd_check(session: Session, _: None) -> Reply:
    """RFC 3501 §6.4.1: every commit is durable already."""
    return done("CHECK")


async def cmd_unselect(session: Session, _: None) -> Reply:
    """RFC 9051 §6.4.2."""
    session.deselect()
    return done("UNSELECT")


async def cmd_close(session: Session, _: None) -> Reply:
    """RFC 9051 §6.4.1: expunges without a word, unless the mailbox was opened to be read."""
    here = session.here
    if not here.is_read_only:
        await session.commit(lambda tx: messages.expunge(tx, here.mailbox_id))
    session.deselect()
    return done("CLOSE")


async def cmd_expunge(session: Session, _: None) -> Reply:
    """RFC 9051 §6.4.3; the EXPUNGE responses come from the change feed."""
    return await _expunge(session, None)


async def cmd_uid_expunge(session: Session, numbers: NumberSet) -> Reply:
    """RFC 9051 §6.4.9."""
    return await _expunge(session, session.here.uids_of(session.here.spans(numbers, True)))


async def _expunge(session: Session, uids: list[int] | None) -> Reply:
    here = session.here
    if here.is_read_only:
        return refused(session.say, Failure.MAILBOX_READ_ONLY)
    await session.commit(lambda tx: messages.expunge(tx, here.mailbox_id, uids))
    return done("EXPUNGE")


async def cmd_copy(session: Session, request: CopyRequest) -> Reply:
    """RFC 9051 §6.4.7; all messages or none."""
    here, account_id = session.here, session.account_id
    uids = here.uids_of(here.spans(request.numbers, request.is_uid))

    def work(tx: Transaction) -> _Pairs:
        target = mailboxes.find(tx, account_id, request.name)
        return target.uidvalidity, messages.copy(tx, here.mailbox_id, uids, target)

    try:
        uidvalidity, pairs = await session.commit(work)
    except MailboxNotFound:
        return _try_create(session)
    return done("COPY", _copyuid(uidvalidity, pairs))


async def cmd_move(session: Session, request: CopyRequest) -> Reply:
    """RFC 9051 §6.4.8: COPYUID first, then the EXPUNGE responses, then the tagged line."""
    here, account_id = session.here, session.account_id
    if here.is_read_only:
        return refused(session.say, Failure.MAILBOX_READ_ONLY)
    uids = here.uids_of(here.spans(request.numbers, request.is_uid))

    def work(tx: Transaction) -> _Pairs:
        target = mailboxes.find(tx, account_id, request.name)
        return target.uidvalidity, messages.move(tx, here.mailbox_id, uids, target)

    try:
        uidvalidity, pairs = await session.commit(work)
    except MailboxNotFound:
        return _try_create(session)
    if pairs:
        session.send(untagged_ok(_copyuid(uidvalidity, pairs), "."))
    return done("MOVE")


def _try_create(session: Session) -> Reply:
    return Reply(Status.NO, session.say("imap.dossier_a_creer"), b"TRYCREATE")


def _copyuid(uidvalidity: int, pairs: list[tuple[int, int]]) -> bytes:
    """RFC 4315 §3; both sets ascend together, because copies are placed in UID order."""
    if not pairs:
        return b""
    old = printed(pair[0] for pair in pairs)
    new = printed(pair[1] for pair in pairs)
    return b"COPYUID %d %s %s" % (uidvalidity, old, new)
