from cryptography import x509
from cryptography.x509.oid import NameOID

from certs.status.distribution import ALL_REASONS, EVERYTHING, NOBODY, points_of, scope_of
from certs.validation.names import normal
from tests.unit.certs.lists import NO_SCOPE, name, point, uri

ISSUER = normal(name("Racine"))
COMPROMISE = frozenset([x509.ReasonFlags.key_compromise])


def points(*stated):
    return points_of(x509.CRLDistributionPoints(stated), ISSUER)


def scope(**stated):
    return scope_of(x509.IssuingDistributionPoint(**{**NO_SCOPE, **stated}), ISSUER)


def test_the_issuer_s_own_lists_go_without_saying():
    (own,) = points_of(None, ISSUER)
    assert own.names == {(x509.DirectoryName, ISSUER)}
    assert (own.issuers, own.reasons) == (frozenset(), ALL_REASONS)
    assert points(point(names=uri("http://l.example/")))[-1] == own


def test_a_point_has_names_issuers_and_reasons():
    stated = point(names=uri("http://l.example/"), reasons=COMPROMISE, issuer=name("Autre"))
    first = points(stated)[0]
    assert first.names == {(x509.UniformResourceIdentifier, "http://l.example/")}
    assert (first.issuers, first.reasons) == ({normal(name("Autre"))}, COMPROMISE)


def test_a_relative_name_stands_below_that_of_the_issuer():
    unit = x509.RelativeDistinguishedName([x509.NameAttribute(NameOID.COMMON_NAME, "Liste 1")])
    whole = frozenset([(x509.DirectoryName, (*ISSUER, *normal(name("Liste 1"))))])
    assert points(x509.DistributionPoint(None, unit, None, None))[0].names == whole
    assert scope(relative_name=unit).names == whole
    elsewhere = x509.DistributionPoint(None, unit, None, [x509.DirectoryName(name("Autre"))])
    assert points(elsewhere)[0].names != whole


def test_an_issuer_without_directory_name_has_no_lists():
    stated = x509.DistributionPoint(None, None, None, uri("http://l.example/"))
    assert points(stated)[0].issuers == {NOBODY}


def test_a_list_covers_a_point_of_the_same_name():
    one, other = points(point(names=uri("http://l.example/1")), point(names=uri("http://l/2")))[:2]
    first = scope(full_name=uri("http://l.example/1"))
    assert first.covers(one, is_authority=False)
    assert not first.covers(other, is_authority=False)
    assert EVERYTHING.covers(one, is_authority=True)
    assert scope_of(None, ISSUER) is EVERYTHING


def test_a_point_without_name_has_that_of_its_issuers():
    (by_other, _) = points(point(issuer=name("Autre")))
    at_other = [x509.DirectoryName(name("AUTRE"))]
    assert scope(full_name=at_other, indirect_crl=True).covers(by_other, is_authority=False)
    assert not scope(full_name=uri("http://l/"), indirect_crl=True).covers(
        by_other, is_authority=False
    )


def test_a_list_is_about_leaves_authorities_or_attributes():
    (own,) = points_of(None, ISSUER)
    about = {
        kind: (scope(**{kind: True}).covers(own, is_authority=False),
               scope(**{kind: True}).covers(own, is_authority=True))
        for kind in (
            "only_contains_user_certs",
            "only_contains_ca_certs",
            "only_contains_attribute_certs",
        )
    }  # fmt: skip
    assert about == {
        "only_contains_user_certs": (True, False),
        "only_contains_ca_certs": (False, True),
        "only_contains_attribute_certs": (False, False),
    }
