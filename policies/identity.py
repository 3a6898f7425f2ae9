"""Reverse-path, From and Sender belong to the authenticated party (RFC 6409 §6.1).

Each function is one objection: the reason when it applies, None when it has nothing to say.
"""

from policies.facts import FromAuthor, MessageFacts
from policies.people import Role
from policies.reasons import Reason


def suspended_author(facts: FromAuthor) -> Reason | None:
    """Whoever cannot be answered does not write: an account may be suspended during a session."""
    return None if facts.author.standing.receives else Reason.ACCOUNT_SUSPENDED


def foreign_reverse_path(facts: FromAuthor) -> Reason | None:
    """The reverse-path is the author's, or null for a report of a professional or the gateway.

    A patient's is never null: somebody must be told when the message fails (RFC 5321 §4.5.5).
    Whoever may write from no address at all, such as somebody whom a shared box was taken back
    from, sends no report either.
    """
    if not facts.author.addresses:
        return Reason.SENDER_NOT_YOURS
    if facts.reverse_path is None:
        return Reason.SENDER_NOT_YOURS if facts.author.role is Role.PATIENT else None
    return None if facts.reverse_path in facts.author.addresses else Reason.SENDER_NOT_YOURS


def malformed_from(facts: MessageFacts) -> Reason | None:
    """Exactly one From field with one address, and at most one Sender address.

    Deviates: RFC 5322 §3.6.2 allows several authors; two readers may then believe in two of them.
    """
    well_formed = (
        facts.from_field_count == 1
        and len(facts.from_addresses) == 1
        and len(facts.sender_addresses) <= 1
    )
    return None if well_formed else Reason.FROM_MALFORMED


def foreign_from(facts: MessageFacts) -> Reason | None:
    """Every address of From is the author's own."""
    is_own = facts.author.addresses.issuperset(facts.from_addresses)
    return None if is_own else Reason.FROM_NOT_YOURS


def foreign_sender_field(facts: MessageFacts) -> Reason | None:
    """Every address of Sender is the author's own: some readers show it before From."""
    is_own = facts.author.addresses.issuperset(facts.sender_addresses)
    return None if is_own else Reason.FROM_NOT_YOURS
