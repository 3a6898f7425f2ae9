"""`mss people`: a mailbox is opened whole, and what is handed over works and is shown once."""

import json
import stat
from typing import get_args

import pyotp
import pytest

from certs.certificate import from_pem
from certs.keyring import PrivateKey
from mailbox_store import mailboxes
from mss_gateway.cli import people as verbs
from mss_gateway.directory import importing, passwords, people
from mss_gateway.life import authn
from mss_gateway.life.authn import Attempt
from mss_gateway.life.claims import PasswordClaim
from mss_gateway.webmail import sessions
from policies.people import Standing
from tests.support.people import patient, professional
from tests.unit.mss_gateway.cli.desk_site import DOCTOR, PATIENT, Mss, add_patient

CLIENT = (
    *("people", "add", "--address", "paul.bernard@mss.example", "--given-name", "Paul"),
    *("--family-name", "Bernard", "--smime", "client"),
)


def add(order: int, *more: str) -> tuple[str, ...]:
    one = professional(order)
    return (
        *("people", "add", "--address", one.address, "--given-name", one.given_name),
        *("--family-name", one.family_name, *more),
    )


def test_the_choices_of_the_form_are_those_of_the_directory() -> None:
    assert set(get_args(verbs.BoxType)) == set(people.BOX_ROLES)
    assert get_args(verbs.Smime) == importing.SMIME
    assert get_args(verbs.SentCopy) == importing.SENT_COPY


def test_a_professional_signs_in_with_what_was_handed_over(mss: Mss) -> None:
    told = mss.told(*add(1, "--title", "Dr"))
    assert told["display_name"] == "Dr Paul BERNARD"
    assert (told["type"], told["standing"], told["totp_secret"]) == ("PER", "active", None)
    with mss.gateway() as gateway:
        claim = PasswordClaim("", told["address"], told["password"])
        person = authn.admit(gateway, claim, "imap", "127.0.0.1").person
        with gateway.database.read() as view:
            boxes = [box.name for box in mailboxes.list_mailboxes(view, person.account_id)]
            signer = gateway.cabinet.signer(view, person.account_id, gateway.clock())
    assert boxes == ["INBOX", "Archive", "Drafts", "Junk", "Sent", "Trash"]
    assert f"{signer.certificate.serial_number:x}" == told["certificate"]


def test_a_patient_has_an_address_of_the_ins_a_totp_and_ten_codes(mss: Mss) -> None:
    told = mss.told(*add_patient(patient(1)))
    assert told["address"] == patient(1).address
    assert (told["type"], told["standing"], told["sent_copy"]) == ("PAT", "created", "server")
    assert len(set(told["recovery_codes"])) == 10
    with mss.gateway() as gateway, gateway.database.read() as view:
        person = people.by_address(view, told["address"])
        assert person is not None
        account_id = person.account_id
        attempt = Attempt(told["address"], told["password"], "webmail", "127.0.0.1")
        assert authn.check_password(gateway, attempt) == person
    with mss.gateway() as gateway:
        scanned = pyotp.parse_uri(told["otpauth"])
        assert isinstance(scanned, pyotp.TOTP)
        now = gateway.clock()
        code = scanned.at(int(now))
        assert gateway.database.write(lambda tx: passwords.use_totp(tx, account_id, code, now))
        used = gateway.database.write(
            lambda tx: [
                passwords.use_recovery_code(tx, account_id, one) for one in told["recovery_codes"]
            ]
        )
    assert used == [True] * 10


def test_the_uri_for_the_phone_does_not_hold_the_ins(mss: Mss) -> None:
    told = mss.told(*add_patient(patient(1)))
    assert told["otpauth"].startswith("otpauth://totp/")
    assert patient(1).ins not in told["otpauth"]


def test_a_client_held_key_is_written_once_and_not_kept(mss: Mss) -> None:
    folder = mss.folder / "keys"
    folder.mkdir()
    told = mss.told(*CLIENT, "--key-out", str(folder))
    key_file, certificate_file = folder / told["key_file"], folder / told["certificate_file"]
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    certificate = from_pem(certificate_file.read_bytes())[0]
    assert PrivateKey.load_pem(key_file).public_key == certificate.public_key()
    shown = mss.told("people", "show", "paul.bernard@mss.example")
    assert [one["key"] for one in shown["certificates"]] == ["client"]


@pytest.mark.parametrize("more", [(), ("--key-out", "nowhere")])
def test_a_client_held_key_needs_a_folder(mss: Mss, more: tuple[str, ...]) -> None:
    result = mss(*CLIENT, *more)
    assert result.exit_code == 2
    assert "--key-out" in result.stderr
    assert len(mss.told("people", "list")) == 3


def test_a_folder_for_a_key_that_the_gateway_keeps_is_wrong_usage(mss: Mss) -> None:
    assert mss(*add(1, "--key-out", str(mss.folder))).exit_code == 2


def test_a_key_that_cannot_be_written_leaves_no_mailbox(
    mss: Mss, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = mss.folder / "gone"
    folder.mkdir()
    monkeypatch.setattr("mss_gateway.cli.people.checked_folder", lambda *_: folder / "missing")
    assert "missing" in mss.refused(*CLIENT, "--key-out", str(folder), code=3)
    assert len(mss.told("people", "list")) == 3


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (("--address", "x"), "address:"),
        (("--address", "a@elsewhere.example", "--family-name", "X", "--given-name", "Y"), "domain"),
        (("--address", "a@mss.example", "--given-name", "Y"), "family_name:"),
        (("--type", "PAT", "--given-name", "A", "--family-name", "B"), "ins:"),
    ],
)
def test_a_field_that_cannot_be_used_is_named(mss: Mss, words: tuple[str, ...], names: str) -> None:
    assert names in mss.refused("people", "add", *words)
    assert len(mss.told("people", "list")) == 3


def test_a_taken_address_is_refused_and_nothing_is_left(mss: Mss) -> None:
    before = mss.acts()
    assert "taken" in mss.refused(*add(0))
    assert mss.acts() == before


def test_an_unusual_number_is_told_and_not_refused(mss: Mss) -> None:
    result = mss(*add(1, "--rpps", "10003456789"))
    assert result.exit_code == 0
    assert "Look again: rpps" in result.stdout


def test_opening_is_on_record_without_a_name(mss: Mss) -> None:
    told = mss.told(*add(1))
    account = f"account:{told['account']}"
    assert mss.acts()[-2:] == [
        ("people", account, "added"),
        ("certificate", f"{account} certificate:{told['certificate']}", "issued"),
    ]
    assert "bernard" not in json.dumps(mss.acts()).lower()


def test_list_and_its_filter(mss: Mss) -> None:
    everyone = mss.told("people", "list")
    assert [one["type"] for one in everyone] == ["PER", "PAT", "ORG"]
    assert [one["accepts_patient_initiated"] for one in everyone] == [False, False, True]
    assert mss.told("people", "list", "--type", "ORG") == everyone[2:]
    assert mss.told("people", "list", "--type", "CAB") == []
    shown = mss("people", "list").stdout
    assert DOCTOR.address in shown
    assert "\x1b" not in shown


def test_show_by_address_and_by_ins(mss: Mss) -> None:
    by_ins = mss.told("people", "show", PATIENT.ins)
    assert by_ins == mss.told("people", "show", PATIENT.address.upper())
    assert by_ins["traits"]["ins"] == PATIENT.ins
    assert (by_ins["has_password"], by_ins["has_second_factor"]) == (True, True)
    assert "password" not in by_ins
    assert "recovery_codes" not in by_ins
    assert PATIENT.birth_date in mss("people", "show", PATIENT.ins).stdout


@pytest.mark.parametrize("verb", ["show", "suspend", "reactivate"])
def test_somebody_unknown_is_not_found(mss: Mss, verb: str) -> None:
    assert "nobody" in mss.refused("people", verb, "zoe@mss.example")


@pytest.mark.parametrize("verb", ["show", "suspend", "reactivate"])
def test_what_is_no_address_is_wrong_usage(mss: Mss, verb: str) -> None:
    assert mss("people", verb, "zoe").exit_code == 2


def test_a_suspended_holder_does_not_sign_in_and_a_reactivated_one_does(mss: Mss) -> None:
    told = mss.told(*add(1))
    assert mss.told("people", "suspend", told["address"])["standing"] == "suspended"
    assert mss.told("people", "suspend", told["address"])["standing"] == "suspended"
    assert mss.told("people", "show", told["address"])["standing"] == "suspended"
    assert mss.told("people", "reactivate", told["address"])["standing"] == "active"
    account = f"account:{told['account']}"
    assert [verdict for act, about, verdict in mss.acts() if about == account] == [
        "added",
        "suspended",
        "reactivated",
    ]


def test_a_closed_account_is_not_reactivated(mss: Mss) -> None:
    with mss.gateway() as gateway, gateway.database.read() as view:
        person = people.by_address(view, DOCTOR.address)
        assert person is not None
        account_id = person.account_id
        gateway.database.write(lambda tx: people.set_standing(tx, account_id, Standing.CLOSED))
    assert "closed" in mss.refused("people", "reactivate", DOCTOR.address)


def test_access_is_not_reset_without_the_identity_check(mss: Mss) -> None:
    result = mss("people", "reset-access", PATIENT.ins)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "--identity-checked" in result.stderr


def test_reset_access_replaces_everything_and_ends_open_sessions(mss: Mss) -> None:
    one = mss.told(*add_patient(patient(1)))
    with mss.gateway() as gateway:
        cookie = gateway.database.write(
            lambda tx: sessions.begin(tx, one["account"], sessions.State.OPEN, gateway.config.web)
        )
    two = mss.told("people", "reset-access", one["address"], "--identity-checked")
    assert two["password"] != one["password"]
    assert two["totp_secret"] != one["totp_secret"]
    assert not set(two["recovery_codes"]) & set(one["recovery_codes"])
    with mss.gateway() as gateway:
        with gateway.database.read() as view:
            kept = passwords.password_hash(view, one["account"])
            now = gateway.clock()
            assert sessions.find(view, cookie, now, gateway.config.web) is None
        assert gateway.passwords.matches(kept, two["password"])
        assert not gateway.passwords.matches(kept, one["password"])
        assert not gateway.database.write(
            lambda tx: passwords.use_recovery_code(tx, one["account"], one["recovery_codes"][0])
        )
    assert mss.acts()[-1] == (
        "people",
        f"account:{one['account']}",
        "access reset after an identity check",
    )


def test_reset_of_a_professional_gives_a_password_only(mss: Mss) -> None:
    told = mss.told("people", "reset-access", DOCTOR.address, "--identity-checked")
    assert told["password"]
    assert (told["totp_secret"], told["otpauth"], told["recovery_codes"]) == (None, None, None)


def test_the_password_is_nowhere_in_the_state_in_clear(mss: Mss) -> None:
    told = mss.told(*add_patient(patient(1)))
    kept = b"".join(
        path.read_bytes() for path in (mss.folder / "state").rglob("*") if path.is_file()
    )
    for secret in (told["password"], told["totp_secret"], *told["recovery_codes"], patient(1).ins):
        assert secret.encode() not in kept
