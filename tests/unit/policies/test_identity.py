from dataclasses import replace

import pytest

from policies import identity
from policies.people import Party, Role, Standing
from policies.reasons import Reason
from tests.unit.policies.samples import (
    BERNARD,
    BY_PATIENT,
    BY_PROFESSIONAL,
    LEA,
    MARTIN,
    PATIENT,
    PROFESSIONAL,
    SENDER,
    TO_PATIENT,
    party,
)


@pytest.mark.parametrize("standing", Standing)
def test_an_account_that_does_not_receive_does_not_write(standing: Standing) -> None:
    author = replace(PROFESSIONAL, standing=standing)
    expected = {
        Standing.CREATED: None,
        Standing.ACTIVE: None,
        Standing.SUSPENDED: Reason.ACCOUNT_SUSPENDED,
        Standing.OPPOSED: Reason.ACCOUNT_SUSPENDED,
        Standing.CLOSED: Reason.ACCOUNT_SUSPENDED,
    }[standing]

    for facts in (SENDER, TO_PATIENT, BY_PROFESSIONAL):
        assert identity.suspended_author(replace(facts, author=author)) is expected


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        (Role.PROFESSIONAL, None),
        (Role.ORGANISATION, None),
        (Role.APPLICATION, None),
        (Role.SYSTEM, None),
        (Role.PATIENT, Reason.SENDER_NOT_YOURS),
    ],
)
def test_a_null_reverse_path_is_for_all_but_patients(role: Role, expected: Reason | None) -> None:
    facts = replace(SENDER, author=party(role, MARTIN), reverse_path=None)

    assert identity.foreign_reverse_path(facts) is expected


@pytest.mark.parametrize("reverse_path", [None, MARTIN])
def test_whoever_has_no_address_sends_nothing(reverse_path: str | None) -> None:
    author = replace(PROFESSIONAL, addresses=frozenset())
    facts = replace(SENDER, author=author, reverse_path=reverse_path)

    assert identity.foreign_reverse_path(facts) is Reason.SENDER_NOT_YOURS


@pytest.mark.parametrize(
    "reverse_path", [BERNARD, "", "<>", MARTIN.upper(), f" {MARTIN}", f"<{MARTIN}>"]
)
def test_a_reverse_path_that_is_not_exactly_the_authors_is_refused(reverse_path: str) -> None:
    facts = replace(SENDER, reverse_path=reverse_path)

    assert identity.foreign_reverse_path(facts) is Reason.SENDER_NOT_YOURS


def test_any_of_the_authors_addresses_is_theirs() -> None:
    author = Party(7, Role.ORGANISATION, frozenset({MARTIN, BERNARD}), Standing.ACTIVE)
    facts = replace(BY_PROFESSIONAL, author=author, reverse_path=MARTIN, from_addresses=(BERNARD,))

    assert identity.foreign_reverse_path(facts) is None
    assert identity.foreign_from(facts) is None


@pytest.mark.parametrize(
    ("fields", "from_addresses", "sender_addresses", "expected"),
    [
        (1, (MARTIN,), (), None),
        (1, (MARTIN,), (MARTIN,), None),
        (0, (), (), Reason.FROM_MALFORMED),
        (1, (), (), Reason.FROM_MALFORMED),
        (2, (MARTIN,), (), Reason.FROM_MALFORMED),
        (2, (MARTIN, MARTIN), (), Reason.FROM_MALFORMED),
        (1, (MARTIN, BERNARD), (), Reason.FROM_MALFORMED),
        (1, (MARTIN,), (MARTIN, MARTIN), Reason.FROM_MALFORMED),
    ],
)
def test_there_is_one_author_and_at_most_one_sender(
    fields: int,
    from_addresses: tuple[str, ...],
    sender_addresses: tuple[str, ...],
    expected: Reason | None,
) -> None:
    facts = replace(
        BY_PROFESSIONAL,
        from_field_count=fields,
        from_addresses=from_addresses,
        sender_addresses=sender_addresses,
    )

    assert identity.malformed_from(facts) is expected


def test_a_patient_does_not_sign_as_a_professional() -> None:
    forged = replace(BY_PATIENT, from_addresses=(MARTIN,))

    assert identity.foreign_from(forged) is Reason.FROM_NOT_YOURS
    assert identity.foreign_from(BY_PATIENT) is None


def test_one_foreign_address_among_several_is_enough() -> None:
    facts = replace(
        BY_PATIENT, author=PATIENT, from_addresses=(LEA, MARTIN), sender_addresses=(LEA, MARTIN)
    )

    assert identity.foreign_from(facts) is Reason.FROM_NOT_YOURS
    assert identity.foreign_sender_field(facts) is Reason.FROM_NOT_YOURS


def test_sender_is_the_authors_when_there_is_one() -> None:
    assert identity.foreign_sender_field(BY_PATIENT) is None
    assert identity.foreign_sender_field(replace(BY_PATIENT, sender_addresses=(LEA,))) is None
    forged = replace(BY_PATIENT, sender_addresses=(MARTIN,))
    assert identity.foreign_sender_field(forged) is Reason.FROM_NOT_YOURS
