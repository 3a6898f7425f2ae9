"""What another operator's server may hand over: whom it speaks for, and for whom it may write.

The certificate of its TLS names the operator, the white list the domains of that operator; both the
reverse-path and From are to be of these, for nobody else vouches for them. Each function is one
objection: the reason when it applies, None when it has nothing to say.
"""

from collections.abc import Callable

from policies import first_contact
from policies.facts import ArrivalFacts, MessageFacts, PeerFacts, PeerProof
from policies.reasons import Reason


def unproved(facts: PeerFacts) -> Reason | None:
    """The server has shown a certificate that is believed today (OP-08, OP-09)."""
    is_shown = facts.proof in (PeerProof.BELIEVED, PeerProof.UNCHECKED)
    return None if is_shown else Reason.PEER_UNPROVED


def unchecked(facts: PeerFacts) -> Reason | None:
    """Whether the certificate was taken back is known; not knowing is not good."""
    return Reason.PEER_UNCHECKED if facts.proof is PeerProof.UNCHECKED else None


def stale_list(facts: PeerFacts) -> Reason | None:
    """Who belongs to the trust space has been confirmed lately."""
    return Reason.WHITELIST_STALE if facts.list_is_stale else None


def outside(facts: PeerFacts) -> Reason | None:
    """The certificate speaks for an operator of the white list."""
    return None if facts.operator_domains else Reason.PEER_OUTSIDE


def foreign_reverse_path(facts: PeerFacts) -> Reason | None:
    """The reverse-path is of the operator's domains, or null for a report."""
    if facts.reverse_path is None:
        return None
    is_own = _domain(facts.reverse_path) in facts.operator_domains
    return None if is_own else Reason.SENDER_NOT_OF_PEER


def declared_too_big(facts: PeerFacts) -> Reason | None:
    """The size declared at MAIL is within the operator's limit (RFC 1870 §6.1)."""
    is_too_big = facts.declared_size is not None and facts.declared_size > facts.size_limit
    return Reason.MESSAGE_TOO_BIG if is_too_big else None


def foreign_from(facts: ArrivalFacts) -> Reason | None:
    """Every address of From, and of what is protected inside, is of the operator's domains."""
    return _foreign(facts, (*facts.message.from_addresses, *facts.inside_addresses))


def foreign_sender_field(facts: ArrivalFacts) -> Reason | None:
    """Every address of Sender is of the operator's domains: some readers show it before From."""
    return _foreign(facts, facts.message.sender_addresses)


def own_trace(facts: ArrivalFacts) -> Reason | None:
    """The message has not been here before (threat T13)."""
    return Reason.MAIL_LOOP if facts.has_own_trace else None


def exchange_closed(facts: ArrivalFacts) -> Reason | None:
    """As ``first_contact.exchange_closed_at_commit``; a report, such as the receipt of the closing
    message itself, is no answer of the patient's."""
    return None if facts.is_report else first_contact.exchange_closed_at_commit(facts.message)


def of_message(
    objection: Callable[[MessageFacts], Reason | None],
) -> Callable[[ArrivalFacts], Reason | None]:
    """A rule that is asked of every message, here of one that arrives."""
    return lambda facts: objection(facts.message)


def _foreign(facts: ArrivalFacts, addresses: tuple[str, ...]) -> Reason | None:
    is_own = facts.operator_domains.issuperset(map(_domain, addresses))
    return None if is_own else Reason.FROM_NOT_OF_PEER


def _domain(address: str) -> str:
    return address.rpartition("@")[2]
