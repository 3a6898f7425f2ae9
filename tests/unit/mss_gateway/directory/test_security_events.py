"""Events of an account: newest first, bounded, and told on top of the pages for three days."""

import pytest

from mailbox_store.database import Database
from mss_gateway.directory import security_events
from mss_gateway.directory.people import Person
from mss_gateway.directory.security_events import ALARMING, BANNER_SECONDS, KEPT, TOLD, Event
from tests.unit.mss_gateway.directory.conftest import NOW


def note(database: Database, person: Person, event: Event) -> None:
    database.write(lambda tx: security_events.note(tx, person.account_id, event))


def test_the_newest_comes_first_and_is_its_owners(
    database: Database, patient: Person, doctor: Person
) -> None:
    for event in (Event.ACTIVATED, Event.NEW_BROWSER):
        note(database, patient, event)
    with database.read() as view:
        found = security_events.latest(view, patient.account_id)
        assert security_events.latest(view, doctor.account_id) == []
    assert [(one.event, one.at) for one in found] == [
        (Event.NEW_BROWSER, NOW),
        (Event.ACTIVATED, NOW),
    ]


def test_so_many_are_kept(database: Database, patient: Person) -> None:
    for _ in range(KEPT + 3):
        note(database, patient, Event.NEW_BROWSER)
    with database.read() as view:
        assert len(security_events.latest(view, patient.account_id, 1_000)) == KEPT


@pytest.mark.parametrize(
    ("passed", "is_told"), [(BANNER_SECONDS - 1, True), (BANNER_SECONDS, False)]
)
def test_a_recovery_is_told_for_three_days(
    passed: int, is_told: bool, database: Database, patient: Person
) -> None:
    note(database, patient, Event.RECOVERED)
    note(database, patient, Event.NEW_BROWSER)
    with database.read() as view:
        told = security_events.alarm(view, patient.account_id, NOW + passed)
    assert (told is not None) is is_told


def test_what_is_everyday_is_not_told_so(database: Database, patient: Person) -> None:
    for event in Event:
        if event not in ALARMING:
            note(database, patient, event)
    with database.read() as view:
        assert security_events.alarm(view, patient.account_id, NOW) is None


def told(database: Database, person: Person, passed: int = 0) -> list[Event]:
    with database.read() as view:
        return [one.event for one in security_events.told(view, person.account_id, NOW + passed)]


@pytest.mark.parametrize("event", Event)
def test_what_every_page_tells(event: Event, database: Database, patient: Person) -> None:
    note(database, patient, event)
    assert told(database, patient) == ([event] if event in TOLD else [])


@pytest.mark.parametrize(
    ("passed", "is_told"), [(BANNER_SECONDS - 1, True), (BANNER_SECONDS, False)]
)
def test_it_is_told_for_three_days(
    passed: int, is_told: bool, database: Database, patient: Person
) -> None:
    note(database, patient, Event.PHONE_CHANGED)
    assert bool(told(database, patient, passed)) is is_told


def test_what_alarms_is_told_too() -> None:
    assert set(ALARMING) <= set(TOLD)


def test_what_came_before_the_activation_is_not_told(database: Database, patient: Person) -> None:
    for event in (Event.PASSWORD_CHANGED, Event.ACTIVATED, Event.PHONE_CHANGED):
        note(database, patient, event)
    assert told(database, patient) == [Event.PHONE_CHANGED]


def test_its_holder_settles_one_and_no_other(
    database: Database, patient: Person, doctor: Person
) -> None:
    for event in (Event.PHONE_CHANGED, Event.PASSWORD_CHANGED):
        note(database, patient, event)
    with database.read() as view:
        newest = security_events.told(view, patient.account_id, NOW)[0].event_id

    def by(person: Person, event_id: int) -> bool:
        return database.write(lambda tx: security_events.dismiss(tx, person.account_id, event_id))

    assert not by(doctor, newest) and not by(patient, newest + 1)
    assert len(told(database, patient)) == 2
    assert by(patient, newest) and by(patient, newest)
    assert told(database, patient) == [Event.PHONE_CHANGED]
