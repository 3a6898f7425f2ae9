"""The operator's own authority: made on purpose, one at a time, and believed here."""

import pytest
from cryptography import x509

from certs.certificate import extension, fingerprint, from_pem
from certs.usage import Purpose
from mss_gateway.directory import authorities
from tests.unit.mss_gateway.cli import foreign
from tests.unit.mss_gateway.cli.desk_site import DOCTOR, Mss

INIT = ("certs", "authority-init")


def roots(mss: Mss, purpose: Purpose = Purpose.SIGNATURE) -> set[str]:
    with mss.gateway() as gateway, gateway.database.read() as view:
        return {fingerprint(one) for one in gateway.trust.anchors(view).of(purpose)}


def test_the_first_authority_of_a_site_is_the_only_one(fresh: Mss) -> None:
    told = fresh.told(*INIT, "--name", "Groupe hospitalier", "--key-kind", "p384", "--years", "5")
    assert (told["key"], told["current"]) == ("p384", True)
    assert "Groupe hospitalier - émission" in told["name"]
    (line,) = fresh.told("certs", "authority")
    assert line["root_fingerprint"] == told["root_fingerprint"]
    assert roots(fresh) == roots(fresh, Purpose.ENCRYPTION) == {told["root_fingerprint"]}
    assert fresh.acts() == [("certificate", f"authority:{told['serial']}", "made")]


def test_it_issues_what_comes_after(fresh: Mss) -> None:
    told = fresh.told(*INIT, "--name", "Groupe hospitalier")
    fresh.told(
        *("people", "add", "--address", DOCTOR.address, "--given-name", "C", "--family-name", "M"),
        *("--rpps", DOCTOR.rpps),
    )
    (line,) = fresh.told("certs", "list")
    assert fresh.told("certs", "show", line["serial"])["issuer"] == told["name"]


def test_it_may_vouch_for_the_domains_of_the_site(fresh: Mss) -> None:
    told = fresh.told(*INIT)
    assert told["domains"] == ["mss.example", "patient.mss.example"]
    assert told["hosts"] == ["mss.example", "patient.mss.example", "localhost"]
    refused = fresh.refused("certs", "issue-server", "--name", "elsewhere.example")
    assert "may not vouch" in refused
    fresh.told("certs", "issue-server", "--name", "imap.mss.example", "--ip", "127.0.0.1")


def test_without_limits_it_may_vouch_for_anybody(fresh: Mss) -> None:
    told = fresh.told(*INIT, "--unlimited")
    assert (told["domains"], told["hosts"]) == ([], [])
    fresh.told("certs", "issue-server", "--name", "elsewhere.example")


def test_a_second_one_is_refused(mss: Mss) -> None:
    before = mss.told("certs", "authority")
    assert "--replace" in mss.refused(*INIT, "--name", "Une autre")
    assert mss.told("certs", "authority") == before


def test_a_replaced_one_issues_no_more_and_stays(mss: Mss) -> None:
    (former,) = mss.told("certs", "authority")
    told = mss.told(*INIT, "--replace", "--name", "Groupe 2027", "--key-kind", "p256")
    assert [line["serial"] for line in mss.told("certs", "authority")] == [
        told["serial"],
        former["serial"],
    ]
    # both are believed: what the former one issued goes on
    assert {former["root_fingerprint"], told["root_fingerprint"]} <= roots(mss)
    issued = mss.told("certs", "issue", DOCTOR.address)
    assert mss.told("certs", "show", issued["serial"])["issuer"] == told["name"]
    assert mss.told("certs", "check", issued["serial"])["good"]


def test_each_authority_lists_what_it_issued_itself(mss: Mss) -> None:
    (former,) = mss.told("certs", "authority")
    old = mss.told("certs", "list", "--address", DOCTOR.address)[0]["serial"]
    mss.told(*INIT, "--replace", "--name", "Groupe 2027", "--key-kind", "p256")
    new = mss.told("certs", "issue", DOCTOR.address)["serial"]
    for serial in (old, new):
        mss.told("certs", "revoke", serial)
    out = mss.folder / "mss.crl"
    for words, expected in (((), new), (("--authority", former["serial"].upper()), old)):
        mss.told("certs", "crl", "--out", str(out), *words)
        crl = x509.load_der_x509_crl(out.read_bytes())
        assert [f"{one.serial_number:x}" for one in crl] == [expected]
        with mss.gateway() as gateway, gateway.database.read() as view:
            kept = authorities.load_authorities(view, gateway.spool)
        assert crl.issuer == kept[0 if expected == new else 1].issuing.subject


def test_a_former_name_is_not_used_again(mss: Mss) -> None:
    assert "another --name" in mss.refused(*INIT, "--replace")
    mss.told(*INIT, "--replace", "--name", "Groupe 2027", "--key-kind", "p256")
    assert "another --name" in mss.refused(*INIT, "--replace", "--name", "Groupe 2027")


def test_anchors_that_the_operator_put_there_stay(fresh: Mss) -> None:
    own = fresh.folder / "state" / "pki"
    own.mkdir(parents=True)
    foreign.pem(own, foreign.authority().root, name="anchors.pem")
    told = fresh.told(*INIT, "--key-kind", "p256")
    assert roots(fresh) == {told["root_fingerprint"], fingerprint(foreign.authority().root)}
    assert from_pem((own / "anchors.pem").read_bytes()) == (foreign.authority().root,)


def test_the_root_is_given_away_in_a_file(mss: Mss) -> None:
    out = mss.folder / "root.pem"
    (line,) = mss.told("certs", "authority", "--out", str(out))
    (root,) = from_pem(out.read_bytes())
    assert fingerprint(root) == line["root_fingerprint"]
    constraints = extension(root, x509.BasicConstraints)
    assert constraints is not None
    assert constraints.ca


def test_the_list_of_the_root_is_signed_by_it(mss: Mss) -> None:
    out = mss.folder / "root.crl"
    told = mss.told("certs", "crl", "--root", "--out", str(out), "--days", "90")
    crl = x509.load_der_x509_crl(out.read_bytes())
    assert (told["revoked"], len(list(crl))) == (0, 0)
    assert "racine" in told["issuer"]


def test_no_authority_of_this_serial(mss: Mss) -> None:
    out = str(mss.folder / "mss.crl")
    assert "certs authority" in mss.refused("certs", "crl", "--out", out, "--authority", "abc")


@pytest.mark.parametrize("words", [("--key-kind", "x25519"), ("--years", "0"), ("--years", "31")])
def test_what_makes_no_authority_is_wrong_usage(fresh: Mss, words: tuple[str, str]) -> None:
    assert fresh(*INIT, *words).exit_code == 2
    assert not (fresh.folder / "state").exists()
