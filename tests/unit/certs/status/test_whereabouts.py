"""Where certificates say that their status is published, and who issued them."""

from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtensionOID

from certs.certificate import from_der
from certs.status.whereabouts import is_authority, issuer_among, list_addresses, responder_addresses
from tests.support.status_site import SHA256, Issuer, key

AT = datetime(2026, 11, 22, 8, 30, tzinfo=UTC)
ROOT = Issuer.root(AT)
URL = x509.UniformResourceIdentifier
NAMES = x509.Name([])


def with_extension(value):
    """A certificate with one extension, signed by the root."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(NAMES)
        .issuer_name(ROOT.certificate.subject)
        .public_key(key(3).public_key())
        .serial_number(5)
        .not_valid_before(AT)
        .not_valid_after(AT)
        .add_extension(value, critical=False)
    )
    return from_der(builder.sign(ROOT.key, SHA256).public_bytes(Encoding.DER))


def test_addresses_are_found_in_order_and_once():
    lists, responders = ["http://b/1", "ldap://x", "http://a/2"], ["http://o/1", "http://o/2"]
    leaf = ROOT.leaf(AT, lists=[*lists, "http://b/1"], responders=responders)
    assert list_addresses(leaf) == tuple(lists)
    assert responder_addresses(leaf) == tuple(responders)


def test_a_certificate_that_says_nothing_has_none():
    assert list_addresses(ROOT.leaf(AT)) == responder_addresses(ROOT.leaf(AT)) == ()


def test_names_that_are_no_address_and_points_of_others_are_left_out():
    here = x509.DistributionPoint([x509.DirectoryName(NAMES), URL("http://a/")], None, None, None)
    theirs = x509.DistributionPoint([URL("http://b/")], None, None, [x509.DirectoryName(NAMES)])
    assert list_addresses(with_extension(x509.CRLDistributionPoints([here, theirs]))) == (
        "http://a/",
    )
    issuers = AuthorityInformationAccessOID.CA_ISSUERS
    access = x509.AuthorityInformationAccess([x509.AccessDescription(issuers, URL("http://c/"))])
    assert responder_addresses(with_extension(access)) == ()


@pytest.mark.parametrize(
    ("read", "oid"),
    [
        (list_addresses, ExtensionOID.CRL_DISTRIBUTION_POINTS),
        (responder_addresses, ExtensionOID.AUTHORITY_INFORMATION_ACCESS),
        (is_authority, ExtensionOID.BASIC_CONSTRAINTS),
    ],
)
def test_a_malformed_extension_says_nothing(read, oid):
    assert not read(with_extension(x509.UnrecognizedExtension(oid, b"\x04\x00")))


def test_the_issuer_is_whoever_signed_not_whoever_has_the_name():
    namesake, below = Issuer.root(AT, signing=key(7)), ROOT.intermediate(AT, "Dessous", 6)
    leaf = below.leaf(AT)
    authorities = [namesake.certificate, ROOT.certificate, below.certificate]
    assert issuer_among(leaf, authorities) is below.certificate
    assert issuer_among(below.certificate, authorities) is ROOT.certificate
    assert issuer_among(below.certificate, authorities[:1]) is None
    assert issuer_among(leaf, ()) is None


def test_an_authority_says_so():
    assert is_authority(ROOT.certificate)
    assert not is_authority(ROOT.leaf(AT))
    assert not is_authority(with_extension(x509.OCSPNoCheck()))
