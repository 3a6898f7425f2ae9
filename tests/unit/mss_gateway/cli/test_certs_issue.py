"""Issuing: for both, for one, or one for each; to a request; to applications, for signing in."""

from pathlib import Path

import pytest

from certs.certificate import addresses, from_pem, key_digest
from certs.issuing import requests
from certs.issuing.profiles import PRIVATE, Identified
from certs.keyring import PrivateKey, Signer
from certs.usage import Usage, key_usage
from mss_gateway.directory import client_trust
from mss_gateway.directory.certificates import usage_of
from tests.unit.mss_gateway.cli import foreign
from tests.unit.mss_gateway.cli.desk_site import DOCTOR, PHARMACY, Mss

WORDS = ("certs", "issue", DOCTOR.address)
CLIENT = "paul.bernard@mss.example"


@pytest.fixture
def keys(mss: Mss) -> tuple[str, str]:
    (mss.folder / "keys").mkdir()
    return "--key-out", str(mss.folder / "keys")


@pytest.fixture
def client(mss: Mss, keys: tuple[str, str]) -> Mss:
    """The site with a professional whose keys are in his own client."""
    name = ("--given-name", "Paul", "--family-name", "Bernard")
    mss.told("people", "add", "--address", CLIENT, *name, "--smime", "client", *keys)
    return mss


def request_file(mss: Mss, key: PrivateKey, usage: Usage, address: str = CLIENT) -> str:
    path = mss.folder / "request.pem"
    path.write_bytes(requests.for_mailbox(key, address, "Paul Bernard", usage))
    return str(path)


@pytest.mark.parametrize(
    ("kind", "kinds"), [("p384", ["p384", "p384"]), ("ed25519", ["ed25519", "x25519"])]
)
def test_one_for_signing_and_one_for_encryption(mss: Mss, kind: str, kinds: list[str]) -> None:
    told = mss.told(*WORDS, "--usage", "separate", "--key-kind", kind)
    assert [line["usage"] for line in told["certificates"]] == ["sign", "encrypt"]
    with mss.gateway() as gateway, gateway.database.read() as view:
        signer = gateway.cabinet.signer(view, told["account"], gateway.clock())
        openers = gateway.cabinet.openers(view, told["account"])
    assert f"{signer.certificate.serial_number:x}" == told["serial"]
    made = {f"{one.serial_number:x}": key.kind for one, key in openers}
    assert [made[line["serial"]] for line in told["certificates"]] == kinds


@pytest.mark.parametrize(("use", "usage"), [("sign", Usage.SIGN), ("encrypt", Usage.ENCRYPT)])
def test_one_for_one_of_them(mss: Mss, use: str, usage: Usage) -> None:
    told = mss.told(*WORDS, "--usage", use)
    made = from_pem(mss.told("certs", "show", told["serial"])["pem"].encode())[0]
    assert usage_of(made) is usage
    assert told["usage"] == use


@pytest.mark.parametrize(
    "words",
    [
        ("--key-kind", "ed25519"),
        ("--key-kind", "x25519", "--usage", "sign"),
        ("--key-kind", "ed25519", "--usage", "encrypt"),
        ("--key-kind", "rsa-1024"),
        ("--csr", "nowhere.pem"),
        ("--csr", __file__, "--key-kind", "p256"),
        ("--csr", __file__, "--usage", "separate"),
        ("--identified", "by-heart"),
    ],
)
def test_what_cannot_be_is_wrong_usage(mss: Mss, words: tuple[str, ...]) -> None:
    result = mss(*WORDS, *words)
    assert (result.exit_code, result.stdout) == (2, "")


def test_it_says_how_the_holder_was_identified(mss: Mss) -> None:
    told = mss.told(*WORDS, "--identified", "in-person", "--out", str(mss.folder / "chain.pem"))
    made, issuer = from_pem((mss.folder / "chain.pem").read_bytes())
    assert PRIVATE.identified(made) is Identified.IN_PERSON
    made.verify_directly_issued_by(issuer)
    assert mss.told("certs", "show", told["serial"])["identified"] == "in-person"


def test_a_request_of_a_holder_with_own_keys_is_answered(client: Mss) -> None:
    key = PrivateKey.generate("p256")
    out = client.folder / "answer.pem"
    file = request_file(client, key, Usage.SIGN)
    told = client.told("certs", "issue", CLIENT, "--csr", file, "--out", str(out))
    made = from_pem(out.read_bytes())[0]
    Signer(key, made)
    assert (told["key"], told["usage"], addresses(made)) == ("client", "sign", (CLIENT,))
    assert client.acts()[-1][2] == "issued"
    # --usage says otherwise than the request
    other = request_file(client, PrivateKey.generate("p256"), Usage.SIGN)
    made = client.told("certs", "issue", CLIENT, "--csr", other, "--usage", "both")
    assert made["usage"] == "both"


def test_the_keys_of_a_mailbox_are_its_own(client: Mss) -> None:
    """One key in two mailboxes would let one sign for the other, and read its mail."""
    key = PrivateKey.generate("p256")
    client.told("certs", "issue", CLIENT, "--csr", request_file(client, key, Usage.BOTH))
    second = ("--address", "luc.petit@mss.example", "--given-name", "Luc", "--family-name", "Petit")
    keys = ("--smime", "client", "--key-out", str(client.folder / "keys"))
    client.told("people", "add", *second, *keys)
    file = request_file(client, key, Usage.BOTH, "luc.petit@mss.example")
    before = client.told("certs", "list")
    refused = client.refused("certs", "issue", "luc.petit@mss.example", "--csr", file)
    assert "has this key already" in refused
    assert client.told("certs", "list") == before


@pytest.mark.parametrize(
    ("who", "named", "why"),
    [
        (DOCTOR.address, DOCTOR.address, "the gateway holds this mailbox's keys"),
        (CLIENT, "zoe@mss.example", "names other addresses"),
    ],
)
def test_a_request_that_is_not_theirs_is_refused(
    client: Mss, who: str, named: str, why: str
) -> None:
    file = request_file(client, PrivateKey.generate("p256"), Usage.BOTH, named)
    assert why in client.refused("certs", "issue", who, "--csr", file)


def test_a_key_is_not_used_for_what_it_cannot_do(client: Mss) -> None:
    file = request_file(client, PrivateKey.generate("ed25519"), Usage.SIGN)
    words = ("certs", "issue", CLIENT, "--csr", file, "--usage", "both")
    assert "another --usage" in client.refused(*words)


def test_what_is_no_request_is_refused(client: Mss) -> None:
    words = ("certs", "issue", CLIENT, "--csr", __file__)
    assert "not a certificate request" in client.refused(*words)


def test_an_address_outside_the_realm_is_refused_in_words(fresh: Mss) -> None:
    fresh.told("certs", "authority-init")
    settings = fresh.config_file.read_text("utf-8")
    moved = f'[site]\ndomains = ["autre.example"]\n{settings}'
    fresh.config_file.write_text(moved, "utf-8")
    words = ("people", "add", "--address", "claire@autre.example", "--rpps", DOCTOR.rpps)
    refused = fresh.refused(*words, "--given-name", "Claire", "--family-name", "Martin")
    assert "authority-init --replace" in refused


def test_an_application_gets_a_certificate_that_names_its_box(mss: Mss) -> None:
    told = mss.told("certs", "issue-client", PHARMACY, "--out", str(mss.folder))
    made = from_pem(Path(told["certificate_file"]).read_bytes())[0]
    Signer(PrivateKey.load_pem(Path(told["key_file"])), made)
    assert addresses(made) == (PHARMACY,)
    assert (told["usage"], key_usage(made)) == ("sign-in", Usage.SIGN)
    assert "tls.client_anchors is empty" in told["remarks"][0]
    with mss.gateway() as gateway, gateway.database.read() as view:
        (owner,) = client_trust.owners(view, made)
    assert owner.address == PHARMACY
    # and it opens nothing once it was taken back
    mss.told("certs", "revoke", told["serial"])
    with mss.gateway() as gateway, gateway.database.read() as view:
        assert client_trust.owners(view, made) == []


def test_an_application_may_keep_its_key_where_it_is(mss: Mss) -> None:
    key = PrivateKey.generate("p384")
    file = request_file(mss, key, Usage.SIGN, PHARMACY)
    told = mss.told("certs", "issue-client", PHARMACY, "--out", str(mss.folder), "--csr", file)
    made = from_pem(Path(told["certificate_file"]).read_bytes())[0]
    Signer(key, made)
    assert told["key_file"] is None
    assert list(mss.folder.glob("*.key")) == []


def test_a_certificate_to_sign_in_neither_signs_nor_is_encrypted_to(mss: Mss) -> None:
    before = mss.told("certs", "list", "--address", PHARMACY)[0]
    told = mss.told("certs", "issue-client", PHARMACY, "--out", str(mss.folder))
    with mss.gateway() as gateway, gateway.database.read() as view:
        signer = gateway.cabinet.signer(view, told["account"], gateway.clock())
    assert f"{signer.certificate.serial_number:x}" == before["serial"]


@pytest.mark.parametrize("is_there", [True, False])
def test_what_must_be_configured_is_told(mss: Mss, is_there: bool) -> None:
    other = foreign.pem(mss.folder, foreign.authority().root, name="other.pem")
    anchors = mss.folder / "state/pki/anchors.pem" if is_there else other
    settings = mss.config_file.read_text("utf-8")
    mss.config_file.write_text(f'{settings}[tls]\nclient_anchors = "{anchors}"\n', "utf-8")
    remarks = mss.told("certs", "issue-client", PHARMACY, "--out", str(mss.folder))["remarks"]
    assert [is_there, *("is not in the file" in one for one in remarks)] in ([True], [False, True])


def test_people_do_not_sign_in_with_a_certificate(mss: Mss) -> None:
    words = ("certs", "issue-client", DOCTOR.address, "--out", str(mss.folder))
    assert "APP and ORG" in mss.refused(*words)


def test_two_keys_in_one_folder_do_not_meet(mss: Mss) -> None:
    words = ("certs", "issue-client", PHARMACY, "--out", str(mss.folder))
    first, second = mss.told(*words), mss.told(*words)
    assert first["key_file"] != second["key_file"]
    digests = {
        key_digest(from_pem(Path(one["certificate_file"]).read_bytes())[0])
        for one in (first, second)
    }
    assert len(digests) == 2
