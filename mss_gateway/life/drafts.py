"""Drafts: what a person has begun to write, as ordinary messages of their \\Drafts mailbox.

RFC 6154 §2. Mail programs, backup and export see a draft like any other message. Saving it again
places a new message and takes the older one out, in one transaction; what all versions share, and
the message that is sent in the end, is their Message-ID (RFC 5322 §3.6.4).
"""

from dataclasses import dataclass
from typing import Final

from mailbox_store import accounts, changes, mailboxes, messages
from mailbox_store.changes import Row
from mailbox_store.database import Transaction, View
from mailbox_store.errors import MailboxExists, MessageNotFound, OverQuota
from mailbox_store.flags import DELETED, DRAFT, SEEN
from mailbox_store.mailboxes import Mailbox
from mss_gateway.directory.people import Person
from mss_gateway.failures import Failure, Refused
from mss_gateway.life import room
from mss_gateway.life.gateway import Gateway
from mss_gateway.message.parse import scan
from mss_gateway.message.part import Message
from mss_gateway.message.summary import Summary, summarise

DRAFTS_LIMIT: Final = 200
"""Drafts of one person; those that mail programs put there count too."""

RECENT_COPIES: Final = 64
"""The newest messages of \\Sent among which the one that a draft became is looked for."""

USE: Final = "\\Drafts"


@dataclass(frozen=True, slots=True)
class Draft:
    """One draft as it was saved last; ``saved_at`` in unix seconds."""

    uid: int
    saved_at: int
    message_id: str
    message: Message


def page_of(view: View, person: Person, before: int | None, count: int) -> list[Row]:
    """At most ``count`` drafts below UID ``before``, the newest first; none without a mailbox."""
    mailbox = mailboxes.find_special(view, person.account_id, USE)
    if mailbox is None:
        return []
    rows = view.sql(
        f"SELECT uid FROM entries WHERE mailbox_id = ? AND uid < ? AND flags & {DELETED} = 0"
        " ORDER BY uid DESC LIMIT ?",
        (mailbox.mailbox_id, before or 1 << 32, count),
    ).fetchall()
    found = (row[0] for row in rows)
    return [changes.find_row(view, person.account_id, mailbox.mailbox_id, uid) for uid in found]


def find(view: View, person: Person, uid: int) -> Draft:
    """One draft of the person's own; raises MessageNotFound of the store."""
    mailbox = mailboxes.find_special(view, person.account_id, USE)
    if mailbox is None:
        raise MessageNotFound(uid)
    row = changes.find_row(view, person.account_id, mailbox.mailbox_id, uid)
    if row.flags & DELETED:
        raise MessageNotFound(uid)
    message = scan(changes.read_body(view, person.account_id, row.message_id))
    return Draft(uid, row.internal_date, Summary(row.summary).message_id, message)


def find_again(view: View, person: Person, message_id: str) -> int | None:
    """The UID of the newest version of a draft that was saved elsewhere meanwhile; None if none."""
    uids = _versions(view, person, message_id)
    return uids[-1] if uids else None


def was_sent(view: View, person: Person, message_id: str) -> bool:
    """Whether a message with this Message-ID stands among the person's latest sent messages.

    It need not say what the draft says now: :func:`sent_copies` has what it said.
    """
    return bool(_sent(view, person, message_id))


def sent_copies(view: View, person: Person, message_id: str) -> list[Message]:
    """What the person sent lately under this Message-ID, as it stands in \\Sent."""
    found = _sent(view, person, message_id)
    return [scan(changes.read_body(view, person.account_id, row.message_id)) for row in found]


def _sent(view: View, person: Person, message_id: str) -> list[Row]:
    sent = mailboxes.find_special(view, person.account_id, "\\Sent")
    if sent is None or not message_id:
        return []
    first = max(1, sent.uidnext - RECENT_COPIES)
    rows = changes.rows(view, person.account_id, sent.mailbox_id, first, sent.uidnext)
    return [row for row in rows if Summary(row.summary).message_id == message_id]


def save(gateway: Gateway, person: Person, raw: bytes, replaced: int | None) -> int:
    """Keep a draft, in place of the version at UID ``replaced``; the UID where it stands now.

    Raises Refused, and nothing was kept or taken away: MESSAGE_TOO_BIG; DRAFT_CHANGED when that
    version is gone; DRAFTS_FULL above :data:`DRAFTS_LIMIT` or the account's quota; DISK_FULL.
    """
    limits = gateway.config.limits
    room.demand(gateway, "webmail")
    if len(raw) > limits.patient_message_octets:
        raise Refused(Failure.MESSAGE_TOO_BIG)
    summary, ref = summarise(scan(raw)), gateway.new_ref()
    with gateway.database.read() as view:
        seal = view.vault.account(view, person.account_id)
    arrival = messages.seal_arrival(seal, person.account_id, ref, raw, summary, b"")

    def unit(tx: Transaction) -> int:
        mailbox = _made(tx, person, gateway.config.mailboxes.drafts)
        if replaced is None:
            if mailbox.messages >= DRAFTS_LIMIT:
                raise Refused(Failure.DRAFTS_FULL)
        elif not _stands(tx, mailbox, replaced):
            raise Refused(Failure.DRAFT_CHANGED)
        uid = messages.append(tx, mailbox.mailbox_id, arrival, SEEN | DRAFT, tx.now).uid
        if replaced is not None:
            messages.remove(tx, mailbox.mailbox_id, [replaced])
        accounts.check_quota(tx, person.account_id, 0, limits.account_octets)
        return uid

    try:
        return gateway.database.write(unit)
    except OverQuota:
        raise Refused(Failure.DRAFTS_FULL) from None


def remove(gateway: Gateway, person: Person, uid: int) -> None:
    """Destroy one draft; nothing happens to one that is gone already."""
    gateway.database.write(lambda tx: forget(tx, person, uid))


def forget(tx: Transaction, person: Person, uid: int) -> None:
    """The version of a draft at ``uid`` was sent: it goes, and no other one."""
    mailbox = mailboxes.find_special(tx, person.account_id, USE)
    if mailbox is not None:
        messages.remove(tx, mailbox.mailbox_id, [uid])


def _versions(view: View, person: Person, message_id: str) -> list[int]:
    """The UIDs of the drafts with this Message-ID, oldest first, among the newest of them."""
    mailbox = mailboxes.find_special(view, person.account_id, USE)
    if mailbox is None or not message_id:
        return []
    rows = view.sql(
        "SELECT uid FROM entries WHERE mailbox_id = ? ORDER BY uid DESC LIMIT ?",
        (mailbox.mailbox_id, DRAFTS_LIMIT),
    ).fetchall()
    if not rows:
        return []
    first, last = rows[-1][0], rows[0][0]
    found = changes.rows(view, person.account_id, mailbox.mailbox_id, first, last)
    return [
        row.uid
        for row in found
        if not row.flags & DELETED and Summary(row.summary).message_id == message_id
    ]


def _stands(tx: Transaction, mailbox: Mailbox, uid: int) -> bool:
    found = tx.sql(
        f"SELECT 1 FROM entries WHERE mailbox_id = ? AND uid = ? AND flags & {DELETED} = 0",
        (mailbox.mailbox_id, uid),
    )
    return found.first() is not None


def _made(tx: Transaction, person: Person, name: str) -> Mailbox:
    """The mailbox for drafts; it is made when an account has none (any more)."""
    found = mailboxes.find_special(tx, person.account_id, USE)
    if found is not None:
        return found
    for attempt in (name, *(f"{name} {number}" for number in range(2, 10))):
        try:
            return mailboxes.create(tx, person.account_id, attempt, USE)
        except MailboxExists:
            continue  # somebody's own mailbox has this name and no such use
    raise Refused(Failure.DRAFTS_FULL)
