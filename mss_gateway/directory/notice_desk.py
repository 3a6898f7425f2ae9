"""What an operator sees of the notices and may do to them. Never of which kind one is."""

from dataclasses import dataclass

from mailbox_store.database import Transaction, View
from mss_gateway.directory.notices import wipe


@dataclass(frozen=True, slots=True)
class Line:
    """One row that waits or is being sent; ``due_at`` and ``entered_at`` are queue time."""

    notice_id: int
    account_id: int
    state: str
    attempts: int
    due_at: int
    last_failure: str
    entered_at: int
    created_at: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many wait; of those that failed, since when the oldest waits, and why it failed last.

    ``failing_since`` is queue time; 0 when none failed.
    """

    count: int
    failing_since: int
    last_failure: str


def listing(view: View) -> list[Line]:
    """What waits or is being sent, oldest first."""
    rows = view.sql(
        "SELECT notice_id, account_id, lease IS NOT NULL, attempts, due_at, last_failure,"
        " entered_at, created_at FROM notices WHERE pending > 0 ORDER BY entered_at, notice_id"
    ).fetchall()
    return [
        Line(one[0], one[1], "leased" if one[2] else "due", one[3], one[4], one[5] or "", *one[6:])
        for one in rows
    ]


def waiting(view: View) -> Waiting:
    """The whole, for metrics and `mss doctor`."""
    count = view.sql("SELECT count(*) FROM notices WHERE due_at IS NOT NULL").scalar()
    oldest = view.sql(
        "SELECT entered_at, last_failure FROM notices WHERE due_at IS NOT NULL"
        " AND last_failure IS NOT NULL ORDER BY entered_at LIMIT 1"
    ).first()
    since, failure = (0, "") if oldest is None else oldest
    return Waiting(int(count), since, failure)


def retry(tx: Transaction, notice_id: int) -> bool:
    """Due at once; False when nobody knows it or it is being sent."""
    changed = tx.sql(
        "UPDATE notices SET due_at = 0 WHERE notice_id = ? AND pending > 0 AND lease IS NULL"
        " RETURNING notice_id",
        (notice_id,),
    )
    return bool(changed.fetchall())


def drop(tx: Transaction, notice_id: int) -> bool:
    """Never sent; False when nobody knows it or it is being sent."""
    return wipe(tx, "notice_id = ? AND pending > 0 AND lease IS NULL", (notice_id,)) > 0
