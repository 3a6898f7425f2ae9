"""What other issuers send comes in when it is the mailbox's, has its key, and is believed."""

import shutil
from datetime import timedelta
from pathlib import Path

import pytest
import structlog
import typer
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID
from typer.testing import CliRunner

from certs import pkcs12
from certs.certificate import Certificate, from_pem, to_der, to_pem
from certs.cms.certs_only import make_certs_only
from certs.issuing import requests
from certs.issuing.issue import export_for_client
from certs.keyring import PrivateKey, Signer
from certs.status.revocation import Revocation
from certs.usage import Usage
from tests.unit.mss_gateway.cli import foreign
from tests.unit.mss_gateway.cli.desk_site import DOCTOR, PHARMACY, Mss

BRING = ("certs", "import")
DAY = foreign.DAY
CLIENT = "paul.bernard@mss.example"


@pytest.fixture(scope="module")
def believing(template: Path, tmp_path_factory: pytest.TempPathFactory, app: typer.Typer) -> Path:
    folder = tmp_path_factory.mktemp("believing") / "site"
    shutil.copytree(template, folder)
    foreign.believe(Mss(folder, app))
    structlog.reset_defaults()
    return folder


@pytest.fixture
def site(believing: Path, tmp_path: Path, app: typer.Typer) -> Mss:
    """The site, believing the foreign authority."""
    shutil.copytree(believing, tmp_path / "site")
    return Mss(tmp_path / "site", app)


@pytest.fixture
def key() -> PrivateKey:
    return PrivateKey.generate("p256")


def secret(mss: Mss) -> tuple[str, str]:
    return "--password-file", str(foreign.password_file(mss.folder))


def lines(mss: Mss) -> list[str]:
    return [line["serial"] for line in mss.told("certs", "list")]


def add_client(mss: Mss) -> None:
    (mss.folder / "keys").mkdir()
    words = ("--given-name", "Paul", "--family-name", "Bernard", "--smime", "client")
    keys = ("--key-out", str(mss.folder / "keys"))
    mss.told("people", "add", "--address", CLIENT, *words, *keys)


@pytest.mark.parametrize(
    ("usage", "told_usage"),
    [(Usage.BOTH, "both"), (Usage.SIGN, "sign"), (Usage.ENCRYPT, "encrypt")],
)
def test_a_bundle_with_its_key(site: Mss, key: PrivateKey, usage: Usage, told_usage: str) -> None:
    made = foreign.certificate(key, DOCTOR.address, usage)
    file = foreign.bundle(site.folder, key, made)
    told = site.told(*BRING, str(file), *secret(site))
    assert (told["usage"], told["key"], told["provenance"]) == (told_usage, "gateway", "imported")
    what = f"account:{told['account']} certificate:{told['serial']}"
    assert site.acts()[-1] == ("certificate", what, "imported")
    with site.gateway() as gateway, gateway.database.read() as view:
        signer = gateway.cabinet.signer(view, told["account"], gateway.clock())
        openers = [one for one, _ in gateway.cabinet.openers(view, told["account"])]
    assert (signer.certificate == made) == (Usage.SIGN in usage)
    assert made in openers
    if Usage.SIGN in usage:
        # with every signature go the issuers up to the anchor, which is left out
        assert signer.chain == foreign.authority().chain


def test_the_answer_to_a_request(site: Mss) -> None:
    out = site.folder / "claire.csr"
    site.told("certs", "request", DOCTOR.address, "--out", str(out), "--usage", "sign")
    asked = requests.read(out.read_bytes())
    made = foreign.authority().issue_mailbox(
        DOCTOR.address, "Claire Martin", asked.public_key, asked.usage, foreign.today() - DAY, 90
    )
    # the issuer's order: root first, which is not needed
    file = foreign.pem(site.folder, foreign.authority().root, *foreign.authority().chain, made)
    told = site.told(*BRING, str(file))
    assert (told["address"], told["usage"], told["key"]) == (DOCTOR.address, "sign", "gateway")
    assert site.told("certs", "requests") == []
    with site.gateway() as gateway, gateway.database.read() as view:
        signer = gateway.cabinet.signer(view, told["account"], gateway.clock())
    assert (signer.certificate, signer.chain) == (made, foreign.authority().chain)


@pytest.mark.parametrize("form", ["der", "pkcs7"])
def test_an_answer_in_another_form(site: Mss, form: str) -> None:
    out, file = site.folder / "claire.csr", site.folder / "answer"
    site.told("certs", "request", DOCTOR.address, "--out", str(out))
    asked = requests.read(out.read_bytes())
    made = foreign.authority().issue_mailbox(
        DOCTOR.address, "Claire Martin", asked.public_key, asked.usage, foreign.today() - DAY, 90
    )
    if form == "der":
        # the intermediate is known by another way: nothing is fetched
        foreign.pem(site.folder, *foreign.authority().chain, name="more.pem")
        file.write_bytes(to_der(made))
        assert "put its intermediates into the file" in site.refused(*BRING, str(file))
        assert len(site.told("certs", "requests")) == 1
        return
    file.write_bytes(make_certs_only((made, *foreign.authority().chain)))
    assert site.told(*BRING, str(file))["serial"] == f"{made.serial_number:x}"


def test_the_password_is_asked_for(site: Mss, key: PrivateKey) -> None:
    file = foreign.bundle(site.folder, key, foreign.certificate(key, DOCTOR.address))
    words = [*BRING, str(file), "--json", "--config", str(site.config_file)]
    done = CliRunner().invoke(site.app, words, input=f"{foreign.PASSWORD}\n")
    assert done.exit_code == 0
    assert done.stderr.startswith("Password of the file")
    assert foreign.PASSWORD not in done.stdout + done.stderr


def test_an_empty_answer_is_an_empty_password(site: Mss, key: PrivateKey) -> None:
    file = foreign.bundle(site.folder, key, foreign.certificate(key, DOCTOR.address))
    words = [*BRING, str(file), "--config", str(site.config_file)]
    done = CliRunner().invoke(site.app, words, input="\n")
    assert done.exit_code == 1
    assert "this password" in done.stderr


def test_a_wrong_password_is_refused(site: Mss, key: PrivateKey) -> None:
    file = foreign.bundle(site.folder, key, foreign.certificate(key, DOCTOR.address))
    (site.folder / "other.txt").write_text("un autre mot de passe\n", "utf-8")
    words = (*BRING, str(file), "--password-file", str(site.folder / "other.txt"))
    assert "this password opens" in site.refused(*words)


def test_a_holder_with_own_keys_brings_the_certificate_alone(site: Mss, key: PrivateKey) -> None:
    add_client(site)
    made = foreign.certificate(key, CLIENT)
    told = site.told(*BRING, str(foreign.pem(site.folder, made, *foreign.authority().chain)))
    assert (told["key"], told["state"]) == ("client", "active")


def test_a_key_of_theirs_is_not_kept(site: Mss, key: PrivateKey) -> None:
    add_client(site)
    file = foreign.bundle(site.folder, key, foreign.certificate(key, CLIENT))
    told = site.told(*BRING, str(file), *secret(site))
    assert told["key"] == "client"
    assert "was not kept" in told["remarks"][-1]


def elsewhere(key: PrivateKey) -> Certificate:
    return foreign.certificate(key, "zoe@mss.example")


def of_a_stranger(key: PrivateKey) -> Certificate:
    stranger = foreign.authority("Une inconnue")
    return foreign.certificate(key, DOCTOR.address, issuer=stranger)


def to_sign_in(key: PrivateKey) -> Certificate:
    at = foreign.today() - DAY
    return foreign.authority().issue_client([], key.public_key, at, 90, [DOCTOR.address])


def ended(key: PrivateKey) -> Certificate:
    return foreign.certificate(key, DOCTOR.address, since=timedelta(days=-50), days=20)


def not_begun(key: PrivateKey) -> Certificate:
    return foreign.certificate(key, DOCTOR.address, since=timedelta(days=5), days=20)


REFUSED = {
    "another address": (elsewhere, "names no mailbox of this gateway"),
    "an unknown issuer": (of_a_stranger, "mss certs trust add"),
    "not for mail": (to_sign_in, "it is not for mail"),
    "ended": (ended, "--force takes it in for reading"),
    "not begun": (not_begun, "wait for its first day"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_good_is_refused_with_what_to_do(site: Mss, key: PrivateKey, name: str) -> None:
    make, why = REFUSED[name]
    before = lines(site)
    file = foreign.bundle(site.folder, key, make(key))
    assert why in site.refused(*BRING, str(file), *secret(site))
    assert lines(site) == before


@pytest.mark.parametrize("name", ["another address", "an unknown issuer", "not for mail"])
def test_force_helps_only_where_it_does_no_harm(site: Mss, key: PrivateKey, name: str) -> None:
    make, why = REFUSED[name]
    file = foreign.bundle(site.folder, key, make(key))
    assert why in site.refused(*BRING, str(file), *secret(site), "--force")


def test_what_has_ended_comes_in_for_reading(site: Mss, key: PrivateKey) -> None:
    file = foreign.bundle(site.folder, key, ended(key))
    told = site.told(*BRING, str(file), *secret(site), "--force")
    assert (told["state"], "expired" in told["remarks"][0]) == ("expired", True)
    with site.gateway() as gateway, gateway.database.read() as view:
        openers = [one.kind for _, one in gateway.cabinet.openers(view, told["account"])]
        signer = gateway.cabinet.signer(view, told["account"], gateway.clock())
    assert len(openers) == 2
    assert f"{signer.certificate.serial_number:x}" != told["serial"]


def test_what_has_ended_must_have_been_believed(site: Mss, key: PrivateKey) -> None:
    stranger = foreign.authority("Une inconnue")
    made = foreign.certificate(
        key, DOCTOR.address, since=timedelta(days=-50), days=20, issuer=stranger
    )
    file = foreign.bundle(site.folder, key, made)
    assert "no path" in site.refused(*BRING, str(file), *secret(site), "--force")


def revoking(mss: Mss, made: Certificate) -> None:
    """The issuer's list, in the folder of lists, names the certificate."""
    (mss.folder / "lists").mkdir(exist_ok=True)
    now = foreign.today()
    issuer = foreign.authority()
    gone = [Revocation(made.serial_number, now - timedelta(hours=1))]
    next_update = now + timedelta(days=7)
    (mss.folder / "lists" / "issuing.crl").write_bytes(issuer.crl(gone, now, next_update))
    (mss.folder / "lists" / "root.crl").write_bytes(issuer.root_crl([], now, next_update))
    settings = mss.config_file.read_text("utf-8")
    lists = f'[revocation]\nlists = "{mss.folder / "lists"}"\n'
    mss.config_file.write_text(settings + lists, "utf-8")


def test_what_was_taken_back_comes_in_for_reading_only(site: Mss, key: PrivateKey) -> None:
    made = foreign.certificate(key, DOCTOR.address)
    revoking(site, made)
    file = foreign.bundle(site.folder, key, made)
    assert "took it back" in site.refused(*BRING, str(file), *secret(site))
    told = site.told(*BRING, str(file), *secret(site), "--force")
    assert told["state"] == "revoked"


def test_an_unknown_revocation_is_remarked(site: Mss, key: PrivateKey) -> None:
    file = foreign.bundle(site.folder, key, foreign.certificate(key, DOCTOR.address))
    told = site.told(*BRING, str(file), *secret(site))
    assert told["remarks"] == ["For encryption: revocation unknown."]


def test_the_same_twice_is_told(site: Mss, key: PrivateKey) -> None:
    file = foreign.bundle(site.folder, key, foreign.certificate(key, DOCTOR.address))
    told = site.told(*BRING, str(file), *secret(site))
    refused = site.refused(*BRING, str(file), *secret(site))
    assert f"mss certs show {told['serial']}" in refused


def test_a_key_of_another_mailbox_is_refused(site: Mss, key: PrivateKey) -> None:
    file = foreign.bundle(site.folder, key, foreign.certificate(key, DOCTOR.address))
    site.told(*BRING, str(file), *secret(site))
    other = foreign.bundle(site.folder, key, foreign.certificate(key, PHARMACY), "other.p12")
    refused = site.refused(*BRING, str(other), *secret(site), "--force")
    assert "has this key already" in refused


def test_a_certificate_without_its_key_is_refused(site: Mss, key: PrivateKey) -> None:
    made = foreign.certificate(key, DOCTOR.address)
    file = foreign.pem(site.folder, made, *foreign.authority().chain)
    assert "mss certs request" in site.refused(*BRING, str(file))


def test_whose_it_is_may_be_said(site: Mss, key: PrivateKey) -> None:
    file = foreign.bundle(site.folder, key, foreign.certificate(key, DOCTOR.address))
    words = (*BRING, str(file), *secret(site), "--address")
    assert "does not name this mailbox" in site.refused(*words, PHARMACY)
    assert "nobody" in site.refused(*words, "zoe@mss.example")
    assert site.told(*words, DOCTOR.address)["address"] == DOCTOR.address


def test_an_answer_to_somebody_elses_request(site: Mss) -> None:
    out = site.folder / "claire.csr"
    site.told("certs", "request", DOCTOR.address, "--out", str(out))
    asked = requests.read(out.read_bytes())
    made = foreign.authority().issue_mailbox(
        PHARMACY, "Pharmacie", asked.public_key, asked.usage, foreign.today() - DAY, 90
    )
    file = str(foreign.pem(site.folder, made, *foreign.authority().chain))
    assert "request of another mailbox" in site.refused(*BRING, file, "--address", PHARMACY)
    # and its own address is not in the certificate
    assert "does not name this mailbox" in site.refused(*BRING, file)


def key_in_pem(folder: Path, key: PrivateKey) -> bytes:
    export_for_client(key, [], folder / "k.pem", folder / "c.pem")
    return (folder / "k.pem").read_bytes()


FILES = {
    "a key in clear": (key_in_pem, "make a PKCS #12 file"),
    "no certificate": (lambda *_: b"-----BEGIN X-----\n", "no certificate in this PEM"),
    "nothing": (lambda *_: b"", "neither a certificate nor"),
    "a text": (lambda *_: b"Bonjour", "neither a certificate nor"),
    "no bundle": (lambda *_: b"\x30\x03\x02\x01\x00", "this password opens"),
    "only authorities": (lambda *_: to_pem(foreign.authority().root), "only authorities"),
    "two holders": (
        lambda _, key: to_pem(
            foreign.certificate(key, DOCTOR.address), foreign.certificate(key, PHARMACY)
        ),
        "several holders",
    ),
    "too big": (lambda *_: b"\0" * (pkcs12.MAX_OCTETS + 1), "is it the right one"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_holds_no_certificate_to_import(mss: Mss, key: PrivateKey, name: str) -> None:
    make, why = FILES[name]
    file = mss.folder / "file"
    file.write_bytes(make(mss.folder, key))
    assert why in mss.refused(*BRING, str(file), *secret(mss))


def test_several_mailboxes_in_one_certificate(site: Mss, key: PrivateKey) -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([])
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).serial_number(7)
        .public_key(private.public_key())
        .not_valid_before(foreign.today() - DAY).not_valid_after(foreign.today() + DAY)
        .add_extension(x509.SubjectAlternativeName(
            [x509.RFC822Name(DOCTOR.address), x509.RFC822Name(PHARMACY)]), critical=True)
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
        .sign(private, hashes.SHA256())
    )  # fmt: skip
    pem = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    file = foreign.bundle(site.folder, PrivateKey.load_pem(pem), made)
    assert "say which by --address" in site.refused(*BRING, str(file), *secret(site))


def test_the_answer_for_the_server_takes_the_place_of_its_files(mss: Mss) -> None:
    first = mss.told("certs", "issue-server")
    former = Path(first["key_file"]).read_bytes()
    out = mss.folder / "server.csr"
    mss.told("certs", "request", "--server", "--out", str(out))
    asked = requests.read(out.read_bytes())
    made = foreign.authority().issue_server(
        ["localhost"], [], asked.public_key, foreign.today() - DAY, 90
    )
    file = foreign.pem(mss.folder, made, *foreign.authority().chain)
    told = mss.told(*BRING, str(file))
    key_file, chain_file = Path(told["key_file"]), Path(told["certificate_file"])
    Signer(PrivateKey.load_pem(key_file), from_pem(chain_file.read_bytes())[0])
    assert from_pem(chain_file.read_bytes()) == (made, *foreign.authority().chain)
    assert key_file.stat().st_mode & 0o777 == 0o600
    assert key_file.with_name("server.key.former").read_bytes() == former
    assert list(key_file.parent.glob("*.draft")) == []
    assert mss.told("certs", "requests") == []


def test_an_ended_answer_for_the_server_is_refused(mss: Mss) -> None:
    out = mss.folder / "server.csr"
    mss.told("certs", "request", "--server", "--out", str(out))
    asked = requests.read(out.read_bytes())
    made = foreign.authority().issue_server(
        ["localhost"], [], asked.public_key, foreign.today() - 50 * DAY, 10
    )
    assert "has ended" in mss.refused(*BRING, str(foreign.pem(mss.folder, made)))
    assert len(mss.told("certs", "requests")) == 1
