from dataclasses import replace

import pytest

from policies import decide, reach
from policies.people import Role, Standing
from policies.reasons import Reason
from policies.verdict import Defer, Permit, Refuse, Verdict
from tests.unit.policies.samples import PROFESSIONAL, TO_PATIENT, TO_PROFESSIONAL, party

BETWEEN_PROFESSIONALS = replace(
    TO_PROFESSIONAL, author=PROFESSIONAL, reverse_path="claire.martin@mss.test"
)


def reason(verdict: Verdict) -> Reason | None:
    return None if isinstance(verdict, Permit) else verdict.reason


@pytest.mark.parametrize(
    ("is_ours", "is_trusted", "expected"),
    [
        (True, True, None),
        (False, True, Reason.DOMAIN_OUTSIDE),
        (True, False, None),
        (False, False, Reason.DOMAIN_OUTSIDE),
    ],
)
def test_what_comes_from_elsewhere_stays_here(
    is_ours: bool, is_trusted: bool, expected: Reason | None
) -> None:
    facts = replace(TO_PATIENT, domain_is_ours=is_ours, domain_is_trusted=is_trusted)

    assert reach.outside_domain(facts) is expected


ELSEWHERE = replace(
    TO_PATIENT,
    domain_is_ours=False,
    may_relay=True,
    recipient_role=None,
    recipient_standing=None,
)
"""A patient of another operator: who they are is known there only."""


def test_what_is_written_here_may_leave_for_the_trust_space_only() -> None:
    assert reason(decide.at_recipient(ELSEWHERE)) is None
    outside = replace(ELSEWHERE, domain_is_trusted=False)
    assert reason(decide.at_recipient(outside)) is Reason.DOMAIN_OUTSIDE


def test_an_ins_of_another_operator_is_well_formed_all_the_same() -> None:
    malformed = replace(ELSEWHERE, ins_is_well_formed=False)
    assert reason(decide.at_recipient(malformed)) is Reason.INS_MALFORMED


def test_a_stale_list_defers_what_leaves_and_nothing_else() -> None:
    verdict = decide.at_recipient(replace(ELSEWHERE, list_is_stale=True))
    assert isinstance(verdict, Defer)
    assert verdict.reason is Reason.WHITELIST_STALE
    assert reason(decide.at_recipient(replace(TO_PATIENT, list_is_stale=True))) is None


# Who holds the address and how they stand -> the one answer; None is nobody.
PATIENT_ADDRESSES = {
    (Role.PATIENT, Standing.CREATED): None,
    (Role.PATIENT, Standing.ACTIVE): None,
    (Role.PATIENT, Standing.SUSPENDED): Reason.PATIENT_UNREACHABLE,
    (Role.PATIENT, Standing.OPPOSED): Reason.PATIENT_UNREACHABLE,
    (Role.PATIENT, Standing.CLOSED): Reason.PATIENT_UNREACHABLE,
    (Role.PATIENT, None): Reason.PATIENT_UNREACHABLE,
    (None, None): Reason.PATIENT_UNREACHABLE,
    # facts that contradict each other
    (None, Standing.ACTIVE): Reason.PATIENT_UNREACHABLE,
    (Role.PROFESSIONAL, Standing.ACTIVE): Reason.PATIENT_UNREACHABLE,
}


@pytest.mark.parametrize(("holder", "expected"), PATIENT_ADDRESSES.items())
def test_a_patient_who_cannot_be_reached_gives_one_reason_whatever_the_cause(
    holder: tuple[Role | None, Standing | None], expected: Reason | None
) -> None:
    facts = replace(TO_PATIENT, recipient_role=holder[0], recipient_standing=holder[1])

    assert reason(decide.at_recipient(facts)) is expected


def test_the_whole_verdict_on_an_unreachable_patient_is_the_same_whatever_the_cause() -> None:
    verdicts = {
        decide.at_recipient(
            replace(TO_PATIENT, recipient_role=holder[0], recipient_standing=holder[1])
        )
        for holder, expected in PATIENT_ADDRESSES.items()
        if expected is not None
    }

    assert len(verdicts) == 1


@pytest.mark.parametrize("holder", PATIENT_ADDRESSES)
def test_a_malformed_ins_says_so_whoever_might_be_there(
    holder: tuple[Role | None, Standing | None],
) -> None:
    facts = replace(
        TO_PATIENT,
        ins_is_well_formed=False,
        recipient_role=holder[0],
        recipient_standing=holder[1],
    )

    assert reason(decide.at_recipient(facts)) is Reason.INS_MALFORMED


def test_a_patient_outside_the_patients_domain_is_not_written_to() -> None:
    facts = replace(TO_PATIENT, recipient_is_patient_domain=False)

    assert reason(decide.at_recipient(facts)) is Reason.PATIENT_UNREACHABLE


OTHER_ADDRESSES = {
    (None, None): Reason.RECIPIENT_UNKNOWN,
    (None, Standing.ACTIVE): Reason.RECIPIENT_UNKNOWN,
    (Role.PROFESSIONAL, Standing.CREATED): None,
    (Role.PROFESSIONAL, Standing.ACTIVE): None,
    (Role.PROFESSIONAL, Standing.SUSPENDED): Reason.RECIPIENT_UNAVAILABLE,
    (Role.PROFESSIONAL, Standing.OPPOSED): Reason.RECIPIENT_UNAVAILABLE,
    (Role.PROFESSIONAL, Standing.CLOSED): Reason.RECIPIENT_UNAVAILABLE,
    (Role.PROFESSIONAL, None): Reason.RECIPIENT_UNAVAILABLE,
    (Role.ORGANISATION, Standing.ACTIVE): None,
    (Role.APPLICATION, Standing.SUSPENDED): Reason.RECIPIENT_UNAVAILABLE,
    (Role.SYSTEM, Standing.ACTIVE): None,
}


@pytest.mark.parametrize(("holder", "expected"), OTHER_ADDRESSES.items())
def test_between_professionals_unknown_and_unavailable_are_told_apart(
    holder: tuple[Role | None, Standing | None], expected: Reason | None
) -> None:
    facts = replace(BETWEEN_PROFESSIONALS, recipient_role=holder[0], recipient_standing=holder[1])

    assert reason(decide.at_recipient(facts)) is expected


@pytest.mark.parametrize("role", [r for r in Role if r is not Role.PATIENT])
def test_the_state_of_an_exchange_does_not_matter_to_other_authors(role: Role) -> None:
    facts = replace(BETWEEN_PROFESSIONALS, author=party(role, "claire.martin@mss.test"))

    for exchange in type(facts.exchange):
        assert reason(decide.at_recipient(replace(facts, exchange=exchange))) is None


@pytest.mark.parametrize(("so_far", "is_full"), [(0, False), (99, False), (100, True), (101, True)])
def test_the_last_recipient_within_the_limit_is_taken_and_the_next_deferred(
    so_far: int, is_full: bool
) -> None:
    verdict = decide.at_recipient(replace(TO_PATIENT, recipients_so_far=so_far))

    assert isinstance(verdict, Defer if is_full else Permit)
    assert reason(verdict) is (Reason.TOO_MANY_RECIPIENTS if is_full else None)


def test_a_recipient_who_can_never_be_written_to_is_refused_even_beyond_the_limit() -> None:
    facts = replace(TO_PATIENT, recipients_so_far=100, recipient_standing=Standing.OPPOSED)

    verdict = decide.at_recipient(facts)

    assert isinstance(verdict, Refuse)
    assert verdict.reason is Reason.PATIENT_UNREACHABLE
