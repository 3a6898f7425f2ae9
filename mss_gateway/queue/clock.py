"""Queue time: seconds by which the queue measures patience, whatever happens to the wall clock.

It begins as unix time, once, and then goes on with the monotonic clock while the service runs; it
is kept with each batch. What a stop lasted counts for ten minutes at most. So a clock that jumps by
hours or by a year makes nothing late and nothing bounce, and a machine that was down for a week has
not spent a message's five days (RFC 5321 §4.5.4.1) without trying.
"""

from collections.abc import Callable
from typing import Final

from mailbox_store.database import Transaction, View

REST_SECONDS: Final = 600
"""How much of a stop counts at most."""


class QueueClock:
    """The queue's time in the serving process; every other process reads what was kept."""

    def __init__(
        self, view: View, wall: Callable[[], float], monotonic: Callable[[], float]
    ) -> None:
        self._wall, self._monotonic = wall, monotonic
        self._started = monotonic()
        kept = view.sql("SELECT at, wall FROM queue_clock").first()
        if kept is None:
            self._base = int(wall())
        else:
            self._base = kept[0] + min(max(0, int(wall()) - kept[1]), REST_SECONDS)

    def now(self) -> int:
        """Seconds; never less than before."""
        return self._base + int(self._monotonic() - self._started)

    def keep(self, tx: Transaction) -> None:
        """Make the present durable with whatever the transaction does."""
        tx.sql(
            "INSERT INTO queue_clock (clock_id, at, wall) VALUES (1, ?, ?)"
            " ON CONFLICT (clock_id) DO UPDATE SET at = max(at, excluded.at), wall = excluded.wall",
            (self.now(), int(self._wall())),
        )


def kept(view: View, otherwise: int) -> int:
    """The queue time that was last kept; ``otherwise`` (unix time) before the first start."""
    found = view.sql("SELECT at FROM queue_clock").scalar()
    return otherwise if found is None else int(found)
