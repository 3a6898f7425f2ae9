"""Stage report, for patients: what happened → a short e-mail to a personal address, later.

What is told of is entered in the transaction that does it (:func:`announce`), so a kill neither
loses nor invents a notice; ``smtp.plain`` sends it by a relay of ordinary mail, apart from the
queue and from the trust space. A notice holds no health content (domain CIT-21): its words are
those of ``texts``, the same for everybody.
"""

import secrets
from enum import Enum
from typing import Final

from mailbox_store.database import Transaction
from mailbox_store.vault import AccountId
from mss_gateway.config import Config
from mss_gateway.directory import contact, notice_desk, notice_leases, notices
from mss_gateway.directory.notice_kinds import Kind
from mss_gateway.directory.notice_leases import Claimed
from mss_gateway.directory.notices import Apart, Rules
from mss_gateway.life.gateway import Gateway
from mss_gateway.observability import audit, log
from mss_gateway.queue import schedule

PATIENCE_SECONDS: Final = 3 * 86_400
"""A notice that could not leave for three days tells nobody anything new."""


class Result(Enum):
    """What an attempt came to."""

    SENT = "sent"
    """The relay has taken it."""
    AWAY = "away"
    """Nobody there whom we may give it to: so it is for every notice."""
    DEFERRED = "deferred"
    """The relay said no to this one: it is tried again, later each time."""
    NO_SUCH_ADDRESS = "no_such_address"
    """The relay says that nobody has this address: it is used no more."""


def is_on(config: Config) -> bool:
    """Whether there is a relay that notices leave by."""
    return bool(config.notices.host)


def rules_of(config: Config) -> Rules:
    """How notices are grouped here."""
    return Rules(config.notices.window_minutes * 60, config.notices.daily, PATIENCE_SECONDS)


def announce(gateway: Gateway, tx: Transaction, account_id: AccountId, kind: Kind) -> None:
    """In the transaction of what is told of; one statement, which coalesces.

    Nothing when there is no relay, no confirmed address, or when its holder switched it off.
    """
    if is_on(gateway.config):
        now = gateway.queue_clock.now()
        notices.enter(tx, account_id, kind, now, rules_of(gateway.config))


def send_code(
    gateway: Gateway, tx: Transaction, account_id: AccountId, kind: Kind, code: str
) -> bool:
    """A code that the caller keeps, for a quarter of an hour, to the confirmed address.

    False when none can be sent: then there must be another way. The caller sees to it that nobody
    is flooded.
    """
    address = contact.confirmed(tx, account_id)
    if address is None or not is_on(gateway.config):
        return False
    apart = Apart(address, contact.CODE_SECONDS, code)
    notices.enter_apart(tx, account_id, kind, apart, gateway.queue_clock.now())
    return True


def recover(gateway: Gateway) -> None:
    """At the start of the one serving process: what a dead one had leased, and rows of no use."""
    now = gateway.queue_clock.now()

    def unit(tx: Transaction) -> int:
        notice_leases.forget(tx, now)
        return notice_leases.recover(tx)

    recovered = gateway.database.write(unit)
    if recovered:
        log.note("notices recovered", count=recovered)


def look_after(gateway: Gateway) -> None:
    """Now and then: count what waits, let rows go that tell nothing any more."""
    now = gateway.queue_clock.now()
    with gateway.database.read() as view:
        gateway.metrics.notices_waiting.set(notice_desk.waiting(view).count)
        has_idle = notice_leases.has_idle(view, now)
    if has_idle:
        gateway.database.write(lambda tx: notice_leases.forget(tx, now))


def take(gateway: Gateway, count: int) -> tuple[Claimed, ...]:
    """Lease what is due, of so many people at most; what nobody could send in time goes."""
    now = gateway.queue_clock.now()
    with gateway.database.read() as view:
        if not notice_leases.has_due(view, now):
            return ()
    batch = gateway.database.write(lambda tx: notice_leases.claim(tx, count, now))
    if batch.expired:
        gateway.metrics.notices.labels("given_up").inc(batch.expired)
        log.note("notices given up", count=batch.expired)
    return batch.claimed


def settle(gateway: Gateway, claimed: Claimed, result: Result, failure: str = "") -> None:
    """Keep what an attempt came to; ``failure`` is one of a closed list of words."""
    now, rules = gateway.queue_clock.now(), rules_of(gateway.config)

    def unit(tx: Transaction) -> bool:
        match result:
            case Result.SENT:
                return notice_leases.sent(tx, claimed, now, rules)
            case Result.AWAY:
                return notice_leases.put_off(tx, claimed, now, failure, counts=False)
            case Result.DEFERRED:
                due_at = _again_at(claimed, now)
                return notice_leases.put_off(tx, claimed, due_at, failure, counts=True)
            case Result.NO_SUCH_ADDRESS:
                return _refused(tx, claimed)

    if gateway.database.write(unit):
        gateway.metrics.notices.labels(result.value).inc()


def _again_at(claimed: Claimed, now: int) -> int:
    """When a notice of its own trouble is tried again; beyond its time the next claim drops it."""
    spread, patience = secrets.randbelow(1000) / 1000, claimed.expires_at - claimed.entered_at
    again = schedule.next_attempt(claimed.attempts, claimed.entered_at, now, spread, patience)
    return claimed.expires_at if again is None else min(again, claimed.expires_at)


def _refused(tx: Transaction, claimed: Claimed) -> bool:
    """Nothing goes to this address any more, until its holder gives one that works."""
    if not notice_leases.give_up(tx, claimed):
        return False
    if contact.mark_failing(tx, claimed.account_id, claimed.address):
        notices.clear(tx, claimed.account_id)
        about = f"account:{claimed.account_id}"
        audit.record(tx, actor="system", act="people", object=about, verdict="contact failing")
    return True
