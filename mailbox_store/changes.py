"""What a session needs to know of a mailbox: a snapshot, what changed since, rows and bodies.

The feed is the mailbox itself: every change gives the touched rows the mailbox's next MODSEQ, so
"what changed since" costs the number of changes and never the size of the mailbox. Wake-ups
(`Database.on_commit`) may be lost; this feed cannot be.
"""

import json
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from mailbox_store import bodies, flags, mailboxes, personal
from mailbox_store.bodies import SHIFT, Beginning, BlobId
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


class Row(NamedTuple):
    """One message in a mailbox; ``summary`` is opened, and empty when it was not asked for.

    ``saved_at``: when it came into this mailbox, None for what earlier releases placed.
    ``beginning``: the body's first chunk, when it was asked for and is there. A tuple, because ten
    thousand of them are made for one listing.
    """

    uid: int
    flags: int
    modseq: int
    internal_date: int
    size: int
    message_id: MessageId
    message_ref: str
    saved_at: int | None
    summary: bytes
    beginning: Beginning | None = None


def snapshot(view: View, mailbox_id: MailboxId, viewer: AccountId | None = None) -> Snapshot:
    """Everything that SELECT must know; raises ``MailboxNotFound``.

    ``viewer``: somebody whose \\Seen is their own (``mailbox_store.personal``).
    """
    seen, parameters = personal.flags_column(viewer)
    mailbox = mailboxes.by_id(view, mailbox_id)
    # one row for the whole mailbox: handing over each row costs the driver more than finding it
    columns = view.sql(
        "SELECT json_group_array(uid), json_group_array(flags), json_group_array(modseq)"
        f" FROM (SELECT uid, {seen} AS flags, modseq FROM entries e"
        " WHERE mailbox_id = ? ORDER BY uid)",
        (*parameters, mailbox_id),
    ).one()
    uids, values, modseqs = (array("Q", json.loads(column)) for column in columns)
    return Snapshot(mailbox, uids, values, modseqs, flags.keywords(view, mailbox_id))


def highest_modseq(view: View, mailbox_id: MailboxId) -> int | None:
    """The mailbox's HIGHESTMODSEQ, or None once it is gone: the whole cost of a quiet NOOP."""
    found = view.sql("SELECT highestmodseq FROM mailboxes WHERE mailbox_id = ?", (mailbox_id,))
    value = found.scalar()
    return None if value is None else int(value)


def highest_modseqs(view: View, mailbox_ids: Iterable[MailboxId]) -> dict[MailboxId, int]:
    """HIGHESTMODSEQ of each of these mailboxes that is there, in one statement."""
    rows = view.sql(
        "SELECT mailbox_id, highestmodseq FROM mailboxes"
        " WHERE mailbox_id IN (SELECT value FROM json_each(?))",
        (json.dumps(list(mailbox_ids)),),
    )
    return {MailboxId(row[0]): row[1] for row in rows.fetchall()}


def changes_since(
    view: View,
    mailbox_id: MailboxId,
    modseq: int,
    uidnext: int,
    viewer: AccountId | None = None,
) -> Changes:
    """What changed after ``modseq`` for a session that knows every UID below ``uidnext``."""
    seen, parameters = personal.flags_column(viewer)
    highest = highest_modseq(view, mailbox_id)
    if highest is None or highest == modseq:
        return Changes(modseq if highest is None else highest, [], [], [], {})
    # "+uid": sorting what changed, not walking the mailbox by UID in search of it
    touched = view.sql(
        f"SELECT uid, {seen}, modseq FROM entries e WHERE mailbox_id = ? AND modseq > ?"
        " ORDER BY +uid",
        (*parameters, mailbox_id, modseq),
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


def vanished_since(view: View, mailbox_id: MailboxId, modseq: int) -> list[int]:
    """The UIDs expunged after ``modseq``, ascending (RFC 7162 §3.2.5)."""
    rows = view.sql(
        "SELECT uid FROM expunged WHERE mailbox_id = ? AND modseq > ? ORDER BY uid",
        (mailbox_id, modseq),
    )
    return [row[0] for row in rows.fetchall()]


def rows(
    view: View,
    account_id: AccountId,
    mailbox_id: MailboxId,
    first: int,
    last: int,
    *,
    want_summary: bool = True,
    want_body: bool = False,
) -> Iterator[Row]:
    """Messages with ``first`` ≤ UID ≤ ``last`` in UID order, streamed.

    With ``want_body`` the beginning of each body comes along: one statement for all of them.
    """
    found = view.sql(
        "SELECT e.uid, e.flags, e.modseq, e.internal_date, e.size, e.message_id, m.message_ref,"
        f" e.saved_at, {'m.summary' if want_summary else 'NULL'}"
        f"{_BODY_COLUMNS if want_body else ''} FROM entries e"
        " JOIN messages m ON m.message_id = e.message_id"
        f"{_BODY_JOINS if want_body else ''}"
        " WHERE e.mailbox_id = ? AND e.uid BETWEEN ? AND ? ORDER BY e.uid",
        (mailbox_id, first, last),
    )
    seal = view.vault.account(view, account_id)
    for uid, value, modseq, internal_date, size, message_id, ref, saved_at, sealed, *body in found:
        summary = seal.open(sealed, summary_context(ref)) if want_summary else b""
        beginning = Beginning(*body) if body and body[-1] is not None else None
        yield Row(
            uid, value, modseq, internal_date, size, message_id, ref, saved_at, summary, beginning
        )


_BODY_COLUMNS = ", m.blob_id, m.object_key, b.object_id, b.octets, b.chunks, CAST(c.sealed AS BLOB)"
_BODY_JOINS = (
    " LEFT JOIN blobs b ON b.blob_id = m.blob_id"
    f" LEFT JOIN blob_chunks c ON c.chunk_id = m.blob_id << {SHIFT}"
)


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
