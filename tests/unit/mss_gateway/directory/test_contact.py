"""The personal address: which are taken, how a code confirms one, how codes are rationed."""

import pytest

from mailbox_store.database import Database
from mailbox_store.vault import AccountId
from mss_gateway.directory import contact
from mss_gateway.directory.contact import (
    BETWEEN_CODES,
    CODE_SECONDS,
    CODES_A_DAY,
    DAY,
    TRIES,
    Contact,
    ContactRefused,
    Fault,
    Outcome,
    State,
)
from mss_gateway.directory.people import Person
from tests.unit.mss_gateway.directory.conftest import Clock

ADDRESS = "camille@courriel.example"
OTHER = "camille.autre@ailleurs.example"


def asked(database: Database, person: Person, address: str = ADDRESS) -> str:
    return database.write(lambda tx: contact.ask(tx, person.account_id, address))


def tried(database: Database, person: Person, code: str) -> tuple[Outcome, str]:
    return database.write(lambda tx: contact.confirm(tx, person.account_id, code))


def kept(database: Database, account_id: AccountId) -> Contact:
    with database.read() as view:
        return contact.of_account(view, account_id)


def in_use(database: Database, person: Person) -> str | None:
    with database.read() as view:
        return contact.confirmed(view, person.account_id)


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06d}"


def test_nobody_has_one_to_begin_with(database: Database, patient: Person) -> None:
    assert kept(database, patient.account_id) == contact.NO_CONTACT
    assert in_use(database, patient) is None


def test_a_code_confirms_and_not_before(database: Database, patient: Person) -> None:
    code = asked(database, patient)
    assert len(code) == 6
    assert code.isdigit()
    assert in_use(database, patient) is None
    assert kept(database, patient.account_id).pending == ADDRESS
    assert tried(database, patient, f" {code[:3]} {code[3:]} ") == (Outcome.CONFIRMED, "")
    assert in_use(database, patient) == ADDRESS
    assert kept(database, patient.account_id).pending == ""


def test_a_code_works_once(database: Database, patient: Person) -> None:
    code = asked(database, patient)
    tried(database, patient, code)
    assert tried(database, patient, code) == (Outcome.ENDED, "")


def test_five_tries_and_then_the_right_one_is_late(database: Database, patient: Person) -> None:
    code = asked(database, patient)
    outcomes = [tried(database, patient, wrong(code))[0] for _ in range(TRIES)]
    assert outcomes == [Outcome.WRONG] * (TRIES - 1) + [Outcome.ENDED]
    assert tried(database, patient, code) == (Outcome.ENDED, "")
    assert in_use(database, patient) is None


def test_the_last_of_five_tries_may_be_the_right_one(database: Database, patient: Person) -> None:
    code = asked(database, patient)
    for _ in range(TRIES - 1):
        tried(database, patient, wrong(code))
    assert tried(database, patient, code)[0] is Outcome.CONFIRMED


@pytest.mark.parametrize(
    ("seconds", "outcome"),
    [
        (CODE_SECONDS - 1, Outcome.CONFIRMED),
        (CODE_SECONDS, Outcome.ENDED),
        (-1, Outcome.ENDED),
    ],
)
def test_a_code_lasts_a_quarter_of_an_hour(
    database: Database, patient: Person, clock: Clock, seconds: int, outcome: Outcome
) -> None:
    code = asked(database, patient)
    clock.now += seconds
    assert tried(database, patient, code)[0] is outcome


def test_codes_are_rationed(database: Database, patient: Person, clock: Clock) -> None:
    began = clock.now
    for number in range(CODES_A_DAY):
        clock.now = began + number * BETWEEN_CODES
        asked(database, patient)
        clock.now += BETWEEN_CODES - 1
        with pytest.raises(ContactRefused) as refused:
            asked(database, patient)
        assert refused.value.fault is Fault.TOO_SOON
    clock.now = began + DAY - 1
    with pytest.raises(ContactRefused) as refused:
        asked(database, patient)
    assert refused.value.fault is Fault.TOO_MANY
    clock.now = began + DAY
    asked(database, patient)


def test_neither_giving_up_nor_removing_gives_codes_back(
    database: Database, patient: Person, clock: Clock
) -> None:
    for _ in range(CODES_A_DAY):
        asked(database, patient)
        database.write(lambda tx: contact.abandon(tx, patient.account_id))
        database.write(lambda tx: contact.remove(tx, patient.account_id))
        clock.now += BETWEEN_CODES
    with pytest.raises(ContactRefused) as refused:
        asked(database, patient)
    assert refused.value.fault is Fault.TOO_MANY


def test_the_address_in_use_stays_until_the_next_is_confirmed(
    database: Database, patient: Person, clock: Clock
) -> None:
    tried(database, patient, asked(database, patient))
    clock.now += BETWEEN_CODES
    code = asked(database, patient, OTHER)
    assert in_use(database, patient) == ADDRESS
    assert tried(database, patient, code) == (Outcome.CONFIRMED, ADDRESS)
    assert in_use(database, patient) == OTHER


def test_a_new_code_ends_the_one_before(database: Database, patient: Person, clock: Clock) -> None:
    first = asked(database, patient)
    clock.now += BETWEEN_CODES
    second = asked(database, patient)
    if first != second:
        assert tried(database, patient, first)[0] is Outcome.WRONG
    assert tried(database, patient, second)[0] is Outcome.CONFIRMED


def test_a_code_that_was_given_up_confirms_nothing(database: Database, patient: Person) -> None:
    code = asked(database, patient)
    database.write(lambda tx: contact.abandon(tx, patient.account_id))
    assert tried(database, patient, code) == (Outcome.ENDED, "")


def test_the_operator_places_one_without_a_code(database: Database, patient: Person) -> None:
    code = asked(database, patient, OTHER)
    assert database.write(lambda tx: contact.place(tx, patient.account_id, ADDRESS)) == ""
    assert in_use(database, patient) == ADDRESS
    assert tried(database, patient, code) == (Outcome.ENDED, "")
    assert database.write(lambda tx: contact.place(tx, patient.account_id, OTHER)) == ADDRESS
    assert database.write(lambda tx: contact.remove(tx, patient.account_id)) == OTHER
    assert in_use(database, patient) is None


def test_an_address_that_nobody_has_is_used_no_more(database: Database, patient: Person) -> None:
    account_id = patient.account_id
    database.write(lambda tx: contact.place(tx, account_id, ADDRESS))
    assert not database.write(lambda tx: contact.mark_failing(tx, account_id, OTHER))
    assert in_use(database, patient) == ADDRESS
    assert database.write(lambda tx: contact.mark_failing(tx, account_id, ADDRESS))
    assert not database.write(lambda tx: contact.mark_failing(tx, account_id, ADDRESS))
    assert in_use(database, patient) is None
    found = kept(database, account_id)
    assert (found.state, found.address) == (State.FAILING, ADDRESS)
    with database.read() as view:
        assert contact.counts(view) == {"failing": 1}


def test_a_failing_address_works_again_once_it_is_confirmed(
    database: Database, patient: Person
) -> None:
    account_id = patient.account_id
    database.write(lambda tx: contact.place(tx, account_id, ADDRESS))
    database.write(lambda tx: contact.mark_failing(tx, account_id, ADDRESS))
    assert tried(database, patient, asked(database, patient)) == (Outcome.CONFIRMED, "")
    assert in_use(database, patient) == ADDRESS


def test_an_address_refused_before_its_code_is_told(database: Database, patient: Person) -> None:
    code = asked(database, patient)
    database.write(lambda tx: contact.mark_failing(tx, patient.account_id, ADDRESS))
    found = kept(database, patient.account_id)
    assert (found.state, found.pending, found.refused) == (State.NONE, "", ADDRESS)
    assert tried(database, patient, code)[0] is Outcome.ENDED


@pytest.mark.parametrize(
    "text",
    [
        "",
        "camille",
        "camille@",
        "@courriel.example",
        "camille@courriel",
        "camille@courriel.example, paul@courriel.example",
        "Camille <camille@courriel.example>",
        "<camille@courriel.example>",
        '"camille"@courriel.example',
        "camille@[192.0.2.1]",
        "camille@192.0.2.1",
        "camille@courriel.example\r\nBcc: x@y.example",
        "camille\u202e@courriel.example",
        "camille@@courriel.example",
        "a%b@courriel.example",
        "é@courriel.example",
        "a" * 65 + "@courriel.example",
        "a@" + "b" * 250 + ".example",
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ContactRefused) as refused:
        contact.normal(text, lambda _: False)
    assert refused.value.fault is Fault.MALFORMED


def test_one_form_of_an_address() -> None:
    assert contact.normal("  Camille.D@Courriel.Example ", lambda _: False) == (
        "camille.d@courriel.example"
    )


def test_no_address_of_the_trust_space() -> None:
    with pytest.raises(ContactRefused) as refused:
        contact.normal(ADDRESS, lambda domain: domain == "courriel.example")
    assert refused.value.fault is Fault.TRUST_SPACE


def test_an_address_can_be_shown_without_being_told() -> None:
    assert contact.masked(ADDRESS) == "c•••@courriel.example"


def test_one_patients_code_is_no_others(
    database: Database, patient: Person, doctor: Person
) -> None:
    code = asked(database, patient)
    assert tried(database, doctor, code) == (Outcome.ENDED, "")
