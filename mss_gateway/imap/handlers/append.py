"""APPEND, RFC 9051 §6.3.12 with UIDPLUS, RFC 4315 §3. It never counts as a message sent."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from mailbox_store import accounts, changes, flags, mailboxes, messages, personal
from mailbox_store.database import Transaction, View
from mailbox_store.errors import MailboxNotFound
from mailbox_store.messages import Arrival
from mailbox_store.vault import AccountId, AccountSeal
from mss_gateway.failures import Failure, Refused
from mss_gateway.imap import access, acts
from mss_gateway.imap.grammar.append import AppendRequest
from mss_gateway.imap.grammar.primitives import Flags
from mss_gateway.imap.grammar.sets import printed_in_order
from mss_gateway.imap.responses import Reply, Status, done
from mss_gateway.imap.rights import OTHER_FLAGS, changeable
from mss_gateway.imap.state import Holder, Session
from mss_gateway.message.limits import MessageMalformed
from mss_gateway.message.parse import find_bare_line_ending, scan
from mss_gateway.message.summary import Summary, summarise

RECENT_COPIES: Final = 64
RECENT_SECONDS: Final = 600
"""How many of the newest messages of \\Sent, and how young, are looked at for the copy the gateway
filed itself: a client appends its copy seconds after it submitted the message."""


@dataclass(frozen=True, slots=True)
class _Ready:
    arrival: Arrival
    message_id: str


@dataclass(frozen=True, slots=True)
class _Work:
    holder: Holder
    viewer: AccountId | None
    request: AppendRequest
    ready: list[_Ready]
    account_octets: int


async def cmd_append(session: Session, request: AppendRequest) -> Reply:
    """Checked, summarised and sealed first; then one transaction places all, or nothing does."""
    if any(not one.message for one in request.messages):
        return Reply(Status.NO, session.say("imap.message_vide"), b"CANNOT")
    services = session.services
    if not services.has_room():
        # no OVERQUOTA (RFC 5530 §3): the mailbox is not full, and deleting its mail makes no room
        raise Refused(Failure.DISK_FULL)
    ready = await session.read(_prepared, session.account_id, request, services.new_message_ref)
    account_octets = session.settings.account_octets
    work = _Work(session.someone, session.viewer, request, ready, account_octets)
    try:
        uidvalidity, uids = await session.commit(lambda tx: _append(tx, work))
    except MailboxNotFound:
        return Reply(Status.NO, session.say("imap.dossier_a_creer"), b"TRYCREATE")
    return done("APPEND", b"APPENDUID %d %s" % (uidvalidity, printed_in_order(uids)))


def _prepared(
    view: View, account_id: AccountId, request: AppendRequest, new_ref: Callable[[], str]
) -> list[_Ready]:
    seal = view.vault.account(view, account_id)
    return [_prepare(seal, account_id, new_ref(), one.message) for one in request.messages]


def _prepare(seal: AccountSeal, account_id: AccountId, ref: str, raw: bytes) -> _Ready:
    """Refuses NUL and bare CR or LF, which other programs end a message at (threat T2)."""
    if find_bare_line_ending(raw) is not None:
        raise Refused(Failure.BARE_LINE_ENDING, "APPEND")
    try:
        summary = summarise(scan(raw))
    except MessageMalformed as malformed:
        raise Refused(malformed.failure, str(malformed)) from None
    arrival = messages.seal_arrival(seal, account_id, ref, raw, summary, b"")
    return _Ready(arrival, Summary(summary).message_id)


def _append(tx: Transaction, work: _Work) -> tuple[int, list[int]]:
    """UIDVALIDITY and the UIDs: of new messages, or of the Sent copy that is there already."""
    holder, viewer = work.holder, work.viewer
    box, letters = access.named(tx, holder, "APPEND", work.request.name)
    permitted = changeable(letters)
    uids: list[int] = []
    for one, ready in zip(work.request.messages, work.ready, strict=True):
        if holder.has_copies_filed and "\\Sent" in box.special_uses and ready.message_id:
            uid = _recent_copy(tx, box, ready.message_id)
            if uid is not None:
                uids.append(uid)
                continue
        value = _flags(tx, box, one.flags, permitted)
        shared = value if viewer is None else value & ~flags.SEEN
        moment = tx.now if one.moment is None else one.moment
        uid = messages.append(tx, box.mailbox_id, ready.arrival, shared, moment).uid
        if viewer is not None and value & flags.SEEN:
            personal.set_seen(tx, viewer, box.mailbox_id, (uid, uid), is_seen=True)
        uids.append(uid)
    acts.record(tx, holder, box.mailbox_id, f"appended {len(uids)}")
    accounts.check_quota(tx, holder.account_id, 0, work.account_octets)
    return box.uidvalidity, uids


def _flags(tx: Transaction, box: mailboxes.Mailbox, asked: Flags, permitted: int) -> int:
    """What is asked for and may be set; the rest is passed over, RFC 4314 §4."""
    keywords = asked.keywords if permitted & OTHER_FLAGS else ()
    return (asked.system & permitted) | flags.mask(tx, box.mailbox_id, keywords)


def _recent_copy(tx: Transaction, box: mailboxes.Mailbox, message_id: str) -> int | None:
    """The copy that the gateway filed of this submission: it alone comes with evidence.

    Whatever else has the same Message-ID is another message, and is kept beside it.
    """
    first = max(1, box.uidnext - RECENT_COPIES)
    for row in changes.rows(tx, box.account_id, box.mailbox_id, first, box.uidnext):
        is_recent = tx.now - (row.saved_at or 0) <= RECENT_SECONDS
        is_same = is_recent and Summary(row.summary).message_id == message_id
        if is_same and changes.read_evidence(tx, box.account_id, row.message_id):
            return row.uid
    return None
