"""Signing in with an app password: where it counts, what it costs, and what it replaces."""

from dataclasses import replace

import pytest

from mss_gateway.directory import app_passwords, members, passwords
from mss_gateway.directory.app_passwords import USE_SECONDS
from mss_gateway.failures import Failure, Refused
from mss_gateway.life import authn
from mss_gateway.life.authn import Admission, Attempt, HashNeeded
from mss_gateway.life.claims import PasswordClaim
from policies.people import Standing
from tests.support.smtp_site import (
    BERNARD,
    LIMITS,
    MARTIN,
    PASSWORD,
    PATIENT,
    SECRETARIAT,
    Site,
)


def drawn(site: Site, address: str = MARTIN) -> str:
    account = site.person(address).account_id
    made, secret = site.gateway.database.write(
        lambda tx: app_passwords.add(tx, account, "Téléphone")
    )
    assert made.account_id == account
    return secret


def admit(
    site: Site, password: str, login: str = MARTIN, channel: str = "submission", box: str = ""
) -> Admission:
    claim = PasswordClaim(box, login, password)
    return authn.admit(site.gateway, claim, channel, "192.0.2.1")


def refused(site: Site, password: str, login: str = MARTIN, channel: str = "imap") -> Failure:
    with pytest.raises(Refused) as caught:
        admit(site, password, login, channel)
    return caught.value.failure


@pytest.fixture
def strict(site: Site) -> Site:
    """Mail programs of whoever has an app password take nothing else."""
    config = site.gateway.config
    config = replace(config, submission=replace(config.submission, app_passwords_only=True))
    return replace(site, gateway=replace(site.gateway, config=config))


@pytest.fixture
def hashes(site: Site, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The passwords that cost a hash."""
    spent: list[str] = []
    matches = passwords.Passwords.matches

    def counted(self: passwords.Passwords, kept: str | None, password: str) -> bool:
        spent.append(password)
        return matches(self, kept, password)

    monkeypatch.setattr(passwords.Passwords, "matches", counted)
    return spent


@pytest.mark.parametrize("channel", ["imap", "submission"])
def test_it_opens_what_the_main_password_does_and_costs_no_hash(
    site: Site, hashes: list[str], channel: str
) -> None:
    secret, martin = drawn(site), site.person(MARTIN)
    assert admit(site, secret.upper(), channel=channel) == Admission(martin, martin, members.RIGHTS)
    assert hashes == []
    assert admit(site, PASSWORD, channel=channel).person == martin


def test_it_needs_no_thread_for_hashes(site: Site) -> None:
    claim = PasswordClaim("", MARTIN, drawn(site))
    quick = authn.admit(site.gateway, claim, "imap", "192.0.2.1", may_hash=False)
    assert quick.person.address == MARTIN
    with pytest.raises(HashNeeded):
        authn.admit(
            site.gateway, PasswordClaim("", BERNARD, claim.password), "imap", "x", may_hash=False
        )


def test_an_organisation_s_box_may_have_one_and_its_members_theirs(site: Site) -> None:
    box, martin = site.person(SECRETARIAT), site.person(MARTIN)
    site.gateway.database.write(
        lambda tx: members.grant(tx, box.account_id, martin.account_id, "lrp")
    )
    assert admit(site, drawn(site, SECRETARIAT), SECRETARIAT).person == box
    assert admit(site, drawn(site), box=SECRETARIAT) == Admission(martin, box, "lrp")


def test_the_webmail_takes_none(site: Site, hashes: list[str]) -> None:
    secret = drawn(site)
    with pytest.raises(Refused) as caught:
        authn.check_password(site.gateway, Attempt(MARTIN, secret, "webmail", "192.0.2.1"))
    assert caught.value.failure is Failure.BAD_CREDENTIALS
    assert hashes == [secret]


def test_one_of_somebody_else_a_revoked_one_and_one_of_nobody_cost_a_hash_each(
    site: Site, hashes: list[str]
) -> None:
    secret, ended = drawn(site), drawn(site)
    account = site.person(MARTIN).account_id
    with site.gateway.database.read() as view:
        number = app_passwords.of_account(view, account)[-1].app_password_id
    site.gateway.database.write(lambda tx: app_passwords.revoke(tx, account, number))
    tried = [
        (secret, BERNARD),
        (secret, "personne@mss.example"),
        (ended, MARTIN),
        ("aaaa-bbbb-cccc-dddd-eeee-ffff", MARTIN),
    ]
    for password, login in tried:
        assert refused(site, password, login) is Failure.BAD_CREDENTIALS
    assert hashes == [password for password, _ in tried]


def test_a_patient_who_had_one_would_not_get_in(site: Site, hashes: list[str]) -> None:
    secret = drawn(site)
    patient = site.person(PATIENT).account_id
    site.gateway.database.write(
        lambda tx: tx.sql("UPDATE app_passwords SET account_id = ?", (patient,))
    )
    assert refused(site, secret, PATIENT) is Failure.BAD_CREDENTIALS
    assert hashes == [secret]


@pytest.mark.parametrize("standing", [Standing.SUSPENDED, Standing.CLOSED])
def test_an_account_out_of_use_is_refused_like_a_wrong_password(
    site: Site, hashes: list[str], standing: Standing
) -> None:
    secret = drawn(site)
    site.stand(MARTIN, standing)
    assert refused(site, secret) is Failure.BAD_CREDENTIALS
    assert hashes == [secret]


def test_waits_count_for_it_and_it_ends_them(site: Site) -> None:
    secret = drawn(site)
    for _ in range(LIMITS.failed_logins_per_account - 1):
        refused(site, "aaaa-bbbb-cccc-dddd-eeee-ffff")
    admit(site, secret)
    for _ in range(LIMITS.failed_logins_per_account):
        refused(site, "aaaa-bbbb-cccc-dddd-eeee-ffff")
    assert refused(site, secret) is Failure.TOO_MANY_ATTEMPTS


def test_the_record_says_which_one_it_was_and_when_it_was_used(site: Site) -> None:
    secret = drawn(site)
    account = site.person(MARTIN).account_id
    for _ in range(2):
        admit(site, secret)
        site.gateway.database.write(lambda tx: None)
        site.clock.pass_by(USE_SECONDS // 2 - 1)
    with site.gateway.database.read() as view:
        (kept,) = app_passwords.of_account(view, account)
        rows = view.sql("SELECT actor, object, verdict FROM audit WHERE act = 'sign-in'").fetchall()
    about = f"submission with app-password:{kept.app_password_id}"
    assert [tuple(row) for row in rows] == [(f"account:{account}", about, "permitted")] * 2
    assert kept.last_used_at == kept.created_at


# instead of the main password


def test_whoever_has_one_signs_in_with_nothing_else_where_it_is_asked(
    strict: Site, hashes: list[str]
) -> None:
    assert admit(strict, PASSWORD).person.address == MARTIN  # nobody is locked out by the setting
    secret = drawn(strict)
    for channel in ("imap", "submission"):
        assert refused(strict, PASSWORD, channel=channel) is Failure.BAD_CREDENTIALS
        assert admit(strict, secret, channel=channel).person.address == MARTIN
    assert hashes == [PASSWORD] * 3
    attempt = Attempt(MARTIN, PASSWORD, "webmail", "192.0.2.1")
    assert authn.check_password(strict.gateway, attempt).address == MARTIN
    assert admit(strict, PASSWORD, BERNARD).person.address == BERNARD
    site_account = strict.person(MARTIN).account_id
    strict.gateway.database.write(lambda tx: app_passwords.revoke_all(tx, site_account))
    assert admit(strict, PASSWORD).person.address == MARTIN
