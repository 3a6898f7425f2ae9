"""Notices on their way: claimed under a lease, then sent, put off or given up.

A lease that ran out is due again: a notice is sent at least once and, but for a crash in the moment
between the relay's answer and its result, once. Times are queue time.
"""

import secrets
from dataclasses import dataclass
from typing import Any, Final

from mailbox_store.database import Transaction, View
from mailbox_store.vault import AccountId
from mss_gateway.directory import contact
from mss_gateway.directory.notice_kinds import Kind, row
from mss_gateway.directory.notices import Rules, index_of, opened, wipe

LEASE_SECONDS: Final = 600
DAY: Final = 86_400


@dataclass(frozen=True, slots=True)
class Claimed:
    """One e-mail to send, under a lease of ours. ``code`` is empty where it holds none.

    ``parts``: the numbers of its rows and what each is of.
    """

    account_id: AccountId
    lease: bytes
    address: str
    parts: tuple[tuple[int, Kind], ...]
    code: str
    attempts: int
    entered_at: int
    expires_at: int

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """What it tells of, in the order of the table."""
        return tuple(sorted((kind for _, kind in self.parts), key=list(Kind).index))


@dataclass(frozen=True, slots=True)
class Batch:
    """What a claim found; ``expired``: rows that nobody could send in time, and that are gone."""

    claimed: tuple[Claimed, ...]
    expired: int


def has_due(view: View, now: int) -> bool:
    """Whether a claim would find something; one look into an index."""
    return view.sql("SELECT 1 FROM notices WHERE due_at <= ? LIMIT 1", (now,)).first() is not None


def claim(tx: Transaction, count: int, now: int) -> Batch:
    """Lease what is due, of ``count`` accounts at most: one e-mail each, and one for each code.

    An e-mail that leaves takes along all that waits for the same person. What ran out of time, or
    has no address to go to any more, goes.
    """
    rows = tx.sql(
        "SELECT account_id FROM (SELECT account_id, due_at FROM notices WHERE due_at <= ?"
        " ORDER BY due_at LIMIT ?) AS due GROUP BY account_id ORDER BY min(due_at)",
        (now, count),
    ).fetchall()
    batches = [_claim_account(tx, AccountId(found[0]), now) for found in rows]
    return Batch(
        tuple(one for batch in batches for one in batch.claimed),
        sum(batch.expired for batch in batches),
    )


def _claim_account(tx: Transaction, account_id: AccountId, now: int) -> Batch:
    rows = tx.sql(
        "SELECT notice_id, kind_index, attempts, entered_at, expires_at, sealed FROM notices"
        " WHERE account_id = ? AND pending > 0 AND (lease IS NULL OR due_at <= ?)"
        " ORDER BY notice_id",
        (account_id, now),
    ).fetchall()
    kinds = {index_of(tx, account_id, kind): kind for kind in Kind}
    address = contact.confirmed(tx, account_id)
    together: list[tuple[Any, Kind]] = []
    claimed, expired = [], 0
    for one in rows:
        kind = kinds.get(bytes(one[1]))
        is_late = one[4] <= now
        if kind is None or is_late or (one[5] is None and address is None):
            wipe(tx, "notice_id = ?", (one[0],))
            expired += is_late
        elif one[5] is None:
            together.append((one, kind))
        else:
            apart = opened(tx, account_id, bytes(one[5]))
            to = (account_id, apart.address, apart.code)
            claimed.append(_lease(tx, to, [(one, kind)], now))
    if together and address is not None:
        claimed.append(_lease(tx, (account_id, address, ""), together, now))
    return Batch(tuple(claimed), expired)


def _lease(
    tx: Transaction, to: tuple[AccountId, str, str], rows: list[tuple[Any, Kind]], now: int
) -> Claimed:
    lease, (account_id, address, code) = secrets.token_bytes(16), to
    tx.many(
        "UPDATE notices SET lease = ?, taken = pending, due_at = ?, attempts = attempts + 1"
        " WHERE notice_id = ?",
        [(lease, now + LEASE_SECONDS, one[0]) for one, _ in rows],
    )
    return Claimed(
        account_id,
        lease,
        address,
        tuple((one[0], kind) for one, kind in rows),
        code,
        max(one[2] for one, _ in rows) + 1,
        min(one[3] for one, _ in rows),
        min(one[4] for one, _ in rows),
    )


def sent(tx: Transaction, claimed: Claimed, now: int, rules: Rules) -> bool:
    """The relay has taken it; what happened meanwhile waits for the next one.

    False, and nothing, when the lease was lost: it is sent a second time then.
    """
    done = [_sent(tx, claimed.lease, part, now, rules) for part in claimed.parts]
    return any(done)


def _sent(tx: Transaction, lease: bytes, part: tuple[int, Kind], now: int, rules: Rules) -> bool:
    number, kind = part
    rest = tx.sql(
        "SELECT pending - taken, day_at, day_count, sealed IS NOT NULL FROM notices"
        " WHERE notice_id = ? AND lease = ?",
        (number, lease),
    ).first()
    if rest is None:
        return False
    left, day_at, day_count, is_apart = rest
    is_same_day = now < day_at + DAY
    day_at, day_count = (day_at, day_count + 1) if is_same_day else (now, 1)
    if not left:
        wipe(tx, "notice_id = ?", (number,))
    due_at = now if row(kind).is_at_once else now + rules.window
    if day_count >= rules.daily and not is_apart:
        due_at = day_at + DAY
    tx.sql(
        "UPDATE notices SET day_at = ?, day_count = ? WHERE notice_id = ?",
        (day_at, day_count, number),
    )
    if left:
        tx.sql(
            "UPDATE notices SET lease = NULL, taken = 0, pending = ?, attempts = 0,"
            " last_failure = NULL, due_at = ?, entered_at = ?, expires_at = max(expires_at, ?)"
            " WHERE notice_id = ?",
            (left, due_at, now, 0 if is_apart else due_at + rules.patience, number),
        )
    return True


def put_off(tx: Transaction, claimed: Claimed, due_at: int, failure: str, *, counts: bool) -> bool:
    """Not this time. ``counts`` False: the attempt was none of its own, the relay was away."""
    changed = tx.sql(
        "UPDATE notices SET lease = NULL, taken = 0, due_at = ?, last_failure = ?,"
        " attempts = attempts - ? WHERE lease = ? RETURNING notice_id",
        (due_at, failure, int(not counts), claimed.lease),
    )
    return bool(changed.fetchall())


def give_up(tx: Transaction, claimed: Claimed) -> bool:
    """Forget what this e-mail was to tell."""
    return wipe(tx, "lease = ?", (claimed.lease,)) > 0


def recover(tx: Transaction) -> int:
    """At the start of the one serving process: what a dead one had leased is due at once."""
    found = tx.sql(
        "UPDATE notices SET lease = NULL, taken = 0, due_at = entered_at WHERE lease IS NOT NULL"
        " RETURNING notice_id"
    )
    return len(found.fetchall())


def has_idle(view: View, now: int) -> bool:
    """Whether there is anything to forget."""
    found = view.sql(f"SELECT 1 FROM notices WHERE {_IDLE} LIMIT 1", (now - DAY,))
    return found.first() is not None


def forget(tx: Transaction, now: int) -> None:
    """Let rows go that tell nothing and count nothing any more."""
    tx.sql(f"DELETE FROM notices WHERE {_IDLE}", (now - DAY,))


_IDLE: Final = "due_at IS NULL AND day_at < ?"
