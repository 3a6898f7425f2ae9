"""What a message may carry: its size, its route, its signature, its attachments.

Each function is one objection: the reason when it applies, None when it has nothing to say.
A limit is the largest value that passes.
"""

from policies.facts import Finding, MessageFacts, SenderFacts, SignatureStatus
from policies.reasons import Reason


def declared_too_big(facts: SenderFacts) -> Reason | None:
    """The size declared at MAIL is within the operator's limit (RFC 1870 §6.1)."""
    is_too_big = facts.declared_size is not None and facts.declared_size > facts.size_limit
    return Reason.MESSAGE_TOO_BIG if is_too_big else None


def too_big(facts: MessageFacts) -> Reason | None:
    """The message is within the operator's limit."""
    return Reason.MESSAGE_TOO_BIG if facts.size > facts.size_limit else None


def too_big_for_patient(facts: MessageFacts) -> Reason | None:
    """A message with a patient among its recipients is within the national limit too."""
    is_too_big = facts.has_patient_recipient and facts.size > facts.size_limit_to_patient
    return Reason.MESSAGE_TOO_BIG_FOR_PATIENT if is_too_big else None


def message_loop(facts: MessageFacts) -> Reason | None:
    """The message has not passed more servers than a message does (RFC 5321 §6.3)."""
    return Reason.MAIL_LOOP if facts.received_count > facts.received_limit else None


def missing_signature(facts: MessageFacts) -> Reason | None:
    """An author who keeps the keys has signed: the gateway cannot do it in their place."""
    is_missing = facts.has_client_keys and facts.signature is SignatureStatus.ABSENT
    return Reason.SIGNATURE_REQUIRED if is_missing else None


def rejected_signature(facts: MessageFacts) -> Reason | None:
    """A signature that is there is valid; one that nobody checked is not."""
    is_accepted = facts.signature in (SignatureStatus.ABSENT, SignatureStatus.VALID)
    return None if is_accepted else Reason.SIGNATURE_REJECTED


def foreign_signer(facts: MessageFacts) -> Reason | None:
    """The signer is the author named in From (RFC 8550 §3)."""
    if facts.signature is not SignatureStatus.VALID:
        return None
    is_author = set(facts.signer_addresses).issuperset(facts.from_addresses)
    return None if is_author else Reason.SIGNATURE_REJECTED


def forbidden_type(facts: MessageFacts) -> Reason | None:
    """No program, script or macro, by content and not by name."""
    return Reason.FORBIDDEN_TYPE if Finding.FORBIDDEN_TYPE in facts.findings else None


def unreadable_xdm(facts: MessageFacts) -> Reason | None:
    """An archive that calls itself an XDM is one."""
    return Reason.XDM_UNREADABLE if Finding.XDM_UNREADABLE in facts.findings else None


def altered_xdm(facts: MessageFacts) -> Reason | None:
    """Every document of an XDM has the size and the hash that its metadata state."""
    return Reason.XDM_HASH_MISMATCH if Finding.XDM_HASH_MISMATCH in facts.findings else None


def misdirected_xdm(facts: MessageFacts) -> Reason | None:
    """An XDM sent to a patient is about that patient."""
    return Reason.XDM_WRONG_PATIENT if Finding.XDM_WRONG_PATIENT in facts.findings else None


def hidden_document(facts: MessageFacts) -> Reason | None:
    """A document hidden from the patient is not sent to a patient; between professionals it is."""
    is_hidden = Finding.XDM_HIDDEN_FROM_PATIENT in facts.findings
    return Reason.XDM_HIDDEN_FROM_PATIENT if is_hidden and facts.has_patient_recipient else None
