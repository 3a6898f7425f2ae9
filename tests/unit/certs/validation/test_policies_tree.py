import pytest
from cryptography import x509

from certs.errors import ChainReason, ChainRejected
from certs.validation.policies_tree import (
    ANY,
    ANY_POLICY,
    MAX_POLICIES,
    Policies,
    PolicyRules,
    Stated,
    notices,
)

A, B, C = "1.2.3.1", "1.2.3.2", "1.2.3.3"
EXPLICIT = PolicyRules(explicit=True)


def says(*policies, **other):
    return Stated(policies, **other)


SILENT = Stated()


def outcome(*path, rules=ANY_POLICY, self_issued=()):
    """The policies of a path below its anchor, or None when it is refused."""
    state = Policies(rules, len(path))
    try:
        for at, stated in enumerate(path[:-1]):
            rolled = at in self_issued
            state.enter(stated, is_last=False, is_self_issued=rolled)
            state.leave(stated, is_self_issued=rolled)
        state.enter(path[-1], is_last=True, is_self_issued=False)
        return state.finish(path[-1])
    except ChainRejected as error:
        return None if error.reason is ChainReason.POLICY else error


def wants(*policies, explicit=True):
    return PolicyRules(frozenset(policies), explicit=explicit)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ((says(A),), {A}),
        ((says(A, B), says(B, C)), {B}),
        ((says(A), says(B)), set()),
        ((says(A), SILENT), set()),
        ((SILENT, says(A)), set()),
        ((says(ANY), says(A)), {A}),
        ((says(A), says(ANY)), {A}),
        ((says(ANY), says(ANY)), {ANY}),
        ((says(A, ANY), says(A, B)), {A, B}),
    ],
)
def test_the_policies_of_a_path_are_those_of_all_its_certificates(path, found):
    assert outcome(*path) == found
    assert outcome(*path, rules=EXPLICIT) == (found or None)


def test_only_what_is_wanted_is_found():
    assert outcome(says(A, B), rules=wants(A)) == {A}
    assert outcome(says(A, B), rules=wants(C)) is None
    assert outcome(says(A, B), rules=wants(C, explicit=False)) == set()
    assert outcome(says(ANY), rules=wants(A, B)) == {A, B}


def test_a_certificate_may_demand_a_policy_of_those_below():
    assert outcome(says(A, require_explicit=0), says(B)) is None
    assert outcome(says(A, require_explicit=0), says(A)) == {A}
    later = says(A, require_explicit=1)
    assert outcome(later, says(A), SILENT) is None
    assert outcome(later, SILENT) is None
    assert outcome(says(A, require_explicit=2), SILENT) == set()
    assert outcome(later, says(A), says(A)) == {A}
    assert outcome(says(A, require_explicit=0)) == {A}
    assert outcome(Stated(None, require_explicit=0)) is None


def test_a_key_rolled_over_is_not_counted():
    later = says(A, require_explicit=3)
    assert outcome(later, says(A), says(A), SILENT) is None
    assert outcome(later, says(A), says(A), SILENT, self_issued={1}) == set()


def test_a_mapping_goes_from_the_issuer_s_policy_to_the_subject_s():
    mapped = says(A, mappings=((A, B),))
    assert outcome(mapped, says(B)) == {A}
    assert outcome(mapped, says(A)) == set()
    assert outcome(mapped, says(B), rules=wants(A)) == {A}
    assert outcome(mapped, says(B), rules=wants(B)) is None
    assert outcome(says(A, mappings=((A, B), (A, C))), says(C)) == {A}
    assert outcome(says(ANY, mappings=((A, B),)), says(B)) == {A}
    assert outcome(says(ANY, mappings=((A, B),)), says(C)) == {C}
    assert outcome(says(B, mappings=((A, B),)), says(B)) == {B}


def test_a_mapping_may_be_inhibited():
    mapped = says(A, B, mappings=((A, B),))
    assert outcome(mapped, says(B)) == {A, B}
    assert outcome(mapped, says(B), rules=PolicyRules(inhibit_mapping=True)) == {B}
    inhibits = says(A, inhibit_mapping=0)
    assert outcome(inhibits, says(A, mappings=((A, B),)), says(B)) == set()
    assert outcome(says(A, inhibit_mapping=1), says(A, mappings=((A, B),)), says(B)) == {A}


@pytest.mark.parametrize("pair", [(A, ANY), (ANY, A)])
def test_any_policy_is_not_mapped(pair):
    assert outcome(says(A, ANY, mappings=(pair,)), says(A)) is None


def test_any_policy_may_be_inhibited():
    assert outcome(says(ANY), says(A), rules=PolicyRules(inhibit_any=True)) == set()
    inhibits = says(A, inhibit_any=0)
    assert outcome(inhibits, says(ANY)) == set()
    assert outcome(inhibits, says(A)) == {A}
    assert outcome(says(A, inhibit_any=1), says(ANY), says(A)) == {A}
    assert outcome(says(A, inhibit_any=1), says(ANY), says(ANY)) == set()
    rolled = inhibits, says(ANY), says(A)
    assert outcome(*rolled) == set()
    assert outcome(*rolled, self_issued={1}) == {A}


def test_the_graph_does_not_grow_with_the_power_of_the_path():
    """RFC 9618 §2.2: as a tree, this one would have 20 to the power of 8 leaves."""
    names = [f"1.2.3.{n}" for n in range(20)]
    every = tuple((one, other) for one in names[:5] for other in names)
    path = [says(*names, mappings=every)] * 8 + [says(*names)]
    state = Policies(ANY_POLICY, len(path))
    for stated in path[:-1]:
        state.enter(stated, is_last=False, is_self_issued=False)
        state.leave(stated, is_self_issued=False)
    assert all(len(level) <= len(names) for level in state._levels)
    assert outcome(*path) == set(names)


def test_the_number_of_policies_is_bounded():
    names = [f"1.2.3.{n}" for n in range(MAX_POLICIES + 1)]
    assert outcome(says(*names[:-1])) == set(names[:-1])
    assert outcome(says(*names)) is None
    pairs = tuple((A, name) for name in names)
    assert outcome(says(A, mappings=pairs[:-1]), says(names[7])) == {A}
    assert outcome(says(A, mappings=pairs), says(names[7])) is None


def test_the_qualifiers_of_valid_policies_are_for_people():
    text = x509.UserNotice(None, "À lire")
    nothing = x509.UserNotice(None, None)
    stated = [
        x509.PolicyInformation(x509.ObjectIdentifier(A), ["https://a.example/", text, nothing]),
        x509.PolicyInformation(x509.ObjectIdentifier(B), ["https://b.example/"]),
        x509.PolicyInformation(x509.ObjectIdentifier(C), None),
    ]
    assert notices(stated, frozenset({A, C})) == ("https://a.example/", "À lire")
