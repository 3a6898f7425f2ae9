"""A certificate goes out to anybody; a key only under a password, and on record."""

from pathlib import Path

import pytest

from certs import pkcs12
from certs.certificate import from_pem
from certs.keyring import Signer
from tests.unit.mss_gateway.cli import foreign
from tests.unit.mss_gateway.cli.desk_site import DOCTOR, Mss

OUT = "claire.out"


@pytest.fixture(autouse=True)
def _cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pkcs12, "ROUNDS", 1_000)


def words(mss: Mss, *more: str) -> tuple[str, ...]:
    (line,) = mss.told("certs", "list", "--address", DOCTOR.address)
    return ("certs", "export", line["serial"], "--out", str(mss.folder / OUT), *more)


def test_a_certificate_with_its_issuers(mss: Mss) -> None:
    before = mss.acts()
    told = mss.told(*words(mss))
    made, issuer = from_pem((mss.folder / OUT).read_bytes())
    made.verify_directly_issued_by(issuer)
    assert (f"{made.serial_number:x}", told["with_key"]) == (told["serial"], False)
    assert b"PRIVATE" not in (mss.folder / OUT).read_bytes()
    assert mss.acts() == before


def test_a_key_under_a_password_that_is_made(mss: Mss) -> None:
    told = mss.told(*words(mss, "--pkcs12"))
    path = mss.folder / OUT
    found = pkcs12.read(path.read_bytes(), told["password"])
    Signer(found.key, found.certificate)
    assert len(found.issuers) == 1
    assert path.stat().st_mode & 0o777 == 0o600
    act, what, verdict = mss.acts()[-1]
    assert (act, verdict) == ("certificate", "private key exported under a password")
    assert what.endswith(told["serial"])


def test_a_key_under_a_password_of_the_operators(mss: Mss) -> None:
    file = foreign.password_file(mss.folder)
    told = mss.told(*words(mss, "--pkcs12", "--password-file", str(file)))
    assert "password" not in told
    pkcs12.read((mss.folder / OUT).read_bytes(), foreign.PASSWORD)


def test_the_password_is_shown_once_to_people(mss: Mss) -> None:
    shown = mss(*words(mss, "--pkcs12")).stdout
    password = shown.partition("Password, shown once: ")[2].strip()
    pkcs12.read((mss.folder / OUT).read_bytes(), password)


def test_what_left_comes_in_elsewhere(mss: Mss, fresh: Mss) -> None:
    """The move of a holder to another operator, whole."""
    file = foreign.password_file(fresh.folder)
    mss.told(*words(mss, "--pkcs12", "--password-file", str(file)))
    root = fresh.folder / "root.pem"
    (line,) = mss.told("certs", "authority", "--out", str(root))
    name = ("--given-name", "Claire", "--family-name", "Martin", "--rpps", DOCTOR.rpps)
    fresh.told("people", "add", "--address", DOCTOR.address, *name)
    fresh.told("certs", "trust", "add", str(root))
    fresh.told("certs", "trust", "add", "--confirm", line["root_fingerprint"])
    bundle = str(mss.folder / OUT)
    told = fresh.told("certs", "import", bundle, "--password-file", str(file))
    assert (told["address"], told["key"]) == (DOCTOR.address, "gateway")


def test_a_short_password_is_refused_and_nothing_leaves(mss: Mss) -> None:
    file = mss.folder / "password.txt"
    file.write_text("quinze lettres!\n", "utf-8")
    before = mss.acts()
    refused = mss.refused(*words(mss, "--pkcs12", "--password-file", str(file)))
    assert "at least 16" in refused
    assert (mss.acts(), (mss.folder / OUT).exists()) == (before, False)


def test_a_file_that_is_there_stays(mss: Mss) -> None:
    path = mss.folder / OUT
    path.write_bytes(b"somebody's")
    before = mss.acts()
    for more in ((), ("--pkcs12",)):
        assert "another name" in mss.refused(*words(mss, *more))
    assert (mss.acts(), path.read_bytes()) == (before, b"somebody's")


def test_the_key_of_a_holders_client_is_not_here(mss: Mss) -> None:
    keys = mss.folder / "keys"
    keys.mkdir()
    who = ("--address", "paul.bernard@mss.example", "--given-name", "Paul")
    more = ("--family-name", "Bernard", "--smime", "client", "--key-out", str(keys))
    serial = mss.told("people", "add", *who, *more)["certificate"]
    out = ("--out", str(mss.folder / OUT))
    assert "never was here" in mss.refused("certs", "export", serial, *out, "--pkcs12")
    assert mss.told("certs", "export", serial, *out)["with_key"] is False


def test_an_unknown_serial_is_not_found(mss: Mss) -> None:
    assert "no such certificate" in mss.refused("certs", "export", "abc", "--out", OUT)
    assert not Path(OUT).exists()


def test_a_password_for_no_key_is_wrong_usage(mss: Mss) -> None:
    file = foreign.password_file(mss.folder)
    assert mss(*words(mss, "--password-file", str(file))).exit_code == 2
