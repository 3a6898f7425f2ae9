"""`mss people quota`: shown, set, given back to the configuration, on record."""

import pytest

from mailbox_store import accounts
from mss_gateway.cli.quota import LARGEST, octets_of
from mss_gateway.directory import people
from tests.unit.mss_gateway.cli.desk_site import DOCTOR, Mss

GIB = 1024 * 1024 * 1024


def test_a_quota_is_shown(mss: Mss) -> None:
    told = mss.told("people", "quota", DOCTOR.address)
    assert told == {
        "account": told["account"],
        "address": DOCTOR.address,
        "used_octets": 0,
        "limit_octets": 20 * GIB,
        "limit_is_default": True,
        "full": False,
    }


def test_a_quota_is_set_and_given_back(mss: Mss) -> None:
    told = mss.told("people", "quota", DOCTOR.address, "2G")
    assert (told["limit_octets"], told["limit_is_default"]) == (2 * GIB, False)
    with mss.gateway() as gateway, gateway.database.read() as view:
        doctor = people.by_address(view, DOCTOR.address)
        assert doctor is not None
        assert accounts.quota(view, doctor.account_id, 1).limit == 2 * GIB
    assert mss.told("people", "quota", DOCTOR.address)["limit_octets"] == 2 * GIB
    told = mss.told("people", "quota", DOCTOR.address, "default")
    assert (told["limit_octets"], told["limit_is_default"]) == (20 * GIB, True)


def test_only_what_changes_a_quota_goes_on_record(mss: Mss) -> None:
    before = len(mss.told("audit", "tail"))
    mss.told("people", "quota", DOCTOR.address)
    assert len(mss.told("audit", "tail")) == before
    mss.told("people", "quota", DOCTOR.address, "500M")
    mss.told("people", "quota", DOCTOR.address, "default")
    verdicts = [row["verdict"] for row in mss.told("audit", "tail")][before:]
    assert verdicts == [f"quota {500 * 1024 * 1024}", "quota default"]


def test_nobody_has_no_quota(mss: Mss) -> None:
    for more in ((), ("1G",), ("default",)):
        assert mss("people", "quota", "personne@mss.example", *more).exit_code == 1


@pytest.mark.parametrize(
    ("written", "octets"),
    [
        ("1", 1),
        ("2048", 2_048),
        ("4k", 4_096),
        ("4 KiB", 4_096),
        ("500M", 500 * 1024 * 1024),
        ("20GB", 20 * GIB),
        ("1T", 1024 * GIB),
        ("100B", 100),
        (str(LARGEST), LARGEST),
    ],
)
def test_a_size_is_read(written: str, octets: int) -> None:
    assert octets_of(written) == octets


@pytest.mark.parametrize(
    "written", ["0", "-1", "1.5G", "G", "20X", "1e9", str(LARGEST + 1), "9999999999999999999T", "é"]
)
def test_what_is_no_size_is_wrong_usage(mss: Mss, written: str) -> None:
    result = mss("people", "quota", DOCTOR.address, "--", written)
    assert result.exit_code == 2
    assert mss.told("people", "quota", DOCTOR.address)["limit_is_default"] is True
