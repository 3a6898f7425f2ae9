from certs.errors import ChainReason, ChainRejected
from certs.status.answers import Answer
from certs.validation.link import link_of
from certs.validation.policies_tree import ANY
from certs.validation.trail import Step, Trail
from tests.unit.certs import pki


def test_a_step_has_passed_unless_it_was_told_otherwise():
    trail = Trail()
    person = link_of(pki.certificate("p256"))
    trail.step("validity", person)
    trail.step("purpose", person)
    trail.fail(ChainRejected(ChainReason.WRONG_PURPOSE))
    assert list(trail.steps()) == [
        Step("validity", True, "", str(person)),
        Step("purpose", False, "wrong_purpose", str(person)),
    ]


def test_what_was_found_is_put_into_words():
    trail = Trail()
    person = link_of(pki.certificate("p256"))
    trail.step("policies", person)
    trail.note(frozenset({ANY}))
    trail.step("revocation", person)
    trail.note(Answer("ocsp", "00", pki.NOW, None))
    found = [step.detail for step in trail.steps()]
    assert found[0].startswith("any policy")
    assert found[1] == "ocsp of 2026-11-22 08:30 UTC"


def test_the_conclusion_is_told_once():
    trail = Trail()
    trail.step("path")
    trail.fail(ChainRejected(ChainReason.POLICY))
    trail.step("path")
    trail.conclude(ChainRejected(ChainReason.POLICY))
    assert [step.passed for step in trail.steps()] == [False, True]
    trail.conclude(ChainRejected(ChainReason.NO_PATH))
    assert [step.passed for step in trail.steps()] == [False, False]
