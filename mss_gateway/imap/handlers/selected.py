"""Commands of the selected state that end it, expunge, copy or move."""

from contextlib import suppress
from functools import partial
from typing import Final

from mailbox_store import accounts, changes, copying, mailboxes, messages
from mailbox_store.database import MailboxId, Transaction
from mailbox_store.errors import MailboxNotFound
from mailbox_store.mailboxes import Mailbox
from mss_gateway.failures import Failure, Refused
from mss_gateway.imap import access, acts
from mss_gateway.imap.grammar.arguments import CopyRequest
from mss_gateway.imap.grammar.sets import NumberSet, printed
from mss_gateway.imap.responses import Reply, Status, done, refused, untagged_ok
from mss_gateway.imap.rights import changeable
from mss_gateway.imap.selected import MessagesGone
from mss_gateway.imap.state import Session

EXPUNGED_AT_ONCE: Final = 1_000
"""Messages that go in one transaction: the others write in between."""

MOVED_AT_ONCE: Final = 2_000
COPIED_AT_MOST: Final = 50_000
"""A COPY is whole or nothing, so it is one transaction, during which nobody else writes."""

_Pairs = tuple[int, list[tuple[int, int]]]


async def cmd_check(session: Session, _: None) -> Reply:
    """RFC 3501 §6.4.1: every commit is durable already."""
    return done("CHECK")


async def cmd_unselect(session: Session, _: None) -> Reply:
    """RFC 9051 §6.4.2."""
    session.deselect()
    return done("UNSELECT")


async def cmd_close(session: Session, _: None) -> Reply:
    """RFC 9051 §6.4.1: expunges without a word, unless the mailbox was opened to be read.

    Who may not expunge closes all the same, RFC 4314 §4.
    """
    code = b""
    if not session.here.is_read_only:
        with suppress(Refused, MailboxNotFound):
            code = await _expunged(session, None)
    session.deselect()
    return done("CLOSE", code)


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
    return done("EXPUNGE", await _expunged(session, uids))


async def _expunged(session: Session, uids: list[int] | None) -> bytes:
    """Expunge; HIGHESTMODSEQ for a client that counts MODSEQs, RFC 7162 §3.2.7."""
    here, holder = session.here, session.someone

    def work(tx: Transaction) -> tuple[int, int | None]:
        access.selected(tx, holder, "EXPUNGE", here.mailbox_id)
        gone = messages.expunge(tx, here.mailbox_id, uids, EXPUNGED_AT_ONCE)
        if not gone:
            return 0, None
        acts.record(tx, holder, here.mailbox_id, f"expunged {len(gone)}")
        return len(gone), changes.highest_modseq(tx, here.mailbox_id)

    modseq, count = None, EXPUNGED_AT_ONCE
    while count == EXPUNGED_AT_ONCE:
        count, newest = await session.commit(work)
        modseq = newest or modseq
    if modseq is None or not session.telling.has_condstore:
        return b""
    return b"HIGHESTMODSEQ %d" % modseq


async def cmd_copy(session: Session, request: CopyRequest) -> Reply:
    """RFC 9051 §6.4.7; all messages or none."""
    here, holder = session.here, session.someone
    uids = here.uids_of(here.spans(request.numbers, request.is_uid))
    if len(uids) > COPIED_AT_MOST:
        return Reply(Status.NO, session.say("imap.trop_de_messages"), b"LIMIT")

    def work(tx: Transaction) -> _Pairs:
        access.selected(tx, holder, "COPY", here.mailbox_id)
        target, letters = access.named(tx, holder, "COPY", request.name)
        permitted = changeable(letters)
        pairs = copying.copy(tx, here.mailbox_id, uids, target, permitted, session.viewer)
        _check_all(tx, session, request, uids, pairs)
        _record(tx, session, "copied", pairs, target)
        # a client without MOVE deletes by copying to the bin, once: a full box must allow that
        deletes = "\\Trash" in target.special_uses and not _is_bin(tx, here.mailbox_id)
        if pairs and not deletes:
            accounts.check_quota(tx, holder.account_id, 0, session.settings.account_octets)
        return target.uidvalidity, pairs

    try:
        uidvalidity, pairs = await session.commit(work)
    except MailboxNotFound:
        return _try_create(session)
    return done("COPY", _copyuid(uidvalidity, pairs))


async def cmd_move(session: Session, request: CopyRequest) -> Reply:
    """RFC 9051 §6.4.8: COPYUID first, then the EXPUNGE responses, then the tagged line.

    Very many messages go in several units, each whole, so that others write in between.
    """
    here = session.here
    if here.is_read_only:
        return refused(session.say, Failure.MAILBOX_READ_ONLY)
    uids = here.uids_of(here.spans(request.numbers, request.is_uid))
    for start in range(0, len(uids) or 1, MOVED_AT_ONCE):
        some = uids[start : start + MOVED_AT_ONCE]
        try:
            uidvalidity, pairs = await session.commit(partial(_move, session, request, some))
        except MailboxNotFound:
            return _try_create(session)
        if pairs:
            session.send(untagged_ok(_copyuid(uidvalidity, pairs), "."))
    return done("MOVE")


def _move(session: Session, request: CopyRequest, uids: list[int], tx: Transaction) -> _Pairs:
    here, holder = session.here, session.someone
    access.selected(tx, holder, "MOVE", here.mailbox_id)
    target, letters = access.named(tx, holder, "MOVE", request.name)
    permitted = changeable(letters)
    pairs = copying.move(tx, here.mailbox_id, uids, target, permitted, session.viewer)
    _check_all(tx, session, request, uids, pairs)
    _record(tx, session, "moved", pairs, target)
    return target.uidvalidity, pairs


def _check_all(
    tx: Transaction,
    session: Session,
    request: CopyRequest,
    uids: list[int],
    pairs: list[tuple[int, int]],
) -> None:
    """All or nothing, RFC 9051 §6.4.7: OK would say that what went is safe somewhere else.

    UIDs that are not there are passed over (RFC 9051 §6.4.9), but not a mailbox that is not.
    """
    is_short = len(pairs) < len(uids) and not request.is_uid
    if is_short or changes.highest_modseq(tx, session.here.mailbox_id) is None:
        raise MessagesGone


def _is_bin(tx: Transaction, mailbox_id: MailboxId) -> bool:
    """Whether the mailbox is the account's \\Trash."""
    return "\\Trash" in mailboxes.by_id(tx, mailbox_id).special_uses


def _record(
    tx: Transaction, session: Session, act: str, pairs: list[tuple[int, int]], target: Mailbox
) -> None:
    if pairs:
        what = f"{act} {len(pairs)} to mailbox:{target.mailbox_id}"
        acts.record(tx, session.someone, session.here.mailbox_id, what)


def _try_create(session: Session) -> Reply:
    return Reply(Status.NO, session.say("imap.dossier_a_creer"), b"TRYCREATE")


def _copyuid(uidvalidity: int, pairs: list[tuple[int, int]]) -> bytes:
    """RFC 4315 §3; both sets ascend together, because copies are placed in UID order."""
    if not pairs:
        return b""
    old = printed(pair[0] for pair in pairs)
    new = printed(pair[1] for pair in pairs)
    return b"COPYUID %d %s %s" % (uidvalidity, old, new)
