"""Who has a mailbox: one address, one holder, for ever."""

from dataclasses import replace

import pytest

from mailbox_store import mailboxes
from mailbox_store.database import Database
from mailbox_store.vault import AccountId
from mss_gateway.config import Mailboxes
from mss_gateway.directory import people
from mss_gateway.directory.people import BOX_ROLES, NewPerson, Person, PersonExists, Traits
from policies.people import Role, Standing
from tests.unit.mss_gateway.directory.conftest import NOW, add


def test_a_person_is_found_by_address_and_by_account(database: Database, doctor: Person) -> None:
    with database.read() as view:
        assert people.by_address(view, "claire.martin@mss.example") == doctor
        assert people.by_account(view, doctor.account_id) == doctor
        assert people.by_address(view, "paul.bernard@mss.example") is None
        with pytest.raises(people.PersonNotFound):
            people.by_account(view, AccountId(99))
    assert (doctor.created_at, doctor.standing) == (NOW, Standing.ACTIVE)


def test_a_new_person_has_the_six_folders(database: Database, doctor: Person) -> None:
    with database.read() as view:
        found = mailboxes.list_mailboxes(view, doctor.account_id)
    assert {one.name: one.special_use for one in found} == {
        "INBOX": None,
        "Archive": "\\Archive",
        "Drafts": "\\Drafts",
        "Junk": "\\Junk",
        "Sent": "\\Sent",
        "Trash": "\\Trash",
    }


@pytest.mark.parametrize("standing", list(Standing))
def test_an_address_is_never_given_again(
    database: Database, doctor: Person, standing: Standing
) -> None:
    database.write(lambda tx: people.set_standing(tx, doctor.account_id, standing))
    with pytest.raises(PersonExists) as caught:
        add(database, NewPerson(doctor.address, "ORG"))
    assert doctor.address not in str(caught.value)
    with database.read() as view:
        assert len(people.everyone(view)) == 1
        assert view.sql("SELECT count(*) FROM accounts").scalar_one() == 1


@pytest.mark.parametrize("standing", list(Standing))
def test_a_standing_is_seen_at_once(database: Database, doctor: Person, standing: Standing) -> None:
    database.write(lambda tx: people.set_standing(tx, doctor.account_id, standing))
    with database.read() as view:
        found = people.by_account(view, doctor.account_id)
    assert found == replace(doctor, standing=standing)
    assert found.party.standing is standing


def test_nobody_has_no_standing(database: Database) -> None:
    with pytest.raises(people.PersonNotFound):
        database.write(lambda tx: people.set_standing(tx, AccountId(99), Standing.CLOSED))


@pytest.mark.parametrize(
    ("box_type", "role"),
    [
        ("PER", Role.PROFESSIONAL),
        ("CAB", Role.PROFESSIONAL),
        ("ORG", Role.ORGANISATION),
        ("APP", Role.APPLICATION),
        ("PAT", Role.PATIENT),
    ],
)
def test_the_kind_of_a_mailbox_is_its_holders_role(
    database: Database, box_type: str, role: Role
) -> None:
    person = add(database, NewPerson("x@mss.example", box_type))
    assert person.role is role
    assert person.party.role is role
    assert person.party.addresses == {"x@mss.example"}


def test_every_kind_is_known_here_and_no_other(database: Database) -> None:
    assert set(BOX_ROLES) == {"PER", "CAB", "ORG", "APP", "PAT"}
    with pytest.raises(KeyError):
        add(database, NewPerson("x@mss.example", "BAL"))
    with database.read() as view:
        assert people.everyone(view) == []


def test_everything_asked_for_is_kept(database: Database) -> None:
    traits = Traits(*(f"value {n}" for n in range(13)))
    new = NewPerson(
        "pharmacie@mss.example", "ORG", traits, "client", "server", True, True, Standing.CREATED
    )
    person = add(database, new)
    assert person.traits == traits
    assert (person.smime, person.sent_copy) == ("client", "server")
    assert person.accepts_patient_initiated
    assert person.is_unlisted
    assert person.standing is Standing.CREATED


def test_everyone_is_listed_oldest_first(
    database: Database, doctor: Person, patient: Person
) -> None:
    with database.read() as view:
        assert people.everyone(view) == [doctor, patient]


@pytest.mark.parametrize(
    ("box_type", "traits", "expected"),
    [
        ("PER", Traits("Dr", "Claire", "Martin", "Cabinet A"), "Dr Claire MARTIN Cabinet A"),
        ("PER", Traits(given_name="Zoé", family_name="Lefèvre"), "Zoé LEFÈVRE"),
        ("PAT", Traits(given_name="Camille", family_name="Exemple"), "Camille EXEMPLE"),
        ("ORG", Traits(family_name="x", entity="Clinique B"), "Clinique B"),
        ("APP", Traits(family_name="Logiciel C"), "Logiciel C"),
    ],
)
def test_a_display_name_says_who_writes(
    database: Database, box_type: str, traits: Traits, expected: str
) -> None:
    assert add(database, NewPerson("x@mss.example", box_type, traits)).display_name() == expected


def test_the_separator_of_a_display_name_is_the_operators(doctor: Person) -> None:
    assert doctor.display_name(" - ") == "Dr - Claire - MARTIN"


def test_folders_bear_the_operators_names(database: Database) -> None:
    names = Mailboxes(sent="Envoyés")
    person = database.write(lambda tx: people.add(tx, NewPerson("x@mss.example", "PER"), names))
    with database.read() as view:
        sent = mailboxes.find_special(view, person.account_id, "\\Sent")
    assert sent is not None
    assert sent.name == "Envoyés"
