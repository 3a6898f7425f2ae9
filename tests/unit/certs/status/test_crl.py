import tracemalloc
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from certs.cms import der
from certs.errors import DerMalformed
from certs.status.crl import RevocationList
from certs.validation.link import link_of
from certs.validation.names import normal
from tests.unit.certs import pki
from tests.unit.certs.lists import DAY, Authority, because, name

UNKNOWN = x509.ObjectIdentifier("1.2.3.4.5")


@pytest.fixture(scope="module")
def authority():
    return Authority("Listes")


def entry_of(encoded, serial, issuer="Listes"):
    return RevocationList(encoded).entry(serial, normal(name(issuer)))


# --- what makes a list useless -------------------------------------------------------------------


@pytest.mark.parametrize("critical", [True, False])
def test_an_unknown_critical_extension_makes_a_list_useless(authority, critical):
    strange = x509.UnrecognizedExtension(UNKNOWN, b"\x05\x00"), critical
    assert RevocationList(authority.list(more=[strange])).is_usable is not critical
    assert RevocationList(authority.list((5, [strange]))).is_usable is not critical


def test_a_known_critical_extension_does_not(authority):
    known = x509.CertificateIssuer([x509.DirectoryName(name("Autre"))]), True
    encoded = authority.list((5, [known]), base=1, number=2, scope={"indirect_crl": True})
    assert RevocationList(encoded).is_usable


@pytest.mark.parametrize(
    "serial", [0x0101FF, 0x0101FF04, 0x0603551D630101FF0400, 0x0603551D150101FF0400]
)
def test_a_serial_number_that_looks_like_one_does_not_either(authority, serial):
    encoded = authority.list((serial, []))
    assert RevocationList(encoded).is_usable
    assert entry_of(encoded, serial)


def test_what_is_no_list_is_refused(authority):
    for encoded in (b"", b"nothing", authority.list()[:-1], authority.list() + b"\x00"):
        with pytest.raises(DerMalformed):
            RevocationList(encoded)


# --- entries -------------------------------------------------------------------------------------


def test_an_entry_has_its_date_and_reason(authority):
    since = pki.NOW - 9 * DAY
    stated = [*because(x509.ReasonFlags.superseded), (x509.InvalidityDate(since), False)]
    encoded = authority.list((5, stated), (6, []))
    found = entry_of(encoded, 5)
    assert (found.at, found.reason) == (since, x509.ReasonFlags.superseded)
    found = entry_of(encoded, 6)
    assert (found.at, found.reason) == (pki.NOW - DAY, x509.ReasonFlags.unspecified)


@pytest.mark.parametrize("serial", [1, 127, 128, 255, 256, 2**64 + 1, 2**159 - 1])
def test_a_number_is_found_or_not_whatever_its_size(authority, serial):
    others = [(serial + 1, []), (serial + 256, [])]
    encoded = authority.list(*others, (serial, []))
    assert entry_of(encoded, serial)
    assert entry_of(authority.list(*others), serial) is None
    assert entry_of(encoded, serial, "Autre") is None


def test_octets_inside_an_entry_are_no_entry(authority):
    inside = der.tlv(der.SEQUENCE, der.integer(7), der.time(pki.NOW))
    strange = x509.UnrecognizedExtension(UNKNOWN, inside), False
    encoded = authority.list((5, [strange]))
    assert entry_of(encoded, 7) is None
    assert entry_of(encoded, 5)


def test_the_entries_of_an_indirect_list_are_about_the_issuer_last_named(authority):
    other = x509.CertificateIssuer([x509.DirectoryName(name("Autre"))]), True
    encoded = authority.list((5, []), (6, [other]), (7, []), scope={"indirect_crl": True})
    found = {
        (serial, issuer): entry_of(encoded, serial, issuer) is not None
        for serial in (5, 6, 7)
        for issuer in ("Listes", "Autre")
    }
    assert {key for key, there in found.items() if there} == {
        (5, "Listes"),
        (6, "Autre"),
        (7, "Autre"),
    }


# --- signatures and time -------------------------------------------------------------------------


def test_the_signature_is_checked_with_the_key_of_the_signer(authority):
    encoded = authority.list((5, []))
    signer = link_of(authority.certificate)
    assert RevocationList(encoded).is_signed_by(signer)
    impostor = Authority("Listes")
    assert not RevocationList(encoded).is_signed_by(link_of(impostor.certificate))
    altered = encoded.replace(der.integer(5) + b"\x17", der.integer(6) + b"\x17")
    assert altered != encoded and not RevocationList(altered).is_signed_by(signer)


def test_a_signer_must_be_allowed_to_sign_lists():
    no_signer = Authority("Listes", usage=("key_cert_sign",))
    assert not RevocationList(no_signer.list()).is_signed_by(link_of(no_signer.certificate))
    stranger = Authority("Autre")
    assert not RevocationList(no_signer.list()).is_signed_by(link_of(stranger.certificate))


def test_the_two_names_of_the_algorithm_must_agree(authority):
    encoded = authority.list((5, []))
    once, other = der.oid("1.2.840.10045.4.3.2"), der.oid("1.2.840.10045.4.3.3")
    before, _, after = encoded.rpartition(once)
    with pytest.raises(DerMalformed):
        RevocationList(before + other + after)


@pytest.fixture(scope="module")
def rsa_signer():
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name("Listes"))
        .issuer_name(name("Listes"))
        .public_key(key.public_key())
        .serial_number(5)
        .not_valid_before(pki.NOW)
        .not_valid_after(pki.NOW + DAY)
        .sign(key, hashes.SHA256())
    )
    return key, link_of(certificate)


PSS = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
MIXED = padding.PSS(padding.MGF1(hashes.SHA512()), 32)


@pytest.mark.parametrize(
    ("scheme", "digest", "good"),
    [
        (padding.PKCS1v15(), hashes.SHA256(), True),
        (padding.PKCS1v15(), hashes.SHA512(), True),
        (PSS, hashes.SHA256(), True),
        (MIXED, hashes.SHA256(), False),
        (padding.PKCS1v15(), hashes.SHA224(), False),
    ],
)
def test_only_what_the_table_accepts_signs_a_list(rsa_signer, scheme, digest, good):
    key, signer = rsa_signer
    encoded = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(name("Listes"))
        .last_update(pki.NOW)
        .next_update(pki.NOW + DAY)
        .sign(key, digest, rsa_padding=scheme)
        .public_bytes(Encoding.DER)
    )
    assert RevocationList(encoded).is_signed_by(signer) is good


# --- large lists ---------------------------------------------------------------------------------

ENTRIES = 20_000


def by_hand(*entries, until=True):
    """A list put together as octets, signed by a key of its own."""
    since = der.time(pki.NOW)
    algorithm = der.tlv(der.SEQUENCE, der.oid("1.2.840.10045.4.3.2"))
    tbs = der.tlv(
        der.SEQUENCE,
        der.integer(1),
        algorithm,
        name("Listes").public_bytes(),
        since,
        der.time(pki.NOW + timedelta(days=2)) if until else b"",
        der.tlv(der.SEQUENCE, *(der.tlv(der.SEQUENCE, der.integer(n), since) for n in entries)),
    )
    value = ec.generate_private_key(ec.SECP256R1()).sign(tbs, ec.ECDSA(hashes.SHA256()))
    return der.tlv(der.SEQUENCE, tbs, algorithm, der.tlv(der.BIT_STRING, b"\x00" + value))


def test_a_list_without_next_update_is_never_fresh():
    assert RevocationList(by_hand(5)).is_fresh(pki.NOW)
    undated = RevocationList(by_hand(5, until=False))
    assert undated.next_update is None and not undated.is_fresh(pki.NOW)
    assert undated.has_begun(pki.NOW)


@pytest.fixture(scope="module")
def large():
    first = 0x7000000000000000
    return by_hand(*(first + 7 * n for n in range(ENTRIES))), first


def test_a_large_list_is_read_without_an_object_per_entry(large):
    encoded, first = large
    tracemalloc.start()
    try:
        crl = RevocationList(encoded)
        assert crl.entry(first + 3, crl.issuer) is None
        assert crl.entry(first + 7 * (ENTRIES - 1), crl.issuer)
        assert not crl.is_signed_by(link_of(Authority("Listes").certificate))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < len(encoded)  # 25 octets per entry; an object alone would take more


def test_an_answer_is_remembered(large, monkeypatch):
    encoded, first = large
    crl = RevocationList(encoded)
    sought = []
    seek = RevocationList._seek

    def counted(self, serial, issuer):
        sought.append(serial)
        return seek(self, serial, issuer)

    monkeypatch.setattr(RevocationList, "_seek", counted)
    for _ in range(3):
        assert crl.entry(first, crl.issuer)
        assert crl.entry(first + 1, crl.issuer) is None
    assert sought == [first, first + 1]
