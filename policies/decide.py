"""Ask every rule of a moment, in order, and give the verdict."""

from typing import TypeVar

from policies import rules
from policies.facts import (
    ArrivalFacts,
    MessageFacts,
    PeerFacts,
    RecipientFacts,
    RecordFacts,
    SenderFacts,
)
from policies.reasons import Reason
from policies.verdict import Asked, Defer, Permit, Refuse, Verdict

F = TypeVar("F")


def at_peer(facts: PeerFacts) -> Verdict:
    """May another operator's server begin a message? Asked at MAIL, each time."""
    return decide(rules.AT_PEER, facts)


def at_sender(facts: SenderFacts) -> Verdict:
    """May this author begin a message? Asked at MAIL."""
    return decide(rules.AT_SENDER, facts)


def at_recipient(facts: RecipientFacts) -> Verdict:
    """May this author write to this recipient? Asked at RCPT, one answer per recipient."""
    return decide(rules.AT_RECIPIENT, facts)


def at_message(facts: MessageFacts) -> Verdict:
    """May this message be committed? Asked last, on facts read in the committing transaction.

    It stands alone: what ``at_recipient`` said earlier of a patient's message is asked again.
    """
    return decide(rules.AT_MESSAGE, facts)


def at_arrival(facts: ArrivalFacts) -> Verdict:
    """May this message from elsewhere be committed? Asked on what was opened, and again in the
    committing transaction."""
    return decide(rules.AT_ARRIVAL, facts)


def at_read(facts: RecordFacts) -> Verdict:
    """May this actor do this to this document?"""
    return decide(rules.AT_READ, facts)


def decide(table: tuple[rules.Rule[F], ...], facts: F) -> Verdict:
    """The first objection of ``table``, or Permit; a table without a row refuses.

    Every rule is asked even after an objection: the trail shows them all, and the time of an answer
    does not tell which rule gave it.
    """
    trail = tuple(Asked(rule.name, rule.objection(facts)) for rule in table)
    if not trail:
        return Refuse(Reason.NOT_ALLOWED, trail)
    for _, objection in trail:
        if objection is not None:
            return Defer(objection, trail) if objection.is_temporary else Refuse(objection, trail)
    return Permit(trail)
