from dataclasses import replace

import pytest

from policies import content
from policies.facts import Finding, SignatureStatus
from policies.reasons import Reason
from tests.unit.policies.samples import BERNARD, BY_PROFESSIONAL, MARTIN, SENDER


@pytest.mark.parametrize(
    ("declared", "expected"),
    [(None, None), (0, None), (100, None), (101, Reason.MESSAGE_TOO_BIG)],
)
def test_a_declared_size_passes_up_to_the_limit(
    declared: int | None, expected: Reason | None
) -> None:
    assert content.declared_too_big(replace(SENDER, declared_size=declared)) is expected


@pytest.mark.parametrize(("size", "expected"), [(100, None), (101, Reason.MESSAGE_TOO_BIG)])
def test_a_message_passes_up_to_the_operators_limit(size: int, expected: Reason | None) -> None:
    assert content.too_big(replace(BY_PROFESSIONAL, size=size)) is expected


@pytest.mark.parametrize(
    ("size", "to_patient", "expected"),
    [
        (50, True, None),
        (51, True, Reason.MESSAGE_TOO_BIG_FOR_PATIENT),
        (51, False, None),
    ],
)
def test_the_national_limit_is_for_messages_to_patients(
    size: int, to_patient: bool, expected: Reason | None
) -> None:
    facts = replace(
        BY_PROFESSIONAL, size=size, size_limit_to_patient=50, has_patient_recipient=to_patient
    )

    assert content.too_big_for_patient(facts) is expected


@pytest.mark.parametrize(("hops", "expected"), [(50, None), (51, Reason.MAIL_LOOP)])
def test_a_message_makes_as_many_hops_as_the_limit(hops: int, expected: Reason | None) -> None:
    assert content.message_loop(replace(BY_PROFESSIONAL, received_count=hops)) is expected


# keys in the client, signature, signer is the author -> objections of the three rules
SIGNATURES = {
    (False, SignatureStatus.ABSENT, True): set(),
    (False, SignatureStatus.VALID, True): set(),
    (False, SignatureStatus.VALID, False): {Reason.SIGNATURE_REJECTED},
    (False, SignatureStatus.INVALID, True): {Reason.SIGNATURE_REJECTED},
    (False, SignatureStatus.UNCHECKED, True): {Reason.SIGNATURE_REJECTED},
    (True, SignatureStatus.ABSENT, True): {Reason.SIGNATURE_REQUIRED},
    (True, SignatureStatus.VALID, True): set(),
    (True, SignatureStatus.VALID, False): {Reason.SIGNATURE_REJECTED},
    (True, SignatureStatus.INVALID, True): {Reason.SIGNATURE_REJECTED},
    (True, SignatureStatus.UNCHECKED, True): {Reason.SIGNATURE_REJECTED},
}


@pytest.mark.parametrize(("case", "expected"), SIGNATURES.items())
def test_a_signature_is_the_authors_and_valid_or_the_gateways_to_make(
    case: tuple[bool, SignatureStatus, bool], expected: set[Reason]
) -> None:
    has_client_keys, signature, by_author = case
    facts = replace(
        BY_PROFESSIONAL,
        has_client_keys=has_client_keys,
        signature=signature,
        signer_addresses=(BERNARD, MARTIN) if by_author else (BERNARD,),
    )
    asked = (content.missing_signature, content.rejected_signature, content.foreign_signer)

    assert {rule(facts) for rule in asked} - {None} == expected


FINDINGS = {
    Finding.FORBIDDEN_TYPE: (content.forbidden_type, Reason.FORBIDDEN_TYPE),
    Finding.XDM_UNREADABLE: (content.unreadable_xdm, Reason.XDM_UNREADABLE),
    Finding.XDM_HASH_MISMATCH: (content.altered_xdm, Reason.XDM_HASH_MISMATCH),
    Finding.XDM_WRONG_PATIENT: (content.misdirected_xdm, Reason.XDM_WRONG_PATIENT),
    Finding.XDM_HIDDEN_FROM_PATIENT: (content.hidden_document, Reason.XDM_HIDDEN_FROM_PATIENT),
}


@pytest.mark.parametrize("finding", Finding)
def test_each_finding_is_objected_to_by_one_rule(finding: Finding) -> None:
    facts = replace(BY_PROFESSIONAL, findings=(finding,))

    for found, (rule, reason) in FINDINGS.items():
        assert rule(facts) is (reason if found is finding else None)


def test_a_document_hidden_from_the_patient_passes_between_professionals() -> None:
    facts = replace(
        BY_PROFESSIONAL,
        findings=(Finding.XDM_HIDDEN_FROM_PATIENT,),
        has_patient_recipient=False,
    )

    assert content.hidden_document(facts) is None
