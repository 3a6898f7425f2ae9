"""THE rule tables, one per moment: what is asked, in order, and where it is written.

A row may only object. The first objection answers, so the order says what is told: what a stranger
may know comes before what would tell that somebody exists. References such as ``CIT-02`` number the
collected national requirements.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Generic, TypeVar

from policies import arrival, content, first_contact, identity, reach, records
from policies.facts import (
    ArrivalFacts,
    MessageFacts,
    PeerFacts,
    RecipientFacts,
    RecordFacts,
    SenderFacts,
)
from policies.reasons import Reason

F = TypeVar("F")


class Moment(Enum):
    """When a table is asked."""

    AT_PEER = "at_peer"
    AT_SENDER = "at_sender"
    AT_RECIPIENT = "at_recipient"
    AT_MESSAGE = "at_message"
    AT_ARRIVAL = "at_arrival"
    AT_READ = "at_read"


@dataclass(frozen=True, slots=True)
class Rule(Generic[F]):
    """One row: ``objection`` answers ``reason`` or None; ``sentence`` says what must hold."""

    name: str
    objection: Callable[[F], Reason | None]
    reason: Reason
    reference: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Line:
    """One row as it is printed."""

    moment: Moment
    name: str
    reason: Reason
    reference: str
    sentence: str


AT_PEER: tuple[Rule[PeerFacts], ...] = (
    Rule(
        "server_proved",
        arrival.unproved,
        Reason.PEER_UNPROVED,
        "ECO.1.1.10, ECO.1.1.5: OP-08, OP-09",
        "The server has shown a certificate that leads to an authority of the trust space.",
    ),
    Rule(
        "revocation_known",
        arrival.unchecked,
        Reason.PEER_UNCHECKED,
        "ECO.1.1.6: OP-09",
        "Whether that certificate was taken back is known.",
    ),
    Rule(
        "list_confirmed",
        arrival.stale_list,
        Reason.WHITELIST_STALE,
        "MSSanté Réf. #1, white list: OP-13",
        "Who belongs to the trust space was confirmed lately.",
    ),
    Rule(
        "operator_listed",
        arrival.outside,
        Reason.PEER_OUTSIDE,
        "MSSanté Réf. #1, white list: OP-14",
        "The certificate speaks for an operator of the white list.",
    ),
    Rule(
        "reverse_path_of_operator",
        arrival.foreign_reverse_path,
        Reason.SENDER_NOT_OF_PEER,
        "OP-14; threat T14",
        "The reverse-path is of that operator's domains; null for a report.",
    ),
    Rule(
        "declared_size",
        arrival.declared_too_big,
        Reason.MESSAGE_TOO_BIG,
        "RFC 1870 §6.1",
        "The declared size is within the operator's limit.",
    ),
)

AT_SENDER: tuple[Rule[SenderFacts], ...] = (
    Rule(
        "author_in_use",
        identity.suspended_author,
        Reason.ACCOUNT_SUSPENDED,
        "RFC 6409 §6.1",
        "The author's account is in use.",
    ),
    Rule(
        "reverse_path_is_own",
        identity.foreign_reverse_path,
        Reason.SENDER_NOT_YOURS,
        "RFC 6409 §6.1; RFC 5321 §4.5.5",
        "The reverse-path is an address of the author's; null only for a professional's report.",
    ),
    Rule(
        "declared_size",
        content.declared_too_big,
        Reason.MESSAGE_TOO_BIG,
        "RFC 1870 §6.1",
        "The declared size is within the operator's limit.",
    ),
)

AT_RECIPIENT: tuple[Rule[RecipientFacts], ...] = (
    Rule(
        "author_in_use",
        identity.suspended_author,
        Reason.ACCOUNT_SUSPENDED,
        "RFC 6409 §6.1",
        "The author's account is in use.",
    ),
    Rule(
        "reverse_path_is_own",
        identity.foreign_reverse_path,
        Reason.SENDER_NOT_YOURS,
        "RFC 6409 §6.1; RFC 5321 §4.5.5",
        "The reverse-path is an address of the author's; null only for a professional's report.",
    ),
    Rule(
        "domain_inside",
        reach.outside_domain,
        Reason.DOMAIN_OUTSIDE,
        "MSSanté Réf. #1, white list",
        "The recipient's domain is served here, or another operator's of the trust space.",
    ),
    Rule(
        "list_confirmed",
        reach.stale_list,
        Reason.WHITELIST_STALE,
        "MSSanté Réf. #1, white list",
        "Who belongs to the trust space was confirmed lately, for a domain elsewhere.",
    ),
    Rule(
        "no_patient_to_patient",
        first_contact.patient_to_patient,
        Reason.PATIENT_TO_PATIENT,
        "MES FAQ: CIT-04",
        "A patient does not write to a patient.",
    ),
    Rule(
        "ins_well_formed",
        reach.malformed_ins,
        Reason.INS_MALFORMED,
        "CI-SIS: CIT-01",
        "A patient's address is an INS whose length, structure and key are right.",
    ),
    Rule(
        "patient_reachable",
        reach.unreachable_patient,
        Reason.PATIENT_UNREACHABLE,
        "MES FAQ: CIT-11, CIT-12; threat T10",
        "The patient has a space that receives; every cause of absence answers the same.",
    ),
    Rule(
        "contacted_first",
        first_contact.not_yet_contacted,
        Reason.NOT_YET_CONTACTED,
        "MES FAQ: CIT-02, CIT-03, CIT-05",
        "A patient writes only to a professional who wrote first, or to a flagged pharmacy.",
    ),
    Rule(
        "exchange_not_closed",
        first_contact.exchange_closed,
        Reason.EXCHANGE_CLOSED,
        "MSSanté Réf. #2 §7: CIT-07, CIT-08, CIT-09",
        "A patient does not write to a professional who has ended the exchange.",
    ),
    Rule(
        "recipient_known",
        reach.unknown_recipient,
        Reason.RECIPIENT_UNKNOWN,
        "RFC 5321 §3.3",
        "Somebody holds the recipient's address.",
    ),
    Rule(
        "recipient_available",
        reach.unavailable_recipient,
        Reason.RECIPIENT_UNAVAILABLE,
        "RFC 3463 §3.3",
        "The recipient's account receives.",
    ),
    Rule(
        "recipients_within_limit",
        reach.too_many_recipients,
        Reason.TOO_MANY_RECIPIENTS,
        "RFC 5321 §4.5.3.1.10",
        "The transaction has room for one more recipient.",
    ),
)

AT_MESSAGE: tuple[Rule[MessageFacts], ...] = (
    Rule(
        "author_in_use",
        identity.suspended_author,
        Reason.ACCOUNT_SUSPENDED,
        "RFC 6409 §6.1",
        "The author's account is in use.",
    ),
    Rule(
        "reverse_path_is_own",
        identity.foreign_reverse_path,
        Reason.SENDER_NOT_YOURS,
        "RFC 6409 §6.1; RFC 5321 §4.5.5",
        "The reverse-path is an address of the author's; null only for a professional's report.",
    ),
    Rule(
        "one_author",
        identity.malformed_from,
        Reason.FROM_MALFORMED,
        "RFC 5322 §3.6.2; threat T14",
        "One From field with one address, at most one Sender.",
    ),
    Rule(
        "from_is_own",
        identity.foreign_from,
        Reason.FROM_NOT_YOURS,
        "RFC 6409 §6.1; threat T14",
        "From is an address of the author's.",
    ),
    Rule(
        "sender_field_is_own",
        identity.foreign_sender_field,
        Reason.FROM_NOT_YOURS,
        "RFC 5322 §3.6.2; threat T14",
        "Sender, when there is one, is an address of the author's.",
    ),
    Rule(
        "no_patient_to_patient",
        first_contact.patient_to_patient_at_commit,
        Reason.PATIENT_TO_PATIENT,
        "MES FAQ: CIT-04",
        "A patient does not write to a patient.",
    ),
    Rule(
        "every_exchange_known",
        first_contact.exchange_forgotten,
        Reason.NOT_YET_CONTACTED,
        "MES FAQ: CIT-02",
        "For a patient's message the exchange with every recipient has been read again.",
    ),
    Rule(
        "contacted_first",
        first_contact.not_yet_contacted_at_commit,
        Reason.NOT_YET_CONTACTED,
        "MES FAQ: CIT-02, CIT-03, CIT-05",
        "A patient writes only to a professional who wrote first, or to a flagged pharmacy.",
    ),
    Rule(
        "exchange_not_closed",
        first_contact.exchange_closed_at_commit,
        Reason.EXCHANGE_CLOSED,
        "MSSanté Réf. #2 §7: CIT-07, CIT-08, CIT-09",
        "A patient does not write to a professional who has ended the exchange.",
    ),
    Rule(
        "no_loop",
        content.message_loop,
        Reason.MAIL_LOOP,
        "RFC 5321 §6.3",
        "The message has not passed too many servers.",
    ),
    Rule(
        "size",
        content.too_big,
        Reason.MESSAGE_TOO_BIG,
        "RFC 1870 §6.1",
        "The message is within the operator's limit.",
    ),
    Rule(
        "size_to_patient",
        content.too_big_for_patient,
        Reason.MESSAGE_TOO_BIG_FOR_PATIENT,
        "MSSanté Réf. #2 §6: CIT-13",
        "A message to a patient is within the national limit.",
    ),
    Rule(
        "signed_by_client",
        content.missing_signature,
        Reason.SIGNATURE_REQUIRED,
        "RFC 8551 §3.5; decision of the house 11.4",
        "An author whose keys are in their own client has signed.",
    ),
    Rule(
        "signature_valid",
        content.rejected_signature,
        Reason.SIGNATURE_REJECTED,
        "RFC 5652 §5.6; decision of the house 11.4",
        "A signature that is present has been checked and is valid.",
    ),
    Rule(
        "signer_is_author",
        content.foreign_signer,
        Reason.SIGNATURE_REJECTED,
        "RFC 8550 §3; threat T14",
        "The signer's certificate names the address in From.",
    ),
    Rule(
        "types_allowed",
        content.forbidden_type,
        Reason.FORBIDDEN_TYPE,
        "decision of the house: no program, script or macro",
        "No attachment is of a forbidden type, by content.",
    ),
    Rule(
        "xdm_readable",
        content.unreadable_xdm,
        Reason.XDM_UNREADABLE,
        "IHE ITI XDM; CIT-16",
        "An archive that calls itself an XDM can be read as one.",
    ),
    Rule(
        "xdm_unaltered",
        content.altered_xdm,
        Reason.XDM_HASH_MISMATCH,
        "IHE ITI XDM; CIT-16",
        "The documents of an XDM have the hash and size of their metadata.",
    ),
    Rule(
        "xdm_about_recipient",
        content.misdirected_xdm,
        Reason.XDM_WRONG_PATIENT,
        "MSSanté Réf. #2: CIT-16",
        "An XDM sent to a patient is about that patient.",
    ),
    Rule(
        "xdm_visible",
        content.hidden_document,
        Reason.XDM_HIDDEN_FROM_PATIENT,
        "CI-SIS: CIT-25",
        "A document hidden from the patient is not sent to a patient.",
    ),
)


def _too(name: str) -> Rule[ArrivalFacts]:
    """The row of AT_MESSAGE of that name, asked of what arrives as well."""
    row = next(each for each in AT_MESSAGE if each.name == name)
    asked = arrival.of_message(row.objection)
    return Rule(row.name, asked, row.reason, row.reference, row.sentence)


AT_ARRIVAL: tuple[Rule[ArrivalFacts], ...] = (
    _too("one_author"),
    Rule(
        "from_of_operator",
        arrival.foreign_from,
        Reason.FROM_NOT_OF_PEER,
        "OP-14; threat T14",
        "From is of the domains of the operator that hands the message over.",
    ),
    Rule(
        "sender_field_of_operator",
        arrival.foreign_sender_field,
        Reason.FROM_NOT_OF_PEER,
        "OP-14; threat T14",
        "Sender, when there is one, is of that operator's domains.",
    ),
    _too("no_patient_to_patient"),
    _too("every_exchange_known"),
    _too("contacted_first"),
    Rule(
        "exchange_not_closed",
        arrival.exchange_closed,
        Reason.EXCHANGE_CLOSED,
        "MSSanté Réf. #2 §7: CIT-07, CIT-08, CIT-09",
        "A patient does not write to a professional who has ended the exchange; a report may come.",
    ),
    _too("no_loop"),
    Rule(
        "not_here_before",
        arrival.own_trace,
        Reason.MAIL_LOOP,
        "RFC 5321 §6.3; threat T13",
        "The message has not been taken here before.",
    ),
    _too("size"),
    _too("size_to_patient"),
    _too("types_allowed"),
    _too("xdm_readable"),
    _too("xdm_unaltered"),
    _too("xdm_about_recipient"),
    _too("xdm_visible"),
)

AT_READ: tuple[Rule[RecordFacts], ...] = (
    Rule(
        "actor_in_use",
        records.suspended_actor,
        Reason.ACCOUNT_SUSPENDED,
        "threat T43",
        "The actor's account is in use.",
    ),
    Rule(
        "action_listed",
        records.unlisted_action,
        Reason.DOCUMENT_NOT_FOUND,
        "threat T43",
        "The role may ask this of a record; only a patient may, so far.",
    ),
    Rule(
        "record_is_own",
        records.record_of_another,
        Reason.DOCUMENT_NOT_FOUND,
        "threat T43",
        "A record is open to the patient it belongs to.",
    ),
    Rule(
        "visible_to_patient",
        records.hidden_from_patient,
        Reason.DOCUMENT_NOT_FOUND,
        "CI-SIS: DOC-14, CIT-25",
        "A document hidden from the patient is not shown to the patient.",
    ),
    Rule(
        "document_is_actors_own",
        records.document_of_another,
        Reason.DOCUMENT_OF_ANOTHER,
        "DOC-25, MES-15",
        "Only who put a document there takes it out or changes what is said of it.",
    ),
)


def listing() -> tuple[Line, ...]:
    """Every row of every table in the order in which they are asked."""
    return (
        *_lines(Moment.AT_PEER, AT_PEER),
        *_lines(Moment.AT_SENDER, AT_SENDER),
        *_lines(Moment.AT_RECIPIENT, AT_RECIPIENT),
        *_lines(Moment.AT_MESSAGE, AT_MESSAGE),
        *_lines(Moment.AT_ARRIVAL, AT_ARRIVAL),
        *_lines(Moment.AT_READ, AT_READ),
    )


def _lines(moment: Moment, table: tuple[Rule[F], ...]) -> tuple[Line, ...]:
    return tuple(Line(moment, r.name, r.reason, r.reference, r.sentence) for r in table)
