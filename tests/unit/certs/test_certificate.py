import hashlib

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from certs import certificate
from certs.certificate import (
    addresses,
    common_name,
    facts,
    from_der,
    from_pem,
    is_authority,
    key_digest,
    to_der,
    to_pem,
)
from certs.cms import der
from certs.errors import DerMalformed
from tests.unit.certs import pki


def test_a_certificate_comes_back_from_der_and_pem():
    one, other = pki.certificate("p256"), pki.authority().root
    assert from_der(to_der(one)) == one
    assert from_pem(to_pem(one, other)) == (one, other)


@pytest.mark.parametrize("serial", ["00", "ff", "8000", "0000", ""])
def test_a_serial_number_is_positive(serial):
    one = to_der(bare())
    content = bytes.fromhex(serial)
    with pytest.raises(DerMalformed):
        from_der(resized(one, b"\x02\x01\x01", der.tlv(der.INTEGER, content)))


def test_a_serial_number_has_twenty_octets_at_most():
    one = to_der(bare())
    longest = resized(one, b"\x02\x01\x01", der.tlv(der.INTEGER, b"\x01" * 20))
    assert from_der(longest).serial_number == int("01" * 20, 16)
    with pytest.raises(DerMalformed):
        from_der(resized(one, b"\x02\x01\x01", der.tlv(der.INTEGER, b"\x01" * 21)))


def test_the_signature_of_a_certificate_has_one_form():
    """Found by flipping every bit: openssl refuses unused bits, the library passed them over."""
    one = pki.certificate("rsa-2048", 0)
    outer = der.Reader(to_der(bare())).enter(der.SEQUENCE)
    tbs, algorithm = outer.element(), outer.element()
    signature = outer.content(der.BIT_STRING)
    for unused in (b"\x01", b"\x07"):
        even = unused + signature[1:-1] + b"\x80"
        with pytest.raises(DerMalformed, match="signature"):
            from_der(der.tlv(der.SEQUENCE, tbs, algorithm, der.tlv(der.BIT_STRING, even)))
    assert from_der(to_der(one)) == one


def resized(certificate, old, new):
    """The certificate with one element of its tbsCertificate replaced, lengths made right."""
    outer = der.Reader(certificate).enter(der.SEQUENCE)
    tbs, rest = outer.element(der.SEQUENCE), outer.rest()
    content = der.Reader(tbs).content(der.SEQUENCE).replace(old, new, 1)
    return der.tlv(der.SEQUENCE, der.tlv(der.SEQUENCE, content), rest)


@pytest.mark.parametrize("read", [from_der, from_pem])
@pytest.mark.parametrize("junk", [b"", b"nothing", b"\x30\x00"])
def test_what_is_no_certificate_is_refused(read, junk):
    with pytest.raises(DerMalformed):
        read(junk)


def test_the_facts_that_people_compare():
    one = pki.certificate("p256")
    found = facts(one)
    assert found.subject == "CN=Claire Martin"
    assert found.serial == one.serial_number
    assert found.addresses == (pki.ADDRESS,)
    assert found.fingerprint == hashlib.sha256(to_der(one)).hexdigest()
    assert found.not_before == pki.NOW
    assert found.not_after.tzinfo is not None


def bare(*extensions, subject="x"):
    key = ec.generate_private_key(ec.SECP256R1())
    names = [x509.NameAttribute(NameOID.EMAIL_ADDRESS, "claire@medecin.example")]
    if subject:
        names.append(x509.NameAttribute(NameOID.COMMON_NAME, subject))
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name(names))
        .issuer_name(x509.Name(names))
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(pki.NOW)
        .not_valid_after(pki.NOW)
    )
    for each in extensions:
        builder = builder.add_extension(each, critical=False)
    return builder.sign(key, hashes.SHA256())


def test_the_address_in_a_subject_is_no_address():
    assert addresses(bare()) == ()
    dns = x509.SubjectAlternativeName([x509.DNSName("medecin.example")])
    assert addresses(bare(dns)) == ()


def test_a_certificate_without_name_has_none():
    assert common_name(bare(subject="")) == ""


def test_malformed_extensions_are_refused():
    garbage = x509.UnrecognizedExtension(x509.SubjectAlternativeName.oid, b"\x30\x05\x01")
    with pytest.raises(DerMalformed):
        addresses(bare(garbage))


def test_a_public_key_of_an_unknown_kind_is_none():
    known, unknown = bytes.fromhex("06072a8648ce3d0201"), bytes.fromhex("06072a8648ce3d0209")
    altered = to_der(bare()).replace(known, unknown)
    assert certificate.public_key(from_der(altered)) is None


def test_a_public_key_has_one_digest_wherever_it_stands():
    one, other = pki.certificate("rsa-2048", 0), pki.certificate("p256", 0)
    again = pki.issue(pki.key("p256", 0), address="paul.bernard@mss.example")
    assert again != other
    assert key_digest(again) == key_digest(other) != key_digest(one)
    for each in (one, other, bare(), pki.authority().root):
        spki = each.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        assert key_digest(each) == hashlib.sha256(spki).hexdigest()


def test_a_public_key_of_an_unknown_kind_has_a_digest_too():
    known, unknown = bytes.fromhex("06072a8648ce3d0201"), bytes.fromhex("06072a8648ce3d0209")
    one = bare()
    assert key_digest(from_der(to_der(one).replace(known, unknown))) != key_digest(one)


def test_who_may_issue_says_so():
    assert is_authority(pki.authority().root)
    assert is_authority(pki.authority().issuing)
    assert not is_authority(pki.certificate("p256", 0))
    assert not is_authority(bare())
    ca = x509.BasicConstraints(ca=True, path_length=None)
    assert is_authority(bare(ca))
    signs_no_certificate = x509.KeyUsage(True, *[False] * 8)
    assert not is_authority(bare(ca, signs_no_certificate))
