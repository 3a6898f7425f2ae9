"""Two operators exchange certificates: professionals and domains, never a patient."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from certs.certificate import addresses, from_pem, is_authority, to_pem
from mss_gateway.directory import certificates, domain_keys, keybook, people
from mss_gateway.directory.people import NewPerson, Traits
from mss_gateway.life.gateway import Gateway
from tests.unit.mss_gateway.cli.desk_site import DOCTOR, PATIENT, PHARMACY, SETTINGS, Mss

TOWN = SETTINGS.replace(
    "[state]",
    '[site]\noperator = "Ville"\ndomains = ["ville.example"]\n'
    'patient_domain = "patient.ville.example"\n[state]',
)
NADIA = "nadia.benali@ville.example"


@pytest.fixture
def town(tmp_path: Path, mss: Mss) -> Mss:
    """Another operator, with one doctor."""
    folder = tmp_path / "town"
    folder.mkdir()
    (folder / "config.toml").write_text(TOWN, encoding="utf-8")
    made = Mss(folder, mss.app)
    made.told("people", "add", "--address", NADIA, "--given-name", "Nadia", "--family-name", "B")
    return made


def exported(one: Mss) -> Path:
    """What an operator gives to others."""
    one.told("certs", "domain-keys")
    path = one.folder / "ours.pem"
    one.told("certs", "book", "export", "--out", str(path))
    return path


def named_in(path: Path) -> set[str]:
    found = [one for one in from_pem(path.read_bytes()) if not is_authority(one)]
    return {address for one in found for address in addresses(one)}


@contextmanager
def believing(one: Mss, other: Mss) -> Iterator[None]:
    """``one`` believes the authority of ``other`` too."""
    anchors = one.folder / "state" / "pki" / "anchors.pem"
    kept = anchors.read_bytes()
    anchors.write_bytes(kept + (other.folder / "state" / "pki" / "anchors.pem").read_bytes())
    yield
    anchors.write_bytes(kept)


def book_of(gateway: Gateway) -> set[str]:
    with gateway.database.read() as view:
        return {one.address for one in keybook.everyone(view, gateway.spool)}


def test_every_domain_gets_one_key_once(mss: Mss) -> None:
    first = mss.told("certs", "domain-keys")
    assert {one["domain"]: one["made"] for one in first} == {
        "mss.example": True,
        "patient.mss.example": True,
    }
    assert not any(one["made"] for one in mss.told("certs", "domain-keys"))
    with mss.gateway() as gateway, gateway.database.read() as view:
        for domain in ("mss.example", "patient.mss.example"):
            found = domain_keys.holder(view, domain)
            assert found is not None
            assert found.address == f"domain-confidentiality-authority@{domain}"
            assert len(certificates.of_account(view, found.account_id)) == 1
            assert len(domain_keys.openers(view, gateway.cabinet, f"anyone@{domain}")) == 1
        assert domain_keys.openers(view, gateway.cabinet, "anyone@ville.example") == []


def test_no_patient_is_in_what_others_get(mss: Mss) -> None:
    path = exported(mss)
    assert named_in(path) == {
        DOCTOR.address,
        PHARMACY,
        "domain-confidentiality-authority@mss.example",
        "domain-confidentiality-authority@patient.mss.example",
    }
    assert PATIENT.ins.encode() not in path.read_bytes()


def test_who_is_unlisted_or_gone_is_not_published(mss: Mss) -> None:
    with mss.gateway() as gateway:
        hidden = NewPerson("cache@mss.example", "PER", Traits(family_name="C"), is_unlisted=True)
        authority = None
        with gateway.database.read() as view:
            authority = certificates.load_authority(view, gateway.spool)
        assert authority is not None
        known = authority

        def add(tx: object) -> None:
            person = people.add(tx, hidden, gateway.config.mailboxes)  # type: ignore[arg-type]
            key = certificates.new_key("p256")
            certificates.issue(tx, known, person, key, 30)  # type: ignore[arg-type]

        gateway.database.write(add)
    mss.told("people", "suspend", DOCTOR.address)
    assert not {"cache@mss.example", DOCTOR.address} & named_in(exported(mss))


def test_another_operator_s_certificates_come_into_the_book(mss: Mss, town: Mss) -> None:
    path = exported(town)
    with believing(mss, town):
        told = mss.told("certs", "book", "import", str(path))
        assert (told["learned"], told["known"], told["refused"]) == (3, 0, 0)
        told = mss.told("certs", "book", "import", str(path))
        assert (told["learned"], told["known"], told["refused"]) == (0, 3, 0)
        lines = mss.told("certs", "book", "list", "--address", NADIA)
        assert [(one["provenance"], one["state"]) for one in lines] == [("directory", "used")]
        with mss.gateway() as gateway:
            assert NADIA in book_of(gateway)
        fingerprint = lines[0]["fingerprint"]
        mss.told("certs", "book", "refuse", NADIA, fingerprint)
        assert mss.told("certs", "book", "list", "--address", NADIA)[0]["state"] == "refused"
        assert "no such certificate" in mss.refused(
            "certs", "book", "refuse", "nobody@ville.example", fingerprint
        )


def test_who_is_not_believed_or_names_us_is_not_taken(mss: Mss, town: Mss, tmp_path: Path) -> None:
    told = mss.told("certs", "book", "import", str(exported(town)), code=1)
    assert (told["learned"], told["refused"]) == (0, 3)
    own = mss.told("certs", "book", "import", str(exported(mss)), code=1)
    assert own["learned"] == 0
    assert all("an address of ours" in line for line in own["lines"])
    nothing = tmp_path / "nothing.pem"
    nothing.write_bytes(b"no certificate")
    assert mss("certs", "book", "import", str(nothing)).exit_code == 1
    assert "cannot be read" in mss.refused("certs", "book", "import", str(tmp_path / "absent.pem"))
    shutil.copy(nothing, tmp_path / "authority.pem")
    with mss.gateway() as gateway, gateway.database.read() as view:
        authority = certificates.load_authority(view, gateway.spool)
        assert authority is not None
    (tmp_path / "authority.pem").write_bytes(to_pem(authority.root))
    told = mss.told("certs", "book", "import", str(tmp_path / "authority.pem"))
    assert (told["learned"], told["refused"]) == (0, 0)


def test_nothing_to_publish_is_said(fresh: Mss) -> None:
    fresh.told("certs", "authority-init", "--name", "Neuf", "--key-kind", "p256")
    out = str(fresh.folder / "ours.pem")
    assert "domain-keys" in fresh.refused("certs", "book", "export", "--out", out)
