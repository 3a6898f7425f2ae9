import stat
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from certs.certificate import addresses, common_name, extension, from_pem
from certs.errors import CannotOpen, DerMalformed
from certs.issue import Authority, export_for_client
from certs.keyring import PrivateKey, Signer
from certs.revocation import Revocation, RevocationReason
from certs.usage import Usage
from tests.unit.certs import pki

DAY = timedelta(days=1)


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
    ],
)
def test_key_usage_follows_usage_and_kind_of_key(kind, usage, expected):
    bits = extension(pki.issue(pki.key(kind), usage), x509.KeyUsage)
    found = {
        "sign": bits.digital_signature,
        "commit": bits.content_commitment,
        "encipher": bits.key_encipherment,
        "agree": bits.key_agreement,
        "authority": bits.key_cert_sign or bits.crl_sign or bits.data_encipherment,
    }
    assert {name for name, is_set in found.items() if is_set} == expected


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
    assert list(extension(found, x509.ExtendedKeyUsage)) == [ExtendedKeyUsageOID.SERVER_AUTH]
    assert not extension(found, x509.KeyUsage).content_commitment


def test_a_client_certificate_is_for_clients():
    found = pki.authority().issue_client(["autre.example"], pki.key("p256").public_key, pki.NOW, 30)
    assert list(extension(found, x509.ExtendedKeyUsage)) == [ExtendedKeyUsageOID.CLIENT_AUTH]


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
