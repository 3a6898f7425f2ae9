"""Threads of a patient's messages: everything exchanged with one correspondent, or one group.

Here are rows and ranges of indexes. Who a correspondent is, is said by
``mss_gateway.life.threads``, and known to the store as a blind index and a sealed value. A message
keeps its thread wherever it is copied or moved. Messages of accounts that have no threads cost
nothing here.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NewType

from mailbox_store.database import MailboxId, Transaction, View
from mailbox_store.vault import AccountId

if TYPE_CHECKING:
    # messages puts what arrives into threads; here it is only the name of a type
    from mailbox_store.messages import MessageId

ThreadId = NewType("ThreadId", int)

UNSEEN_COUNTED: Final = 100
"""Unread messages of a thread are counted so far: beyond it « 99+ » says enough."""

_LAST_UID: Final = 1 << 32


@dataclass(frozen=True, slots=True)
class Correspondents:
    """With whom: a blind index, and addresses and names sealed under the account's key."""

    index: bytes
    sealed: bytes


@dataclass(frozen=True, slots=True)
class Thread:
    """One thread of an account; ``correspondents`` is opened, ``latest_at`` in unix seconds."""

    thread_id: ThreadId
    correspondents: bytes
    latest_at: int


@dataclass(frozen=True, slots=True)
class Spot:
    """One message of a thread, where it lies. Spots sort by date, the latest first."""

    internal_date: int
    rank: int
    uid: int
    message_id: "MessageId"
    flags: int

    @property
    def order(self) -> tuple[int, int, int]:
        """Ascending from the latest message to the oldest."""
        return -self.internal_date, self.rank, -self.uid


def context(index: bytes) -> bytes:
    """What binds sealed correspondents to their thread."""
    return b"thread " + index


def join(
    tx: Transaction, account_id: AccountId, thread: Correspondents | ThreadId, moment: int
) -> ThreadId | None:
    """The thread that a message of this moment is in, made when it is the first.

    None for the number of a thread that the account does not have.
    """
    known = thread if isinstance(thread, Correspondents) else None
    key = "thread_id" if known is None else "correspondents_index"
    found = tx.sql(
        f"UPDATE threads SET latest_at = max(latest_at, ?) WHERE account_id = ? AND {key} = ?"
        " RETURNING thread_id",
        (moment, account_id, thread if known is None else known.index),
    ).scalar()
    if found is None and known is not None:
        # no upsert: it would use up a number for each message
        found = tx.sql(
            "INSERT INTO threads (account_id, correspondents_index, sealed, latest_at)"
            " VALUES (?, ?, ?, ?) RETURNING thread_id",
            (account_id, known.index, known.sealed, moment),
        ).scalar_one()
    return None if found is None else ThreadId(found)


def find(view: View, account_id: AccountId, thread_id: int) -> Thread | None:
    """A thread of the account, by its number."""
    row = view.sql(
        "SELECT thread_id, correspondents_index, sealed, latest_at FROM threads"
        " WHERE thread_id = ? AND account_id = ?",
        (thread_id, account_id),
    ).first()
    return None if row is None else _opened(view, account_id, row)


def numbered(view: View, account_id: AccountId, indexes: Sequence[bytes]) -> dict[bytes, ThreadId]:
    """The threads with these correspondents, where there are any."""
    return {
        index: ThreadId(found)
        for index in indexes
        if (
            found := view.sql(
                "SELECT thread_id FROM threads WHERE account_id = ? AND correspondents_index = ?",
                (account_id, index),
            ).scalar()
        )
        is not None
    }


def of_message(view: View, account_id: AccountId, message_id: int) -> ThreadId | None:
    """The thread of a message of the account; None when it is in none."""
    found = view.sql(
        "SELECT thread_id FROM messages WHERE message_id = ? AND account_id = ?",
        (message_id, account_id),
    ).scalar()
    return ThreadId(found) if found else None


def listed(
    view: View,
    account_id: AccountId,
    mailbox_id: MailboxId,
    before: tuple[int, int] | None,
    count: int,
) -> list[Thread]:
    """Threads with a message in a mailbox, the latest first: ``count`` of them at most.

    ``before``: ``latest_at`` and number of the last one of the page above. Costs what is listed,
    whatever the mailbox holds; threads that lie elsewhere on the way are passed over by an index.
    """
    latest_at, thread_id = before or (1 << 62, 0)
    rows = view.sql(
        "SELECT thread_id, correspondents_index, sealed, latest_at FROM threads t"
        " WHERE account_id = ? AND (latest_at, thread_id) < (?, ?) AND EXISTS (SELECT 1"
        " FROM entries e INDEXED BY ix_entries_thread"
        " WHERE e.mailbox_id = ? AND e.thread_id = t.thread_id)"
        " ORDER BY latest_at DESC, thread_id DESC LIMIT ?",
        (account_id, latest_at, thread_id, mailbox_id, count),
    ).fetchall()
    return [_opened(view, account_id, row) for row in rows]


def unseen(view: View, mailbox_id: MailboxId, thread_id: ThreadId) -> int:
    """How many messages of a thread are unread in a mailbox, :data:`UNSEEN_COUNTED` at most."""
    return int(
        view.sql(
            "SELECT count(*) FROM (SELECT 1 FROM entries INDEXED BY ix_entries_thread_unseen"
            " WHERE mailbox_id = ? AND thread_id = ? AND thread_id IS NOT NULL"
            " AND NOT flags & 1 LIMIT ?)",
            (mailbox_id, thread_id, UNSEEN_COUNTED),
        ).scalar_one()
    )


def spots(
    view: View,
    mailbox_ids: Sequence[MailboxId],
    thread_id: ThreadId,
    count: int,
    after: tuple[int, int, int] | None = None,
) -> list[Spot]:
    """Messages of a thread in these mailboxes, the latest first: ``count`` of them at most.

    ``rank`` of a spot is the place of its mailbox among ``mailbox_ids``. ``after``: date, rank and
    UID of the last one of the page above. A message that lies in two of them is there once.
    """
    found: list[Spot] = []
    for rank, mailbox_id in enumerate(mailbox_ids):
        bound = _bound(after, rank)
        rows = view.sql(
            "SELECT internal_date, uid, message_id, flags FROM entries"
            " INDEXED BY ix_entries_thread WHERE mailbox_id = ?"
            " AND thread_id = ? AND (internal_date, uid) < (?, ?)"
            " ORDER BY internal_date DESC, uid DESC LIMIT ?",
            (mailbox_id, thread_id, *bound, count),
        ).fetchall()
        found += [Spot(moment, rank, uid, message, flags) for moment, uid, message, flags in rows]
    found.sort(key=lambda spot: spot.order)
    once = {spot.message_id: spot for spot in reversed(found)}
    return sorted(once.values(), key=lambda spot: spot.order)[:count]


def uids_in(view: View, mailbox_id: MailboxId, thread_id: ThreadId, count: int) -> list[int]:
    """UIDs of a thread's messages in a mailbox, ``count`` at most."""
    rows = view.sql(
        "SELECT uid FROM entries INDEXED BY ix_entries_thread"
        " WHERE mailbox_id = ? AND thread_id = ? LIMIT ?",
        (mailbox_id, thread_id, count),
    )
    return [row[0] for row in rows.fetchall()]


def among(view: View, mailbox_id: MailboxId, uids: Sequence[int]) -> list[ThreadId]:
    """The threads of these messages of a mailbox."""
    rows = view.sql(
        "SELECT DISTINCT thread_id FROM entries WHERE mailbox_id = ?"
        " AND uid IN (SELECT value FROM json_each(?)) AND thread_id IS NOT NULL",
        (mailbox_id, json.dumps(list(uids))),
    )
    return [ThreadId(row[0]) for row in rows.fetchall()]


def date_anew(
    tx: Transaction, mailbox_ids: Sequence[MailboxId], thread_ids: Sequence[ThreadId]
) -> None:
    """What was the latest may have gone: threads are as late as what is left in these mailboxes.

    One with nothing left there keeps its date, and is in no list of them.
    """
    for thread_id in thread_ids:
        latest = spots(tx, mailbox_ids, thread_id, 1)
        if latest:
            tx.sql(
                "UPDATE threads SET latest_at = ? WHERE thread_id = ?",
                (latest[0].internal_date, thread_id),
            )


def unsettled(view: View, count: int) -> list[tuple["MessageId", AccountId]]:
    """Messages of an earlier release whose thread nobody has looked up, the newest first."""
    rows = view.sql(
        "SELECT message_id, account_id FROM messages WHERE thread_id = 0"
        " ORDER BY message_id DESC LIMIT ?",
        (count,),
    )
    return [(row[0], AccountId(row[1])) for row in rows.fetchall()]


def settle(
    tx: Transaction, message_id: "MessageId", account_id: AccountId, thread: Correspondents
) -> None:
    """Put a message of an earlier release, wherever it lies, into its thread."""
    latest = tx.sql(
        "SELECT max(internal_date) FROM entries WHERE message_id = ?", (message_id,)
    ).scalar()
    thread_id = join(tx, account_id, thread, latest or 0)
    tx.sql("UPDATE messages SET thread_id = ? WHERE message_id = ?", (thread_id, message_id))
    tx.sql("UPDATE entries SET thread_id = ? WHERE message_id = ?", (thread_id, message_id))


def _bound(after: tuple[int, int, int] | None, rank: int) -> tuple[int, int]:
    """Below which date and UID a mailbox of this rank continues."""
    if after is None:
        return 1 << 62, 0
    internal_date, stopped_in, uid = after
    if rank == stopped_in:
        return internal_date, uid
    return internal_date, _LAST_UID if rank > stopped_in else 0


def _opened(view: View, account_id: AccountId, row: tuple[int, bytes, bytes, int]) -> Thread:
    thread_id, index, sealed, latest_at = row
    seal = view.vault.account(view, account_id)
    return Thread(ThreadId(thread_id), seal.open(bytes(sealed), context(bytes(index))), latest_at)
