"""App passwords: how they are drawn, shown, used and ended."""

import re

import pytest

from mailbox_store.database import Database
from mss_gateway.directory import app_passwords
from mss_gateway.directory.app_passwords import (
    ACTIVE_LIMIT,
    LABEL_CHARACTERS,
    USE_SECONDS,
    AppPassword,
    AppPasswordUnknown,
    LabelMalformed,
    NotForThisBox,
    Shown,
    TooManyAppPasswords,
)
from mss_gateway.directory.people import NewPerson, Person, Traits
from tests.unit.mss_gateway.directory.conftest import NOW, Clock, add

LABEL = "Thunderbird du cabinet"


def drawn(database: Database, person: Person, label: str = LABEL) -> tuple[AppPassword, str]:
    return database.write(lambda tx: app_passwords.add(tx, person.account_id, label))


def shown(database: Database, secret: str) -> Shown | None:
    with database.read() as view:
        return app_passwords.shown(view, secret)


def listed(database: Database, person: Person) -> list[AppPassword]:
    with database.read() as view:
        return app_passwords.of_account(view, person.account_id)


def test_one_is_drawn_by_chance_and_in_groups(database: Database, doctor: Person) -> None:
    (first, secret), (second, other) = (drawn(database, doctor) for _ in range(2))
    assert re.fullmatch(r"(?:[a-hjkmnp-z2-9]{4}-){5}[a-hjkmnp-z2-9]{4}", secret)
    assert secret != other
    assert (first.label, first.created_at, first.last_used_at, first.revoked_at) == (
        LABEL,
        NOW,
        None,
        None,
    )
    assert listed(database, doctor) == [first, second]


def test_the_secret_is_kept_nowhere(database: Database, doctor: Person) -> None:
    _, secret = drawn(database, doctor)
    with database.read() as view:
        (row,) = view.sql("SELECT * FROM app_passwords").fetchall()
    kept = b"|".join(value if isinstance(value, bytes) else str(value).encode() for value in row)
    assert secret.encode() not in kept
    assert secret.replace("-", "").encode() not in kept
    assert secret not in repr(listed(database, doctor))


def test_who_shows_one_is_known_however_it_was_copied(database: Database, doctor: Person) -> None:
    one, secret = drawn(database, doctor)
    wanted = Shown(one.app_password_id, doctor.account_id, None)
    for copied in (secret, secret.replace("-", ""), secret.upper(), f" {secret.replace('-', ' ')}"):
        assert shown(database, copied) == wanted


@pytest.mark.parametrize("change", [lambda s: s[:-1], lambda s: s + "2", lambda s: s[:-1] + "é"])
def test_what_is_none_is_nobody_s(database: Database, doctor: Person, change: object) -> None:
    _, secret = drawn(database, doctor)
    assert shown(database, change(secret)) is None  # type: ignore[operator]
    assert shown(database, "aaaa-" * 5 + "aaaa") is None
    assert shown(database, "") is None
    assert shown(database, secret + " " * 1_000) is None


def test_a_revoked_one_stays_in_the_list_and_works_no_more(
    database: Database, doctor: Person, clock: Clock
) -> None:
    one, secret = drawn(database, doctor)
    _, other = drawn(database, doctor)
    clock.now += 60
    number = one.app_password_id

    def revoke() -> bool:
        return database.write(lambda tx: app_passwords.revoke(tx, doctor.account_id, number))

    assert revoke()
    assert not revoke()
    assert shown(database, secret) is None
    assert shown(database, other) is not None
    assert [each.revoked_at for each in listed(database, doctor)] == [NOW + 60, None]


def test_nobody_revokes_that_of_somebody_else(
    database: Database, doctor: Person, patient: Person
) -> None:
    one, secret = drawn(database, doctor)
    for account, number in (
        (patient.account_id, one.app_password_id),
        (doctor.account_id, one.app_password_id + 1),
    ):
        with pytest.raises(AppPasswordUnknown):
            database.write(lambda tx, a=account, n=number: app_passwords.revoke(tx, a, n))
    assert shown(database, secret) is not None


def test_all_of_an_account_end_together(database: Database, doctor: Person) -> None:
    other = add(database, NewPerson("pharmacie@mss.example", "ORG", Traits(entity="Pharmacie")))
    secrets = [drawn(database, doctor)[1] for _ in range(3)]
    _, kept = drawn(database, other)

    def end() -> int:
        return database.write(lambda tx: app_passwords.revoke_all(tx, doctor.account_id))

    assert (end(), end()) == (3, 0)
    assert [shown(database, secret) for secret in secrets] == [None] * 3
    assert shown(database, kept) is not None
    with database.read() as view:
        assert not app_passwords.has_any(view, doctor.account_id)
        assert app_passwords.has_any(view, other.account_id)


def test_a_patient_gets_none(database: Database, patient: Person) -> None:
    with pytest.raises(NotForThisBox):
        drawn(database, patient)


def test_as_many_work_as_the_limit_says_and_no_more(database: Database, doctor: Person) -> None:
    made = [drawn(database, doctor)[0] for _ in range(ACTIVE_LIMIT)]
    with pytest.raises(TooManyAppPasswords):
        drawn(database, doctor)
    number = made[0].app_password_id
    database.write(lambda tx: app_passwords.revoke(tx, doctor.account_id, number))
    drawn(database, doctor)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (f"  {LABEL}\t", LABEL),
        ("x" * LABEL_CHARACTERS, "x" * LABEL_CHARACTERS),
        ("a  b\nc", "a b c"),
        ("Téléphone d'été", "Téléphone d'été"),
    ],
)
def test_a_label_is_one_line(given: str, kept: str) -> None:
    assert app_passwords.normal_label(given) == kept


@pytest.mark.parametrize("given", ["", " \t", "x" * (LABEL_CHARACTERS + 1), "a\0b", "a\x1b[1m"])
def test_what_is_no_label_is_refused(database: Database, doctor: Person, given: str) -> None:
    with pytest.raises(LabelMalformed):
        drawn(database, doctor, given)


def test_a_use_is_noted_once_an_hour(database: Database, doctor: Person) -> None:
    one, secret = drawn(database, doctor)
    fresh = shown(database, secret)
    assert fresh is not None
    assert app_passwords.is_use_worth_noting(fresh, NOW)
    database.write(lambda tx: app_passwords.note_use(tx, one.app_password_id, NOW + 5))
    used = shown(database, secret)
    assert used == Shown(one.app_password_id, doctor.account_id, NOW + 5)
    assert not app_passwords.is_use_worth_noting(used, NOW + 5 + USE_SECONDS - 1)
    assert app_passwords.is_use_worth_noting(used, NOW + 5 + USE_SECONDS)
    assert listed(database, doctor)[0].last_used_at == NOW + 5
