"""`mss people app-password`: drawn once, listed without its secret, ended."""

import contextlib

import pytest

from mss_gateway.directory.app_passwords import ACTIVE_LIMIT, LABEL_CHARACTERS
from mss_gateway.failures import Refused
from mss_gateway.life import authn
from mss_gateway.life.claims import PasswordClaim
from tests.unit.mss_gateway.cli.desk_site import DOCTOR, PATIENT, PHARMACY, Mss

LABEL = "Thunderbird du cabinet"
ADD = ("people", "app-password", "add")
LIST = ("people", "app-password", "list")
REVOKE = ("people", "app-password", "revoke")


def drawn(mss: Mss, address: str = DOCTOR.address, label: str = LABEL) -> str:
    secret: str = mss.told(*ADD, address, "--label", label)["password"]
    return secret


def opens(mss: Mss, password: str, address: str = DOCTOR.address) -> bool:
    with mss.gateway() as gateway:
        with contextlib.suppress(Refused):
            claim = PasswordClaim("", address, password)
            return authn.admit(gateway, claim, "imap", "192.0.2.1").person.address == address
    return False


def test_one_is_drawn_shown_once_and_works(mss: Mss) -> None:
    told = mss.told(*ADD, DOCTOR.address, "--label", LABEL)
    assert (told["address"], told["label"], told["works"]) == (DOCTOR.address, LABEL, True)
    assert told["last_used"] is None
    assert opens(mss, told["password"])
    result = mss(*LIST, DOCTOR.address)
    assert LABEL in result.stdout
    assert told["password"] not in result.stdout
    (line,) = mss.told(*LIST, DOCTOR.address)
    assert line == {key: value for key, value in told.items() if key != "password"} | {
        "last_used": line["last_used"]
    }
    assert line["last_used"] is not None


def test_a_person_reads_it_on_a_line_of_its_own(mss: Mss) -> None:
    lines = mss(*ADD, DOCTOR.address, "--label", LABEL).stdout.splitlines()
    assert opens(mss, lines[1])


def test_an_organisation_has_its_own(mss: Mss) -> None:
    assert opens(mss, drawn(mss, PHARMACY), PHARMACY)
    assert mss.told(*LIST, DOCTOR.address) == []


def test_one_that_is_revoked_works_no_more(mss: Mss) -> None:
    first, second = drawn(mss), drawn(mss)
    for _ in range(2):
        assert mss.told(*REVOKE, DOCTOR.address, "1")["works"] is False
    assert (opens(mss, first), opens(mss, second)) == (False, True)
    assert [each["works"] for each in mss.told(*LIST, DOCTOR.address)] == [False, True]


def test_a_reset_of_access_ends_them_all(mss: Mss) -> None:
    secrets = [drawn(mss), drawn(mss)]
    other = drawn(mss, PHARMACY)
    mss.told("people", "reset-access", DOCTOR.address, "--identity-checked")
    assert [opens(mss, secret) for secret in secrets] == [False, False]
    assert opens(mss, other, PHARMACY)


def test_who_cannot_have_one_is_told(mss: Mss) -> None:
    assert "nobody" in mss.refused(*ADD, "zoe@mss.example", "--label", LABEL)
    assert "professionals" in mss.refused(*ADD, PATIENT.address, "--label", LABEL)
    for _ in range(ACTIVE_LIMIT):
        drawn(mss)
    assert "revoke one" in mss.refused(*ADD, DOCTOR.address, "--label", LABEL)


@pytest.mark.parametrize("label", ["", "  ", "x" * (LABEL_CHARACTERS + 1), "a\x1b[31m"])
def test_a_label_that_cannot_be_kept_is_wrong_usage(mss: Mss, label: str) -> None:
    assert mss(*ADD, DOCTOR.address, "--label", label).exit_code == 2
    assert mss.told(*LIST, DOCTOR.address) == []


def test_nobody_s_number_is_not_found(mss: Mss) -> None:
    drawn(mss)
    assert "no app password 2" in mss.refused(*REVOKE, DOCTOR.address, "2")
    assert "no app password 1" in mss.refused(*REVOKE, PHARMACY, "1")
    assert mss(*REVOKE, DOCTOR.address, "0").exit_code == 2


def test_both_are_on_record_without_the_label(mss: Mss) -> None:
    drawn(mss)
    for _ in range(2):
        mss.told(*REVOKE, DOCTOR.address, "1")
    verdicts = [(about.partition(" ")[2], verdict) for _, about, verdict in mss.acts()[-2:]]
    assert verdicts == [
        ("app-password:1", "app password added"),
        ("app-password:1", "app password revoked"),
    ]
    assert LABEL not in str(mss.acts())
