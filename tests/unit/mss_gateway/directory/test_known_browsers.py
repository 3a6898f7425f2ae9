"""Marks of browsers: proved for their account only, and for a year."""

import pytest

from mailbox_store.database import Database
from mss_gateway.directory import known_browsers
from mss_gateway.directory.known_browsers import LASTS_SECONDS, MARKS
from mss_gateway.directory.people import Person
from tests.unit.mss_gateway.directory.conftest import NOW


def marked(database: Database, person: Person, cookie: str = "", at: float = NOW) -> str:
    with database.read() as view:
        return known_browsers.marked(view, person.account_id, cookie, at)


def proved(database: Database, person: Person, cookie: str, at: float = NOW) -> str:
    with database.read() as view:
        return known_browsers.proved(view, person.account_id, cookie, at)


def test_a_mark_is_proved_for_its_account_alone(
    database: Database, patient: Person, doctor: Person
) -> None:
    cookie = marked(database, patient)
    assert proved(database, patient, cookie).startswith("browser ")
    assert proved(database, doctor, cookie) == ""
    assert patient.address not in cookie


@pytest.mark.parametrize(
    ("passed", "is_known"), [(LASTS_SECONDS - 1, True), (LASTS_SECONDS, False)]
)
def test_it_lasts_a_year(passed: int, is_known: bool, database: Database, patient: Person) -> None:
    cookie = marked(database, patient)
    assert bool(proved(database, patient, cookie, NOW + passed)) is is_known


@pytest.mark.parametrize("where", [0, 23, 35])
def test_a_mark_that_was_changed_proves_nothing(
    where: int, database: Database, patient: Person
) -> None:
    cookie = marked(database, patient)
    forged = cookie[:where] + ("0" if cookie[where] != "0" else "1") + cookie[where + 1 :]
    assert proved(database, patient, forged) == ""


@pytest.mark.parametrize("cookie", ["", "~", "a.b.c", "x" * 5_000, "~".join(["é"] * 9)])
def test_what_is_no_mark_is_passed_over(cookie: str, database: Database, patient: Person) -> None:
    assert proved(database, patient, cookie) == ""
    assert proved(database, patient, marked(database, patient, cookie)) != ""


def test_a_household_shares_a_browser(database: Database, patient: Person, doctor: Person) -> None:
    cookie = marked(database, doctor, marked(database, patient))
    assert proved(database, patient, cookie)
    assert proved(database, doctor, cookie)
    again = marked(database, patient, cookie)
    assert again.count("~") == 1
    assert proved(database, patient, again) != proved(database, patient, cookie)


def test_a_cookie_holds_so_many_marks(database: Database, patient: Person) -> None:
    others = "~".join(f"{'a' * 21}{number}.1.{'b' * 22}" for number in range(9))
    cookie = marked(database, patient, others)
    assert cookie.count("~") == MARKS - 1
    assert proved(database, patient, cookie)
