"""Totality of the rule tables: every row has an example that it alone answers."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from policies import decide, rules
from policies.facts import Exchange, Finding, PeerProof, RecordAction, SignatureStatus
from policies.people import Role, Standing
from policies.reasons import Reason
from policies.rules import Moment
from policies.verdict import Permit, Verdict
from tests.unit.policies.samples import (
    ARRIVING,
    ARRIVING_BY_PATIENT,
    BERNARD,
    BY_PATIENT,
    BY_PROFESSIONAL,
    LEA,
    MARTIN,
    OPEN_TO_MARTIN,
    OWN_DOCUMENT,
    PATIENT,
    PEER,
    PROFESSIONAL,
    SENDER,
    TO_PATIENT,
    TO_PROFESSIONAL,
)

SUSPENDED = replace(PROFESSIONAL, standing=Standing.SUSPENDED)


def arriving(**faults: Any) -> Verdict:
    """A professional's message from elsewhere, with this fault."""
    return decide.at_arrival(replace(ARRIVING, message=replace(ARRIVING.message, **faults)))


def arriving_by_patient(**faults: Any) -> Verdict:
    """A patient's, with this fault."""
    message = replace(ARRIVING_BY_PATIENT.message, **faults)
    return decide.at_arrival(replace(ARRIVING_BY_PATIENT, message=message))


# Table, row -> the verdict on facts with the one fault that the row is about.
EXAMPLES: dict[tuple[str, str], Callable[[], Verdict]] = {
    ("at_sender", "author_in_use"): lambda: decide.at_sender(replace(SENDER, author=SUSPENDED)),
    ("at_sender", "reverse_path_is_own"): lambda: decide.at_sender(
        replace(SENDER, reverse_path=BERNARD)
    ),
    ("at_sender", "declared_size"): lambda: decide.at_sender(replace(SENDER, declared_size=101)),
    ("at_recipient", "author_in_use"): lambda: decide.at_recipient(
        replace(TO_PATIENT, author=SUSPENDED)
    ),
    ("at_recipient", "reverse_path_is_own"): lambda: decide.at_recipient(
        replace(TO_PATIENT, reverse_path=BERNARD)
    ),
    ("at_recipient", "domain_inside"): lambda: decide.at_recipient(
        replace(TO_PATIENT, domain_is_ours=False)
    ),
    ("at_recipient", "list_confirmed"): lambda: decide.at_recipient(
        replace(TO_PATIENT, domain_is_ours=False, may_relay=True, list_is_stale=True)
    ),
    ("at_recipient", "no_patient_to_patient"): lambda: decide.at_recipient(
        replace(TO_PATIENT, author=PATIENT, reverse_path=LEA, exchange=Exchange.OPEN)
    ),
    ("at_recipient", "ins_well_formed"): lambda: decide.at_recipient(
        replace(TO_PATIENT, ins_is_well_formed=False)
    ),
    ("at_recipient", "patient_reachable"): lambda: decide.at_recipient(
        replace(TO_PATIENT, recipient_standing=Standing.OPPOSED)
    ),
    ("at_recipient", "contacted_first"): lambda: decide.at_recipient(
        replace(TO_PROFESSIONAL, exchange=Exchange.NONE)
    ),
    ("at_recipient", "exchange_not_closed"): lambda: decide.at_recipient(
        replace(TO_PROFESSIONAL, exchange=Exchange.CLOSED)
    ),
    ("at_recipient", "recipient_known"): lambda: decide.at_recipient(
        replace(TO_PROFESSIONAL, recipient_role=None, recipient_standing=None)
    ),
    ("at_recipient", "recipient_available"): lambda: decide.at_recipient(
        replace(TO_PROFESSIONAL, recipient_standing=Standing.SUSPENDED)
    ),
    ("at_recipient", "recipients_within_limit"): lambda: decide.at_recipient(
        replace(TO_PATIENT, recipients_so_far=100)
    ),
    ("at_message", "author_in_use"): lambda: decide.at_message(
        replace(BY_PROFESSIONAL, author=SUSPENDED)
    ),
    ("at_message", "reverse_path_is_own"): lambda: decide.at_message(
        replace(BY_PATIENT, reverse_path=None)
    ),
    ("at_message", "one_author"): lambda: decide.at_message(
        replace(BY_PROFESSIONAL, from_field_count=2)
    ),
    ("at_message", "from_is_own"): lambda: decide.at_message(
        replace(BY_PATIENT, from_addresses=(MARTIN,))
    ),
    ("at_message", "sender_field_is_own"): lambda: decide.at_message(
        replace(BY_PATIENT, sender_addresses=(MARTIN,))
    ),
    ("at_message", "no_patient_to_patient"): lambda: decide.at_message(
        replace(BY_PATIENT, has_patient_recipient=True, size=50)
    ),
    ("at_message", "every_exchange_known"): lambda: decide.at_message(
        replace(BY_PATIENT, recipients=(MARTIN, BERNARD))
    ),
    ("at_message", "contacted_first"): lambda: decide.at_message(
        replace(BY_PATIENT, exchanges=(replace(OPEN_TO_MARTIN, exchange=Exchange.NONE),))
    ),
    ("at_message", "exchange_not_closed"): lambda: decide.at_message(
        replace(BY_PATIENT, exchanges=(replace(OPEN_TO_MARTIN, exchange=Exchange.CLOSED),))
    ),
    ("at_message", "no_loop"): lambda: decide.at_message(
        replace(BY_PROFESSIONAL, received_count=51)
    ),
    ("at_message", "size"): lambda: decide.at_message(replace(BY_PATIENT, size=101)),
    ("at_message", "size_to_patient"): lambda: decide.at_message(
        replace(BY_PROFESSIONAL, size_limit_to_patient=99)
    ),
    ("at_message", "signed_by_client"): lambda: decide.at_message(
        replace(BY_PROFESSIONAL, has_client_keys=True)
    ),
    ("at_message", "signature_valid"): lambda: decide.at_message(
        replace(BY_PROFESSIONAL, signature=SignatureStatus.UNCHECKED)
    ),
    ("at_message", "signer_is_author"): lambda: decide.at_message(
        replace(BY_PROFESSIONAL, signature=SignatureStatus.VALID, signer_addresses=(BERNARD,))
    ),
    ("at_message", "types_allowed"): lambda: decide.at_message(
        replace(BY_PROFESSIONAL, findings=(Finding.FORBIDDEN_TYPE,))
    ),
    ("at_message", "xdm_readable"): lambda: decide.at_message(
        replace(BY_PROFESSIONAL, findings=(Finding.XDM_UNREADABLE,))
    ),
    ("at_message", "xdm_unaltered"): lambda: decide.at_message(
        replace(BY_PROFESSIONAL, findings=(Finding.XDM_HASH_MISMATCH,))
    ),
    ("at_message", "xdm_about_recipient"): lambda: decide.at_message(
        replace(BY_PROFESSIONAL, findings=(Finding.XDM_WRONG_PATIENT,))
    ),
    ("at_message", "xdm_visible"): lambda: decide.at_message(
        replace(BY_PROFESSIONAL, findings=(Finding.XDM_HIDDEN_FROM_PATIENT,))
    ),
    ("at_peer", "server_proved"): lambda: decide.at_peer(replace(PEER, proof=PeerProof.REJECTED)),
    ("at_peer", "revocation_known"): lambda: decide.at_peer(
        replace(PEER, proof=PeerProof.UNCHECKED)
    ),
    ("at_peer", "list_confirmed"): lambda: decide.at_peer(replace(PEER, list_is_stale=True)),
    ("at_peer", "operator_listed"): lambda: decide.at_peer(
        replace(PEER, operator_domains=frozenset(), reverse_path=None)
    ),
    ("at_peer", "reverse_path_of_operator"): lambda: decide.at_peer(
        replace(PEER, reverse_path=MARTIN)
    ),
    ("at_peer", "declared_size"): lambda: decide.at_peer(replace(PEER, declared_size=101)),
    ("at_arrival", "one_author"): lambda: arriving(from_field_count=2),
    ("at_arrival", "from_of_operator"): lambda: decide.at_arrival(
        replace(ARRIVING, inside_addresses=(MARTIN,))
    ),
    ("at_arrival", "sender_field_of_operator"): lambda: arriving(sender_addresses=(MARTIN,)),
    ("at_arrival", "no_patient_to_patient"): lambda: arriving_by_patient(
        has_patient_recipient=True, size=50
    ),
    ("at_arrival", "every_exchange_known"): lambda: arriving_by_patient(
        recipients=(MARTIN, BERNARD)
    ),
    ("at_arrival", "contacted_first"): lambda: arriving_by_patient(
        exchanges=(replace(OPEN_TO_MARTIN, exchange=Exchange.NONE),)
    ),
    ("at_arrival", "exchange_not_closed"): lambda: arriving_by_patient(
        exchanges=(replace(OPEN_TO_MARTIN, exchange=Exchange.CLOSED),)
    ),
    ("at_arrival", "no_loop"): lambda: arriving(received_count=51),
    ("at_arrival", "not_here_before"): lambda: decide.at_arrival(
        replace(ARRIVING, has_own_trace=True)
    ),
    ("at_arrival", "size"): lambda: arriving_by_patient(size=101),
    ("at_arrival", "size_to_patient"): lambda: arriving(size_limit_to_patient=99),
    ("at_arrival", "types_allowed"): lambda: arriving(findings=(Finding.FORBIDDEN_TYPE,)),
    ("at_arrival", "xdm_readable"): lambda: arriving(findings=(Finding.XDM_UNREADABLE,)),
    ("at_arrival", "xdm_unaltered"): lambda: arriving(findings=(Finding.XDM_HASH_MISMATCH,)),
    ("at_arrival", "xdm_about_recipient"): lambda: arriving(findings=(Finding.XDM_WRONG_PATIENT,)),
    ("at_arrival", "xdm_visible"): lambda: arriving(findings=(Finding.XDM_HIDDEN_FROM_PATIENT,)),
    ("at_read", "actor_in_use"): lambda: decide.at_read(
        replace(OWN_DOCUMENT, actor=replace(PATIENT, standing=Standing.CLOSED))
    ),
    ("at_read", "action_listed"): lambda: decide.at_read(
        replace(OWN_DOCUMENT, actor=replace(PATIENT, role=Role.PROFESSIONAL))
    ),
    ("at_read", "record_is_own"): lambda: decide.at_read(
        replace(OWN_DOCUMENT, owner_account_id=PATIENT.account_id + 1)
    ),
    ("at_read", "visible_to_patient"): lambda: decide.at_read(
        replace(OWN_DOCUMENT, visibility=frozenset({"INVISIBLE_PATIENT"}))
    ),
    ("at_read", "document_is_actors_own"): lambda: decide.at_read(
        replace(OWN_DOCUMENT, action=RecordAction.REMOVE, is_actors_own=False)
    ),
}

LINES = {(line.moment.value, line.name): line for line in rules.listing()}


def test_every_row_has_an_example_and_every_example_a_row() -> None:
    assert EXAMPLES.keys() == LINES.keys()


@pytest.mark.parametrize("row", EXAMPLES, ids="/".join)
def test_a_row_alone_objects_to_its_fault_with_its_reason(row: tuple[str, str]) -> None:
    verdict = EXAMPLES[row]()

    assert not isinstance(verdict, Permit)
    assert verdict.reason is LINES[row].reason
    assert {a.rule: a.objection for a in verdict.trail if a.objection is not None} == {
        row[1]: LINES[row].reason
    }


def test_names_are_unique_within_a_table() -> None:
    assert len(LINES) == len(rules.listing())


def test_every_row_says_where_it_is_written_and_what_it_asks() -> None:
    for line in rules.listing():
        assert line.reference, line.name
        assert line.sentence.endswith("."), line.name
        assert isinstance(line.reason, Reason)


def test_every_moment_is_listed_in_the_order_of_a_message() -> None:
    assert list(dict.fromkeys(line.moment for line in rules.listing())) == list(Moment)
