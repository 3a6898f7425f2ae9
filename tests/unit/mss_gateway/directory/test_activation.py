"""Codes of operators: one for an account, for a purpose, until it is used or too old."""

import re

import pytest

from mailbox_store.database import Database
from mss_gateway.directory import activation, passwords
from mss_gateway.directory.activation import Grant, Purpose
from mss_gateway.directory.people import Person
from tests.unit.mss_gateway.directory.conftest import NOW

DAY = 86_400


def granted(database: Database, person: Person, purpose: Purpose, code_hash: str = "h") -> Grant:
    return database.write(
        lambda tx: activation.grant(tx, person.account_id, purpose, code_hash, DAY)
    )


def standing(database: Database, person: Person, at: float = NOW) -> Grant | None:
    with database.read() as view:
        return activation.standing(view, person.account_id, at)


def test_a_code_is_of_readable_letters_drawn_by_chance() -> None:
    codes = {passwords.new_access_code() for _ in range(50)}
    assert len(codes) == 50
    assert all(re.fullmatch(r"([a-hjkmnp-z2-9]{4}-){2}[a-hjkmnp-z2-9]{4}", one) for one in codes)
    assert passwords.bare_code(" ABCD efgh-jkmn ") == "abcdefghjkmn"


@pytest.mark.parametrize(("passed", "stands"), [(0, True), (DAY - 1, True), (DAY, False)])
def test_it_stands_for_so_long(
    passed: int, stands: bool, database: Database, patient: Person
) -> None:
    granted(database, patient, Purpose.ACTIVATION)
    assert (standing(database, patient, NOW + passed) is not None) is stands


def test_another_one_replaces_it(database: Database, patient: Person) -> None:
    granted(database, patient, Purpose.ACTIVATION, "first")
    second = granted(database, patient, Purpose.EVERYTHING, "second")
    assert standing(database, patient) == second
    with database.read() as view:
        assert passwords.access_code_hash(view, patient.account_id) == "second"


def test_it_is_withdrawn_once(database: Database, patient: Person) -> None:
    granted(database, patient, Purpose.PASSWORD)
    ended = [
        database.write(lambda tx: activation.withdraw(tx, patient.account_id)) for _ in range(2)
    ]
    assert ended == [True, False]
    assert standing(database, patient) is None
    with database.read() as view:
        assert passwords.access_code_hash(view, patient.account_id) is None


def test_each_purpose_asks_for_what_was_lost_alone() -> None:
    asked = {one: (one.sets_password, one.enrols, one.is_recovery) for one in Purpose}
    assert asked == {
        Purpose.ACTIVATION: (True, True, False),
        Purpose.PASSWORD: (True, False, True),
        Purpose.SECOND_FACTOR: (False, True, True),
        Purpose.EVERYTHING: (True, True, True),
    }
