"""Messages and their places in mailboxes: append, copy, move, flags, expunge.

A message is stored once per account (`messages`); each place in a mailbox is a narrow row
(`entries`) with UID, flags and MODSEQ. UIDs come from the mailbox row in the same transaction, so
they only grow and never return (RFC 9051 §2.3.1.1). One command that changes many messages uses
one MODSEQ for all of them (RFC 7162 §3.1).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NewType

from mailbox_store import bodies, personal, threads
from mailbox_store.bodies import BlobId, SealedBody
from mailbox_store.database import MailboxId, Transaction, View
from mailbox_store.errors import MailboxNotFound
from mailbox_store.flags import DELETED, EVERY_FLAG, SEEN
from mailbox_store.threads import Correspondents, ThreadId
from mailbox_store.vault import AccountId, AccountSeal

if TYPE_CHECKING:
    # mailboxes moves and removes messages; here it is only the name of a type
    pass

MessageId = NewType("MessageId", int)

LARGEST_UID = (1 << 32) - 1
"""RFC 9051 §2.3.1.1: a UID is a 32-bit value."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message sealed for one account, ready to be appended.

    ``body`` is a new sealed body, or the id of one that is stored already (and is then shared).
    ``thread``: with whom it was exchanged, or the thread that it continues; only of patients.
    """

    account_id: AccountId
    message_ref: str
    body: SealedBody | BlobId
    object_key: bytes
    size: int
    summary: bytes
    evidence: bytes
    thread: Correspondents | ThreadId | None = None


@dataclass(frozen=True, slots=True)
class Appended:
    """Where a message now stands."""

    mailbox_id: MailboxId
    uidvalidity: int
    uid: int
    message_id: MessageId


def seal_arrival(
    seal: AccountSeal,
    account_id: AccountId,
    message_ref: str,
    raw: bytes,
    summary: bytes,
    evidence: bytes,
) -> Arrival:
    """Seal a new message for one account; runs before the transaction, on the caller's thread."""
    body, object_key = bodies.seal_body(seal, raw)
    return Arrival(
        account_id,
        message_ref,
        body,
        object_key,
        len(raw),
        seal.seal(summary, summary_context(message_ref)),
        seal.seal(evidence, evidence_context(message_ref)),
    )


def summary_context(message_ref: str) -> bytes:
    """What binds a sealed summary to its message."""
    return b"summary " + message_ref.encode()


def evidence_context(message_ref: str) -> bytes:
    """What binds sealed evidence to its message."""
    return b"evidence " + message_ref.encode()


def append(
    tx: Transaction, mailbox_id: MailboxId, arrival: Arrival, flags: int, internal_date: int
) -> Appended:
    """Store a message and place it at the end of a mailbox of its account.

    Raises ``MailboxNotFound``, and ``BlobAltered`` when the body to share is gone.
    """
    if isinstance(arrival.body, SealedBody):
        blob_id = bodies.store(tx, arrival.body)
    else:
        blob_id = arrival.body
        bodies.retain(tx, blob_id)
    thread_id = None
    if arrival.thread is not None:
        thread_id = threads.join(tx, arrival.account_id, arrival.thread, internal_date)
    message_id = tx.sql(
        "INSERT INTO messages (account_id, message_ref, blob_id, object_key, size, summary,"
        " evidence, thread_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING message_id",
        (
            arrival.account_id,
            arrival.message_ref,
            blob_id,
            arrival.object_key,
            arrival.size,
            arrival.summary,
            arrival.evidence,
            thread_id,
        ),
    ).scalar_one()
    placed = Place(MessageId(message_id), flags, internal_date, arrival.size, thread_id)
    uid, uidvalidity = place(tx, mailbox_id, arrival.account_id, [placed])
    return Appended(mailbox_id, uidvalidity, uid, placed.message_id)


def set_flags(
    tx: Transaction,
    mailbox_id: MailboxId,
    uids: Iterable[int],
    keep: int,
    add: int,
    viewer: AccountId | None = None,
) -> list[tuple[int, int, int]]:
    """Give each message ``(flags & keep) | add``: those that changed as (uid, flags, modseq).

    With a ``viewer``, \\Seen is theirs alone, in what is changed and in what is given back.
    """
    if viewer is not None:
        return _set_flags_of(tx, viewer, mailbox_id, list(uids), keep, add)
    changed: list[tuple[int, int, int]] = []
    newly_seen = newly_deleted = 0
    may_change_seen = bool(add & SEEN) or not keep & SEEN
    may_change_deleted = bool(add & DELETED) or not keep & DELETED
    modseq = _next_modseq(tx, mailbox_id)
    for first, last in ranges(uids):
        span = (mailbox_id, first, last)
        seen = _count(tx, span, SEEN) if may_change_seen else 0
        deleted = _count(tx, span, DELETED) if may_change_deleted else 0
        rows = tx.sql(
            "UPDATE entries SET flags = (flags & ?) | ?, modseq = ?"
            " WHERE mailbox_id = ? AND uid BETWEEN ? AND ? AND flags <> ((flags & ?) | ?)"
            " RETURNING uid, flags, modseq",
            (keep, add, modseq, *span, keep, add),
        ).fetchall()
        changed.extend((row[0], row[1], row[2]) for row in rows)
        newly_seen += _count(tx, span, SEEN) - seen if may_change_seen else 0
        newly_deleted += _count(tx, span, DELETED) - deleted if may_change_deleted else 0
    if changed:
        tx.sql(
            "UPDATE mailboxes SET highestmodseq = ?, unseen = unseen - ?, deleted = deleted + ?"
            " WHERE mailbox_id = ?",
            (modseq, newly_seen, newly_deleted, mailbox_id),
        )
        tx.changed(mailbox_id, modseq)
    return sorted(changed)


def _set_flags_of(
    tx: Transaction,
    viewer: AccountId,
    mailbox_id: MailboxId,
    uids: Sequence[int],
    keep: int,
    add: int,
) -> list[tuple[int, int, int]]:
    """\\Seen for one person, the other flags for everybody, all with one MODSEQ."""
    modseq = _next_modseq(tx, mailbox_id)
    newly: set[int] = set()
    if add & SEEN or not keep & SEEN:
        for span in ranges(uids):
            newly.update(personal.set_seen(tx, viewer, mailbox_id, span, is_seen=bool(add & SEEN)))
    changed: list[tuple[int, int, int]] = []
    if keep | SEEN != EVERY_FLAG or add & ~SEEN:
        # the mailbox still stands where it stood: this takes the same MODSEQ
        changed += set_flags(tx, mailbox_id, uids, keep | SEEN, add & ~SEEN)
    newly.difference_update(uid for uid, _, _ in changed)
    for first, last in ranges(newly):
        rows = tx.sql(
            "UPDATE entries SET modseq = ? WHERE mailbox_id = ? AND uid BETWEEN ? AND ?"
            " RETURNING uid, flags, modseq",
            (modseq, mailbox_id, first, last),
        ).fetchall()
        changed.extend((row[0], row[1], row[2]) for row in rows)
    if newly:
        tx.sql("UPDATE mailboxes SET highestmodseq = ? WHERE mailbox_id = ?", (modseq, mailbox_id))
        tx.changed(mailbox_id, modseq)
    seen = personal.seen_among(tx, viewer, mailbox_id, [uid for uid, _, _ in changed])
    return sorted(
        (uid, value & ~SEEN | (SEEN if uid in seen else 0), at) for uid, value, at in changed
    )


def changed_since(view: View, mailbox_id: MailboxId, uids: Iterable[int], modseq: int) -> list[int]:
    """Those of ``uids`` whose MODSEQ is above ``modseq``, ascending (RFC 7162 §3.1.3)."""
    return [
        row[0]
        for first, last in ranges(uids)
        for row in view.sql(
            "SELECT uid FROM entries WHERE mailbox_id = ? AND uid BETWEEN ? AND ? AND modseq > ?"
            " ORDER BY uid",
            (mailbox_id, first, last, modseq),
        ).fetchall()
    ]


def expunge(
    tx: Transaction,
    mailbox_id: MailboxId,
    uids: Iterable[int] | None = None,
    most: int = LARGEST_UID,
) -> list[int]:
    """Remove the messages flagged \\Deleted (among ``uids`` if given): their UIDs in order.

    Found by an index of the flagged ones alone: what is kept costs nothing. At most ``most`` go,
    so that whoever removes very many can let other writers in between.
    """
    spans = [(1, LARGEST_UID)] if uids is None else list(ranges(uids))
    doomed: list[int] = []
    for first, last in spans:
        rows = tx.sql(
            f"SELECT uid FROM entries WHERE mailbox_id = ? AND uid BETWEEN ? AND ?"
            f" AND flags & {DELETED} ORDER BY uid LIMIT ?",
            (mailbox_id, first, last, most - len(doomed)),
        )
        doomed.extend(row[0] for row in rows.fetchall())
    remove(tx, mailbox_id, doomed)
    return doomed


def clear(tx: Transaction, mailbox_id: MailboxId) -> None:
    """Remove every message of a mailbox that is about to go."""
    remove(tx, mailbox_id, all_uids(tx, mailbox_id))


def all_uids(view: View, mailbox_id: MailboxId) -> list[int]:
    """Every UID of a mailbox, ascending."""
    rows = view.sql("SELECT uid FROM entries WHERE mailbox_id = ? ORDER BY uid", (mailbox_id,))
    return [row[0] for row in rows]


def ranges(uids: Iterable[int]) -> Iterable[tuple[int, int]]:
    """UIDs, in any order, as ascending closed ranges: 7, 1, 2, 3 → (1, 3), (7, 7)."""
    wanted = sorted(set(uids))
    start = 0
    for at in range(1, len(wanted) + 1):
        if at == len(wanted) or wanted[at] != wanted[at - 1] + 1:
            yield wanted[start], wanted[at - 1]
            start = at


@dataclass(frozen=True, slots=True)
class Place:
    """A message with what belongs to one place of it; ``thread_id`` is its message's own."""

    message_id: MessageId
    flags: int
    internal_date: int
    size: int
    thread_id: int | None = None


def place(
    tx: Transaction, mailbox_id: MailboxId, account_id: AccountId, places: Sequence[Place]
) -> tuple[int, int]:
    """Put messages at the end of a mailbox: the first of their UIDs, which ascend, and UIDVALIDITY.

    The mailbox must be the account's: nobody else could open them there. One MODSEQ serves all.
    Raises ``MailboxNotFound``.
    """
    row = tx.sql(
        "UPDATE mailboxes SET uidnext = uidnext + ?, highestmodseq = highestmodseq + 1,"
        " messages = messages + ?, unseen = unseen + ?, deleted = deleted + ?, octets = octets + ?"
        " WHERE mailbox_id = ? AND account_id = ? RETURNING uidnext, highestmodseq, uidvalidity",
        (
            len(places),
            len(places),
            sum(not one.flags & SEEN for one in places),
            sum(bool(one.flags & DELETED) for one in places),
            sum(one.size for one in places),
            mailbox_id,
            account_id,
        ),
    ).first()
    if row is None:
        raise MailboxNotFound(mailbox_id)
    uidnext, modseq, uidvalidity = row
    first = uidnext - len(places)
    tx.many(
        "INSERT INTO entries (mailbox_id, uid, message_id, flags, modseq, internal_date, size,"
        " saved_at, thread_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                mailbox_id,
                uid,
                it.message_id,
                it.flags,
                modseq,
                it.internal_date,
                it.size,
                tx.now,
                it.thread_id,
            )
            for uid, it in enumerate(places, first)
        ],
    )
    tx.changed(mailbox_id, modseq)
    return first, uidvalidity


def remove(
    tx: Transaction,
    mailbox_id: MailboxId,
    uids: Sequence[int],
    *,
    is_placed_elsewhere: bool = False,
) -> None:
    """Take messages out of a mailbox, whatever their flags.

    ``is_placed_elsewhere``: each of them has another place, so none of them goes for good.
    """
    if not uids:
        return
    modseq = _next_modseq(tx, mailbox_id)
    gone: list[tuple[int, MessageId, int, int]] = []
    for first, last in ranges(uids):
        gone += tx.sql(
            "DELETE FROM entries WHERE mailbox_id = ? AND uid BETWEEN ? AND ?"
            " RETURNING uid, message_id, flags, size",
            (mailbox_id, first, last),
        ).fetchall()
        personal.clear(tx, mailbox_id, first, last)
    if not gone:
        return
    tx.many(
        "INSERT INTO expunged (mailbox_id, modseq, uid) VALUES (?, ?, ?)",
        [(mailbox_id, modseq, uid) for uid, _, _, _ in gone],
    )
    if not is_placed_elsewhere:
        # two places of one message may go together: it is looked at once, after both
        for message_id in dict.fromkeys(message_id for _, message_id, _, _ in gone):
            _forget_unplaced(tx, message_id)
    tx.sql(
        "UPDATE mailboxes SET highestmodseq = ?, messages = messages - ?, unseen = unseen - ?,"
        " deleted = deleted - ?, octets = octets - ? WHERE mailbox_id = ?",
        (
            modseq,
            len(gone),
            sum(not value & SEEN for _, _, value, _ in gone),
            sum(bool(value & DELETED) for _, _, value, _ in gone),
            sum(size for _, _, _, size in gone),
            mailbox_id,
        ),
    )
    tx.changed(mailbox_id, modseq)


def _forget_unplaced(tx: Transaction, message_id: MessageId) -> None:
    """A message in no mailbox any more goes, and gives its body back."""
    if tx.sql("SELECT 1 FROM entries WHERE message_id = ? LIMIT 1", (message_id,)).first():
        return
    blob_id = tx.sql(
        "DELETE FROM messages WHERE message_id = ? RETURNING blob_id", (message_id,)
    ).scalar_one()
    bodies.release(tx, BlobId(blob_id))


def _next_modseq(tx: Transaction, mailbox_id: MailboxId) -> int:
    found = tx.sql(
        "SELECT highestmodseq + 1 FROM mailboxes WHERE mailbox_id = ?", (mailbox_id,)
    ).scalar()
    if found is None:
        raise MailboxNotFound(mailbox_id)
    return int(found)


def _count(tx: Transaction, span: tuple[int, int, int], flag: int) -> int:
    return int(
        tx.sql(
            "SELECT count(*) FROM entries WHERE mailbox_id = ? AND uid BETWEEN ? AND ?"
            " AND flags & ?",
            (*span, flag),
        ).scalar_one()
    )
