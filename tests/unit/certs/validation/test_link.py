import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtensionOID

from certs.certificate import from_der, to_der
from certs.cms import der
from certs.errors import DerMalformed
from certs.memory import Memory
from certs.validation import link
from certs.validation.link import link_of
from tests.unit.certs import pki
from tests.unit.certs.lists import DAY, name

KEY = ec.generate_private_key(ec.SECP256R1())


def certificate(*extensions, serial=5, subject="Claire", issuer="Racine"):
    builder = (
        x509.CertificateBuilder()
        .subject_name(name(subject))
        .issuer_name(name(issuer))
        .public_key(KEY.public_key())
        .serial_number(serial)
        .not_valid_before(pki.NOW)
        .not_valid_after(pki.NOW + DAY)
    )
    for value, critical in extensions:
        builder = builder.add_extension(value, critical=critical)
    return builder.sign(KEY, hashes.SHA256())


def mappings(*pairs, tail=b""):
    encoded = [der.tlv(der.SEQUENCE, der.oid(one), der.oid(other)) for one, other in pairs]
    return octets(der.tlv(der.SEQUENCE, *encoded) + tail)


def octets(value):
    return x509.UnrecognizedExtension(ExtensionOID.POLICY_MAPPINGS, value)


def test_a_silent_certificate_limits_nothing_and_is_no_authority():
    found = link_of(certificate())
    assert not found.is_authority and found.path_length is None
    assert found.may_sign_certificates and found.may_sign_lists
    assert found.extended is None and found.limits is None
    assert found.stated.policies is None and found.critical_unknown == ()
    assert found.is_consistent and found.serial == 5
    assert (found.begin, found.end) == (pki.NOW, pki.NOW + DAY)


def test_what_a_certificate_says_of_policies():
    found = link_of(
        certificate(
            (x509.PolicyConstraints(2, 1), True),
            (x509.InhibitAnyPolicy(3), True),
            (mappings(("1.2.3", "2.999.4"), ("0.1.2", "1.39.840.113549")), True),
        )
    )
    stated = found.stated
    assert stated.mappings == (("1.2.3", "2.999.4"), ("0.1.2", "1.39.840.113549"))
    assert (stated.require_explicit, stated.inhibit_mapping, stated.inhibit_any) == (2, 1, 3)
    assert found.critical_unknown == ()


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"\x30",
        b"\x30\x00\x00",
        bytes.fromhex("300706052a03040506"),
        bytes.fromhex("3008300606022a030602"),
        bytes.fromhex("300a300806022a0306028001"),
        bytes.fromhex("300a300806022a0306022a80"),
        bytes.fromhex("3008300606022a030600"),
    ],
)
def test_a_malformed_mapping_is_refused(value):
    with pytest.raises(DerMalformed):
        link_of(certificate((octets(value), True)))


def test_an_unknown_critical_extension_is_told():
    strange = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4.5"), b"\x05\x00")
    assert link_of(certificate((strange, True))).critical_unknown == ("1.2.3.4.5",)
    assert link_of(certificate((strange, False))).critical_unknown == ()


def test_self_issued_goes_by_the_name_not_by_its_writing():
    assert link_of(certificate(subject="RACINE ", issuer="Racine")).is_self_issued
    assert not link_of(certificate()).is_self_issued


def test_a_certificate_read_before_is_not_read_again(monkeypatch):
    one = certificate()
    again = from_der(to_der(one))
    assert link_of(one) is link_of(one) is link_of(again)


def test_a_signature_copied_to_another_certificate_is_not_taken_for_it():
    one = certificate(serial=5)
    forged = from_der(to_der(one).replace(b"\x02\x01\x05", b"\x02\x01\x07", 1))
    assert forged.signature == one.signature and forged != one
    assert link_of(one).serial == 5
    assert link_of(forged).serial == 7
    assert link_of(one).serial == 5


def test_large_certificates_are_not_kept(monkeypatch):
    kept = Memory(10)
    monkeypatch.setattr(link, "_KEPT", kept)
    limit = link.KEPT_OCTETS
    strange = x509.ObjectIdentifier("1.2.3.4.5")
    for octets_more, is_kept in ((limit // 2, 1), (limit, 1)):
        value = x509.UnrecognizedExtension(strange, bytes(octets_more))
        link_of(certificate((value, False)))
        assert len(kept) == is_kept
