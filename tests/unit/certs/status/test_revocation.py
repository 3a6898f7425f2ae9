import hashlib
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from certs.certificate import to_der
from certs.errors import DerMalformed
from certs.status.distribution import ALL_REASONS
from certs.status.revocation import (
    CLOCK_SKEW,
    CrlSource,
    Good,
    Revocation,
    RevocationReason,
    Revoked,
    Signers,
    Unknown,
)
from tests.unit.certs import pki
from tests.unit.certs.lists import Authority, because, name, point, uri

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


# --- lists of other shapes -----------------------------------------------------------------------


def source(*lists, known=(), anchors=()):
    return CrlSource(lists, Signers(tuple(known), tuple(anchors)))


@pytest.fixture(scope="module")
def root():
    return Authority("Racine")


@pytest.fixture(scope="module")
def issuing(root):
    return Authority("Émission", root)


def said(lists, certificate, issuer, at=pki.NOW):
    return lists.status(certificate, issuer.certificate, at)


HOLD, FREED = x509.ReasonFlags.certificate_hold, x509.ReasonFlags.remove_from_crl


def test_a_delta_list_amends_a_complete_one(issuing):
    held, free, new, old = (issuing.issue(name("Claire")) for _ in range(4))
    complete = issuing.list((held.serial_number, because(HOLD)), (old.serial_number, ()), number=7)
    delta = issuing.list(
        (held.serial_number, because(FREED)), (new.serial_number, ()), number=9, base=7
    )
    lists = CrlSource([delta, complete])
    states = [type(said(lists, each, issuing)) for each in (held, free, new, old)]
    assert states == [Good, Good, Revoked, Revoked]
    answer = said(lists, held, issuing).answer
    assert answer.digest == hashlib.sha256(complete).hexdigest()
    assert answer.others == (hashlib.sha256(delta).hexdigest(),)


@pytest.mark.parametrize(
    ("complete", "delta", "amends"),
    [
        ({"number": 7}, {"number": 9, "base": 7}, True),
        ({"number": 8}, {"number": 9, "base": 7}, True),
        ({"number": 9}, {"number": 9, "base": 7}, False),
        ({"number": 6}, {"number": 9, "base": 7}, False),
        ({}, {"number": 9, "base": 7}, False),
        ({"number": 7}, {"base": 7}, False),
        (
            {"number": 7},
            {"number": 9, "base": 7, "scope": {"only_contains_user_certs": True}},
            False,
        ),
        ({"number": 7}, {"number": 9, "base": 7, "end": -SECOND}, False),
        ({"number": 7, "end": -SECOND}, {"number": 9, "base": 7}, True),
    ],
)
def test_a_delta_list_must_go_with_its_complete_one(issuing, complete, delta, amends):
    end = issuing.issue(name("Claire"))
    lists = CrlSource([issuing.list(**complete), issuing.list((end.serial_number, ()), **delta)])
    assert said(lists, end, issuing) == (
        Revoked(pki.NOW - DAY, RevocationReason.UNSPECIFIED) if amends else Good()
    )


def test_a_delta_list_alone_answers_nothing(issuing):
    end = issuing.issue(name("Claire"))
    assert said(CrlSource([issuing.list(number=9, base=7)]), end, issuing) == Unknown()


def test_lists_may_share_the_reasons_among_them(issuing):
    compromise = frozenset([x509.ReasonFlags.key_compromise, x509.ReasonFlags.ca_compromise])
    one = issuing.list(scope={"only_some_reasons": compromise})
    other = issuing.list(scope={"only_some_reasons": ALL_REASONS - compromise})
    end = issuing.issue(name("Claire"))
    assert said(CrlSource([one]), end, issuing) == Unknown()
    both = said(CrlSource([one, other]), end, issuing)
    assert both == Good() and len(both.answer.others) == 1
    hit = issuing.list((end.serial_number, ()), scope={"only_some_reasons": compromise})
    assert isinstance(said(CrlSource([hit]), end, issuing), Revoked)


@pytest.mark.parametrize(
    ("scope", "of_people", "of_authorities"),
    [
        ({"only_contains_user_certs": True}, True, False),
        ({"only_contains_ca_certs": True}, False, True),
        ({"only_contains_attribute_certs": True}, False, False),
        ({"indirect_crl": True}, True, True),
    ],
)
def test_a_list_may_be_about_some_certificates_only(issuing, scope, of_people, of_authorities):
    person, authority = issuing.issue(name("Claire")), Authority("Dessous", issuing).certificate
    lists = CrlSource([issuing.list(scope=scope)])
    assert (said(lists, person, issuing) == Good()) is of_people
    assert (said(lists, authority, issuing) == Good()) is of_authorities


def test_a_list_of_one_distribution_point_is_for_its_certificates(issuing):
    place, elsewhere = uri("http://l.example/1"), uri("http://l.example/2")
    there = issuing.issue(name("Claire"), points=[point(names=place)])
    other = issuing.issue(name("Claire"), points=[point(names=elsewhere)])
    plain = issuing.issue(name("Claire"))
    lists = CrlSource([issuing.list(scope={"full_name": place})])
    assert [said(lists, each, issuing) for each in (there, other, plain)] == [
        Good(),
        Unknown(),
        Unknown(),
    ]
    everywhere = CrlSource([issuing.list()])
    assert {type(said(everywhere, each, issuing)) for each in (there, other, plain)} == {Good}


def test_a_list_by_somebody_else_must_be_indirect_and_asked_for(root, issuing):
    publisher = Authority("Publication", root)
    asked = issuing.issue(name("Claire"), points=[point(issuer=publisher.name)])
    plain = issuing.issue(name("Claire"))
    own = x509.CertificateIssuer([x509.DirectoryName(issuing.name)]), True
    good = publisher.list(scope={"indirect_crl": True})
    hit = publisher.list((asked.serial_number, [own]), scope={"indirect_crl": True})
    theirs = publisher.list((asked.serial_number, ()), scope={"indirect_crl": True})
    direct = publisher.list()
    above = root.list()
    pool = {
        "known": [publisher.certificate, issuing.certificate],
        "anchors": [root.certificate],
    }
    assert said(source(good, above, **pool), asked, issuing) == Good()
    assert said(source(theirs, above, **pool), asked, issuing) == Good()
    assert isinstance(said(source(hit, above, **pool), asked, issuing), Revoked)
    assert said(source(direct, above, **pool), asked, issuing) == Unknown()
    assert said(source(good, above, **pool), plain, issuing) == Unknown()
    assert said(source(good, **pool), asked, issuing) == Unknown()  # of its signer nothing is known


# --- signed by another key of the authority ------------------------------------------------------


@pytest.fixture(scope="module")
def second(root, issuing):
    """The key by which the issuing authority signs its lists, certified by the root."""
    return Authority("Émission", root, usage=("crl_sign",))


def test_another_key_of_the_authority_may_sign_its_lists(root, issuing, second):
    end = issuing.issue(name("Claire"))
    lists = second.list(), root.list()
    known = [issuing.certificate, second.certificate]
    assert said(source(*lists, known=known, anchors=[root.certificate]), end, issuing) == Good()
    assert said(CrlSource(lists), end, issuing) == Unknown()
    assert said(source(*lists, known=known), end, issuing) == Unknown()
    assert (
        said(source(lists[0], known=known, anchors=[root.certificate]), end, issuing) == Unknown()
    )


def test_a_signer_of_lists_may_be_revoked(root, issuing, second):
    end = issuing.issue(name("Claire"))
    known = [issuing.certificate, second.certificate]
    revoked = root.list((second.certificate.serial_number, ()))
    lists = source(second.list(), revoked, known=known, anchors=[root.certificate])
    assert said(lists, end, issuing) == Unknown()


def test_a_signer_of_lists_has_the_anchor_of_the_certificate(root, issuing):
    """RFC 5280 §6.3.3 (f): another authority, believed too, may take the same name."""
    other = Authority("Autre racine")
    same_name = Authority("Émission", other, usage=("crl_sign",))
    end = issuing.issue(name("Claire"))
    lists = source(
        same_name.list(),
        root.list(),
        other.list(),
        known=[issuing.certificate, same_name.certificate],
        anchors=[other.certificate, root.certificate],
    )
    assert said(lists, end, issuing) == Unknown()


def test_a_signer_must_be_allowed_to_sign_lists(root, issuing):
    not_for_lists = Authority("Émission", root, usage=("key_cert_sign",))
    lists = source(
        not_for_lists.list(),
        root.list(),
        known=[issuing.certificate, not_for_lists.certificate],
        anchors=[root.certificate],
    )
    assert said(lists, issuing.issue(name("Claire")), issuing) == Unknown()


def test_a_signer_on_its_own_list_only_is_believed_but_not_against_another(root, issuing):
    """RFC 5280 §6.3.3: lists by a key whose own status stands on no other list."""
    signer = Authority("Émission", issuing, usage=("crl_sign",))
    end = issuing.issue(name("Claire"))
    pool = {"known": [issuing.certificate, signer.certificate], "anchors": [root.certificate]}
    alone = source(signer.list(), root.list(), **pool)
    assert said(alone, end, issuing) == Good()
    against = issuing.list((signer.certificate.serial_number, ()), begin=-2 * DAY)
    both = source(signer.list(), against, root.list(), **pool)
    assert said(both, end, issuing).answer.digest == hashlib.sha256(against).hexdigest()
    own = signer.list((signer.certificate.serial_number, ()))
    assert said(source(own, root.list(), **pool), end, issuing) == Unknown()


def test_a_certificate_that_cannot_be_read_is_unknown(root):
    end = root.issue(name("Claire"))
    spoiled = x509.load_der_x509_certificate(
        to_der(end).replace(b"\x06\x03\x55\x1d\x0f", b"\x06\x03\x55\x1d\x13")
    )
    assert said(CrlSource([root.list()]), end, root) == Good()
    assert said(CrlSource([root.list()]), spoiled, root) == Unknown()
