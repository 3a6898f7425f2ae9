"""Members of an organisation's box: who may be one, with which rights, and in which order."""

import pytest

from mailbox_store.database import Database
from mailbox_store.vault import AccountId
from mss_gateway.directory import members
from mss_gateway.directory.members import RIGHTS, Member, NotShared, RightsMalformed
from mss_gateway.directory.people import NewPerson, Person, Traits
from tests.unit.mss_gateway.directory.conftest import NOW, Clock, add


@pytest.fixture
def box(database: Database) -> Person:
    traits = Traits(entity="Pharmacie de la Gare")
    return add(database, NewPerson("pharmacie@mss.example", "ORG", traits))


def grant(database: Database, box: Person, person: Person, rights: str = RIGHTS) -> Member:
    return database.write(lambda tx: members.grant(tx, box.account_id, person.account_id, rights))


def rights(database: Database, box: Person, person: Person) -> str | None:
    with database.read() as view:
        return members.rights_of(view, box.account_id, person.account_id)


@pytest.mark.parametrize(
    ("given", "kept"),
    [("l", "l"), ("srl", "lrs"), ("lllr", "lr"), (RIGHTS[::-1], RIGHTS), ("atx", "xta")],
)
def test_rights_have_one_order(given: str, kept: str) -> None:
    assert members.normal_rights(given) == kept


@pytest.mark.parametrize("given", ["", " ", "lrz", "LR", "l r", "c", "d", "l\0"])
def test_what_is_no_right_is_refused(given: str) -> None:
    with pytest.raises(RightsMalformed, match=RIGHTS):
        members.normal_rights(given)


def test_a_member_has_the_rights_granted(database: Database, box: Person, doctor: Person) -> None:
    assert rights(database, box, doctor) is None
    assert grant(database, box, doctor, "srl") == Member(
        box.account_id, doctor.account_id, "lrs", NOW
    )
    assert rights(database, box, doctor) == "lrs"
    assert rights(database, doctor, box) is None


def test_a_later_grant_replaces_the_rights_not_the_day(
    database: Database, box: Person, doctor: Person, clock: Clock
) -> None:
    grant(database, box, doctor, "lrs")
    clock.now += 86_400
    assert grant(database, box, doctor, "l") == Member(box.account_id, doctor.account_id, "l", NOW)


def test_a_membership_ends_once(database: Database, box: Person, doctor: Person) -> None:
    grant(database, box, doctor)
    ended = [
        database.write(lambda tx: members.revoke(tx, box.account_id, doctor.account_id))
        for _ in range(2)
    ]
    assert ended == [True, False]
    assert rights(database, box, doctor) is None


def test_lists_of_a_box_and_of_a_person(database: Database, box: Person, doctor: Person) -> None:
    other = add(database, NewPerson("accueil@mss.example", "ORG", Traits(entity="Accueil")))
    second = add(database, NewPerson("paul.bernard@mss.example", "CAB", Traits()))
    for shared, person, letters in (
        (box, second, "lr"),
        (box, doctor, "l"),
        (other, doctor, "lrs"),
    ):
        grant(database, shared, person, letters)
    with database.read() as view:
        of_box = [(one.person, one.rights) for one in members.of_box(view, box.account_id)]
        of_person = [(one.box, one.rights) for one in members.of_person(view, doctor.account_id)]
        assert members.of_box(view, doctor.account_id) == []
        assert members.of_person(view, box.account_id) == []
    assert of_box == [(doctor.account_id, "l"), (second.account_id, "lr")]
    assert of_person == [(box.account_id, "l"), (other.account_id, "lrs")]


def test_only_an_organisation_s_box_is_shared(
    database: Database, box: Person, doctor: Person, patient: Person
) -> None:
    other = add(database, NewPerson("paul.bernard@mss.example", "PER", Traits()))
    program = add(database, NewPerson("labo@mss.example", "APP", Traits(entity="Labo")))
    for shared in (doctor, patient, program):
        with pytest.raises(NotShared):
            grant(database, shared, other)
    assert grant(database, box, program).rights == RIGHTS


def test_no_patient_no_stranger_and_not_the_box_itself_is_a_member(
    database: Database, box: Person, doctor: Person, patient: Person
) -> None:
    for person in (patient, box):
        with pytest.raises(NotShared):
            grant(database, box, person)
    for pair in ((box.account_id, AccountId(999)), (AccountId(999), doctor.account_id)):
        with pytest.raises(NotShared):
            database.write(lambda tx, pair=pair: members.grant(tx, *pair, "l"))  # type: ignore[misc]
    with database.read() as view:
        assert members.of_box(view, box.account_id) == []


# writing for the box


def may_post(database: Database, box: Person, person: Person) -> bool:
    with database.read() as view:
        return members.may_post(view, box.account_id, person.account_id)


@pytest.mark.parametrize(
    ("letters", "may"), [(RIGHTS, True), ("p", True), ("lrswikxtea", False), ("lrs", False)]
)
def test_a_member_with_the_right_p_writes_for_the_box(
    database: Database, box: Person, doctor: Person, letters: str, may: bool
) -> None:
    assert not may_post(database, box, doctor)
    grant(database, box, doctor, letters)
    assert may_post(database, box, doctor) is may
    assert not may_post(database, doctor, box)
    assert not may_post(database, doctor, doctor)
    database.write(lambda tx: members.revoke(tx, box.account_id, doctor.account_id))
    assert not may_post(database, box, doctor)


@pytest.mark.parametrize("kind", ["PER", "CAB", "APP", "PAT"])
def test_nobody_writes_for_a_box_of_one_person_whatever_a_row_says(
    database: Database, box: Person, doctor: Person, kind: str
) -> None:
    grant(database, box, doctor)
    database.write(
        lambda tx: tx.sql(
            "UPDATE people SET box_type = ? WHERE account_id = ?", (kind, box.account_id)
        )
    )
    assert not may_post(database, box, doctor)
