"""What the operator and the probes see of the queue, and what the operator may do to an item."""

from dataclasses import dataclass

from mailbox_store.database import Transaction, View
from mailbox_store.vault import AccountSeal
from mss_gateway.queue import destinations
from mss_gateway.queue.leases import Item, leased
from mss_gateway.queue.spooled import context


@dataclass(frozen=True, slots=True)
class Line:
    """One item as the operator lists it: no address. ``due_at`` is queue time."""

    item_id: int
    message_ref: str
    stage: str
    state: str
    due_at: int
    attempts: int
    last_failure: str | None
    created_at: int
    entered_at: int

    @property
    def next_at(self) -> int:
        """When it is next tried, in unix time as far as the wall clock goes evenly."""
        return self.created_at + self.due_at - self.entered_at


_LINE = "item_id, message_ref, stage, state, due_at, attempts, last_failure, created_at, entered_at"


def listing(view: View) -> list[Line]:
    """Every item, oldest first."""
    rows = view.sql(f"SELECT {_LINE} FROM queue_items ORDER BY item_id")
    return [Line(*row) for row in rows]


def lines_of(view: View, message_ref: str) -> list[Line]:
    """The items of one message."""
    rows = view.sql(
        f"SELECT {_LINE} FROM queue_items WHERE message_ref = ? ORDER BY item_id", (message_ref,)
    )
    return [Line(*row) for row in rows]


def line(view: View, item_id: int) -> Line | None:
    """One item, or None."""
    row = view.sql(f"SELECT {_LINE} FROM queue_items WHERE item_id = ?", (item_id,)).first()
    return None if row is None else Line(*row)


def reply_of(view: View, spool: AccountSeal, item_id: int) -> str:
    """What another operator's server said last; empty when nothing was said."""
    row = view.sql(
        "SELECT message_ref, reply FROM queue_items WHERE item_id = ?", (item_id,)
    ).first()
    if row is None or row[1] is None:
        return ""
    return spool.open(bytes(row[1]), context("reply", row[0])).decode()


@dataclass(frozen=True, slots=True)
class Depth:
    """Items of one state and stage, and the queue time at which the oldest of them came."""

    state: str
    stage: str
    count: int
    oldest: int


def depths(view: View) -> list[Depth]:
    """The queue by state and stage; nothing for what holds no item. Reads every item."""
    rows = view.sql(
        "SELECT state, stage, count(*), min(entered_at) FROM queue_items GROUP BY state, stage"
    )
    return [Depth(*row) for row in rows]


def hold(tx: Transaction, item_id: int) -> bool:
    """Leave an item alone until it is released; False when it is at work, held or gone."""
    changed = tx.sql(
        "UPDATE queue_items SET state = 'held', lease = NULL WHERE item_id = ? AND state = 'due'"
        " RETURNING item_id",
        (item_id,),
    )
    return changed.first() is not None


def release(tx: Transaction, item_id: int, now: int) -> bool:
    """Let a held item go on; its patience begins anew. False when it is not held."""
    changed = tx.sql(
        "UPDATE queue_items SET state = 'due', due_at = ?, notice_at = notice_at - entered_at + ?,"
        " entered_at = ? WHERE item_id = ? AND state = 'held' RETURNING item_id",
        (now, now, now, item_id),
    )
    return changed.first() is not None


def retry_now(tx: Transaction, item_id: int) -> bool:
    """Try an item at once, and its destination with it; False when it is at work, held or gone."""
    changed = tx.sql(
        "UPDATE queue_items SET due_at = entered_at WHERE item_id = ? AND state = 'due'"
        " RETURNING destination_index",
        (item_id,),
    ).first()
    if changed is None:
        return False
    if changed[0] is not None:
        destinations.opened(tx, bytes(changed[0]))
    return True


def retry_failed(tx: Transaction, failure: str) -> None:
    """Whatever failed last for this reason is due at once; not what is at work or held."""
    tx.sql(
        "UPDATE queue_items SET due_at = entered_at WHERE state = 'due' AND last_failure = ?",
        (failure,),
    )


def taken(tx: Transaction, spool: AccountSeal, item_id: int, until: int) -> Item | None:
    """Lease an item for the operator's own act, held or not; None when it is at work or gone."""
    found = leased(
        tx,
        spool,
        "SELECT item_id FROM queue_items WHERE item_id = ? AND state IN ('due', 'held')",
        (item_id,),
        until,
        attempts=0,
    )
    return found[0] if found else None


@dataclass(frozen=True, slots=True)
class Late:
    """An item whose author is to be told something; times are queue time."""

    item_id: int
    entered_at: int
    notice_at: int
    stage: str
    message_ref: str


def late(view: View, now: int, count: int) -> list[Late]:
    """Items that are late by now, the latest first; not those at work or held."""
    rows = view.sql(
        "SELECT item_id, entered_at, notice_at, stage, message_ref FROM queue_items"
        " WHERE state = 'due' AND notice_at <= ? ORDER BY notice_at LIMIT ?",
        (now, count),
    )
    return [Late(*row) for row in rows]
