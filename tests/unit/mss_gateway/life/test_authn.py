"""Who is speaking: one answer for every wrong sign-in."""

import pyotp
import pytest

from mss_gateway.directory import passwords
from mss_gateway.directory.people import Person
from mss_gateway.failures import Failure, Refused
from mss_gateway.life import authn
from mss_gateway.life.authn import Attempt
from mss_gateway.life.claims import PasswordClaim
from policies.people import Standing
from tests.support.smtp_site import (
    LIMITS,
    MARTIN,
    PASSWORD,
    PATIENT,
    SECRETARIAT,
    SUSPENDED,
    Site,
)

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def attempt(login: str = MARTIN, password: str = PASSWORD, peer: str = "192.0.2.1") -> Attempt:
    return Attempt(login, password, "submission", peer)


def signed_in(site: Site, one: Attempt) -> Person:
    """Whom a mail client with a password stands for."""
    claim = PasswordClaim("", one.login, one.password)
    return authn.admit(site.gateway, claim, one.channel, one.peer).person


def refused(site: Site, one: Attempt) -> Failure:
    with pytest.raises(Refused) as caught:
        signed_in(site, one)
    return caught.value.failure


@pytest.mark.parametrize("login", [MARTIN, MARTIN.upper(), f"  {MARTIN} "])
def test_the_right_password_names_the_person(login: str, site: Site) -> None:
    assert signed_in(site, attempt(login)).address == MARTIN
    site.gateway.database.write(lambda tx: None)
    assert site.acts("sign-in") == ["permitted"]


@pytest.mark.parametrize(
    "one",
    [
        attempt(password="autre chose"),
        attempt(password=""),
        attempt(password="x" * 10_000),
        attempt("personne@mss.example"),
        attempt("x" * 5_000),
        attempt(""),
        attempt("\0"),
        attempt(SUSPENDED),
        attempt(PATIENT),
    ],
)
def test_everything_else_is_one_failure_and_on_record(one: Attempt, site: Site) -> None:
    assert refused(site, one) is Failure.BAD_CREDENTIALS
    site.gateway.database.write(lambda tx: None)
    assert site.acts("sign-in") == ["refused"]


def test_a_suspended_account_is_refused_with_its_right_password(site: Site) -> None:
    signed_in(site, attempt(SECRETARIAT))
    site.stand(SECRETARIAT, Standing.SUSPENDED)
    assert refused(site, attempt(SECRETARIAT)) is Failure.BAD_CREDENTIALS


@pytest.mark.parametrize("spellings", [(MARTIN,), (MARTIN, MARTIN.upper(), f" {MARTIN}")])
def test_a_wait_runs_after_so_many_failures_however_the_login_is_spelt(
    spellings: tuple[str, ...], site: Site
) -> None:
    for count in range(LIMITS.failed_logins_per_account):
        wrong = attempt(spellings[count % len(spellings)], "autre chose", f"192.0.2.{count}")
        assert refused(site, wrong) is Failure.BAD_CREDENTIALS
    assert refused(site, attempt(peer="192.0.2.99")) is Failure.TOO_MANY_ATTEMPTS
    site.clock.pass_by(2)
    assert signed_in(site, attempt(peer="192.0.2.99")).address == MARTIN


def test_an_address_waits_too_whoever_it_pretends_to_be(site: Site) -> None:
    for count in range(LIMITS.failed_logins_per_address):
        assert refused(site, attempt(f"x{count}@mss.example")) is Failure.BAD_CREDENTIALS
    assert refused(site, attempt()) is Failure.TOO_MANY_ATTEMPTS
    assert signed_in(site, attempt(peer="192.0.2.2")).address == MARTIN


def test_what_the_throttle_remembers_of_a_login_is_short(site: Site) -> None:
    refused(site, attempt("x" * 5_000))
    assert max(map(len, site.gateway.account_throttle._strangers._records)) <= 254


def _patient_with_a_code(site: Site) -> tuple[Attempt, str]:
    account_id = site.person(PATIENT).account_id
    site.gateway.database.write(lambda tx: passwords.set_totp(tx, account_id, SECRET))
    one = Attempt(PATIENT, PASSWORD, "webmail", "192.0.2.1")
    return one, pyotp.TOTP(SECRET).at(int(site.clock()))


def test_a_second_factor_completes_a_sign_in_once(site: Site) -> None:
    one, code = _patient_with_a_code(site)
    person = authn.check_password(site.gateway, one)
    authn.check_second_factor(site.gateway, one, person, f" {code[:3]} {code[3:]}")
    with pytest.raises(Refused) as again:
        authn.check_second_factor(site.gateway, one, person, code)
    assert again.value.failure is Failure.BAD_CREDENTIALS
    assert site.acts("sign-in") == ["permitted"]


def test_codes_that_are_tried_out_make_a_wait(site: Site) -> None:
    one, code = _patient_with_a_code(site)
    person = authn.check_password(site.gateway, one)
    for wrong in range(LIMITS.failed_logins_per_account):
        with pytest.raises(Refused):
            authn.check_second_factor(site.gateway, one, person, f"x{wrong}")
    with pytest.raises(Refused) as waits:
        authn.check_second_factor(site.gateway, one, person, code)
    assert waits.value.failure is Failure.TOO_MANY_ATTEMPTS


def test_a_recovery_code_is_used_up(site: Site) -> None:
    one, _ = _patient_with_a_code(site)
    person = authn.check_password(site.gateway, one)
    codes = site.gateway.database.write(
        lambda tx: passwords.new_recovery_codes(tx, person.account_id)
    )
    authn.check_second_factor(site.gateway, one, person, codes[0].upper())
    with pytest.raises(Refused):
        authn.check_second_factor(site.gateway, one, person, codes[0])
