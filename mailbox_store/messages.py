"""Messages and their places in mailboxes: append, copy, move, flags, expunge.

A message is stored once per account (`messages`); each place in a mailbox is a narrow row
(`entries`) with UID, flags and MODSEQ. UIDs come from the mailbox row in the same transaction, so
they only grow and never return (RFC 9051 §2.3.1.1). One command that changes many messages uses
one MODSEQ for all of them (RFC 7162 §3.1).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NewType

from mailbox_store import bodies, flags, personal
from mailbox_store.bodies import BlobId, SealedBody
from mailbox_store.database import MailboxId, Transaction, View
from mailbox_store.errors import MailboxNotFound
from mailbox_store.flags import DELETED, EVERY_FLAG, SEEN
from mailbox_store.vault import AccountId, AccountSeal

if TYPE_CHECKING:
    # mailboxes moves and removes messages; here it is only the name of a type
    from mailbox_store.mailboxes import Mailbox

MessageId = NewType("MessageId", int)

LARGEST_UID = (1 << 32) - 1
"""RFC 9051 §2.3.1.1: a UID is a 32-bit value."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message sealed for one account, ready to be appended.

    ``body`` is a new sealed body, or the id of one that is stored already (and is then shared).
    """

    account_id: AccountId
    message_ref: str
    body: SealedBody | BlobId
    object_key: bytes
    size: int
    summary: bytes
    evidence: bytes


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
    message_id = tx.sql(
        "INSERT INTO messages (account_id, message_ref, blob_id, object_key, size, summary,"
        " evidence) VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING message_id",
        (
            arrival.account_id,
            arrival.message_ref,
            blob_id,
            arrival.object_key,
            arrival.size,
            arrival.summary,
            arrival.evidence,
        ),
    ).scalar_one()
    placed = _Place(MessageId(message_id), flags, internal_date, arrival.size)
    return _place(tx, mailbox_id, arrival.account_id, placed)


def copy(
    tx: Transaction,
    source: MailboxId,
    uids: Iterable[int],
    target: "Mailbox",
    allowed: int = EVERY_FLAG,
    viewer: AccountId | None = None,
) -> list[tuple[int, int]]:
    """Copy messages within an account: pairs of old and new UID, in UID order.

    Keywords follow by name; UIDs that do not exist are passed over (RFC 9051 §6.4.9). Flags that
    are not ``allowed`` stay behind; with a ``viewer``, \\Seen among these is theirs alone.
    """
    translate = _keyword_translation(tx, source, target.mailbox_id)
    shared = allowed if viewer is None else allowed | SEEN
    # all are found before the first is placed: a copy within one mailbox is not copied again
    found = [
        row
        for first, last in ranges(uids)
        for row in tx.sql(
            "SELECT e.uid, e.message_id, e.flags, e.internal_date, e.size FROM entries e"
            " JOIN messages m ON m.message_id = e.message_id"
            " WHERE e.mailbox_id = ? AND e.uid BETWEEN ? AND ? AND m.account_id = ?"
            " ORDER BY e.uid",
            (source, first, last, target.account_id),
        ).fetchall()
    ]
    pairs: list[tuple[int, int]] = []
    for uid, message_id, value, internal_date, size in found:
        copied = _Place(message_id, translate(value & shared), internal_date, size)
        pairs.append((uid, _place(tx, target.mailbox_id, target.account_id, copied).uid))
    personal.carry(tx, source, target.mailbox_id, pairs, None if allowed & SEEN else viewer)
    return pairs


def move(
    tx: Transaction,
    source: MailboxId,
    uids: Iterable[int],
    target: "Mailbox",
    allowed: int = EVERY_FLAG,
    viewer: AccountId | None = None,
) -> list[tuple[int, int]]:
    """Copy, then remove from the source, in one transaction (RFC 6851 §3.3)."""
    pairs = copy(tx, source, uids, target, allowed, viewer)
    _remove(tx, source, [old for old, _ in pairs])
    return pairs


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


def expunge(tx: Transaction, mailbox_id: MailboxId, uids: Iterable[int] | None = None) -> list[int]:
    """Remove the messages flagged \\Deleted (among ``uids`` if given): their UIDs in order.

    Found by an index of the flagged ones alone: what is kept costs nothing.
    """
    spans = [(1, LARGEST_UID)] if uids is None else list(ranges(uids))
    doomed: list[int] = []
    for first, last in spans:
        rows = tx.sql(
            f"SELECT uid FROM entries WHERE mailbox_id = ? AND uid BETWEEN ? AND ?"
            f" AND flags & {DELETED} ORDER BY uid",
            (mailbox_id, first, last),
        )
        doomed.extend(row[0] for row in rows.fetchall())
    _remove(tx, mailbox_id, doomed)
    return doomed


def clear(tx: Transaction, mailbox_id: MailboxId) -> None:
    """Remove every message of a mailbox that is about to go."""
    _remove(tx, mailbox_id, all_uids(tx, mailbox_id))


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
class _Place:
    """A message with what belongs to one place of it."""

    message_id: MessageId
    flags: int
    internal_date: int
    size: int


def _place(
    tx: Transaction, mailbox_id: MailboxId, account_id: AccountId, place: _Place
) -> Appended:
    """The next UID of a mailbox, which must be the account's: nobody else could open it there."""
    row = tx.sql(
        "UPDATE mailboxes SET uidnext = uidnext + 1, highestmodseq = highestmodseq + 1,"
        " messages = messages + 1, unseen = unseen + ?, deleted = deleted + ?, octets = octets + ?"
        " WHERE mailbox_id = ? AND account_id = ?"
        " RETURNING uidnext - 1, highestmodseq, uidvalidity",
        (
            0 if place.flags & SEEN else 1,
            1 if place.flags & DELETED else 0,
            place.size,
            mailbox_id,
            account_id,
        ),
    ).first()
    if row is None:
        raise MailboxNotFound(mailbox_id)
    uid, modseq, uidvalidity = row
    tx.sql(
        "INSERT INTO entries (mailbox_id, uid, message_id, flags, modseq, internal_date, size,"
        " saved_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            mailbox_id,
            uid,
            place.message_id,
            place.flags,
            modseq,
            place.internal_date,
            place.size,
            tx.now,
        ),
    )
    tx.changed(mailbox_id, modseq)
    return Appended(mailbox_id, uidvalidity, uid, place.message_id)


def _remove(tx: Transaction, mailbox_id: MailboxId, uids: Sequence[int]) -> None:
    if not uids:
        return
    modseq = _next_modseq(tx, mailbox_id)
    removed = unseen = deleted = octets = 0
    unplaced: dict[MessageId, None] = {}
    for first, last in ranges(uids):
        rows = tx.sql(
            "DELETE FROM entries WHERE mailbox_id = ? AND uid BETWEEN ? AND ?"
            " RETURNING uid, message_id, flags, size",
            (mailbox_id, first, last),
        ).fetchall()
        personal.clear(tx, mailbox_id, first, last)
        for uid, message_id, value, size in rows:
            tx.sql(
                "INSERT INTO expunged (mailbox_id, modseq, uid) VALUES (?, ?, ?)",
                (mailbox_id, modseq, uid),
            )
            # two places of one message may go together: it is looked at once, after both
            unplaced[message_id] = None
            removed, octets = removed + 1, octets + size
            unseen += 0 if value & SEEN else 1
            deleted += 1 if value & DELETED else 0
    if not removed:
        return
    for message_id in unplaced:
        _forget_unplaced(tx, message_id)
    tx.sql(
        "UPDATE mailboxes SET highestmodseq = ?, messages = messages - ?, unseen = unseen - ?,"
        " deleted = deleted - ?, octets = octets - ? WHERE mailbox_id = ?",
        (modseq, removed, unseen, deleted, octets, mailbox_id),
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


def _keyword_translation(
    tx: Transaction, source: MailboxId, target: MailboxId
) -> Callable[[int], int]:
    known = flags.keywords(tx, source)
    seen: dict[int, int] = {}

    def translate(value: int) -> int:
        if value not in seen:
            seen[value] = flags.mask(tx, target, flags.names(value, known))
        return seen[value]

    return translate
