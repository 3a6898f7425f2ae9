from ipaddress import ip_address, ip_network

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from certs.errors import ChainReason, ChainRejected
from certs.validation.name_constraints import MAX_COMPARISONS, Constraints, Limits, names_of

NOBODY = x509.Name([])


def directory(*values, email=None):
    oids = NameOID.COUNTRY_NAME, NameOID.ORGANIZATION_NAME, NameOID.COMMON_NAME
    attributes = [x509.NameAttribute(oid, value) for oid, value in zip(oids, values, strict=False)]
    if email:
        attributes.append(x509.NameAttribute(NameOID.EMAIL_ADDRESS, email))
    return x509.Name(attributes)


def allowed(names, *limits, subject=NOBODY):
    constraints = Constraints()
    for each in limits:
        constraints.add(Limits.of(each))
    alternative = x509.SubjectAlternativeName(names) if names else None
    try:
        constraints.check(names_of(subject, alternative))
    except ChainRejected as error:
        return error.reason is not ChainReason.NAME_CONSTRAINTS
    return True


def permits(*bases):
    return x509.NameConstraints(bases, None)


def excludes(*bases):
    return x509.NameConstraints(None, bases)


EMAIL, HOST, URI, IP = (
    x509.RFC822Name,
    x509.DNSName,
    x509.UniformResourceIdentifier,
    x509.IPAddress,
)

SUBTREES = [
    (EMAIL, "claire@m.example", "claire@m.example", True),
    (EMAIL, "claire@m.example", "claire@M.EXAMPLE", True),
    (EMAIL, "claire@m.example", "Claire@m.example", False),
    (EMAIL, "claire@m.example", "paul@m.example", False),
    (EMAIL, "m.example", "paul@m.example", True),
    (EMAIL, "m.example", "paul@sub.m.example", False),
    (EMAIL, "m.example", "paul@xm.example", False),
    (EMAIL, ".m.example", "paul@sub.m.example", True),
    (EMAIL, ".m.example", "paul@m.example", False),
    (HOST, "m.example", "m.example", True),
    (HOST, "m.example", "A.B.M.Example", True),
    (HOST, "m.example", "xm.example", False),
    (HOST, "m.example", "m.example.", True),
    (HOST, ".m.example", "a.m.example", True),
    (HOST, ".m.example", "m.example", False),
    (HOST, "", "anything.example", True),
    (URI, "m.example", "https://m.example/x", True),
    (URI, "m.example", "https://paul@M.example:444/x", True),
    (URI, "m.example", "https://a.m.example/", False),
    (URI, ".m.example", "ldap://a.m.example/cn=x", True),
    (URI, ".m.example", "ldap://m.example/", False),
    (IP, ip_network("192.0.2.0/24"), ip_address("192.0.2.9"), True),
    (IP, ip_network("192.0.2.0/24"), ip_address("192.0.3.9"), False),
    (IP, ip_network("192.0.2.0/24"), ip_address("2001:db8::1"), False),
    (IP, ip_network("2001:db8::/32"), ip_address("2001:db8::1"), True),
]


@pytest.mark.parametrize(("form", "base", "name", "within"), SUBTREES)
def test_a_name_lies_in_a_subtree_or_not(form, base, name, within):
    assert allowed([form(name)], permits(form(base))) is within
    assert allowed([form(name)], excludes(form(base))) is not within


@pytest.mark.parametrize("name", [EMAIL("claire@m.example"), URI("https://m.example/")])
def test_an_empty_base_permits_nothing_and_excludes_all(name):
    empty = type(name)._init_without_validation("")
    assert not allowed([name], permits(empty))
    assert not allowed([name], excludes(empty))


def test_directory_names_lie_below_their_prefix():
    above = x509.DirectoryName(directory("FR", "Santé"))
    for subject, within in (
        (directory("fr", "SANTÉ", "Claire"), True),
        (directory("FR", "Santé"), True),
        (directory("FR"), False),
        (directory("BE", "Santé", "Claire"), False),
    ):
        assert allowed([], permits(above), subject=subject) is within
        assert allowed([], excludes(above), subject=subject) is not within
        assert allowed([x509.DirectoryName(subject)], permits(above)) is within


def test_no_subject_is_no_directory_name():
    assert allowed([EMAIL("a@b.example")], permits(x509.DirectoryName(directory("FR"))))


def test_the_address_in_a_subject_is_limited_too():
    subject = directory("FR", email="claire@autre.example")
    limits = permits(EMAIL("m.example"))
    assert not allowed([], limits, subject=subject)
    assert not allowed([EMAIL("claire@m.example")], limits, subject=subject)
    assert allowed([], limits, subject=directory("FR", email="claire@m.example"))


def test_a_form_without_constraint_is_free():
    assert allowed([HOST("anything.example")], permits(EMAIL("m.example")))


def test_every_authority_adds_its_limits():
    wide, narrow = permits(HOST("example")), permits(HOST("m.example"))
    assert allowed([HOST("a.m.example")], wide, narrow)
    assert not allowed([HOST("a.example")], wide, narrow)
    assert not allowed([HOST("a.m.example")], wide, narrow, excludes(HOST("a.m.example")))


def test_a_wildcard_that_covers_what_is_excluded_is_refused():
    assert not allowed([HOST("*.m.example")], excludes(HOST("secret.m.example")))
    assert allowed([HOST("*.n.example")], excludes(HOST("secret.m.example")))
    assert allowed([HOST("*.m.example")], permits(HOST("m.example")))


@pytest.mark.parametrize(
    "name",
    [
        EMAIL._init_without_validation("nobody"),
        EMAIL._init_without_validation("@m.example"),
        EMAIL._init_without_validation("claire@"),
        URI("urn:uuid:1"),
        URI("https://192.0.2.1/"),
        URI("https://[2001:db8::1]/"),
        URI("https://[x/"),
    ],
)
def test_a_name_that_cannot_be_judged_is_refused_where_it_is_constrained(name):
    assert allowed([name], permits(HOST("m.example")))
    assert not allowed([name], permits(type(name)("m.example")))
    assert not allowed([name], excludes(type(name)("m.example")))


def test_a_form_that_is_not_judged_is_refused_where_it_is_constrained():
    other = x509.OtherName(x509.ObjectIdentifier("1.2.3"), b"\x05\x00")
    assert not allowed([other], excludes(other))
    assert allowed([HOST("m.example")], excludes(other))


def test_the_comparisons_are_counted():
    bases = [HOST(f"{n}.example") for n in range(MAX_COMPARISONS // 10)]
    names = [HOST("m.autre")] * 10
    assert allowed(names, excludes(*bases))
    assert not allowed([*names, HOST("m.autre")], excludes(*bases))
