"""Passwords, TOTP, recovery codes: what is right once, twice, and at the edges."""

import threading
from typing import Literal

import pyotp
import pytest
from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

from mailbox_store.database import Database
from mss_gateway.directory import passwords
from mss_gateway.directory.passwords import (
    PASSWORD_LIMIT,
    RECOVERY_CODES,
    Passwords,
)
from mss_gateway.directory.people import Person
from tests.unit.mss_gateway.directory.conftest import NOW

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


class Counting(PasswordHasher):
    """Counts what it costs: one verification is one hash."""

    count = 0

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:
        Counting.count += 1
        return super().verify(hash, password)


@pytest.fixture
def costs(monkeypatch: pytest.MonkeyPatch) -> type[Counting]:
    monkeypatch.setattr(passwords, "PasswordHasher", Counting)
    monkeypatch.setattr(Counting, "count", 0)
    return Counting


@pytest.fixture
def checker(costs: type[Counting]) -> Passwords:
    return Passwords(8, 1)


# passwords


def test_a_password_is_kept_as_argon2id_and_never_twice_alike(checker: Passwords) -> None:
    first, second = checker.hash("soleil"), checker.hash("soleil")
    assert first.startswith("$argon2id$")
    assert first != second
    assert checker.matches(first, "soleil")
    assert checker.matches(second, "soleil")


@pytest.mark.parametrize("given", ["", "Soleil", "soleil ", "soleil\0", "lune", "\ud800"])
def test_another_password_is_wrong(checker: Passwords, given: str) -> None:
    assert not checker.matches(checker.hash("soleil"), given)


def test_wrong_and_unknown_cost_one_hash_each(checker: Passwords, costs: type[Counting]) -> None:
    kept = checker.hash("soleil")
    for login in (kept, None, "not a hash at all"):
        before = costs.count
        assert not checker.matches(login, "lune")
        assert costs.count == before + 1


def test_the_stand_in_for_an_unknown_login_never_matches(
    checker: Passwords, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Counting, "verify", lambda *_: True)
    assert not checker.matches(None, "soleil")


@pytest.mark.parametrize(("octets", "is_right"), [(PASSWORD_LIMIT, True), (257, False)])
def test_a_password_has_a_limit_in_octets(
    checker: Passwords, costs: type[Counting], octets: int, is_right: bool
) -> None:
    password = "é" * (octets // 2) + "x" * (octets % 2)
    kept = checker.hash(password)
    assert checker.matches(kept, password) is is_right
    # beyond it no hash is spent, whatever the login
    assert costs.count == (1 if is_right else 0)
    checker.matches(None, password)
    assert costs.count == (2 if is_right else 0)


def test_no_more_hashes_run_at_once_than_memory_allows(
    checker: Passwords, monkeypatch: pytest.MonkeyPatch
) -> None:
    running, most, gate = [0], [0], threading.Condition()

    def verify(*_: object) -> bool:
        with gate:
            running[0] += 1
            most[0] = max(most[0], running[0])
            gate.notify_all()
            # a third one would arrive while two wait here
            gate.wait_for(lambda: running[0] > passwords.HASHES_AT_ONCE, 0.05)
            running[0] -= 1
        raise VerificationError

    monkeypatch.setattr(Counting, "verify", verify)
    threads = [threading.Thread(target=checker.matches, args=(None, "x")) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most[0] == passwords.HASHES_AT_ONCE


def test_a_new_password_replaces_the_old_one(database: Database, doctor: Person) -> None:
    with database.read() as view:
        assert passwords.password_hash(view, doctor.account_id) is None
    for value in ("first", "second"):
        database.write(
            lambda tx, value=value: passwords.set_password(tx, doctor.account_id, value)  # type: ignore[misc]
        )
    with database.read() as view:
        assert passwords.password_hash(view, doctor.account_id) == "second"
        assert view.sql("SELECT count(*) FROM credentials").scalar_one() == 1


def test_credentials_are_their_owners(database: Database, doctor: Person, patient: Person) -> None:
    database.write(lambda tx: passwords.set_password(tx, doctor.account_id, "hash"))
    database.write(lambda tx: passwords.set_totp(tx, doctor.account_id, SECRET))
    with database.read() as view:
        assert passwords.password_hash(view, patient.account_id) is None
        assert passwords.has_totp(view, doctor.account_id)
        assert not passwords.has_totp(view, patient.account_id)


def test_what_is_handed_over_is_drawn_each_time() -> None:
    drawn = {passwords.new_password() for _ in range(50)}
    assert len(drawn) == 50
    assert all(len(one) == 23 and one.count("-") == 3 for one in drawn)
    assert len({passwords.new_totp_secret() for _ in range(50)}) == 50
    assert len(passwords.new_totp_secret()) == 32


# TOTP


def use(database: Database, person: Person, code: str, now: float) -> bool:
    return database.write(lambda tx: passwords.use_totp(tx, person.account_id, code, now))


def code_at(moment: float) -> str:
    return pyotp.TOTP(SECRET).at(int(moment))


@pytest.fixture
def with_totp(database: Database, patient: Person) -> Person:
    database.write(lambda tx: passwords.set_totp(tx, patient.account_id, SECRET))
    return patient


STEP = NOW // 30 * 30


@pytest.mark.parametrize(
    ("offset", "is_right"),
    [
        (-31, False),
        (-30, True),
        (-1, True),
        (0, True),
        (29, True),
        (30, True),
        (59, True),
        (60, False),
    ],
)
def test_a_code_counts_one_step_either_way(
    database: Database, with_totp: Person, offset: int, is_right: bool
) -> None:
    assert use(database, with_totp, code_at(STEP + offset), STEP) is is_right


def test_a_code_works_once_and_so_does_its_step(database: Database, with_totp: Person) -> None:
    code = code_at(STEP)
    assert use(database, with_totp, code, STEP)
    assert not use(database, with_totp, code, STEP)
    assert not use(database, with_totp, code, STEP + 30)
    # an earlier one, still in the window, came before the one that was accepted
    assert not use(database, with_totp, code_at(STEP - 30), STEP)
    assert use(database, with_totp, code_at(STEP + 30), STEP)


def test_two_uses_at_once_let_one_in(database: Database, with_totp: Person) -> None:
    code = code_at(STEP)
    futures = [
        database.submit(lambda tx: passwords.use_totp(tx, with_totp.account_id, code, STEP))
        for _ in range(5)
    ]
    assert sorted(future.result() for future in futures) == [False] * 4 + [True]


@pytest.mark.parametrize(
    "code", ["", "000", "0000000", "abcdef", "１２３４５６", "²²²²²²", "\ud800"]
)
def test_what_is_no_code_is_wrong(database: Database, with_totp: Person, code: str) -> None:
    assert not use(database, with_totp, code, STEP)


def test_without_a_second_factor_no_code_is_right(database: Database, doctor: Person) -> None:
    assert not use(database, doctor, code_at(STEP), STEP)


def test_a_new_secret_ends_the_old_one(database: Database, with_totp: Person) -> None:
    database.write(
        lambda tx: passwords.set_totp(tx, with_totp.account_id, "KRSXG5CTMVRXEZLUKRSXG5CTMVRXEZLU")
    )
    assert not use(database, with_totp, code_at(STEP), STEP)


# recovery codes


def test_each_recovery_code_works_once_however_it_is_typed(
    database: Database, patient: Person, doctor: Person
) -> None:
    codes = database.write(lambda tx: passwords.new_recovery_codes(tx, patient.account_id))
    assert len(set(codes)) == RECOVERY_CODES == 10

    def recovers(person: Person, code: str) -> bool:
        return database.write(lambda tx: passwords.use_recovery_code(tx, person.account_id, code))

    assert not recovers(doctor, codes[0])
    assert recovers(patient, codes[0])
    assert not recovers(patient, codes[0])
    assert recovers(patient, codes[1].upper().replace("-", "  "))
    for wrong in ("", "-----", codes[2][:-1], codes[2] + "a", "\ud800"):
        assert not recovers(patient, wrong)
    assert all(recovers(patient, code) for code in codes[2:])


def test_new_recovery_codes_end_the_earlier_ones(database: Database, patient: Person) -> None:
    first, second = (
        database.write(lambda tx: passwords.new_recovery_codes(tx, patient.account_id))
        for _ in range(2)
    )
    assert not database.write(
        lambda tx: passwords.use_recovery_code(tx, patient.account_id, first[0])
    )
    assert database.write(lambda tx: passwords.use_recovery_code(tx, patient.account_id, second[0]))


def test_a_recovery_code_is_not_kept_in_readable_form(database: Database, patient: Person) -> None:
    codes = database.write(lambda tx: passwords.new_recovery_codes(tx, patient.account_id))
    with database.read() as view:
        kept = b"".join(row[0] for row in view.sql("SELECT sealed FROM credentials"))
    # null seals seal nothing: what is seen here is what the account's key opens
    for code in codes:
        assert code.encode() not in kept
        assert code.replace("-", "").encode() not in kept
