import pytest

from policies.people import Role, Standing


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        (Role.PROFESSIONAL, True),
        (Role.ORGANISATION, True),
        (Role.APPLICATION, True),
        (Role.PATIENT, False),
        (Role.SYSTEM, False),
    ],
)
def test_per_org_and_app_are_the_professional_side(role: Role, expected: bool) -> None:
    assert role.is_professional_side is expected


@pytest.mark.parametrize(
    ("standing", "expected"),
    [
        (Standing.CREATED, True),
        (Standing.ACTIVE, True),
        (Standing.SUSPENDED, False),
        (Standing.OPPOSED, False),
        (Standing.CLOSED, False),
    ],
)
def test_a_space_never_visited_receives_as_an_active_one(
    standing: Standing, expected: bool
) -> None:
    assert standing.receives is expected
