"""The next certificates: of what ends soon, of somebody, of everybody; what cannot be is told."""

from datetime import datetime

import pytest

from certs.certificate import from_pem
from certs.issuing.profiles import PRIVATE, Identified
from certs.keyring import PrivateKey
from mss_gateway.directory.renewal import SETTLE_SECONDS
from tests.unit.mss_gateway.cli import foreign
from tests.unit.mss_gateway.cli.desk_site import DOCTOR, PATIENT, PHARMACY, Mss

RENEW = ("certs", "renew")


def of(mss: Mss, address: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = mss.told("certs", "list", "--address", address)
    return found


def test_nothing_ends_soon(mss: Mss) -> None:
    told = mss.told(*RENEW)
    assert (told["renewed"], told["refused"]) == ([], [])
    assert "Nothing ends so soon." in mss(*RENEW).stdout
    assert len(mss.told("certs", "list")) == 3


def test_what_ends_soon_gets_a_successor(mss: Mss) -> None:
    before = {line["serial"] for line in mss.told("certs", "list")}
    told = mss.told(*RENEW, "--within", "800")
    assert len(told["renewed"]) == 3
    lines = mss.told("certs", "list")
    assert {line["serial"]: line["replaced"] for line in lines} == {
        **dict.fromkeys(before, True),
        **{line["serial"]: False for line in told["renewed"]},
    }
    assert {line["state"] for line in lines} == {"active"}
    # what has a successor is not due again
    assert mss.told(*RENEW, "--within", "100")["renewed"] == []


def test_one_address_is_renewed_due_or_not(mss: Mss) -> None:
    (former,) = of(mss, DOCTOR.address)
    (line,) = mss.told(*RENEW, DOCTOR.address)["renewed"]
    assert line["address"] == DOCTOR.address
    assert [one["serial"] for one in of(mss, DOCTOR.address)] == [former["serial"], line["serial"]]
    assert len(mss.told("certs", "list")) == 4
    assert mss.acts()[-1][2] == "renewal asked"


@pytest.mark.parametrize("at_once", [False, True])
def test_new_messages_use_it_a_day_later_or_now(mss: Mss, at_once: bool) -> None:
    (former,) = of(mss, DOCTOR.address)
    (line,) = mss.told(*RENEW, DOCTOR.address, *["--at-once"] * at_once)["renewed"]
    with mss.gateway() as gateway, gateway.database.read() as view:
        now = gateway.clock()
        account = line["account"]
        signer = gateway.cabinet.signer(view, account, now)
        openers = gateway.cabinet.openers(view, account)
    expected = line["serial"] if at_once else former["serial"]
    assert f"{signer.certificate.serial_number:x}" == expected
    assert len(openers) == 2
    waits = datetime.fromisoformat(line["use_from"]).timestamp() - now
    assert (waits > SETTLE_SECONDS - 60) != at_once


def test_everybody_moves_to_a_new_authority(mss: Mss) -> None:
    made = mss.told("certs", "authority-init", "--replace", "--name", "Groupe 2027")
    told = mss.told(*RENEW, "--all")
    assert {line["address"] for line in told["renewed"]} >= {DOCTOR.address, PHARMACY}
    assert len(told["renewed"]) == 3
    for line in told["renewed"]:
        assert mss.told("certs", "show", line["serial"])["issuer"] == made["name"]


def test_how_the_holder_was_identified_is_said_again(mss: Mss) -> None:
    mss.told("certs", "issue", DOCTOR.address, "--identified", "in-person")
    (line,) = mss.told(*RENEW, DOCTOR.address)["renewed"]
    pem = mss.told("certs", "show", line["serial"])["pem"].encode()
    assert PRIVATE.identified(from_pem(pem)[0]) is Identified.IN_PERSON


def test_a_dry_run_tells_and_does_nothing(mss: Mss) -> None:
    told = mss.told(*RENEW, "--within", "800", "--dry-run")
    assert {line["address"] for line in told["renewed"]} >= {DOCTOR.address, PHARMACY}
    assert "3 would be renewed" in mss(*RENEW, "--within", "800", "--dry-run").stdout
    assert len(mss.told("certs", "list")) == 3


def test_people_read_what_was_made(mss: Mss) -> None:
    shown = mss(*RENEW, DOCTOR.address).stdout
    assert "1 made, 0 refused." in shown
    assert of(mss, DOCTOR.address)[-1]["serial"] in shown


def test_what_the_authority_may_not_vouch_for_is_listed_and_the_rest_done(mss: Mss) -> None:
    mss.told("certs", "authority-init", "--replace", "--name", "Groupe 2027")
    settings = mss.config_file.read_text("utf-8")
    moved = f'[site]\npatient_domain = "patient.autre.example"\n{settings}'
    mss.config_file.write_text(moved, "utf-8")
    mss.told("certs", "authority-init", "--replace", "--name", "Groupe 2028")
    told = mss.told(*RENEW, "--all", code=1)
    assert len(told["renewed"]) == 2
    (refused,) = told["refused"]
    assert "the authority may not vouch" in refused["why"]
    assert PATIENT.ins not in str(refused)


def test_one_of_another_issuer_is_not_renewed_here(mss: Mss) -> None:
    foreign.believe(mss)
    key = PrivateKey.generate("p256")
    made = foreign.certificate(key, DOCTOR.address, days=1000)
    file = foreign.bundle(mss.folder, key, made)
    secret = ("--password-file", str(foreign.password_file(mss.folder)))
    mss.told("certs", "import", str(file), *secret)
    assert "another issuer made it" in mss.refused(*RENEW, DOCTOR.address)
    assert len(mss.told(*RENEW, "--all")["renewed"]) == 2


def test_a_client_held_key_is_not_renewed_here(mss: Mss) -> None:
    (mss.folder / "keys").mkdir()
    words = ("--given-name", "Paul", "--family-name", "Bernard", "--smime", "client")
    keys = ("--key-out", str(mss.folder / "keys"))
    mss.told("people", "add", "--address", "paul.bernard@mss.example", *words, *keys)
    assert "its key is elsewhere" in mss.refused(*RENEW, "paul.bernard@mss.example")
    assert len(mss.told(*RENEW, "--all")["renewed"]) == 3


def test_a_suspended_holder_is_passed_over(mss: Mss) -> None:
    mss.told("people", "suspend", DOCTOR.address)
    assert len(mss.told(*RENEW, "--all")["renewed"]) == 2


def test_nobody_has_the_address(mss: Mss) -> None:
    assert "nobody" in mss.refused(*RENEW, "zoe@mss.example")


@pytest.mark.parametrize("words", [(DOCTOR.address, "--all"), ("--within", "0")])
def test_what_contradicts_itself_is_wrong_usage(mss: Mss, words: tuple[str, str]) -> None:
    assert mss(*RENEW, *words).exit_code == 2
