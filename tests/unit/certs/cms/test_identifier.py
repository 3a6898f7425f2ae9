import pytest
from asn1crypto import x509 as asn1_x509

from certs.certificate import from_der
from certs.cms import identifier
from certs.errors import DerMalformed
from tests.unit.certs import pki
from tests.unit.certs.cms import recipes as m


@pytest.fixture(scope="module")
def own():
    return m.der_of(pki.certificate("p256"))


def test_issuer_and_serial_are_those_of_another_decoder(own):
    assert identifier.issuer_and_serial(own) == m.issuer_serial(own)


def test_the_key_identifier_is_that_of_another_decoder(own):
    found = identifier.key_identifier(pki.certificate("p256"))
    named = asn1_x509.Certificate.load(own).key_identifier
    assert found == m.emit(2, 0, 0, named)
    assert identifier.readable(found) == f"ski:{named.hex()}"


def test_both_forms_name_the_one_certificate(own):
    other = m.der_of(pki.authority().issuing)
    for named in (
        identifier.issuer_and_serial(own),
        identifier.key_identifier(pki.certificate("p256")),
    ):
        assert identifier.names(named, own)
        assert not identifier.names(named, other)


def test_a_certificate_without_a_key_identifier_has_none(own):
    other = m.ec.generate_private_key(m.ec.SECP256R1())
    nameless = m.certificate_like(own, other.public_key(), other)
    with pytest.raises(DerMalformed):
        identifier.key_identifier(from_der(nameless))
    assert not identifier.names(identifier.key_identifier(pki.certificate("p256")), nameless)


def test_a_serial_number_is_read_as_listings_write_it(own):
    number = pki.certificate("p256").serial_number
    readable = identifier.readable(identifier.issuer_and_serial(own))
    assert readable.startswith("serial:")
    assert int(readable.removeprefix("serial:"), 16) == number


def test_an_identifier_has_one_of_two_forms(own):
    identifier.check(identifier.issuer_and_serial(own))
    identifier.check(identifier.key_identifier(pki.certificate("p256")))
    issuer = asn1_x509.Certificate.load(own)["tbs_certificate"]["issuer"].dump()
    for wrong in (
        m.seq(issuer),
        m.seq(m.integer(1), issuer),
        m.seq(issuer, m.integer(1), m.NULL),
        m.octets(b"k"),
    ):
        with pytest.raises(DerMalformed):
            identifier.check(wrong)
