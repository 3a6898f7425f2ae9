"""Requests: the key stays, the request leaves, and what came of it is on record."""

import sqlite3
from pathlib import Path

import pytest
from cryptography import x509

from certs.issuing import requests
from certs.usage import Usage
from tests.unit.mss_gateway.cli.desk_site import DOCTOR, PATIENT, Mss

ASK = ("certs", "request")


@pytest.fixture
def out(mss: Mss) -> Path:
    return mss.folder / "claire.csr"


@pytest.mark.parametrize(
    ("words", "usage", "kind"),
    [
        ((), Usage.BOTH, "p256"),
        (("--usage", "sign", "--key-kind", "ed25519"), Usage.SIGN, "ed25519"),
        (("--usage", "encrypt", "--key-kind", "p384"), Usage.ENCRYPT, "p384"),
    ],
)
def test_a_request_for_a_mailbox(
    mss: Mss, out: Path, words: tuple[str, ...], usage: Usage, kind: str
) -> None:
    told = mss.told(*ASK, DOCTOR.address, "--out", str(out), *words)
    found = requests.read(out.read_bytes())
    assert (found.addresses, found.usage) == ((DOCTOR.address,), usage)
    assert DOCTOR.family_name.lower() in found.common_name.lower()
    assert (told["key"], told["key_fingerprint"]) == (kind, found.fingerprint)
    (line,) = mss.told("certs", "requests")
    assert (line["request"], line["address"]) == (told["request"], DOCTOR.address)
    what = f"account:{told['account']} request:{told['request']}"
    assert mss.acts()[-1] == ("certificate", what, "requested")


def test_a_patient_is_named_by_the_ins(mss: Mss, out: Path) -> None:
    told = mss.told(*ASK, PATIENT.ins, "--out", str(out))
    assert told["address"] == requests.read(out.read_bytes()).addresses[0]


def test_the_key_rests_sealed(mss: Mss, out: Path) -> None:
    told = mss.told(*ASK, DOCTOR.address, "--out", str(out))
    with sqlite3.connect(mss.folder / "state" / "store.db") as store:
        row = store.execute("SELECT key_index, sealed_key FROM certificate_requests").fetchone()
    assert bytes.fromhex(told["key_fingerprint"]) not in row[0]
    assert b"PRIVATE" not in row[1]
    assert row[1][:1] != b"\x30"
    for path in mss.folder.rglob("*"):
        assert (
            path.name == "server.key"
            or not path.is_file()
            or b"PRIVATE KEY" not in (path.read_bytes())
        )


def test_a_request_for_the_server(mss: Mss, out: Path) -> None:
    words = ("--server", "--name", "imap.mss.example", "--ip", "127.0.0.1", "--key-kind", "p384")
    told = mss.told(*ASK, *words, "--out", str(out))
    assert (told["usage"], told["address"], told["key"]) == ("server", None, "p384")
    names = x509.load_pem_x509_csr(out.read_bytes()).extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    )
    assert names.value.get_values_for_type(x509.DNSName) == ["imap.mss.example"]
    # the name of the configuration, when none is given; two requests may wait
    other = mss.folder / "other.csr"
    mss.told(*ASK, "--server", "--out", str(other))
    assert b"localhost" in x509.load_pem_x509_csr(other.read_bytes()).tbs_certrequest_bytes
    assert [one["usage"] for one in mss.told("certs", "requests")] == ["server", "server"]


def test_a_forgotten_request_is_gone_with_its_key(mss: Mss, out: Path) -> None:
    number = mss.told(*ASK, DOCTOR.address, "--out", str(out))["request"]
    assert mss.told("certs", "requests", "--forget", str(number)) == []
    assert mss.acts()[-1][2] == "forgotten"
    assert "no such request" in mss.refused("certs", "requests", "--forget", str(number))


def test_nobody_has_the_address(mss: Mss, out: Path) -> None:
    assert "nobody" in mss.refused(*ASK, "zoe@mss.example", "--out", str(out))


def test_a_holder_with_own_keys_asks_in_their_client(mss: Mss, out: Path) -> None:
    (mss.folder / "keys").mkdir()
    words = ("--given-name", "Paul", "--family-name", "Bernard", "--smime", "client")
    folder = ("--key-out", str(mss.folder / "keys"))
    mss.told("people", "add", "--address", "paul.bernard@mss.example", *words, *folder)
    refused = mss.refused(*ASK, "paul.bernard@mss.example", "--out", str(out))
    assert "in their own client" in refused


def test_a_file_that_is_there_is_not_overwritten_and_no_key_waits(mss: Mss, out: Path) -> None:
    out.write_bytes(b"somebody's")
    assert "another name" in mss.refused(*ASK, DOCTOR.address, "--out", str(out))
    assert out.read_bytes() == b"somebody's"
    assert mss.told("certs", "requests") == []


@pytest.mark.parametrize(
    "words",
    [
        (),
        (DOCTOR.address, "--server"),
        (DOCTOR.address, "--name", "mss.example"),
        (DOCTOR.address, "--key-kind", "ed25519"),
        (DOCTOR.address, "--key-kind", "x25519", "--usage", "encrypt"),
        (DOCTOR.address, "--usage", "separate"),
        ("--server", "--key-kind", "ed25519"),
        ("--server", "--ip", "mss"),
        ("--server", "--name", "mss.exämple"),
    ],
)
def test_what_cannot_be_asked_is_wrong_usage(mss: Mss, out: Path, words: tuple[str, ...]) -> None:
    result = mss(*ASK, *words, "--out", str(out))
    assert (result.exit_code, result.stdout) == (2, "")
    assert not out.exists()
