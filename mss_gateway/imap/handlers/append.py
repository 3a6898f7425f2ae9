"""APPEND, RFC 9051 §6.3.12 with UIDPLUS, RFC 4315 §3. It never counts as a message sent."""

from dataclasses import dataclass
from typing import Final

from mailbox_store import changes, flags, mailboxes, messages
from mailbox_store.database import Transaction, View
from mailbox_store.errors import MailboxNotFound
from mailbox_store.messages import Arrival
from mailbox_store.vault import AccountId, AccountSeal
from mss_gateway.failures import Failure, Refused
from mss_gateway.imap.grammar.arguments import AppendRequest
from mss_gateway.imap.responses import Reply, Status, done
from mss_gateway.imap.state import Session
from mss_gateway.message.limits import MessageMalformed
from mss_gateway.message.parse import find_bare_line_ending, scan
from mss_gateway.message.summary import Summary, summarise

RECENT_COPIES: Final = 64
"""How many of the newest messages of \\Sent are looked at for the copy the gateway filed itself:
a client appends its copy seconds after it submitted the message."""


@dataclass(frozen=True, slots=True)
class _Ready:
    arrival: Arrival
    message_id: str


async def cmd_append(session: Session, request: AppendRequest) -> Reply:
    """Checked, summarised and sealed first; then one transaction places it, or nothing does."""
    if not request.message:
        return Reply(Status.NO, session.say("imap.message_vide"), b"CANNOT")
    account_id, services = session.account_id, session.services
    seal = await session.read(lambda view: view.vault.account(view, account_id))
    ready = await services.bridge.run(
        _prepare, seal, account_id, services.new_message_ref(), request.message
    )
    has_copies_filed = session.holder is not None and session.holder.has_copies_filed
    try:
        uidvalidity, uid = await session.commit(
            lambda tx: _append(tx, account_id, request, ready, has_copies_filed)
        )
    except MailboxNotFound:
        return Reply(Status.NO, session.say("imap.dossier_a_creer"), b"TRYCREATE")
    return done("APPEND", b"APPENDUID %d %d" % (uidvalidity, uid))


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


def _append(
    tx: Transaction,
    account_id: AccountId,
    request: AppendRequest,
    ready: _Ready,
    has_copies_filed: bool,
) -> tuple[int, int]:
    """UIDVALIDITY and UID of the message: a new one, or the Sent copy that is there already."""
    box = mailboxes.find(tx, account_id, request.name)
    if has_copies_filed and box.special_use == "\\Sent" and ready.message_id:
        uid = _recent_copy(tx, box, ready.message_id)
        if uid is not None:
            return box.uidvalidity, uid
    value = request.flags.system | flags.mask(tx, box.mailbox_id, request.flags.keywords)
    moment = tx.now if request.moment is None else request.moment
    placed = messages.append(tx, box.mailbox_id, ready.arrival, value, moment)
    return placed.uidvalidity, placed.uid


def _recent_copy(view: View, box: mailboxes.Mailbox, message_id: str) -> int | None:
    first = max(1, box.uidnext - RECENT_COPIES)
    for row in changes.rows(view, box.account_id, box.mailbox_id, first, box.uidnext):
        if Summary(row.summary).message_id == message_id:
            return row.uid
    return None
