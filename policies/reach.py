"""Whether an address can be reached at all, telling a stranger as little as can be.

An INS is no oracle: a patient unknown, opposed, closed or suspended gives one and the same reason.
Each function is one objection: the reason when it applies, None when it has nothing to say.
"""

from policies.facts import RecipientFacts
from policies.people import Role
from policies.reasons import Reason


def outside_domain(facts: RecipientFacts) -> Reason | None:
    """The domain is ours, or another operator's of the trust space and the author's may leave."""
    is_inside = facts.domain_is_ours or (facts.domain_is_trusted and facts.may_relay)
    return None if is_inside else Reason.DOMAIN_OUTSIDE


def stale_list(facts: RecipientFacts) -> Reason | None:
    """Who belongs to the trust space has been confirmed lately; asked of other operators' domains.

    What stays here does not depend on it.
    """
    is_stale = facts.list_is_stale and not facts.domain_is_ours
    return Reason.WHITELIST_STALE if is_stale else None


def malformed_ins(facts: RecipientFacts) -> Reason | None:
    """A patient's address is an INS whose length, structure and key are right.

    A public rule, decided without any look-up, and so the only answer that may differ.
    """
    if not _is_to_patient(facts) or facts.ins_is_well_formed:
        return None
    return Reason.INS_MALFORMED


def unreachable_patient(facts: RecipientFacts) -> Reason | None:
    """The patient has a space that receives; whatever the cause, the answer is the same.

    Of a patient at another operator, that operator knows.
    """
    if not _is_to_patient(facts) or _is_elsewhere(facts):
        return None
    return None if _is_held_by_patient(facts) and _receives(facts) else Reason.PATIENT_UNREACHABLE


def unknown_recipient(facts: RecipientFacts) -> Reason | None:
    """Somebody holds the address; asked of addresses here other than patients'."""
    is_known = facts.recipient_role is not None
    is_unknown = not (_is_to_patient(facts) or is_known or _is_elsewhere(facts))
    return Reason.RECIPIENT_UNKNOWN if is_unknown else None


def unavailable_recipient(facts: RecipientFacts) -> Reason | None:
    """The holder's account receives; asked of addresses other than patients'."""
    if _is_to_patient(facts) or facts.recipient_role is None or _receives(facts):
        return None
    return Reason.RECIPIENT_UNAVAILABLE


def too_many_recipients(facts: RecipientFacts) -> Reason | None:
    """One more recipient stays within the limit of the transaction (RFC 5321 §4.5.3.1.10)."""
    is_full = facts.recipients_so_far >= facts.recipient_limit
    return Reason.TOO_MANY_RECIPIENTS if is_full else None


def _is_to_patient(facts: RecipientFacts) -> bool:
    # Facts that contradict each other get the stricter treatment: a patient's.
    return facts.recipient_is_patient_domain or facts.recipient_role is Role.PATIENT


def _is_elsewhere(facts: RecipientFacts) -> bool:
    return facts.domain_is_trusted and facts.may_relay and not facts.domain_is_ours


def _is_held_by_patient(facts: RecipientFacts) -> bool:
    return facts.recipient_is_patient_domain and facts.recipient_role is Role.PATIENT


def _receives(facts: RecipientFacts) -> bool:
    return facts.recipient_standing is not None and facts.recipient_standing.receives
