"""What a session needs to know of a mailbox: a snapshot, what changed since, rows and bodies.

The feed is the mailbox itself: every change gives the touched rows the mailbox's next MODSEQ, so
"what changed since" costs the number of changes and never the size of the mailbox. Wake-ups
(`Database.on_commit`) may be lost; this feed cannot be.
"""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass

from mailbox_store import bodies, flags, mailboxes
from mailbox_store.bodies import BlobId
from mailbox_store.database import MailboxId, View
from mailbox_store.errors import MessageNotFound
from mailbox_store.mailboxes import Mailbox
from mailbox_store.messages import MessageId, evidence_context, summary_context
from mailbox_store.vault import AccountId


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A mailbox at SELECT: three parallel arrays in UID order, and its keywords (mask → name)."""

    mailbox: Mailbox
    uids: "array[int]"
    flags: "array[int]"
    modseqs: "array[int]"
    keywords: dict[int, str]


@dataclass(frozen=True, slots=True)
class Changes:
    """What happened since a MODSEQ. ``appeared`` and ``changed``: (uid, flags, modseq) by UID."""

    highestmodseq: int
    appeared: list[tuple[int, int, int]]
    changed: list[tuple[int, int, int]]
    expunged: list[int]
    keywords: dict[int, str]


@dataclass(frozen=True, slots=True)
class Row:
    """One message in a mailbox; ``summary`` is opened, and empty when it was not asked for."""

    uid: int
    flags: int
    modseq: int
    internal_date: int
    size: int
    message_id: MessageId
    message_ref: str
    summary: bytes


def snapshot(view: View, mailbox_id: MailboxId) -> Snapshot:
    """Everything that SELECT must know; raises ``MailboxNotFound``."""
    mailbox = mailboxes.by_id(view, mailbox_id)
    rows = view.sql(
        "SELECT uid, flags, modseq FROM entries WHERE mailbox_id = ? ORDER BY uid", (mailbox_id,)
    ).fetchall()
    uids, values, modseqs = zip(*rows, strict=True) if rows else ((), (), ())
    return Snapshot(
        mailbox,
        array("Q", uids),
        array("Q", values),
        array("Q", modseqs),
        flags.keywords(view, mailbox_id),
    )


def highest_modseq(view: View, mailbox_id: MailboxId) -> int | None:
    """The mailbox's HIGHESTMODSEQ, or None once it is gone: the whole cost of a quiet NOOP."""
    found = view.sql("SELECT highestmodseq FROM mailboxes WHERE mailbox_id = ?", (mailbox_id,))
    value = found.scalar()
    return None if value is None else int(value)


def changes_since(view: View, mailbox_id: MailboxId, modseq: int, uidnext: int) -> Changes:
    """What changed after ``modseq`` for a session that knows every UID below ``uidnext``."""
    highest = highest_modseq(view, mailbox_id)
    if highest is None or highest == modseq:
        return Changes(modseq if highest is None else highest, [], [], [], {})
    # "+uid": sorting what changed, not walking the mailbox by UID in search of it
    touched = view.sql(
        "SELECT uid, flags, modseq FROM entries WHERE mailbox_id = ? AND modseq > ? ORDER BY +uid",
        (mailbox_id, modseq),
    ).fetchall()
    gone = view.sql(
        "SELECT uid FROM expunged WHERE mailbox_id = ? AND modseq > ? ORDER BY uid",
        (mailbox_id, modseq),
    ).fetchall()
    return Changes(
        highest,
        [(uid, value, at) for uid, value, at in touched if uid >= uidnext],
        [(uid, value, at) for uid, value, at in touched if uid < uidnext],
        [row[0] for row in gone if row[0] < uidnext],
        flags.keywords(view, mailbox_id),
    )


def rows(
    view: View,
    account_id: AccountId,
    mailbox_id: MailboxId,
    first: int,
    last: int,
    *,
    want_summary: bool = True,
) -> Iterator[Row]:
    """Messages with ``first`` ≤ UID ≤ ``last`` in UID order, streamed."""
    found = view.sql(
        "SELECT e.uid, e.flags, e.modseq, e.internal_date, e.size, e.message_id, m.message_ref,"
        f" {'m.summary' if want_summary else 'NULL'} FROM entries e"
        " JOIN messages m ON m.message_id = e.message_id"
        " WHERE e.mailbox_id = ? AND e.uid BETWEEN ? AND ? ORDER BY e.uid",
        (mailbox_id, first, last),
    )
    seal = view.vault.account(view, account_id)
    for uid, value, modseq, internal_date, size, message_id, ref, sealed in found:
        summary = seal.open(sealed, summary_context(ref)) if want_summary else b""
        yield Row(uid, value, modseq, internal_date, size, message_id, ref, summary)


def find_row(view: View, account_id: AccountId, mailbox_id: MailboxId, uid: int) -> Row:
    """One message; raises :class:`MessageNotFound`."""
    for row in rows(view, account_id, mailbox_id, uid, uid):
        return row
    raise MessageNotFound(uid)


def read_body(
    view: View,
    account_id: AccountId,
    message_id: MessageId,
    start: int = 0,
    length: int | None = None,
) -> bytes:
    """``length`` octets of a message from ``start``; opens only the chunks that hold them.

    Raises :class:`MessageNotFound` (also for another account's message) and ``BlobAltered``.
    """
    found = view.sql(
        "SELECT blob_id, object_key FROM messages WHERE message_id = ? AND account_id = ?",
        (message_id, account_id),
    ).first()
    if found is None:
        raise MessageNotFound(message_id)
    seal = view.vault.account(view, account_id)
    return bodies.read(view, seal, BlobId(found[0]), bytes(found[1]), start, length)


def read_evidence(view: View, account_id: AccountId, message_id: MessageId) -> bytes:
    """What was established about a message when it arrived; raises :class:`MessageNotFound`."""
    found = view.sql(
        "SELECT message_ref, evidence FROM messages WHERE message_id = ? AND account_id = ?",
        (message_id, account_id),
    ).first()
    if found is None:
        raise MessageNotFound(message_id)
    seal = view.vault.account(view, account_id)
    return seal.open(bytes(found[1]), evidence_context(found[0]))
