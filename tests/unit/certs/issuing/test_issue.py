import stat
import subprocess
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed448
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

from certs.certificate import addresses, common_name, extension, from_pem, to_pem
from certs.errors import CannotOpen, DerMalformed
from certs.issuing.issue import ANY_POLICY, Authority, OutsideRealm, export_for_client
from certs.issuing.profiles import POLICY_ARC, PRIVATE, Identified, Publishing, Realm, kind_of
from certs.keyring import PrivateKey, Signer
from certs.status.revocation import Revocation, RevocationReason
from certs.usage import Usage
from tests.unit.certs import pki

DAY = timedelta(days=1)
LIST, RESPONDER = "http://pki.mss.example/mss.crl", "http://ocsp.mss.example/"


def issued(private, usage=Usage.BOTH, authority=None, address=pki.ADDRESS):
    return (authority or pki.authority()).issue_mailbox(
        address, "Claire Martin", private.public_key, usage, pki.NOW, 365
    )


def test_a_root_and_an_issuing_intermediate():
    authority = pki.authority()
    assert authority.chain == (authority.issuing,)
    authority.root.verify_directly_issued_by(authority.root)
    authority.issuing.verify_directly_issued_by(authority.root)
    for each, length in ((authority.root, 1), (authority.issuing, 0)):
        limits = extension(each, x509.BasicConstraints)
        usage = extension(each, x509.KeyUsage)
        assert (limits.ca, limits.path_length) == (True, length)
        assert usage.key_cert_sign
        assert usage.crl_sign
        assert not usage.digital_signature


def test_a_mailbox_certificate_says_what_it_is_for():
    found = pki.certificate("rsa-2048")
    assert addresses(found) == (pki.ADDRESS,)
    assert common_name(found) == "Claire Martin"
    assert found.subject.get_attributes_for_oid(NameOID.EMAIL_ADDRESS) == []
    assert list(extension(found, x509.ExtendedKeyUsage)) == [ExtendedKeyUsageOID.EMAIL_PROTECTION]
    assert extension(found, x509.BasicConstraints).ca is False
    assert (
        extension(found, x509.AuthorityKeyIdentifier).key_identifier
        == extension(pki.authority().issuing, x509.SubjectKeyIdentifier).digest
    )
    assert found.not_valid_before_utc == pki.NOW
    assert found.not_valid_after_utc == pki.NOW + 365 * DAY


@pytest.mark.parametrize(
    ("kind", "usage", "expected"),
    [
        ("rsa-2048", Usage.BOTH, {"sign", "commit", "encipher"}),
        ("rsa-2048", Usage.SIGN, {"sign", "commit"}),
        ("rsa-2048", Usage.ENCRYPT, {"encipher"}),
        ("p256", Usage.BOTH, {"sign", "commit", "agree"}),
        ("p256", Usage.SIGN, {"sign", "commit"}),
        ("p256", Usage.ENCRYPT, {"agree"}),
        ("p384", Usage.BOTH, {"sign", "commit", "agree"}),
        ("p521", Usage.ENCRYPT, {"agree"}),
        ("ed25519", Usage.SIGN, {"sign", "commit"}),
        ("x25519", Usage.ENCRYPT, {"agree"}),
    ],
)
def test_key_usage_follows_usage_and_kind_of_key(kind, usage, expected):
    bits = extension(issued(pki.key(kind), usage), x509.KeyUsage)
    found = {
        "sign": bits.digital_signature,
        "commit": bits.content_commitment,
        "encipher": bits.key_encipherment,
        "agree": bits.key_agreement,
        "authority": bits.key_cert_sign or bits.crl_sign or bits.data_encipherment,
    }
    assert {name for name, is_set in found.items() if is_set} == expected


@pytest.mark.parametrize("kind", ["rsa-2048", "p256", "p384", "p521", "ed25519", "x25519"])
def test_a_public_key_tells_its_kind(kind):
    assert kind_of(pki.key(kind).public_key) == kind


def test_a_key_of_another_sort_has_no_kind_of_ours():
    assert kind_of(ec.generate_private_key(ec.SECP256K1()).public_key()) == "secp256k1"
    assert kind_of(ed448.Ed448PrivateKey.generate().public_key()) == "unknown"


@pytest.mark.parametrize(
    ("kind", "usage"),
    [
        ("ed25519", Usage.ENCRYPT),
        ("ed25519", Usage.BOTH),
        ("x25519", Usage.SIGN),
        ("x25519", Usage.BOTH),
        ("p256", Usage(0)),
    ],
)
def test_a_key_is_certified_for_what_it_can_do(kind, usage):
    with pytest.raises(ValueError, match="cannot be used so"):
        issued(pki.key(kind), usage)


def test_signing_and_encryption_can_have_certificates_of_their_own():
    sign, encrypt = issued(pki.key("ed25519"), Usage.SIGN), issued(pki.key("x25519"), Usage.ENCRYPT)
    assert addresses(sign) == addresses(encrypt) == (pki.ADDRESS,)
    for each in (sign, encrypt):
        each.verify_directly_issued_by(pki.authority().issuing)
        assert list(extension(each, x509.ExtendedKeyUsage)) == [
            ExtendedKeyUsageOID.EMAIL_PROTECTION
        ]


@pytest.mark.parametrize("name", ["é" * 26, "é" * 27, "x" * 53, "x" * 500])
def test_root_and_intermediate_have_names_of_their_own(name):
    root, issuing = Authority.names(name)
    assert root != issuing
    for each, end in ((root, "- racine"), (issuing, "- émission")):
        (common,) = each.get_attributes_for_oid(NameOID.COMMON_NAME)
        assert common.value.endswith(end)


@pytest.mark.parametrize("kind", ["p384", "p521", "ed25519"])
def test_an_authority_of_another_kind_of_key(kind):
    made = Authority.create("Autorité", kind, pki.NOW, 5)
    found = issued(pki.key("p256"), authority=made)
    found.verify_directly_issued_by(made.issuing)
    made.issuing.verify_directly_issued_by(made.root)
    crl = x509.load_der_x509_crl(made.crl([], pki.NOW, pki.NOW + DAY))
    assert crl.is_signature_valid(made.issuing.public_key())
    again = Authority.load(made.sealed(lambda clear: clear), lambda sealed: sealed)
    issued(pki.key("p256"), authority=again).verify_directly_issued_by(made.issuing)


def test_an_authority_needs_a_key_that_signs():
    with pytest.raises(ValueError, match="X25519"):
        Authority.create("Autorité", "x25519", pki.NOW, 5)


@pytest.mark.parametrize("identified", Identified)
def test_a_policy_tells_how_the_holder_was_identified(identified):
    stating = pki.authority().stating(identified=identified)
    found = issued(pki.key("p256"), authority=stating)
    (policy,) = extension(found, x509.CertificatePolicies)
    assert policy.policy_identifier.dotted_string == f"{POLICY_ARC}.{identified.value}"
    assert PRIVATE.identified(found) is identified
    (passed,) = extension(pki.authority().issuing, x509.CertificatePolicies)
    assert passed.policy_identifier.dotted_string == ANY_POLICY


def test_an_operator_may_have_an_arc_of_its_own():
    own = Publishing(policy_arc="1.3.6.1.4.1.99999.7")
    stating = pki.authority().stating(own, Identified.IN_PERSON)
    found = issued(pki.key("p256"), authority=stating)
    (policy,) = extension(found, x509.CertificatePolicies)
    assert policy.policy_identifier.dotted_string == "1.3.6.1.4.1.99999.7.3"
    assert own.identified(found) is Identified.IN_PERSON
    assert PRIVATE.identified(found) is None


def test_nothing_is_said_of_what_was_not_configured():
    found = issued(pki.key("p256"))
    for kind in (
        x509.CertificatePolicies,
        x509.CRLDistributionPoints,
        x509.AuthorityInformationAccess,
    ):
        assert extension(found, kind) is None


def test_a_certificate_says_where_to_ask():
    told = pki.authority().stating(Publishing((LIST,), (RESPONDER,)))
    server = told.issue_server(["mss.example"], [], pki.key("p256").public_key, pki.NOW, 30)
    for found in (issued(pki.key("p256"), authority=told), server):
        (point,) = extension(found, x509.CRLDistributionPoints)
        assert [each.value for each in point.full_name] == [LIST]
        (access,) = extension(found, x509.AuthorityInformationAccess)
        assert access.access_method == AuthorityInformationAccessOID.OCSP
        assert access.access_location.value == RESPONDER


@pytest.mark.parametrize(
    "place", ["https://pki.example/a.crl", "ldap://pki.example/", "pki.example", "http:///a", ""]
)
def test_a_place_to_ask_is_an_http_address(place):
    with pytest.raises(ValueError, match="is not an http address"):
        Publishing(lists=(place,))
    with pytest.raises(ValueError, match="is not an http address"):
        Publishing(responders=(place,))


@pytest.mark.parametrize("arc", ["", "9.9", "politique", "2.25.-1"])
def test_an_arc_is_an_object_identifier(arc):
    with pytest.raises(ValueError, match="is not an object identifier"):
        Publishing(policy_arc=arc)


REALM = Realm(("mss.example", "patient.mss.example"), ("mss.example", "localhost"))


@pytest.fixture(scope="module")
def limited():
    return Authority.create("Autorité bornée", "p256", pki.NOW, 5, REALM)


def test_an_authority_states_where_it_may_vouch(limited):
    found = limited.issuing.extensions.get_extension_for_class(x509.NameConstraints)
    assert found.critical
    assert [each.value for each in found.value.permitted_subtrees] == [
        "mss.example",
        "patient.mss.example",
        "mss.example",
        "localhost",
    ]
    assert found.value.excluded_subtrees is None
    assert limited.realm == REALM
    assert pki.authority().realm == Realm()


def test_it_issues_within_its_realm(limited):
    for address in ("claire@mss.example", "279035121518989@PATIENT.mss.example"):
        issued(pki.key("p256"), authority=limited, address=address)
    key = pki.key("p256").public_key
    limited.issue_server(["imap.mss.example", "localhost"], ["127.0.0.1"], key, pki.NOW, 30)
    limited.issue_client([], key, pki.NOW, 30, ["labo@mss.example"])


@pytest.mark.parametrize(
    "foreign",
    ["claire@medecin.example", "claire@sous.mss.example", "claire@xmss.example"],
)
def test_it_issues_to_no_mailbox_elsewhere(limited, foreign):
    with pytest.raises(OutsideRealm, match=foreign):
        issued(pki.key("p256"), authority=limited, address=foreign)
    with pytest.raises(OutsideRealm, match=foreign):
        limited.issue_client([], pki.key("p256").public_key, pki.NOW, 30, [foreign])


@pytest.mark.parametrize("foreign", ["medecin.example", "xmss.example", "example"])
def test_it_issues_to_no_host_elsewhere(limited, foreign):
    with pytest.raises(OutsideRealm, match=foreign):
        limited.issue_server(["mss.example", foreign], [], pki.key("p256").public_key, pki.NOW, 30)


def test_openssl_believes_the_realm(limited, tmp_path):
    """Another implementation reads the constraints as we mean them."""
    inside = issued(pki.key("p256"), authority=limited, address="claire@mss.example")
    files = {"root": limited.root, "issuing": limited.issuing, "inside": inside}
    for name, each in files.items():
        (tmp_path / f"{name}.pem").write_bytes(to_pem(each))
    words = ["openssl", "verify", "-attime", str(int(pki.NOW.timestamp()) + 60)]
    words += ["-purpose", "smimesign", "-CAfile", "root.pem", "-untrusted", "issuing.pem"]
    done = subprocess.run([*words, "inside.pem"], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "inside.pem: OK\n")


def test_a_certificate_does_not_outlive_its_issuer():
    found = pki.issue(pki.key("p256"), days=50_000)
    assert found.not_valid_after_utc == pki.authority().issuing.not_valid_after_utc


def test_a_long_name_is_cut_to_what_the_field_holds():
    for text, expected in (
        ("a" * 64, "a" * 64),
        ("a" * 65, "a" * 64),
        ("é" * 32, "é" * 32),
        ("a" + "é" * 32, "a" + "é" * 31),
    ):
        found = pki.authority().issue_mailbox(
            pki.ADDRESS, text, pki.key("p256").public_key, Usage.SIGN, pki.NOW, 1
        )
        assert common_name(found) == expected


def test_an_address_outside_ascii_is_refused():
    with pytest.raises(ValueError, match="A-label"):
        pki.issue(pki.key("p256"), address="hélène@medecin.example")


def test_serial_numbers_differ():
    assert pki.issue(pki.key("p256")).serial_number != pki.issue(pki.key("p256")).serial_number


def test_a_server_certificate_names_hosts_and_addresses():
    found = pki.authority().issue_server(
        ["mss.example", "imap.mss.example"], ["127.0.0.1", "::1"], pki.key("p256").public_key,
        pki.NOW, 30,
    )  # fmt: skip
    names = extension(found, x509.SubjectAlternativeName)
    assert names.get_values_for_type(x509.DNSName) == ["mss.example", "imap.mss.example"]
    assert [str(each) for each in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1", "::1"]
    assert list(extension(found, x509.ExtendedKeyUsage)) == [
        ExtendedKeyUsageOID.SERVER_AUTH,
        ExtendedKeyUsageOID.CLIENT_AUTH,
    ]
    assert not extension(found, x509.KeyUsage).content_commitment


def test_a_client_certificate_is_for_clients():
    found = pki.authority().issue_client(["autre.example"], pki.key("p256").public_key, pki.NOW, 30)
    assert list(extension(found, x509.ExtendedKeyUsage)) == [ExtendedKeyUsageOID.CLIENT_AUTH]


def test_a_client_certificate_names_boxes():
    key = pki.key("p256").public_key
    found = pki.authority().issue_client([], key, pki.NOW, 30, ["labo@mss.example"])
    assert addresses(found) == ("labo@mss.example",)
    assert common_name(found) == "labo@mss.example"
    assert list(extension(found, x509.ExtendedKeyUsage)) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    both = pki.authority().issue_client(["autre.example"], key, pki.NOW, 30, ["a@mss.example"])
    names = extension(both, x509.SubjectAlternativeName)
    assert names.get_values_for_type(x509.DNSName) == ["autre.example"]
    assert addresses(both) == ("a@mss.example",)


@pytest.mark.parametrize("issue", [pki.authority().issue_server, pki.authority().issue_client])
def test_tls_needs_a_key_that_signs(issue):
    names, *rest = ["mss.example"], pki.key("x25519").public_key, pki.NOW, 30
    ips = [[]] if issue == pki.authority().issue_server else []
    with pytest.raises(ValueError, match="signs nothing"):
        issue(names, *ips, *rest)


def test_an_authority_is_put_away_and_taken_out():
    sealed = pki.authority().sealed(lambda clear: clear[::-1])
    again = Authority.load(sealed, lambda each: each[::-1])
    assert again.root == pki.authority().root
    issued = again.issue_mailbox(
        pki.ADDRESS, "Claire Martin", pki.key("p256").public_key, Usage.BOTH, pki.NOW, 10
    )
    issued.verify_directly_issued_by(pki.authority().issuing)


@pytest.mark.parametrize(
    "change",
    [
        lambda sealed: b"",
        lambda sealed: sealed + b"\0",
        lambda sealed: sealed[:-1],
        lambda sealed: sealed.replace(b"\x02\x01\x01", b"\x02\x01\x02", 1),
    ],
)
def test_a_damaged_authority_is_refused(change):
    sealed = pki.authority().sealed(lambda clear: clear)
    with pytest.raises(DerMalformed):
        Authority.load(change(sealed), lambda each: each)


def test_an_authority_behind_another_seal_stays_closed():
    sealed = pki.authority().sealed(lambda clear: clear)

    def refuse(_sealed):
        raise CannotOpen(pki_reason())

    with pytest.raises(CannotOpen):
        Authority.load(sealed, refuse)


def pki_reason():
    from certs.errors import OpenReason

    return OpenReason.ALTERED


def test_a_revocation_list_names_what_was_taken_back():
    revoked = [
        Revocation(7, pki.NOW - DAY, RevocationReason.KEY_COMPROMISE),
        Revocation(8, pki.NOW),
    ]
    crl = x509.load_der_x509_crl(pki.authority().crl(revoked, pki.NOW, pki.NOW + DAY))
    assert crl.is_signature_valid(pki.authority().issuing.public_key())
    assert (crl.last_update_utc, crl.next_update_utc) == (pki.NOW, pki.NOW + DAY)
    first, second = crl.get_revoked_certificate_by_serial_number(7), list(crl)[1]
    reason = first.extensions.get_extension_for_class(x509.CRLReason).value.reason
    assert reason is x509.ReasonFlags.key_compromise
    assert (second.serial_number, len(second.extensions)) == (8, 0)
    root = x509.load_der_x509_crl(pki.authority().root_crl([], pki.NOW, pki.NOW + DAY))
    assert root.is_signature_valid(pki.authority().root.public_key())


def test_a_key_leaves_for_a_client_in_files_of_its_owner(tmp_path):
    key_path, certificate_path = tmp_path / "bernard.key", tmp_path / "bernard.pem"
    chain = (pki.certificate("p256"), *pki.authority().chain)
    export_for_client(pki.key("p256"), chain, key_path, certificate_path)
    assert stat.S_IMODE(key_path.stat().st_mode) == 0o600
    assert from_pem(certificate_path.read_bytes()) == chain
    assert max(map(len, key_path.read_bytes().splitlines())) == 64
    Signer(PrivateKey.load_pem(key_path), chain[0])
    before = key_path.read_bytes()
    with pytest.raises(FileExistsError):
        export_for_client(pki.key("p256", 1), chain, key_path, certificate_path)
    assert key_path.read_bytes() == before
