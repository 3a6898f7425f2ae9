"""`mss certs`: certificates come beside the earlier ones, are taken back, and others are told."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from certs.certificate import from_pem, to_pem
from mss_gateway.directory import certificates
from tests.support import peer_site
from tests.unit.mss_gateway.cli.desk_site import DOCTOR, PATIENT, Mss

WORDS = ("certs", "issue", DOCTOR.address)


def serial_of(mss: Mss) -> str:
    (line,) = mss.told("certs", "list", "--address", DOCTOR.address)
    return str(line["serial"])


def test_a_new_certificate_stands_beside_the_former(mss: Mss) -> None:
    before = serial_of(mss)
    told = mss.told(*WORDS)
    assert told["serial"] != before
    lines = mss.told("certs", "list", "--address", DOCTOR.address)
    assert [(line["serial"], line["state"]) for line in lines] == [
        (before, "active"),
        (told["serial"], "active"),
    ]
    account = f"account:{told['account']}"
    assert mss.acts()[-1] == ("certificate", f"{account} certificate:{told['serial']}", "issued")


@pytest.mark.parametrize("who", ["zoe@mss.example", "zoe@elsewhere.example"])
def test_nobody_gets_no_certificate(mss: Mss, who: str) -> None:
    assert "nobody" in mss.refused("certs", "issue", who)


def test_a_folder_for_a_key_that_the_gateway_keeps_is_wrong_usage(mss: Mss) -> None:
    assert mss(*WORDS, "--key-out", str(mss.folder)).exit_code == 2


def test_a_client_held_key_is_renewed_into_a_folder(mss: Mss) -> None:
    who = "paul.bernard@mss.example"
    (mss.folder / "keys").mkdir()
    keys = ("--key-out", str(mss.folder / "keys"))
    name = ("--given-name", "Paul", "--family-name", "Bernard")
    mss.told("people", "add", "--address", who, *name, "--smime", "client", *keys)
    told = mss.told("certs", "issue", who, *keys)
    assert len(list((mss.folder / "keys").iterdir())) == 4
    assert told["serial"] in told["key_file"]
    assert mss("certs", "issue", who).exit_code == 2


def test_list_names_every_holder(mss: Mss) -> None:
    lines = mss.told("certs", "list")
    assert [line["address"] for line in lines][:2] == [DOCTOR.address, PATIENT.address]
    assert {line["key"] for line in lines} == {"gateway"}
    assert lines[0]["serial"] in mss("certs", "list").stdout


@pytest.mark.parametrize(("days", "count"), [(729, 0), (731, 3)])
def test_list_of_those_that_end_soon(mss: Mss, days: int, count: int) -> None:
    assert len(mss.told("certs", "list", "--expiring", str(days))) == count


def test_show_includes_the_certificate_itself(mss: Mss) -> None:
    serial = serial_of(mss)
    told = mss.told("certs", "show", serial.upper())
    certificate = from_pem(told["pem"].encode())[0]
    assert f"{certificate.serial_number:x}" == serial
    assert told["address"] == DOCTOR.address
    assert len(told["fingerprint"]) == 64
    assert "BEGIN" not in mss("certs", "show", serial).stdout


@pytest.mark.parametrize("verb", ["show", "revoke"])
def test_an_unknown_serial_is_not_found(mss: Mss, verb: str) -> None:
    assert "no such certificate" in mss.refused("certs", verb, "abc")


def test_a_revoked_certificate_signs_no_more_and_is_on_record_once(mss: Mss) -> None:
    serial = serial_of(mss)
    told = mss.told("certs", "revoke", serial)
    assert (told["state"], told["revoked_at"] is not None) == ("revoked", True)
    assert mss.told("certs", "revoke", serial)["revoked_at"] == told["revoked_at"]
    assert [act for act in mss.acts() if act[2] == "revoked"] == [
        ("certificate", f"account:{told['account']} certificate:{serial}", "revoked")
    ]
    with mss.gateway() as gateway, gateway.database.read() as view:
        with pytest.raises(certificates.NoSigner):
            gateway.cabinet.signer(view, told["account"], gateway.clock())


def _listed(mss: Mss) -> list[str]:
    out = mss.folder / "mss.crl"
    mss.told("certs", "crl", "--out", str(out))
    return [f"{one.serial_number:x}" for one in x509.load_der_x509_crl(out.read_bytes())]


def test_the_certificate_of_the_server_is_taken_back_by_its_number(mss: Mss) -> None:
    server = mss.told("certs", "issue-server")
    told = mss.told("certs", "revoke", server["serial"].upper(), "--reason", "key-compromise")
    assert (told["state"], told["reason"]) == ("revoked", "keyCompromise")
    assert mss.told("certs", "revoke", server["serial"])["revoked_at"] == told["revoked_at"]
    assert _listed(mss) == [server["serial"]]


def test_one_that_was_replaced_is_taken_back_by_its_file(mss: Mss) -> None:
    former = mss.told("certs", "issue-server")
    kept = mss.folder / "former.pem"
    Path(former["certificate_file"]).rename(kept)
    Path(former["key_file"]).unlink()
    mss.told("certs", "issue-server")
    mss.refused("certs", "revoke", former["serial"])
    assert mss.told("certs", "revoke", str(kept))["serial"] == former["serial"]
    assert _listed(mss) == [former["serial"]]


def test_a_file_of_another_authority_is_no_certificate_of_ours(mss: Mss, tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    made = peer_site.shown("mx1.ville.example")
    other.write_bytes(to_pem(made.certificate))
    mss.refused("certs", "revoke", str(other))
    other.write_text("no certificate")
    mss.refused("certs", "revoke", str(other))
    assert _listed(mss) == []


def test_the_list_of_revocations_is_signed_and_dated(mss: Mss) -> None:
    serial = serial_of(mss)
    mss.told("certs", "revoke", serial)
    out = mss.folder / "mss.crl"
    out.write_bytes(b"the former list")
    told = mss.told("certs", "crl", "--out", str(out), "--days", "3")
    made = x509.load_der_x509_crl(out.read_bytes())
    assert [f"{one.serial_number:x}" for one in made] == [serial]
    assert made.next_update_utc is not None
    assert made.next_update_utc - made.last_update_utc == timedelta(days=3)
    assert told["revoked"] == 1
    with mss.gateway() as gateway, gateway.database.read() as view:
        authority = certificates.load_authority(view, gateway.spool)
        assert authority is not None
        key = authority.issuing.public_key()
        assert isinstance(key, ec.EllipticCurvePublicKey)
        assert made.is_signature_valid(key)
    assert [path.name for path in mss.folder.glob("mss.crl*")] == ["mss.crl"]


def test_the_list_says_why(mss: Mss) -> None:
    serial = serial_of(mss)
    told = mss.told("certs", "revoke", serial, "--reason", "key-compromise")
    assert told["reason"] == "keyCompromise"
    assert mss.acts()[-1][2] == "revoked: key-compromise"
    # the first reason stays
    again = mss.told("certs", "revoke", serial, "--reason", "superseded")
    assert again["reason"] == "keyCompromise"
    out = mss.folder / "mss.crl"
    mss.told("certs", "crl", "--out", str(out))
    (line,) = x509.load_der_x509_crl(out.read_bytes())
    reason = line.extensions.get_extension_for_class(x509.CRLReason).value.reason
    assert reason is x509.ReasonFlags.key_compromise


def test_a_reason_of_nobody_is_wrong_usage(mss: Mss) -> None:
    words = ("certs", "revoke", "5f3a9c", "--reason", "certificate-hold")
    assert mss(*words).exit_code == 2


def test_a_serial_that_two_issuers_gave_is_told_apart_by_the_fingerprint(mss: Mss) -> None:
    serial = serial_of(mss)
    told = mss.told("certs", "show", serial)
    with mss.gateway() as gateway:
        gateway.database.write(
            lambda tx: tx.sql(
                "UPDATE certificates SET serial = ? WHERE serial <> ?", (serial, serial)
            )
        )
    assert "say the fingerprint" in mss.refused("certs", "show", serial)
    assert mss.told("certs", "show", told["fingerprint"].upper())["address"] == DOCTOR.address


def test_a_list_that_cannot_be_written_is_not_on_record(mss: Mss) -> None:
    before = mss.acts()
    line = mss.refused("certs", "crl", "--out", str(mss.folder / "no" / "mss.crl"), code=3)
    assert "No such file" in line
    assert mss.acts() == before


def test_the_server_certificate_is_for_its_names(fresh: Mss) -> None:
    told = fresh.told("certs", "issue-server", "--name", "mss.example", "--ip", "127.0.0.1")
    assert told["names"] == ["mss.example", "127.0.0.1"]
    chain = from_pem(Path(told["certificate_file"]).read_bytes())
    assert len(chain) == 2
    ends = chain[0].not_valid_after_utc - datetime.now(UTC)
    assert timedelta(days=364) < ends <= timedelta(days=365)
    assert "choose another name" in fresh.refused("certs", "issue-server")


@pytest.mark.parametrize("words", [("--ip", "mss"), ("--name", "mss.exämple")])
def test_what_is_no_name_is_wrong_usage(fresh: Mss, words: tuple[str, str]) -> None:
    assert fresh("certs", "issue-server", *words).exit_code == 2
