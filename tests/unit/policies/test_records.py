from dataclasses import replace

import pytest

from policies import decide, records
from policies.facts import RecordAction
from policies.people import Role, Standing
from policies.reasons import Reason
from policies.verdict import Permit, Refuse
from tests.unit.policies.samples import MARTIN, OWN_DOCUMENT, PATIENT, party


@pytest.mark.parametrize("action", RecordAction)
def test_a_patient_may_everything_with_a_document_that_they_put_there(action: RecordAction) -> None:
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


@pytest.mark.parametrize(
    ("action", "is_actors_own", "is_self_described", "expected"),
    [
        (RecordAction.EDIT, True, False, None),
        (RecordAction.EDIT, True, True, Reason.DOCUMENT_OF_ANOTHER),
        (RecordAction.EDIT, False, False, Reason.DOCUMENT_OF_ANOTHER),
        (RecordAction.REMOVE, True, True, None),
        (RecordAction.REMOVE, False, False, Reason.DOCUMENT_OF_ANOTHER),
        (RecordAction.MASK, False, True, None),
        (RecordAction.DOWNLOAD, False, True, None),
    ],
)
def test_what_is_said_of_a_document_is_changed_by_who_put_it_there(
    action: RecordAction, is_actors_own: bool, is_self_described: bool, expected: Reason | None
) -> None:
    facts = replace(
        OWN_DOCUMENT,
        action=action,
        is_actors_own=is_actors_own,
        is_self_described=is_self_described,
    )

    assert records.document_of_another(facts) is expected


def test_the_table_of_rights_names_every_action() -> None:
    assert set(records.RIGHTS[Role.PATIENT]) == set(RecordAction)
    assert set(records.RIGHTS) == {Role.PATIENT}
