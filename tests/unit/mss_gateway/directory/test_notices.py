"""Rows of notices: coalesced, leased, sent at least once; nobody can tell of which kind one is."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from mailbox_store.database import Database
from mss_gateway import texts
from mss_gateway.directory import contact, notice_desk, notice_leases, notices
from mss_gateway.directory.notice_kinds import CHOICES, ROWS, Kind, row
from mss_gateway.directory.notice_leases import LEASE_SECONDS, Batch, Claimed
from mss_gateway.directory.notices import Apart, Rules
from mss_gateway.directory.people import Person
from mss_gateway.texts import Language
from tests.unit.mss_gateway.directory.conftest import NOW

ADDRESS = "camille@courriel.example"
RULES = Rules(window=600, daily=3, patience=3 * 86_400)
DAY = 86_400


@pytest.fixture
def told(database: Database, patient: Person) -> Person:
    """A patient with an address."""
    database.write(lambda tx: contact.place(tx, patient.account_id, ADDRESS))
    return patient


def happened(database: Database, person: Person, kind: Kind, at: int = NOW) -> None:
    database.write(lambda tx: notices.enter(tx, person.account_id, kind, at, RULES))


def claim(database: Database, at: int, count: int = 10) -> Batch:
    return database.write(lambda tx: notice_leases.claim(tx, count, at))


def one(database: Database, at: int) -> Claimed:
    (found,) = claim(database, at).claimed
    return found


def sent(database: Database, claimed: Claimed, at: int) -> bool:
    return database.write(lambda tx: notice_leases.sent(tx, claimed, at, RULES))


def due_times(database: Database) -> list[int]:
    with database.read() as view:
        return [line.due_at for line in notice_desk.listing(view)]


def choose(database: Database, person: Person, off: Iterable[Kind]) -> None:
    database.write(lambda tx: notices.choose(tx, person.account_id, off))


def test_the_table_is_total_and_its_words_exist() -> None:
    assert [each.kind for each in ROWS] == list(Kind)
    for each in ROWS:
        for language in Language:
            wanted = {"code"} if each.is_code else set()
            assert texts.fields(each.line, language) == wanted
            assert texts.fields(each.title, language) == set()
        assert each.is_security == (each not in CHOICES)


def test_a_critical_result_says_what_any_document_says() -> None:
    critical, document = row(Kind.CRITICAL), row(Kind.DOCUMENT)
    assert (critical.line, critical.title) == (document.line, document.title)
    assert critical.is_at_once
    assert not document.is_at_once


def test_several_in_a_window_are_one(database: Database, told: Person) -> None:
    for second in (0, 60, 599):
        happened(database, told, Kind.MESSAGE, NOW + second)
    assert due_times(database) == [NOW + RULES.window]
    assert claim(database, NOW + RULES.window - 1).claimed == ()
    found = one(database, NOW + RULES.window)
    assert (found.address, found.kinds, found.code) == (ADDRESS, (Kind.MESSAGE,), "")
    assert sent(database, found, NOW + RULES.window)
    assert due_times(database) == []


@pytest.mark.parametrize("kind", [each.kind for each in ROWS if each.is_at_once])
def test_what_is_urgent_does_not_wait(database: Database, told: Person, kind: Kind) -> None:
    happened(database, told, kind)
    assert one(database, NOW).kinds == (kind,)


def test_an_email_takes_along_what_waits_for_the_same_person(
    database: Database, told: Person
) -> None:
    happened(database, told, Kind.MESSAGE)
    happened(database, told, Kind.NEW_BROWSER)
    found = one(database, NOW)
    assert found.kinds == (Kind.MESSAGE, Kind.NEW_BROWSER)
    sent(database, found, NOW)
    assert due_times(database) == []


def test_nothing_without_a_confirmed_address(database: Database, patient: Person) -> None:
    happened(database, patient, Kind.NEW_BROWSER)
    database.write(lambda tx: contact.ask(tx, patient.account_id, ADDRESS))
    happened(database, patient, Kind.MESSAGE)
    database.write(lambda tx: contact.place(tx, patient.account_id, ADDRESS))
    database.write(lambda tx: contact.mark_failing(tx, patient.account_id, ADDRESS))
    happened(database, patient, Kind.MESSAGE)
    assert due_times(database) == []


def test_what_is_switched_off_is_not_told(database: Database, told: Person) -> None:
    for kind in Kind:
        happened(database, told, kind)
    choose(database, told, Kind)
    with database.read() as view:
        assert notices.switched_off(view, told.account_id) == {each.kind for each in CHOICES}
    for kind in Kind:
        happened(database, told, kind)
    found = one(database, NOW + DAY)
    assert all(row(kind).is_security for kind in found.kinds)
    choose(database, told, [])
    happened(database, told, Kind.DOCUMENT)
    assert Kind.DOCUMENT in [k for each in claim(database, NOW + DAY).claimed for k in each.kinds]


def test_what_happens_while_one_is_sent_is_told_by_the_next(
    database: Database, told: Person
) -> None:
    happened(database, told, Kind.MESSAGE)
    found = one(database, NOW + 600)
    happened(database, told, Kind.MESSAGE, NOW + 601)
    assert claim(database, NOW + 602).claimed == ()
    assert sent(database, found, NOW + 603)
    assert due_times(database) == [NOW + 603 + RULES.window]


def test_so_many_a_day_and_then_one_at_its_end(database: Database, told: Person) -> None:
    at = NOW
    for _ in range(RULES.daily):
        happened(database, told, Kind.CRITICAL, at)
        sent(database, one(database, at), at)
        at += 10
    for _ in range(20):
        happened(database, told, Kind.CRITICAL, at)
        at += 10
    assert due_times(database) == [NOW + DAY]
    assert claim(database, NOW + DAY - 1).claimed == ()
    sent(database, one(database, NOW + DAY), NOW + DAY)
    happened(database, told, Kind.CRITICAL, NOW + DAY + 1)
    assert due_times(database) == [NOW + DAY + 1]


def test_the_limit_of_a_day_holds_while_one_is_sent(database: Database, told: Person) -> None:
    for number in range(RULES.daily):
        happened(database, told, Kind.CRITICAL, NOW + number)
        found = one(database, NOW + number)
        happened(database, told, Kind.CRITICAL, NOW + number)
        sent(database, found, NOW + number)
    assert due_times(database) == [NOW + DAY]


def test_one_kinds_limit_is_no_others(database: Database, told: Person) -> None:
    for number in range(RULES.daily):
        happened(database, told, Kind.CRITICAL, NOW + number)
        sent(database, one(database, NOW + number), NOW + number)
    happened(database, told, Kind.PASSWORD_CHANGED, NOW + 10)
    assert one(database, NOW + 10).kinds == (Kind.PASSWORD_CHANGED,)


def test_a_lease_that_ran_out_is_sent_again(database: Database, told: Person) -> None:
    happened(database, told, Kind.EXPORT)
    first = one(database, NOW)
    assert claim(database, NOW + LEASE_SECONDS - 1).claimed == ()
    second = one(database, NOW + LEASE_SECONDS)
    assert second.lease != first.lease
    assert not sent(database, first, NOW + LEASE_SECONDS)  # too late: it is another's now
    assert sent(database, second, NOW + LEASE_SECONDS)


def test_what_a_dead_process_had_leased_is_due_at_once(database: Database, told: Person) -> None:
    happened(database, told, Kind.EXPORT)
    one(database, NOW)
    assert database.write(notice_leases.recover) == 1
    assert one(database, NOW).kinds == (Kind.EXPORT,)


def test_put_off_and_tried_again(database: Database, told: Person) -> None:
    happened(database, told, Kind.EXPORT)
    found = one(database, NOW)
    database.write(lambda tx: notice_leases.put_off(tx, found, NOW + 5, "deferred", counts=True))
    with database.read() as view:
        (line,) = notice_desk.listing(view)
        assert (line.attempts, line.last_failure, line.state) == (1, "deferred", "due")
        assert notice_desk.waiting(view) == notice_desk.Waiting(1, NOW, "deferred")
    again = one(database, NOW + 5)
    assert again.attempts == 2
    database.write(lambda tx: notice_leases.put_off(tx, again, NOW, "unreachable", counts=False))
    assert one(database, NOW + 5).attempts == 2


def test_given_up_after_three_days(database: Database, told: Person) -> None:
    happened(database, told, Kind.EXPORT)
    assert claim(database, NOW + RULES.patience) == Batch((), 1)
    assert due_times(database) == []
    happened(database, told, Kind.EXPORT, NOW + RULES.patience)
    assert one(database, NOW + RULES.patience).entered_at == NOW + RULES.patience


def test_no_address_any_more_and_nothing_is_sent(database: Database, told: Person) -> None:
    happened(database, told, Kind.EXPORT)
    database.write(lambda tx: contact.remove(tx, told.account_id))
    assert claim(database, NOW) == Batch((), 0)
    assert due_times(database) == []


def test_a_code_goes_by_itself_and_the_last_one_counts(database: Database, told: Person) -> None:
    def code(value: str, at: int) -> None:
        apart = Apart("nouvelle@courriel.example", 900, value)
        database.write(
            lambda tx: notices.enter_apart(tx, told.account_id, Kind.CONTACT_CODE, apart, at)
        )

    happened(database, told, Kind.EXPORT)
    code("111111", NOW)
    code("222222", NOW + 1)
    found = claim(database, NOW + 1).claimed
    assert {(each.address, each.code, each.kinds) for each in found} == {
        (ADDRESS, "", (Kind.EXPORT,)),
        ("nouvelle@courriel.example", "222222", (Kind.CONTACT_CODE,)),
    }
    code("333333", NOW + 2)  # while the former one is being sent
    for each in found:
        assert sent(database, each, NOW + 3)
    assert one(database, NOW + 3).code == "333333"


def test_a_code_that_is_late_is_not_sent(database: Database, told: Person) -> None:
    apart = Apart(ADDRESS, 900, "123456")
    database.write(
        lambda tx: notices.enter_apart(tx, told.account_id, Kind.RECOVERY_CODE, apart, NOW)
    )
    assert claim(database, NOW + 900) == Batch((), 1)
    with database.read() as view:
        assert view.sql("SELECT count(*) FROM notices WHERE sealed IS NOT NULL").scalar() == 0


def test_a_claim_takes_so_many_people(database: Database, told: Person, doctor: Person) -> None:
    database.write(lambda tx: contact.place(tx, doctor.account_id, "claire@courriel.example"))
    happened(database, doctor, Kind.EXPORT, NOW - 1)
    happened(database, told, Kind.EXPORT)
    (first,) = claim(database, NOW, 1).claimed
    assert first.account_id == doctor.account_id
    assert one(database, NOW).account_id == told.account_id


def test_an_operator_sends_now_or_never(database: Database, told: Person) -> None:
    happened(database, told, Kind.MESSAGE)
    with database.read() as view:
        (line,) = notice_desk.listing(view)
    number = line.notice_id
    assert database.write(lambda tx: notice_desk.retry(tx, number))
    found = one(database, NOW)
    assert not database.write(lambda tx: notice_desk.retry(tx, number))  # it is being sent
    assert not database.write(lambda tx: notice_desk.drop(tx, number))
    database.write(lambda tx: notice_leases.put_off(tx, found, NOW, "", counts=True))
    assert database.write(lambda tx: notice_desk.drop(tx, number))
    assert not database.write(lambda tx: notice_desk.drop(tx, number))
    assert due_times(database) == []


def test_rows_of_no_use_go(database: Database, told: Person) -> None:
    happened(database, told, Kind.EXPORT)
    sent(database, one(database, NOW), NOW)
    happened(database, told, Kind.MESSAGE)
    for at, left in ((NOW + DAY, 2), (NOW + DAY + 1, 1)):
        database.write(lambda tx, at=at: notice_leases.forget(tx, at))  # type: ignore[misc]
        with database.read() as view:
            assert view.sql("SELECT count(*) FROM notices").scalar() == left
            assert not notice_leases.has_idle(view, at) or left == 2


def test_the_store_does_not_say_of_which_kind_a_row_is(
    database: Database, told: Person, tmp_path: Path
) -> None:
    for kind in (Kind.DOCUMENT, Kind.CRITICAL):
        happened(database, told, kind)
    choose(database, told, [Kind.CRITICAL])
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"camille@" in kept  # null seals: what is not there is not even sealed there
    assert b"critical" not in kept
