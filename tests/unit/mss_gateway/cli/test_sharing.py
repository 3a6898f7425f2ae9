"""`mss people share`, `unshare`, `members`: who may open an organisation's box, and who is told."""

import pytest

from mailbox_store.database import View
from mss_gateway.directory import members, people
from tests.unit.mss_gateway.cli.desk_site import DOCTOR, PATIENT, PHARMACY, Mss

SHARED = (PHARMACY, DOCTOR.address)


def account(view: View, address: str) -> int:
    found = people.by_address(view, address)
    assert found is not None
    return found.account_id


def test_a_colleague_gets_every_right_but_to_administer(mss: Mss) -> None:
    told = mss.told("people", "share", *SHARED)
    assert (told["box"], told["person"], told["rights"]) == (*SHARED, "lrswipkxte")
    assert told["display_name"] == DOCTOR.display_name
    with mss.gateway() as gateway, gateway.database.read() as view:
        box, person = (people.by_address(view, one) for one in SHARED)
        assert box is not None
        assert person is not None
        assert members.rights_of(view, box.account_id, person.account_id) == "lrswipkxte"


def test_sharing_again_replaces_the_rights_and_keeps_the_day(mss: Mss) -> None:
    first = mss.told("people", "share", *SHARED)
    again = mss.told("people", "share", PHARMACY.upper(), DOCTOR.address, "--rights", "srl")
    assert again["rights"] == "lrs"
    assert again["since"] == first["since"]
    assert [one["rights"] for one in mss.told("people", "members", PHARMACY)] == ["lrs"]


def test_members_are_listed_for_people_too(mss: Mss) -> None:
    assert mss.told("people", "members", PHARMACY) == []
    assert "mss people share" in mss("people", "members", PHARMACY).stdout
    mss.told("people", "share", *SHARED)
    assert DOCTOR.address in mss("people", "members", PHARMACY).stdout


def test_what_is_taken_back_is_gone_and_once(mss: Mss) -> None:
    mss.told("people", "share", *SHARED)
    assert mss.told("people", "unshare", *SHARED)["rights"] == ""
    assert mss.told("people", "members", PHARMACY) == []
    assert "no member" in mss.refused("people", "unshare", *SHARED)


@pytest.mark.parametrize("rights", ["z", "", "lr s", "lrsL"])
def test_what_is_no_right_is_wrong_usage(mss: Mss, rights: str) -> None:
    result = mss("people", "share", *SHARED, "--rights", rights)
    assert (result.exit_code, result.stdout) == (2, "")
    assert members.RIGHTS in result.stderr
    assert mss.told("people", "members", PHARMACY) == []


@pytest.mark.parametrize(
    ("pair", "why"),
    [
        ((DOCTOR.address, PHARMACY), "organisation's"),
        ((PHARMACY, PATIENT.address), "members are"),
        ((PHARMACY, PHARMACY), "members are"),
        (("zoe@mss.example", DOCTOR.address), "nobody"),
        ((PHARMACY, "zoe@mss.example"), "nobody"),
    ],
)
def test_who_cannot_share_is_refused_and_nothing_is_on_record(
    mss: Mss, pair: tuple[str, str], why: str
) -> None:
    before = mss.acts()
    assert why in mss.refused("people", "share", *pair)
    assert mss.acts() == before


def test_sharing_and_taking_back_are_on_record_without_a_name(mss: Mss) -> None:
    mss.told("people", "share", *SHARED, "--rights", "lr")
    mss.told("people", "unshare", *SHARED)
    with mss.gateway() as gateway, gateway.database.read() as view:
        about = f"account:{account(view, PHARMACY)} member account:{account(view, DOCTOR.address)}"
    assert mss.acts()[-2:] == [("people", about, "shared lr"), ("people", about, "unshared")]
