"""What a soak found: the checks that must hold, and the figures."""

from typing import TYPE_CHECKING, Any

from mss_gateway import config
from tests.crash import inspecting
from tests.crash.inspecting import Record
from tests.crash.mailboxes import Tally

if TYPE_CHECKING:
    from tests.crash.soak import Soak

APPLICATIONS = ("resultats@ville.example",)
"""Boxes that answer every message of a person by a read receipt (RFC 8098), by themselves."""


def has_hit_every_window(soak: "Soak") -> bool:
    """Whether kills fell between a commit and its 250, a lease and its result, and at a relay.

    A retry that was known again had lost its 250. Those of the other operator come minutes later,
    when an item is tried again: they are told, and not waited for.
    """
    counters = [side.counters for side in soak.sides]
    return (
        any(each.collapsed_of_clients for each in counters)
        and any(each.kills_between_lease_and_result for each in counters)
        and any(each.kills_with_attempts_in_doubt for each in counters)
    )


def checks(soak: "Soak", tally: Tally) -> dict[str, bool]:
    """Each with whether it holds; both servers are stopped."""
    states = [side.demo.state for side in soak.sides]
    records = [inspecting.audited(state) for state in states]
    broken = [inspecting.audit_chain(config.load(state / "config.toml")) for state in states]
    return {
        "every acknowledged message is in its mailboxes": not tally.lost,
        "no message is there twice": not tally.duplicated,
        "what is there is what was sent, signed": not tally.torn,
        "nothing is there that nobody sent": not tally.strangers,
        "nothing was refused": not soak.ledger.refused,
        "nothing was reported as failed or late": tally.reports == 0,
        "an application's box answered each message once": _is_each_answered(soak, tally),
        "UIDs only grow, UIDVALIDITY is constant": not soak.disorder,
        "one store, and one deliver or relay per recipient in the audit": _is_exact(soak, records),
        "what one side relayed is what the other took": _is_balanced(records),
        "the audit chains hold": not any(broken),
        "the databases are whole": all(inspecting.integrity(each) == "ok" for each in states),
        "kills hit every window": has_hit_every_window(soak),
        "lost answers were asked again": soak.ledger.tries > 0,
    }


def report(soak: "Soak", tally: Tally) -> dict[str, Any]:
    """The figures."""
    ledger, counters = soak.ledger, [side.counters for side in soak.sides]
    records = [inspecting.audited(side.demo.state) for side in soak.sides]
    starts = sorted(seconds for each in counters for seconds in each.start_seconds)
    return {
        "soak": "kill -9 under submission and relay between two operators",
        "messages": len(ledger.sent),
        "acked": len(ledger.acked),
        "recipients_of_acked": sum(len(ledger.sent[each].recipients) for each in ledger.acked),
        "relayed": sum(acts.relays for each in records for acts in each.acts.values()),
        "refused": len(ledger.refused),
        "deferred": ledger.deferred,
        "kills": soak.kills,
        "kills_per_side": [each.kills for each in counters],
        "kills_during_start": sum(each.kills_during_start for each in counters),
        "kills_at": {
            turn: sum(each.kills_at[turn] for each in counters) for turn in counters[0].kills_at
        },
        "lost": len(tally.lost),
        "dup": len(tally.duplicated),
        "torn": len(tally.torn),
        "strangers": len(tally.strangers),
        "reports": tally.reports,
        "receipts": sum(tally.receipts.values()),
        "disorder": soak.disorder[:5],
        "unanswered_present": tally.unanswered_present,
        "unanswered_absent": tally.unanswered_absent,
        "handed_over_again": ledger.tries,
        "collapsed_retries_of_clients": sum(each.collapsed_of_clients for each in records),
        "collapsed_retries_of_peers": sum(each.collapsed_of_peers for each in records),
        "leased_undelivered": sum(each.leased_undelivered for each in counters),
        "kills_between_lease_and_result": sum(
            each.kills_between_lease_and_result for each in counters
        ),
        "kills_with_attempts_in_doubt": sum(each.kills_with_attempts_in_doubt for each in counters),
        "first_start_seconds": [round(each, 2) for each in soak.first_starts],
        "restart_seconds_p50": round(starts[len(starts) // 2], 2),
        "restart_seconds_p99": round(starts[min(len(starts) - 1, len(starts) * 99 // 100)], 2),
        "tried_by_operator": soak.tried_by_operator,
        "quiet_seconds": round(soak.quiet_seconds, 1),
        # none of n lost: with 95 % confidence fewer than 3 in n (the rule of three)
        "lost_share_upper_bound_95": (
            round(3 / len(ledger.acked), 6) if ledger.acked and not tally.lost else None
        ),
    }


def _is_exact(soak: "Soak", records: list[Record]) -> bool:
    """Every message that was taken, by a reference that its sender may never have been told."""
    refs = {ref for record in records for ref, acts in record.acts.items() if acts.stores}
    return soak.ledger.refs <= refs and all(
        acts.stores == 1 and acts.deliveries + acts.relays == acts.recipients
        for record in records
        for acts in record.acts.values()
        if acts.stores
    )


def _is_balanced(records: list[Record]) -> bool:
    """Each message that one side handed over was taken once by the other."""
    relayed = [sum(acts.relays for acts in each.acts.values()) for each in records]
    taken = [
        sum(acts.stores for acts in each.acts.values() if acts.is_from_peer) for each in records
    ]
    return relayed == taken[::-1]


def _is_each_answered(soak: "Soak", tally: Tally) -> bool:
    expected = {
        message_id: tally.present_at[message_id, box]
        for message_id, sent in soak.ledger.sent.items()
        for box in APPLICATIONS
        if box in sent.recipients and tally.present_at[message_id, box]
    }
    return expected == dict(tally.receipts)
