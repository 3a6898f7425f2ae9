import pytest
from cryptography import x509
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import NameOID

from certs.validation.names import normal


def name(*parts):
    return normal(x509.Name([x509.NameAttribute(oid, value, kind) for oid, value, kind in parts]))


def common(value, kind=_ASN1Type.UTF8String):
    return name((NameOID.COMMON_NAME, value, kind))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Autorité", "AUTORITÉ"),
        ("Claire  Martin", " claire martin "),
        ("Claire\tMartin", "Claire Martin"),
        ("Claire\u00a0Martin", "Claire Martin"),
        ("e\u0301té", "été"),
        ("Stra\u00dfe", "STRASSE"),
        ("\ufb01n", "fin"),
        ("Mar\u00adtin", "Martin"),
        ("\u200bMartin", "Martin"),
    ],
)
def test_names_that_differ_in_writing_only_are_one(one, other):
    assert common(one) == common(other)


@pytest.mark.parametrize(
    ("one", "other"), [("Martin", "Martine"), ("été", "ete"), ("Claire Martin", "ClaireMartin")]
)
def test_other_names_are_others(one, other):
    assert common(one) != common(other)


def test_the_type_of_string_makes_no_difference():
    assert common("Racine", _ASN1Type.PrintableString) == common("racine", _ASN1Type.BMPString)


def test_octets_equal_octets_only():
    octets = (NameOID.X500_UNIQUE_IDENTIFIER, b"\x01\x02", _ASN1Type.BitString)
    assert name(octets) == name(octets)
    as_string = name((NameOID.X500_UNIQUE_IDENTIFIER, "#0102", _ASN1Type.UTF8String))
    assert name(octets) != as_string


def test_the_order_of_relative_names_counts_but_not_inside_one():
    country = x509.NameAttribute(NameOID.COUNTRY_NAME, "FR")
    unit = x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "Essai")
    assert normal(x509.Name([country, unit])) != normal(x509.Name([unit, country]))
    together = x509.RelativeDistinguishedName
    assert normal(x509.Name([together([country, unit])])) == normal(
        x509.Name([together([unit, country])])
    )
    assert normal(x509.Name([together([country, unit])])) != normal(x509.Name([country, unit]))


def test_a_name_above_is_a_prefix():
    country = x509.NameAttribute(NameOID.COUNTRY_NAME, "FR")
    person = x509.NameAttribute(NameOID.COMMON_NAME, "Claire Martin")
    assert normal(x509.Name([country, person]))[:1] == normal(x509.Name([country]))
