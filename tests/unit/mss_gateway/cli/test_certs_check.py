"""`mss certs check` says step by step why a certificate is good or bad, and what to do."""

from datetime import timedelta

import pytest

from certs.certificate import to_der
from certs.errors import ChainReason
from certs.keyring import PrivateKey
from certs.usage import Usage
from mss_gateway.cli.certs_judge import REMEDIES
from mss_gateway.directory import certificates
from tests.unit.mss_gateway.cli import foreign
from tests.unit.mss_gateway.cli.desk_site import DOCTOR, PHARMACY, Mss

CHECK = ("certs", "check")


def serial_of(mss: Mss) -> str:
    (line,) = mss.told("certs", "list", "--address", DOCTOR.address)
    return str(line["serial"])


def test_every_reason_has_something_to_do() -> None:
    assert set(REMEDIES) == set(ChainReason)
    assert all(remedy and not remedy.endswith(".") for remedy in REMEDIES.values())


def test_a_good_one_for_all_that_it_says(mss: Mss) -> None:
    told = mss.told(*CHECK, serial_of(mss))
    assert (told["good"], [one["purpose"] for one in told["purposes"]]) == (
        True,
        ["signature", "encryption"],
    )
    for one in told["purposes"]:
        assert (one["reason"], one["revocation"]) == (None, "good")
        assert all(step["passed"] for step in one["steps"])
        assert {"validity", "purpose", "key_usage", "path", "revocation"} <= {
            step["step"] for step in one["steps"]
        }
    assert told["directory"][0].startswith("Here: active")


def test_what_passed_says_what_was_found(mss: Mss) -> None:
    one = mss.told(*CHECK, serial_of(mss))["purposes"][0]
    found = {step["step"]: step["detail"] for step in reversed(one["steps"])}
    line = mss.told("certs", "list", "--address", DOCTOR.address)[0]
    assert found["validity"] == f"{line['not_before']} to {line['not_after']}"
    assert (found["purpose"], found["key_usage"], found["key"]) == ("mail", "both", "p256")


def test_people_read_a_table_and_a_verdict(mss: Mss) -> None:
    shown = mss(*CHECK, serial_of(mss)).stdout
    assert "For signature:" in shown
    assert "passed" in shown
    assert "GOOD." in shown
    assert "FAILED" not in shown


def test_a_revoked_one_is_bad_and_says_so(mss: Mss) -> None:
    serial = serial_of(mss)
    mss.told("certs", "revoke", serial, "--reason", "key-compromise")
    told = mss.told(*CHECK, serial, "--for", "signature", code=1)
    (one,) = told["purposes"]
    assert (one["reason"], one["what_to_do"]) == ("revoked", REMEDIES[ChainReason.REVOKED])
    (failed,) = [step for step in one["steps"] if not step["passed"]]
    assert failed["step"] == "revocation"
    shown = mss(*CHECK, serial)
    assert (shown.exit_code, "BAD, revoked" in shown.stdout) == (1, True)
    assert "keyCompromise" in failed["detail"]


def test_as_of_another_time(mss: Mss) -> None:
    serial = serial_of(mss)
    (one,) = mss.told(*CHECK, serial, "--for", "signature", "--at", "2001-01-01", code=1)[
        "purposes"
    ]
    assert one["reason"] == "not_yet_valid"
    later = (foreign.today() + timedelta(days=5000)).isoformat()
    told = mss.told(*CHECK, serial, "--for", "signature", "--at", later, code=1)
    assert told["purposes"][0]["reason"] == "expired"
    assert told["at"] == later.replace("+00:00", "Z")


def test_a_file_of_somebody_unknown(mss: Mss) -> None:
    made = foreign.certificate(PrivateKey.generate("p256"), "zoe@ailleurs.example", Usage.SIGN)
    file = str(foreign.pem(mss.folder, made, *foreign.authority().chain))
    told = mss.told(*CHECK, file, code=1)
    (one,) = told["purposes"]
    assert (one["purpose"], one["reason"], told["directory"]) == ("signature", "no_path", [])
    assert "mss certs trust add" in one["what_to_do"]
    foreign.believe(mss)
    told = mss.told(*CHECK, file)
    # nobody said whether it was taken back: good, and not shown as verified
    assert told["purposes"][0]["revocation"] == "unknown"
    assert "not shown as verified" in mss(*CHECK, file).stdout


def test_a_file_in_der_and_in_pkcs12(mss: Mss) -> None:
    foreign.believe(mss)
    key = PrivateKey.generate("p256")
    made = foreign.certificate(key, DOCTOR.address, Usage.SIGN)
    (mss.folder / "zoe.der").write_bytes(to_der(made))
    assert mss.told(*CHECK, str(mss.folder / "zoe.der"), code=1)["purposes"][0]["reason"] == (
        "no_path"
    )
    file = str(foreign.bundle(mss.folder, key, made))
    words = ("--password-file", str(foreign.password_file(mss.folder)))
    assert mss.told(*CHECK, file, *words)["good"]


def test_one_that_the_directory_has_is_recognised_in_a_file(mss: Mss) -> None:
    out = mss.folder / "claire.pem"
    mss.told("certs", "export", serial_of(mss), "--out", str(out))
    assert mss.told(*CHECK, str(out))["directory"][0].startswith("Here: active")


def test_one_for_signing_in(mss: Mss) -> None:
    told = mss.told("certs", "issue-client", PHARMACY, "--out", str(mss.folder))
    (one,) = mss.told(*CHECK, told["serial"], code=1)["purposes"]
    # the root is believed for mail, and not for TLS clients
    assert (one["purpose"], one["reason"]) == ("client", "no_path")
    (line,) = mss.told("certs", "authority", "--out", str(mss.folder / "root.pem"))
    root = (str(mss.folder / "root.pem"), "--for", "client")
    mss.told("certs", "trust", "add", *root)
    confirm = ("--confirm", line["root_fingerprint"], "--for", "client")
    mss.told("certs", "trust", "add", *confirm)
    assert mss.told(*CHECK, told["serial"])["good"]


def test_a_key_in_two_mailboxes_is_an_alarm(mss: Mss) -> None:
    key = PrivateKey.generate("p256")
    with mss.gateway() as gateway:
        with gateway.database.read() as view:
            accounts = [one.account_id for one in certificates.everything(view)][:2]
        for account_id, address in zip(accounts, (DOCTOR.address, PHARMACY), strict=True):
            made = foreign.certificate(key, address)
            gateway.database.write(
                lambda tx, made=made, account_id=account_id: certificates.add(
                    tx, account_id, made, None
                )
            )
    told = mss.told(*CHECK, f"{made.serial_number:x}", code=1)
    assert any(line.startswith("ALARM") for line in told["directory"])
    shared = mss.told("certs", "list", "--shared-keys")
    assert {line["account"] for line in shared} == set(accounts)
    shown = mss.told("certs", "show", f"{made.serial_number:x}")
    assert shown["key_shared_with_accounts"] == [accounts[0]]


def test_a_successor_is_told(mss: Mss) -> None:
    serial = serial_of(mss)
    mss.told("certs", "renew", DOCTOR.address)
    assert "A newer one follows it." in mss.told(*CHECK, serial)["directory"]


def test_a_suspended_holder_is_told(mss: Mss) -> None:
    mss.told("people", "suspend", DOCTOR.address)
    told = mss.told(*CHECK, serial_of(mss))
    assert "Its holder's account is suspended." in told["directory"]


def test_an_unknown_serial_is_not_found(mss: Mss) -> None:
    assert "no such certificate" in mss.refused(*CHECK, "abc")


def test_a_file_that_is_none_is_refused(mss: Mss) -> None:
    assert "neither a certificate" in mss.refused(*CHECK, __file__)


def test_one_that_says_nothing_of_itself(mss: Mss) -> None:
    """An authority's own: it must be said what it is looked at for."""
    file = str(foreign.pem(mss.folder, foreign.authority().root))
    assert "say what by --for" in mss.refused(*CHECK, file)
    assert mss.told(*CHECK, file, "--for", "signature", code=1)["good"] is False


@pytest.mark.parametrize("words", [("--at", "tomorrow"), ("--for", "fun")])
def test_what_cannot_be_asked_is_wrong_usage(mss: Mss, words: tuple[str, str]) -> None:
    assert mss(*CHECK, "5f3a9c", *words).exit_code == 2
