"""Events of an account: newest first, bounded, and told on top of the pages for three days."""

import pytest

from mailbox_store.database import Database
from mss_gateway.directory import security_events
from mss_gateway.directory.people import Person
from mss_gateway.directory.security_events import ALARMING, BANNER_SECONDS, KEPT, Event
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
