import tracemalloc

import pytest

from certs.cms import attributes, der
from certs.cms.attributes import MAX_ATTRIBUTES, check_unsigned, check_value, read_signed
from certs.errors import DerMalformed
from tests.unit.certs.cms import recipes as m


def under(number, *parts):
    return m.tagged(number, *parts)


def test_what_is_written_is_read():
    one = attributes.attribute(der.oid("1.2.3"), der.integer(7))
    other = attributes.attribute(der.oid("1.2.4"), der.tlv(der.NULL))
    found = read_signed(under(0, other, one))  # in the order of DER
    assert found == {der.oid("1.2.3"): der.integer(7), der.oid("1.2.4"): der.tlv(der.NULL)}


def test_the_first_of_several_values_is_given():
    encoded = under(0, m.attribute("1.2.3", m.integer(1), m.integer(2)))
    assert read_signed(encoded) == {der.oid("1.2.3"): m.integer(1)}


@pytest.mark.parametrize("extra", [0, 1])
def test_attributes_up_to_the_limit(extra):
    many = [m.attribute(f"1.2.3.{n}", m.NULL) for n in range(MAX_ATTRIBUTES + extra)]
    for read, tag in ((read_signed, 0), (check_unsigned, 1)):
        if extra:
            with pytest.raises(DerMalformed):
                read(under(tag, *many))
        else:
            read(under(tag, *many))


def test_unsigned_attributes_may_repeat_and_be_ber():
    stamp = b"\x30\x80" + m.integer(1) + b"\x00\x00"
    check_unsigned(under(1, m.attribute("1.2.3", m.NULL), m.attribute("1.2.3", stamp)))


@pytest.mark.parametrize(
    "dotted", [m.CONTENT_TYPE, m.DIGEST, m.TIME, m.CAPABILITIES, m.ESS, m.ESS_1]
)
def test_what_only_a_signature_makes_true_is_signed(dotted):
    read_signed(under(0, m.attribute(dotted, m.NULL)))
    with pytest.raises(DerMalformed):
        check_unsigned(under(1, m.attribute(dotted, m.NULL)))


def test_a_countersignature_is_not_signed():
    check_unsigned(under(1, m.attribute(m.COUNTERSIGNATURE, m.seq())))
    with pytest.raises(DerMalformed):
        read_signed(under(0, m.attribute(m.COUNTERSIGNATURE, m.seq())))


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ("010100", "01020000"),
        ("0101ff", "010101"),
        ("020100", "0200"),
        ("02020080", "0202007f"),
        ("0202ff7f", "0202ff80"),
        ("0a0101", "0a020001"),
        ("030100", "0300"),
        ("030207ff", "030208ff"),
        ("030100", "030101"),
        ("0500", "050100"),
        ("06022a03", "06022a83"),
        ("06032a8103", "06032a8003"),
        ("06028100", "06028000"),
        ("0600", "0600"),
        ("1e020041", "1e0141"),
        ("1c0400000041", "1c03000041"),
        ("3000", "1000"),
        ("3100", "1100"),
        ("0c00", "2c00"),
        ("0400", "2400"),
        ("a000", "0000"),
        ("8000", "2000"),
    ],
)
def test_the_form_of_a_value(good, bad):
    if good != bad:
        check_value(bytes.fromhex(good))
    with pytest.raises(DerMalformed):
        check_value(bytes.fromhex(bad))


def test_capabilities_that_cannot_be_read_are_unknown():
    capabilities = der.oid(m.CAPABILITIES)
    assert attributes.capabilities_of({}) is None
    assert attributes.capabilities_of({capabilities: m.NULL}) is None
    value = m.seq(m.algorithm("2.16.840.1.101.3.4.1.46"))
    found = attributes.capabilities_of({capabilities: value})
    assert found is not None and found.names == {"aes-256-gcm"}


def test_a_long_identifier_costs_no_more_than_its_octets():
    """It once cost 40 times as much: 25 MB of a message would have been a gigabyte."""
    long = m.emit(0, 0, 6, b"\x7f" * 1_000_000)
    tracemalloc.start()
    check_value(long)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2 * len(long)
    with pytest.raises(DerMalformed):
        check_value(m.emit(0, 0, 6, b"\x7f" * 1_000_000 + b"\x80\x01"))


def test_attributes_that_come_again_are_read_once(monkeypatch):
    encoded = under(0, m.attribute("1.2.3.5", m.integer(5)))
    first = read_signed(encoded)
    monkeypatch.setattr(attributes, "check_value", None)
    assert read_signed(encoded) == first
    with pytest.raises(TypeError):
        read_signed(under(0, m.attribute("1.2.3.5", m.integer(6))))


def test_long_attributes_are_not_kept(monkeypatch):
    encoded = under(0, m.attribute("1.2.3.5", m.octets(bytes(attributes.KEPT_OCTETS))))
    read_signed(encoded)
    monkeypatch.setattr(attributes, "check_value", None)
    with pytest.raises(TypeError):
        read_signed(encoded)
