from dataclasses import replace

import pytest

from certs.cms.signed import SigningProfile, make_signed, verify_signed
from certs.cms.signers import read_signers
from certs.cms.structure import MAX_SIGNERS
from certs.errors import SignatureReason, SignatureRejected
from tests.unit.certs import pki
from tests.unit.certs.cms import mutations
from tests.unit.certs.cms import recipes as m
from tests.unit.certs.cms.recipes import CONTENT


def test_what_a_signer_says_is_read():
    (found,) = read_signers(make_signed(CONTENT, pki.signer("p256"), pki.NOW))
    assert found.certificate == pki.certificate("p256")
    kind, number = found.identifier.split(":")
    assert (kind, int(number, 16)) == ("serial", pki.certificate("p256").serial_number)
    assert (found.scheme, found.digest) == ("ecdsa-sha-256", "sha-256")
    assert found.signing_time == pki.NOW
    assert found.capabilities is not None and "aes-256-gcm" in found.capabilities.names


def test_several_signers_are_listed_and_not_accepted():
    by_key = replace(
        m.valid_ecdsa(),
        signer_version=3,
        identifier=m.emit(2, 0, 0, m.key_identifier(m.valid_ecdsa().key)),
    )
    base = m.valid()
    both = replace(base, certificates=(base.certificate, by_key.certificate))
    blob = m.build(both, m.signer_info(by_key))
    first, second = read_signers(blob)
    assert [m.der_of(each.certificate) for each in (first, second)] == [
        base.certificate,
        by_key.certificate,
    ]
    assert (first.scheme, second.scheme) == ("rsa-pkcs1-v1.5", "ecdsa-sha-256")
    assert second.identifier == f"ski:{m.key_identifier(by_key.key).hex()}"
    with pytest.raises(SignatureRejected):
        verify_signed(blob, CONTENT)


def test_a_false_signature_is_listed_all_the_same():
    (found,) = read_signers(m.build(replace(m.valid(), signature=b"\x01" * 256)))
    assert found.signing_time == pki.NOW


def test_refused_algorithms_are_named_with_their_reason():
    base = replace(
        m.valid(),
        digest=m.algorithm(m.SHA1),
        hash=m.hashes.SHA1(),
        scheme=m.algorithm("1.2.3.4"),
    )
    (found,) = read_signers(m.build(base))
    assert found.digest == "sha-1: RFC 8551 §2.1"
    assert found.scheme == "unknown signature 2a0304"


@pytest.mark.parametrize(
    "certificates",
    [
        (),
        (m.seq(m.NULL),),
    ],
)
def test_a_signer_may_have_no_certificate_that_can_be_read(certificates):
    (found,) = read_signers(m.build(replace(m.valid(), certificates=certificates)))
    assert found.certificate is None


def test_of_two_certificates_of_one_name_none_is_meant():
    base = m.valid()
    twin = m.certificate_like(base.certificate, pki.key("p256").public_key, base.key)
    (found,) = read_signers(m.build(replace(base, certificates=(base.certificate, twin))))
    assert found.certificate is None


@pytest.mark.parametrize(
    "attributes",
    [
        (),
        (m.attribute(m.TIME, m.NULL),),
        (m.attribute(m.TIME),),
        (m.attribute(m.CAPABILITIES, m.NULL),),
    ],
)
def test_attributes_that_cannot_be_read_say_nothing(attributes):
    (found,) = read_signers(m.build(replace(m.valid(), attributes=attributes)))
    assert found.signing_time is None
    assert found.capabilities is None


def test_a_message_without_signers_has_none():
    assert read_signers(m.build(replace(m.valid(), signers=0))) == ()


def test_signers_up_to_the_limit():
    assert len(read_signers(m.build(replace(m.valid(), signers=MAX_SIGNERS)))) == MAX_SIGNERS
    with pytest.raises(SignatureRejected):
        read_signers(m.build(replace(m.valid(), signers=MAX_SIGNERS + 1)))


def test_what_is_no_signed_data_is_refused():
    for blob in (b"", b"text", m.build(m.valid()) + b"\x00"):
        with pytest.raises(SignatureRejected):
            read_signers(blob)


def test_a_profile_shows():
    profile = SigningProfile("sha-512", by_key_identifier=True)
    (found,) = read_signers(make_signed(CONTENT, pki.signer("p256"), pki.NOW, profile=profile))
    assert found.identifier.startswith("ski:")
    assert (found.scheme, found.digest) == ("ecdsa-sha-512", "sha-512")


UNREADABLE = {
    SignatureReason.MALFORMED,
    SignatureReason.NOT_SIGNED_DATA,
    SignatureReason.TOO_MANY_CERTIFICATES,
}


def test_whatever_was_altered_is_listed_or_unreadable():
    for case in (*mutations.cases(), *mutations.harmless().values()):
        if case.reason in UNREADABLE:
            with pytest.raises(SignatureRejected) as caught:
                read_signers(case.blob)
            assert caught.value.reason is case.reason
        else:
            assert read_signers(case.blob) or case.reason is SignatureReason.NO_SIGNER
