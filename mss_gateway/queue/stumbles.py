"""An item whose end cannot be written: tried a bounded number of times, then held, never lost.

What ends an item and tells its author stands in one transaction, so that a report that cannot be
made keeps the item from ending: it would be taken again for ever. How often in a row that happened
stands in ``last_failure``, ``unreported:3``; an attempt that fails in another way begins anew.
"""

from enum import Enum
from typing import Final

from mailbox_store.database import Transaction, View
from mss_gateway.queue import schedule
from mss_gateway.queue.leases import Item

UNREPORTED: Final = "unreported"
"""Why such an item is held, as the operator reads it."""

TRIES: Final = 8
"""In a row; with the delays of ``queue.schedule`` some four hours, in which whoever mends the cause
(a certificate of the gateway's own that ended, say) has nothing else to do."""


class Stumble(Enum):
    """What follows when an end could not be written; the label of a metric."""

    AGAIN = "again"
    HELD = "held"


def stumbled(tx: Transaction, item: Item, now: int, spread: float) -> Stumble | None:
    """Count it under our lease: due again, later each time, or held. None without the lease.

    ``now`` is queue time, ``spread`` in [0, 1) as for ``schedule.next_attempt``. Nobody is told
    that it is late before it is tried again: that word may be what cannot be written.
    """
    count = _count(item.last_failure) + 1
    again = schedule.next_attempt(count, now, now, spread)
    assert again is not None, "its patience begins now"
    if count < TRIES:
        what, state, word = Stumble.AGAIN, "due", f"{UNREPORTED}:{count}"
    else:
        what, state, word = Stumble.HELD, "held", UNREPORTED
    changed = tx.sql(
        "UPDATE queue_items SET state = ?, lease = NULL, due_at = ?, last_failure = ?,"
        " notice_at = max(notice_at, ?) WHERE item_id = ? AND lease = ? RETURNING item_id",
        (state, again, word, again, item.item_id, item.lease),
    )
    return what if changed.first() is not None else None


def held(view: View) -> int:
    """How many items are held for this reason, until somebody releases or drops them."""
    found = view.sql(
        "SELECT count(*) FROM queue_items WHERE state = 'held' AND last_failure = ?", (UNREPORTED,)
    )
    return int(found.scalar_one())


def _count(last_failure: str | None) -> int:
    """How often in a row, before; 0 after any other failure, and for one that was released."""
    word, _, number = (last_failure or "").partition(":")
    return int(number) if word == UNREPORTED and number.isdigit() else 0
