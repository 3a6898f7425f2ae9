from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from certs.errors import DerMalformed
from certs.revocation import (
    CLOCK_SKEW,
    CrlSource,
    Good,
    Revocation,
    RevocationReason,
    Revoked,
    Unknown,
)
from tests.unit.certs import pki

DAY, SECOND = timedelta(days=1), timedelta(seconds=1)


def ask(*lists, at=pki.NOW, certificate=None, issuer=None):
    return CrlSource(lists).status(
        certificate or pki.certificate("p256"), issuer or pki.authority().issuing, at
    )


def a_list(*revoked, begin=pki.NOW - DAY, end=pki.NOW + DAY):
    return pki.authority().crl(revoked, begin, end)


def serial():
    return pki.certificate("p256").serial_number


def test_good_revoked_unknown():
    revoked = Revocation(serial(), pki.NOW - DAY, RevocationReason.SUPERSEDED)
    assert ask(a_list()) == Good()
    assert ask(a_list(revoked)) == Revoked(pki.NOW - DAY, RevocationReason.SUPERSEDED)
    assert ask() == Unknown()


def test_every_reason_is_written_and_read():
    for reason in RevocationReason:
        found = ask(a_list(Revocation(serial(), pki.NOW - DAY, reason)))
        assert found == Revoked(pki.NOW - DAY, reason)


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (pki.NOW + DAY, Good()),
        (pki.NOW + DAY + SECOND, Unknown()),
        (pki.NOW - DAY - CLOCK_SKEW, Good()),
        (pki.NOW - DAY - CLOCK_SKEW - SECOND, Unknown()),
    ],
)
def test_a_list_answers_while_it_is_fresh(at, expected):
    assert ask(a_list(), at=at) == expected


def test_the_freshest_list_answers():
    old = a_list()
    new = a_list(Revocation(serial(), pki.NOW), begin=pki.NOW)
    assert ask(old, new) == ask(new, old) == Revoked(pki.NOW, RevocationReason.UNSPECIFIED)


def test_the_list_of_another_authority_answers_nothing():
    assert ask(pki.authority().root_crl([], pki.NOW, pki.NOW + DAY)) == Unknown()
    assert ask(a_list(), issuer=pki.authority().root) == Unknown()


def signed_by(key, issuer, *extensions, end=pki.NOW + DAY, entry=()):
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer)
        .last_update(pki.NOW - DAY)
        .next_update(end)
    )
    for value, critical in extensions:
        builder = builder.add_extension(value, critical=critical)
    line = x509.RevokedCertificateBuilder(serial(), pki.NOW - DAY)
    for value in entry:
        line = line.add_extension(value, critical=False)
    builder = builder.add_revoked_certificate(line.build())
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


def test_a_list_with_a_false_signature_answers_nothing():
    stranger = ec.generate_private_key(ec.SECP256R1())
    assert ask(signed_by(stranger, pki.authority().issuing.subject)) == Unknown()


def own_issuer(*, crl_sign):
    key = ec.generate_private_key(ec.SECP256R1())
    name = pki.authority().issuing.subject
    usage = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=crl_sign,
        encipher_only=False,
        decipher_only=False,
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(5)
        .not_valid_before(pki.NOW)
        .not_valid_after(pki.NOW + DAY)
        .add_extension(usage, critical=True)
        .sign(key, hashes.SHA256())
    )
    return key, certificate


@pytest.mark.parametrize("crl_sign", [True, False])
def test_an_issuer_that_may_not_sign_lists_answers_nothing(crl_sign):
    key, issuer = own_issuer(crl_sign=crl_sign)
    found = ask(signed_by(key, issuer.subject), issuer=issuer)
    assert isinstance(found, Revoked if crl_sign else Unknown)


def test_a_list_with_a_critical_extension_answers_nothing():
    key, issuer = own_issuer(crl_sign=True)
    delta = (x509.DeltaCRLIndicator(1), True)
    assert ask(signed_by(key, issuer.subject, delta), issuer=issuer) == Unknown()
    number = (x509.CRLNumber(1), False)
    assert isinstance(ask(signed_by(key, issuer.subject, number), issuer=issuer), Revoked)


def test_the_date_of_invalidity_comes_before_that_of_the_list():
    key, issuer = own_issuer(crl_sign=True)
    since = pki.NOW - 9 * DAY
    invalid = x509.InvalidityDate(since)
    found = ask(signed_by(key, issuer.subject, entry=(invalid,)), issuer=issuer)
    assert found == Revoked(since, RevocationReason.UNSPECIFIED)


def test_what_is_no_list_is_refused():
    with pytest.raises(DerMalformed):
        CrlSource([b"nothing"])
