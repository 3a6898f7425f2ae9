"""`mss people activate` and `recover`: a code that works on the page, once, for its purpose."""

import pytest

from mss_gateway.directory import activation
from mss_gateway.directory.activation import Purpose
from mss_gateway.life import access
from mss_gateway.life.authn import Attempt
from tests.unit.mss_gateway.cli.desk_site import DOCTOR, PATIENT, Mss


def purpose_of(mss: Mss, code: str) -> Purpose:
    """What the gateway believes the code to be for; raises Refused when it is none."""
    with mss.gateway() as gateway:
        tried = Attempt(PATIENT.address, "", "webmail", "192.0.2.1")
        person = access.check_code(gateway, tried, code)
        with gateway.database.read() as view:
            granted = activation.standing(view, person.account_id, gateway.clock())
        assert granted is not None
        return granted.purpose


def test_a_code_for_a_letter(mss: Mss) -> None:
    told = mss.told("people", "activate", PATIENT.address)
    assert told["purpose"] == "activation"
    assert len(told["code"].replace("-", "")) == 12
    assert purpose_of(mss, told["code"]) is Purpose.ACTIVATION


@pytest.mark.parametrize(
    ("options", "purpose"),
    [
        ((), Purpose.EVERYTHING),
        (("--password",), Purpose.PASSWORD),
        (("--second-factor",), Purpose.SECOND_FACTOR),
    ],
)
def test_a_code_for_what_was_lost(options: tuple[str, ...], purpose: Purpose, mss: Mss) -> None:
    told = mss.told("people", "recover", PATIENT.address, "--identity-checked", *options)
    assert told["purpose"] == purpose.value
    assert purpose_of(mss, told["code"]) is purpose


@pytest.mark.parametrize(
    "arguments",
    [
        ("recover", PATIENT.address),
        ("recover", PATIENT.address, "--identity-checked", "--password", "--second-factor"),
    ],
)
def test_an_identity_is_checked_first_and_one_thing_lost(
    arguments: tuple[str, ...], mss: Mss
) -> None:
    assert mss("people", *arguments).exit_code == 2


@pytest.mark.parametrize("who", [DOCTOR.address, "personne@mss.example"])
def test_codes_are_for_patients_here(who: str, mss: Mss) -> None:
    assert mss("people", "activate", who).exit_code == 1


def test_nobody_out_of_service_gets_one(mss: Mss) -> None:
    mss("people", "suspend", PATIENT.address)
    assert mss("people", "activate", PATIENT.address).exit_code == 1


def test_the_code_is_in_no_list(mss: Mss) -> None:
    told = mss.told("people", "activate", PATIENT.address)
    assert told["code"] not in mss("people", "show", PATIENT.address).stdout
