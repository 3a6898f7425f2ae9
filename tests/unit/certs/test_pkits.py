"""NIST's 224 signed mails, judged as NIST's document says, with pyhanko-certvalidator beside us.

Every path is judged with what its mail carries, and again out of all the certificates and lists of
the suite, where cross certificates and new keys of old names compete. The bounds are those of
production. The end certificates are not for e-mail, so that the paths are judged for any use, and
the rules of every day must refuse them.
"""

import asyncio
import logging
from datetime import UTC, datetime

import pytest
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko_certvalidator import CertificateValidator, ValidationContext
from pyhanko_certvalidator.errors import PathBuildingError, PathValidationError
from pyhanko_certvalidator.policy_decl import (
    CertRevTrustPolicy,
    PKIXValidationParams,
    RevocationCheckingPolicy,
    RevocationCheckingRule,
)

from certs.anchors import Anchors
from certs.cms.signed import verify_signed
from certs.errors import ChainReason, ChainRejected, SignatureRejected
from certs.status.revocation import CrlSource, Signers
from certs.usage import Purpose, Rule, Usage
from certs.validation import chain
from certs.validation.policies_tree import ANY
from certs.validation.trail import Trail
from tests.unit.certs import pkits
from tests.unit.certs.pkits_expected import CASES, UNREADABLE

AT = datetime(2020, 1, 1, tzinfo=UTC)
ANY_USE = Rule(None, Usage(0))
MAILS = sorted({case.mail for case in CASES})


def is_valid(case, source, *, sent=(), known=()):
    mail = pkits.mail(case.mail)
    if mail.end is None:
        return False
    question = chain.Question(
        certificate=mail.end,
        candidates=sent,
        configured=known,
        anchors=(pkits.anchor(),),
        rule=ANY_USE,
        at=AT,
        revocation=source,
        is_unknown_enough=False,
        policies=case.policies,
    )
    try:
        chain.judge(question, Trail())
    except ChainRejected:
        return False
    return True


def expected(case):
    return case.valid and not case.deviates


def by_number(cases):
    return [pytest.param(case, id=case.number) for case in cases]


def test_the_table_has_every_mail_and_every_test_once():
    assert sorted(path.stem for path in (pkits.FOLDER / "smime").glob("*.eml")) == MAILS
    assert len(MAILS) == 224
    assert len({case.number for case in CASES}) == len(CASES) == 247
    assert {case.mail for case in CASES if case.deviates} <= UNREADABLE.keys()


@pytest.mark.parametrize("case", by_number(CASES))
def test_the_path_of_a_mail_is_judged_as_nist_says(case):
    mail = pkits.mail(case.mail)
    source = CrlSource(mail.lists, Signers(mail.others, (pkits.anchor(),)))
    assert is_valid(case, source, sent=mail.others) is expected(case)


def test_so_it_is_among_all_certificates_and_lists_of_the_suite():
    source = CrlSource(pkits.all_lists(), Signers(pkits.repository(), (pkits.anchor(),)))
    wrong = [
        case.number
        for case in CASES
        if is_valid(case, source, known=pkits.repository()) is not expected(case)
    ]
    assert wrong == []


def test_the_signatures_of_the_mails_verify_by_the_rules_of_every_day():
    refused = {}
    for name in MAILS:
        mail = pkits.mail(name)
        try:
            verified = verify_signed(mail.signature, mail.content)
        except SignatureRejected as error:
            refused[name] = error.reason
        else:
            assert verified.signer_certificate == mail.end
            assert verified.other_certificates == mail.others
    assert refused == UNREADABLE


def test_the_profile_for_mail_refuses_them_all():
    anchors = Anchors({Purpose.SIGNATURE: (pkits.anchor(),)})
    reasons = {}
    for name in MAILS:
        mail = pkits.mail(name)
        if mail.end is None:
            continue
        with pytest.raises(ChainRejected) as caught:
            chain.validate(mail.end, mail.others, anchors, Purpose.SIGNATURE, AT, None)
        reasons.setdefault(caught.value.reason, set()).add(name)
    at_that_time = {
        ChainReason.EXPIRED: {
            "SignedInvalidEEnotAfterDateTest6",
            "SignedInvalidpre2000UTCEEnotAfterDateTest7",
        },
        ChainReason.NOT_YET_VALID: {"SignedInvalidEEnotBeforeDateTest2"},
    }
    assert {reason: reasons.pop(reason) for reason in at_that_time} == at_that_time
    assert reasons.keys() == {ChainReason.WRONG_PURPOSE}


def test_the_texts_for_people_are_told_by_an_examination():
    """4.8.15 to 4.8.20: where qualifiers are shown, those of the valid policies are."""
    shown = {}
    for name in (
        "UserNoticeQualifierTest15",
        "UserNoticeQualifierTest18",
        "CPSPointerQualifierTest20",
    ):
        mail = pkits.mail(f"Signed{name}")
        question = chain.Question(
            mail.end, mail.others, (), (pkits.anchor(),), ANY_USE, AT, None, True
        )
        trail = Trail()
        chain.judge(question, trail)
        shown[name] = [step.detail for step in trail.steps() if step.name == "policies"][-1]
    assert "q1:" in shown["UserNoticeQualifierTest15"]
    assert "q4:" in shown["UserNoticeQualifierTest18"]
    assert "q5:" in shown["UserNoticeQualifierTest18"]
    assert "http://csrc.nist.gov" in shown["CPSPointerQualifierTest20"]


# --- the other judge -----------------------------------------------------------------------------


def foreign(certificate):
    return asn1_x509.Certificate.load(certificate.public_bytes(Encoding.DER))


async def disagreements():
    """The sub-cases where pyhanko-certvalidator does not answer as NIST's document."""
    required = RevocationCheckingRule.CRL_REQUIRED
    lists_needed = CertRevTrustPolicy(RevocationCheckingPolicy(required, required))
    root = foreign(pkits.anchor())
    found = []
    for case in CASES:
        mail = pkits.mail(case.mail)
        if mail.end is None:
            continue
        context = ValidationContext(
            trust_roots=[root],
            other_certs=[foreign(each) for each in mail.others],
            crls=list(mail.lists),
            moment=AT,
            revinfo_policy=lists_needed,
        )
        rules = case.policies
        inputs = PKIXValidationParams(
            user_initial_policy_set=frozenset(
                "any_policy" if each == ANY else each for each in rules.acceptable
            ),
            initial_policy_mapping_inhibit=rules.inhibit_mapping,
            initial_explicit_policy=rules.explicit,
            initial_any_policy_inhibit=rules.inhibit_any,
        )
        validator = CertificateValidator(
            foreign(mail.end), validation_context=context, pkix_params=inputs
        )
        try:
            await validator.async_validate_path()
        except (PathBuildingError, PathValidationError):
            valid = False
        else:
            valid = True
        if valid is not case.valid:
            found.append(case.number)
    return found


def test_pyhanko_answers_the_same_but_for_dsa(monkeypatch):
    monkeypatch.setattr(logging.getLogger("pyhanko_certvalidator"), "disabled", True)
    assert asyncio.run(disagreements()) == ["4.1.4"]
