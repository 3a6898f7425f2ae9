"""OCSP answers: what is asked, and which answers prove something."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.x509 import ocsp as library
from cryptography.x509.oid import ExtendedKeyUsageOID

from certs.cms import der
from certs.errors import OcspReason, OcspRefused
from certs.status import ocsp
from certs.status.ocsp import MAX_OCTETS, MAX_SINGLES, UNDATED
from certs.status.ocsp_responder import MAX_CERTIFICATES
from certs.status.revocation import CLOCK_SKEW, CrlSource, Good, RevocationReason, Revoked, Unknown
from tests.support.status_site import DAY, Issuer, key, refusal

AT = datetime(2026, 11, 22, 8, 30, tzinfo=UTC)
SECOND = timedelta(seconds=1)

ROOT = Issuer.root(AT)
LEAF = ROOT.leaf(AT)


def why(encoded, certificate=LEAF, issuer=ROOT, at=AT, **named):
    """The reason why an answer proves nothing; None when it does."""
    try:
        ocsp.judge(encoded, certificate, issuer.certificate, at, **named)
    except OcspRefused as refused:
        assert ocsp.read_answer(encoded, certificate, issuer.certificate, at, **named) == Unknown()
        return refused.reason
    return None


# what is asked


def test_a_request_names_the_certificate_by_sha_256_and_asks_for_no_nonce():
    asked = library.load_der_ocsp_request(ocsp.make_request(LEAF, ROOT.certificate))
    assert asked.serial_number == LEAF.serial_number
    assert isinstance(asked.hash_algorithm, hashes.SHA256)
    assert list(asked.extensions) == []


def test_a_request_for_who_knows_certificates_by_sha_1():
    asked = library.load_der_ocsp_request(ocsp.make_request(LEAF, ROOT.certificate, digest="sha-1"))
    assert isinstance(asked.hash_algorithm, hashes.SHA1)


@pytest.mark.parametrize("octets", [16, 32, 128])
def test_a_nonce_is_sent_when_one_is_given(octets):
    request = ocsp.make_request(LEAF, ROOT.certificate, nonce=b"n" * octets)
    assert library.load_der_ocsp_request(request).extensions[0].value.nonce == b"n" * octets


@pytest.mark.parametrize("octets", [0, 15, 129])
def test_a_nonce_of_another_size_is_a_mistake(octets):
    with pytest.raises(ValueError, match="nonce"):
        ocsp.make_request(LEAF, ROOT.certificate, nonce=b"n" * octets)


# what it says


def test_good_with_what_it_rests_on():
    encoded = ROOT.answer(LEAF, AT)
    judged = ocsp.judge(encoded, LEAF, ROOT.certificate, AT)
    assert (judged.status, judged.this_update, judged.until) == (Good(), AT, AT + DAY)
    basis = judged.status.answer
    assert (basis.kind, basis.this_update, basis.next_update) == ("ocsp", AT, AT + DAY)
    assert len(bytes.fromhex(basis.digest)) == 32
    assert ocsp.read_answer(encoded, LEAF, ROOT.certificate, AT) == Good()


def test_revoked_says_since_when_and_why():
    encoded = ROOT.answer(LEAF, AT, revoked=True)
    status = ocsp.read_answer(encoded, LEAF, ROOT.certificate, AT)
    assert status == Revoked(AT - DAY, RevocationReason.KEY_COMPROMISE)
    assert status.answer is not None


def test_a_responder_that_does_not_know_proves_nothing():
    assert why(ROOT.answer(LEAF, AT, unknown=True)) is OcspReason.STATUS_UNKNOWN


@pytest.mark.parametrize(
    "naming", [hashes.SHA1(), hashes.SHA256(), hashes.SHA384(), hashes.SHA512()]
)
def test_the_certificate_may_be_named_by_any_digest(naming):
    assert why(ROOT.answer(LEAF, AT, naming=naming)) is None


def test_an_answer_about_another_certificate_is_none():
    assert why(ROOT.answer(ROOT.leaf(AT), AT)) is OcspReason.OTHER_CERTIFICATE


def test_an_answer_of_another_issuer_about_the_same_number_is_none():
    # same name, same serial number, another key: only the digest of the key tells
    namesake = Issuer.root(AT, signing=key(7))
    assert namesake.certificate.subject == ROOT.certificate.subject
    assert why(namesake.answer(LEAF, AT)) is OcspReason.OTHER_CERTIFICATE


@pytest.mark.parametrize("status", list(library.OCSPResponseStatus)[1:])
def test_a_refusal_to_answer_is_no_answer(status):
    assert why(refusal(status)) is OcspReason.NOT_SUCCESSFUL


# when


@pytest.mark.parametrize(
    ("at", "reason"),
    [
        (AT - CLOCK_SKEW - SECOND, OcspReason.NOT_YET),
        (AT - CLOCK_SKEW, None),
        (AT + DAY, None),
        (AT + DAY + SECOND, OcspReason.STALE),
    ],
)
def test_an_answer_holds_from_this_update_to_next_update(at, reason):
    assert why(ROOT.answer(LEAF, AT), at=at) is reason


def test_an_answer_without_next_update_holds_an_hour():
    encoded = ROOT.answer(LEAF, AT, days=None)
    assert ocsp.judge(encoded, LEAF, ROOT.certificate, AT).until == AT + UNDATED
    assert why(encoded, at=AT + UNDATED) is None
    assert why(encoded, at=AT + UNDATED + SECOND) is OcspReason.STALE


# who


def test_the_issuer_may_name_itself_by_its_name_or_by_its_key():
    assert why(ROOT.answer(LEAF, AT, by_name=True)) is None
    assert why(ROOT.answer(LEAF, AT, by_name=False)) is None


def test_a_responder_whom_the_issuer_named_is_believed():
    responder = ROOT.responder(AT)
    judged = ocsp.judge(ROOT.answer(LEAF, AT, by=responder), LEAF, ROOT.certificate, AT)
    assert judged.responder == responder.certificate


@pytest.mark.parametrize(
    "made",
    [
        {"purpose": ExtendedKeyUsageOID.EMAIL_PROTECTION},
        {"purpose": ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE},
        {"may_sign": False},
        {"days": -1},
        {"nocheck": False},
    ],
)
def test_a_responder_for_another_task_is_not_believed(made):
    encoded = ROOT.answer(LEAF, AT, by=ROOT.responder(AT, **made))
    assert why(encoded) is OcspReason.RESPONDER_NOT_AUTHORISED


def test_a_responder_below_an_intermediate_is_not_the_issuers():
    """The issuer itself must have signed it (RFC 6960 §4.2.2.2), not an authority below it."""
    below = ROOT.intermediate(AT, "Dessous", 6)
    encoded = ROOT.answer(LEAF, AT, by=below.responder(AT))
    assert why(encoded) is OcspReason.RESPONDER_NOT_AUTHORISED


def test_a_responder_of_a_namesake_is_not_believed():
    namesake = Issuer.root(AT, signing=key(7))
    encoded = ROOT.answer(LEAF, AT, by=namesake.responder(AT))
    assert why(encoded) is OcspReason.SIGNATURE_WRONG


def test_a_responder_without_nocheck_is_believed_when_a_list_says_good():
    responder = ROOT.responder(AT, nocheck=False)
    encoded = ROOT.answer(LEAF, AT, by=responder)
    assert why(encoded, lists=CrlSource((ROOT.crl(AT),))) is None
    assert why(encoded, lists=CrlSource(())) is OcspReason.RESPONDER_NOT_AUTHORISED
    taken_back = CrlSource((ROOT.crl(AT, [responder.certificate]),))
    assert why(encoded, lists=taken_back) is OcspReason.RESPONDER_REVOKED


def test_a_responder_whose_certificate_did_not_come_along_is_unknown():
    encoded = ROOT.answer(LEAF, AT, by=ROOT.responder(AT))
    assert why(encoded) is None
    assert why(_wrapped(_basic(encoded)[:3])) is OcspReason.RESPONDER_UNKNOWN


def test_certificates_that_came_along_are_looked_at_up_to_a_number():
    responder = ROOT.responder(AT)
    others = [ROOT.leaf(AT) for _ in range(MAX_CERTIFICATES)]
    encoded = ROOT.answer(LEAF, AT, by=responder, brings=others[:-1])
    assert why(encoded) is None
    encoded = ROOT.answer(LEAF, AT, by=responder, brings=others)
    assert why(encoded) is OcspReason.RESPONDER_UNKNOWN


# how signed


@pytest.fixture(scope="module")
def rsa_root():
    return Issuer.root(AT, signing=rsa.generate_private_key(65537, 2048))


def test_an_answer_signed_by_rsa_or_ed25519_is_read(rsa_root):
    for root in (rsa_root, Issuer.root(AT, signing=ed25519.Ed25519PrivateKey.generate())):
        leaf = root.leaf(AT)
        assert why(root.answer(leaf, AT), leaf, root) is None


def test_sha_1_signs_nothing(rsa_root):
    """The library signs nothing by SHA-1 either: the algorithm is put in by hand."""
    leaf = rsa_root.leaf(AT)
    parts = _basic(rsa_root.answer(leaf, AT))
    name = der.oid("1.2.840.113549.1.1.5")
    parts[1] = der.tlv(der.SEQUENCE, name, der.tlv(der.NULL))
    signature = rsa_root.key.sign(parts[0], padding.PKCS1v15(), hashes.SHA1())
    parts[2] = der.tlv(der.BIT_STRING, b"\x00", signature)
    assert why(_wrapped(parts), leaf, rsa_root) is OcspReason.ALGORITHM_REFUSED


def test_rsa_pss_is_read(rsa_root):
    """The library signs no answer by PSS: the signature is put in by hand."""
    leaf = rsa_root.leaf(AT)
    parts = _basic(rsa_root.answer(leaf, AT))
    salted = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
    digest = der.tlv(der.SEQUENCE, der.oid("2.16.840.1.101.3.4.2.1"), der.tlv(der.NULL))
    mask = der.tlv(der.SEQUENCE, der.oid("1.2.840.113549.1.1.8"), digest)
    parameters = der.tlv(
        der.SEQUENCE,
        der.tlv(0xA0, digest),
        der.tlv(0xA1, mask),
        der.tlv(0xA2, der.integer(32)),
    )
    parts[1] = der.tlv(der.SEQUENCE, der.oid("1.2.840.113549.1.1.10"), parameters)
    signature = rsa_root.key.sign(parts[0], salted, hashes.SHA256())
    parts[2] = der.tlv(der.BIT_STRING, b"\x00", signature)
    assert why(_wrapped(parts), leaf, rsa_root) is None
    parts[2] = der.tlv(der.BIT_STRING, b"\x00", signature[:-1] + bytes([signature[-1] ^ 1]))
    assert why(_wrapped(parts), leaf, rsa_root) is OcspReason.SIGNATURE_WRONG


def test_no_octet_of_an_answer_may_change():
    encoded = ROOT.answer(LEAF, AT, by=ROOT.responder(AT))
    accepted = []
    for position in range(len(encoded)):
        altered = bytearray(encoded)
        altered[position] ^= 0x01
        try:
            ocsp.judge(bytes(altered), LEAF, ROOT.certificate, AT)
        except OcspRefused:
            continue
        accepted.append(position)
    assert accepted == []


def test_what_was_signed_by_somebody_else_is_not_believed():
    parts = _basic(ROOT.answer(LEAF, AT))
    parts[2] = der.tlv(der.BIT_STRING, b"\x00", key(7).sign(parts[0], ec.ECDSA(hashes.SHA256())))
    assert why(_wrapped(parts)) is OcspReason.SIGNATURE_WRONG
    with pytest.raises(InvalidSignature):  # it is nobody else's fault
        ROOT.certificate.public_key().verify(
            der.Reader(parts[2]).content(der.BIT_STRING)[1:], parts[0], ec.ECDSA(hashes.SHA256())
        )


# extensions


NONCE = b"0123456789abcdef"


@pytest.mark.parametrize(
    ("sent", "came", "reason"),
    [
        (None, None, None),
        (None, NONCE, None),
        (NONCE, NONCE, None),
        (NONCE, None, None),  # made in advance
        (NONCE, b"fedcba9876543210", OcspReason.OTHER_NONCE),
    ],
)
def test_another_nonce_is_another_s_answer(sent, came, reason):
    assert why(ROOT.answer(LEAF, AT, nonce=came), nonce=sent) is reason


@pytest.mark.parametrize("critical", [False, True])
def test_a_critical_extension_of_one_part_is_refused(critical):
    """By hand: the library writes no extension there, and shows none of several parts."""
    flag = b"\x01\x01\xff" if critical else b""
    each = der.tlv(der.SEQUENCE, der.oid("1.2.3.4"), flag, der.tlv(der.OCTET_STRING, b"\x05\x00"))
    plain = der.Reader(_single(ROOT.answer(LEAF, AT))).content(der.SEQUENCE)
    mine = der.tlv(der.SEQUENCE, plain, der.tlv(0xA1, der.tlv(der.SEQUENCE, each)))
    other = _single(ROOT.answer(ROOT.leaf(AT), AT))
    for parts in ([mine], [other, mine], [mine, other]):
        assert why(_about_all(parts)) is (OcspReason.CRITICAL_EXTENSION if critical else None)


@pytest.mark.parametrize("critical", [False, True])
def test_a_critical_extension_that_nobody_knows_is_refused(critical):
    strange = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")
    encoded = ROOT.answer(LEAF, AT, extension=(strange, critical))
    assert why(encoded) is (OcspReason.CRITICAL_EXTENSION if critical else None)


# form


@pytest.mark.parametrize("encoded", [b"", b"\x30", b"\x30\x00", b"<html>", b"\x30\x80\x00\x00"])
def test_what_is_no_answer_is_refused(encoded):
    assert why(encoded) is OcspReason.MALFORMED


def test_an_answer_has_a_greatest_size():
    encoded = ROOT.answer(LEAF, AT)
    assert why(encoded + bytes(MAX_OCTETS + 1 - len(encoded))) is OcspReason.TOO_BIG
    assert why(encoded + bytes(MAX_OCTETS - len(encoded))) is OcspReason.MALFORMED


def test_one_answer_may_be_about_many_up_to_a_number():
    singles = [_single(ROOT.answer(ROOT.leaf(AT), AT)) for _ in range(3)]
    mine = _single(ROOT.answer(LEAF, AT))
    assert why(_about_all([*singles, mine])) is None
    assert why(_about_all(singles)) is OcspReason.OTHER_CERTIFICATE
    assert why(_about_all([mine] * MAX_SINGLES)) is None
    assert why(_about_all([mine] * (MAX_SINGLES + 1))) is OcspReason.TOO_BIG


def test_of_two_parts_about_one_certificate_the_newest_counts():
    before = _single(ROOT.answer(LEAF, AT - timedelta(hours=1)))
    now = _single(ROOT.answer(LEAF, AT, revoked=True))
    for parts in ([before, now], [now, before]):
        status = ocsp.read_answer(_about_all(parts), LEAF, ROOT.certificate, AT)
        assert isinstance(status, Revoked)


def _basic(encoded):
    """The parts of the BasicOCSPResponse: what is signed, algorithm, signature, certificates."""
    outer = der.Reader(encoded).enter(der.SEQUENCE)
    outer.element()
    held = outer.enter(0xA0).enter(der.SEQUENCE)
    held.element()
    inner = der.Reader(held.content(der.OCTET_STRING)).enter(der.SEQUENCE)
    parts = []
    while inner.peek() >= 0:
        parts.append(inner.element())
    return parts


def _wrapped(parts):
    basic = der.tlv(der.SEQUENCE, *parts)
    held = der.tlv(der.SEQUENCE, der.oid("1.3.6.1.5.5.7.48.1.1"), der.tlv(der.OCTET_STRING, basic))
    return der.tlv(der.SEQUENCE, b"\x0a\x01\x00", der.tlv(0xA0, held))


def _single(encoded):
    return _tbs(encoded)[2]


def _tbs(encoded):
    """ResponderID, producedAt, the one SingleResponse."""
    tbs = der.Reader(_basic(encoded)[0]).enter(der.SEQUENCE)
    parts = [tbs.element(), tbs.element()]
    return [*parts, tbs.enter(der.SEQUENCE).element()]


def _about_all(singles):
    encoded = ROOT.answer(LEAF, AT)
    who, when, _ = _tbs(encoded)
    parts = _basic(encoded)
    parts[0] = der.tlv(der.SEQUENCE, who, when, der.tlv(der.SEQUENCE, *singles))
    signature = ROOT.key.sign(parts[0], ec.ECDSA(hashes.SHA256()))
    parts[2] = der.tlv(der.BIT_STRING, b"\x00", signature)
    return _wrapped(parts)
