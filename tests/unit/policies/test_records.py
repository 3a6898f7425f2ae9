from dataclasses import replace

import pytest

from policies import decide, records
from policies.facts import RecordAction
from policies.people import Role, Standing
from policies.reasons import Reason
from policies.verdict import Permit, Refuse
from tests.unit.policies.samples import MARTIN, OWN_DOCUMENT, PATIENT, party


@pytest.mark.parametrize("action", RecordAction)
def test_a_patient_reads_files_and_downloads_in_their_own_record(action: RecordAction) -> None:
    assert isinstance(decide.at_read(replace(OWN_DOCUMENT, action=action)), Permit)


@pytest.mark.parametrize("action", RecordAction)
@pytest.mark.parametrize("role", Role)
def test_another_record_does_not_exist_for_anybody(role: Role, action: RecordAction) -> None:
    facts = replace(
        OWN_DOCUMENT,
        actor=party(role, MARTIN),
        owner_account_id=PATIENT.account_id + 1,
        action=action,
    )

    verdict = decide.at_read(facts)

    assert isinstance(verdict, Refuse)
    assert verdict.reason is Reason.DOCUMENT_NOT_FOUND


@pytest.mark.parametrize("action", RecordAction)
@pytest.mark.parametrize("role", [role for role in Role if role is not Role.PATIENT])
def test_nobody_but_a_patient_has_a_record(role: Role, action: RecordAction) -> None:
    facts = replace(OWN_DOCUMENT, actor=party(role, MARTIN), action=action)

    assert facts.actor.account_id == facts.owner_account_id
    assert records.unlisted_action(facts) is Reason.DOCUMENT_NOT_FOUND


@pytest.mark.parametrize(
    ("visibility", "expected"),
    [
        (frozenset(), None),
        (frozenset({"R"}), None),
        (frozenset({"N", "MASQUE_PS"}), None),
        (frozenset({"N", "INVISIBLE_REPRESENTANTS_LEGAUX"}), None),
        (frozenset({"INVISIBLE_PATIENT"}), Reason.DOCUMENT_NOT_FOUND),
        (frozenset({"N", "MASQUE_PS", "INVISIBLE_PATIENT"}), Reason.DOCUMENT_NOT_FOUND),
    ],
)
def test_only_a_document_hidden_from_the_patient_is_not_shown_to_the_patient(
    visibility: frozenset[str], expected: Reason | None
) -> None:
    assert records.hidden_from_patient(replace(OWN_DOCUMENT, visibility=visibility)) is expected


@pytest.mark.parametrize("standing", [s for s in Standing if not s.receives])
def test_an_account_out_of_use_reads_nothing(standing: Standing) -> None:
    facts = replace(OWN_DOCUMENT, actor=replace(PATIENT, standing=standing))

    verdict = decide.at_read(facts)

    assert isinstance(verdict, Refuse)
    assert verdict.reason is Reason.ACCOUNT_SUSPENDED
