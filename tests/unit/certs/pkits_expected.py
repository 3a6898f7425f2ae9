"""What NIST's Public Key Interoperability Test Suite (PKITS 1.0.1) expects of every test.

Transcribed from the sections 4.1 to 4.16 of NIST's document: one row per test, named as its signed
mail (whose signer is the end certificate of the test). Several tests are judged several times with
other inputs, their sub-cases; the mail of such a test is the same for all. The name of a mail is
not always the verdict: "Valid" may be refused under some inputs, and some names tell nothing.

The inputs are those of RFC 5280 §6.1.1; unless a sub-case says otherwise any policy will do, none
is demanded, and neither mapping nor anyPolicy is inhibited.
"""

from dataclasses import dataclass

from certs.errors import SignatureReason
from certs.validation.policies_tree import ANY_POLICY, PolicyRules


def nist(number: int) -> str:
    """NIST-test-policy-N, of the arc that NIST keeps for tests."""
    return f"2.16.840.1.101.3.2.1.48.{number}"


def wanted(*numbers: int, explicit: bool = False) -> PolicyRules:
    """The initial-policy-set of a sub-case."""
    return PolicyRules(frozenset(map(nist, numbers)), explicit=explicit)


EXPLICIT = PolicyRules(explicit=True)
UNMAPPED = PolicyRules(inhibit_mapping=True)
NOT_ANY = PolicyRules(inhibit_any=True)


@dataclass(frozen=True)
class Case:
    """One sub-case: the test, its inputs, whether NIST says that the path validates.

    ``deviates`` says why we refuse what NIST accepts, where we do.
    """

    number: str
    mail: str
    valid: bool
    policies: PolicyRules = ANY_POLICY
    deviates: str = ""


_DSA = "DSA is refused (RFC 8550 §4.3 keeps it for history), with its SHA-1 digest too"

UNREADABLE = {
    "SignedValidDSASignaturesTest4": SignatureReason.ALGORITHM_REFUSED,
    "SignedValidDSAParameterInheritanceTest5": SignatureReason.ALGORITHM_REFUSED,
    "SignedInvalidDSASignatureTest6": SignatureReason.ALGORITHM_REFUSED,
    "SignedInvalidCASignatureTest2": SignatureReason.CERTIFICATE_MALFORMED,
    "SignedInvalidNegativeSerialNumberTest15": SignatureReason.CERTIFICATE_MALFORMED,
}
"""Mails whose CMS signature we do not take, and why; their paths are judged all the same.

Three are signed by DSA with SHA-1. One carries the certificate whose signature NIST spoiled, now
with unused bits. The signer of one has a negative serial number, against RFC 5280 §4.1.2.2, and
:func:`certs.certificate.from_der` holds what strangers send to that. All the other signatures,
RSA of 2,048 bits with SHA-256, are taken by the rules of every day.
"""

_SINGLE = {
    "4.1": """
        1 + ValidSignaturesTest1
        2 - InvalidCASignatureTest2
        3 - InvalidEESignatureTest3
        4 + ValidDSASignaturesTest4
        5 + ValidDSAParameterInheritanceTest5
        6 - InvalidDSASignatureTest6
    """,
    "4.2": """
        1 - InvalidCAnotBeforeDateTest1
        2 - InvalidEEnotBeforeDateTest2
        3 + Validpre2000UTCnotBeforeDateTest3
        4 + ValidGeneralizedTimenotBeforeDateTest4
        5 - InvalidCAnotAfterDateTest5
        6 - InvalidEEnotAfterDateTest6
        7 - Invalidpre2000UTCEEnotAfterDateTest7
        8 + ValidGeneralizedTimenotAfterDateTest8
    """,
    "4.3": """
        1 - InvalidNameChainingEETest1
        2 - InvalidNameChainingOrderTest2
        3 + ValidNameChainingWhitespaceTest3
        4 + ValidNameChainingWhitespaceTest4
        5 + ValidNameChainingCapitalizationTest5
        6 + ValidNameChainingUIDsTest6
        7 + ValidRFC3280MandatoryAttributeTypesTest7
        8 + ValidRFC3280OptionalAttributeTypesTest8
        9 + ValidUTF8StringEncodedNamesTest9
        10 + ValidRolloverfromPrintableStringtoUTF8StringTest10
        11 + ValidUTF8StringCaseInsensitiveMatchTest11
    """,
    "4.4": """
        1 - MissingCRLTest1
        2 - InvalidRevokedCATest2
        3 - InvalidRevokedEETest3
        4 - InvalidBadCRLSignatureTest4
        5 - InvalidBadCRLIssuerNameTest5
        6 - InvalidWrongCRLTest6
        7 + ValidTwoCRLsTest7
        8 - InvalidUnknownCRLEntryExtensionTest8
        9 - InvalidUnknownCRLExtensionTest9
        10 - InvalidUnknownCRLExtensionTest10
        11 - InvalidOldCRLnextUpdateTest11
        12 - Invalidpre2000CRLnextUpdateTest12
        13 + ValidGeneralizedTimeCRLnextUpdateTest13
        14 + ValidNegativeSerialNumberTest14
        15 - InvalidNegativeSerialNumberTest15
        16 + ValidLongSerialNumberTest16
        17 + ValidLongSerialNumberTest17
        18 - InvalidLongSerialNumberTest18
        19 + ValidSeparateCertificateandCRLKeysTest19
        20 - InvalidSeparateCertificateandCRLKeysTest20
        21 - InvalidSeparateCertificateandCRLKeysTest21
    """,
    "4.5": """
        1 + ValidBasicSelfIssuedOldWithNewTest1
        2 - InvalidBasicSelfIssuedOldWithNewTest2
        3 + ValidBasicSelfIssuedNewWithOldTest3
        4 + ValidBasicSelfIssuedNewWithOldTest4
        5 - InvalidBasicSelfIssuedNewWithOldTest5
        6 + ValidBasicSelfIssuedCRLSigningKeyTest6
        7 - InvalidBasicSelfIssuedCRLSigningKeyTest7
        8 - InvalidBasicSelfIssuedCRLSigningKeyTest8
    """,
    "4.6": """
        1 - InvalidMissingbasicConstraintsTest1
        2 - InvalidcAFalseTest2
        3 - InvalidcAFalseTest3
        4 + ValidbasicConstraintsNotCriticalTest4
        5 - InvalidpathLenConstraintTest5
        6 - InvalidpathLenConstraintTest6
        7 + ValidpathLenConstraintTest7
        8 + ValidpathLenConstraintTest8
        9 - InvalidpathLenConstraintTest9
        10 - InvalidpathLenConstraintTest10
        11 - InvalidpathLenConstraintTest11
        12 - InvalidpathLenConstraintTest12
        13 + ValidpathLenConstraintTest13
        14 + ValidpathLenConstraintTest14
        15 + ValidSelfIssuedpathLenConstraintTest15
        16 - InvalidSelfIssuedpathLenConstraintTest16
        17 + ValidSelfIssuedpathLenConstraintTest17
    """,
    "4.7": """
        1 - InvalidkeyUsageCriticalkeyCertSignFalseTest1
        2 - InvalidkeyUsageNotCriticalkeyCertSignFalseTest2
        3 + ValidkeyUsageNotCriticalTest3
        4 - InvalidkeyUsageCriticalcRLSignFalseTest4
        5 - InvalidkeyUsageNotCriticalcRLSignFalseTest5
    """,
    "4.8": """
        4 - DifferentPoliciesTest4
        5 - DifferentPoliciesTest5
        7 - DifferentPoliciesTest7
        8 - DifferentPoliciesTest8
        9 - DifferentPoliciesTest9
        12 - DifferentPoliciesTest12
        15 + UserNoticeQualifierTest15
        16 + UserNoticeQualifierTest16
        17 + UserNoticeQualifierTest17
        19 + UserNoticeQualifierTest19
        20 + CPSPointerQualifierTest20
    """,
    "4.9": """
        1 + ValidRequireExplicitPolicyTest1
        2 + ValidRequireExplicitPolicyTest2
        3 - InvalidRequireExplicitPolicyTest3
        4 + ValidRequireExplicitPolicyTest4
        5 - InvalidRequireExplicitPolicyTest5
        6 + ValidSelfIssuedrequireExplicitPolicyTest6
        7 - InvalidSelfIssuedrequireExplicitPolicyTest7
        8 - InvalidSelfIssuedrequireExplicitPolicyTest8
    """,
    "4.10": """
        4 - InvalidPolicyMappingTest4
        7 - InvalidMappingFromanyPolicyTest7
        8 - InvalidMappingToanyPolicyTest8
        9 + ValidPolicyMappingTest9
        10 - InvalidPolicyMappingTest10
        11 + ValidPolicyMappingTest11
        13 + ValidPolicyMappingTest13
        14 + ValidPolicyMappingTest14
    """,
    "4.11": """
        1 - InvalidinhibitPolicyMappingTest1
        2 + ValidinhibitPolicyMappingTest2
        3 - InvalidinhibitPolicyMappingTest3
        4 + ValidinhibitPolicyMappingTest4
        5 - InvalidinhibitPolicyMappingTest5
        6 - InvalidinhibitPolicyMappingTest6
        7 + ValidSelfIssuedinhibitPolicyMappingTest7
        8 - InvalidSelfIssuedinhibitPolicyMappingTest8
        9 - InvalidSelfIssuedinhibitPolicyMappingTest9
        10 - InvalidSelfIssuedinhibitPolicyMappingTest10
        11 - InvalidSelfIssuedinhibitPolicyMappingTest11
    """,
    "4.12": """
        1 - InvalidinhibitAnyPolicyTest1
        2 + ValidinhibitAnyPolicyTest2
        4 - InvalidinhibitAnyPolicyTest4
        5 - InvalidinhibitAnyPolicyTest5
        6 - InvalidinhibitAnyPolicyTest6
        7 + ValidSelfIssuedinhibitAnyPolicyTest7
        8 - InvalidSelfIssuedinhibitAnyPolicyTest8
        9 + ValidSelfIssuedinhibitAnyPolicyTest9
        10 - InvalidSelfIssuedinhibitAnyPolicyTest10
    """,
    "4.13": """
        1 + ValidDNnameConstraintsTest1
        2 - InvalidDNnameConstraintsTest2
        3 - InvalidDNnameConstraintsTest3
        4 + ValidDNnameConstraintsTest4
        5 + ValidDNnameConstraintsTest5
        6 + ValidDNnameConstraintsTest6
        7 - InvalidDNnameConstraintsTest7
        8 - InvalidDNnameConstraintsTest8
        9 - InvalidDNnameConstraintsTest9
        10 - InvalidDNnameConstraintsTest10
        11 + ValidDNnameConstraintsTest11
        12 - InvalidDNnameConstraintsTest12
        13 - InvalidDNnameConstraintsTest13
        14 + ValidDNnameConstraintsTest14
        15 - InvalidDNnameConstraintsTest15
        16 - InvalidDNnameConstraintsTest16
        17 - InvalidDNnameConstraintsTest17
        18 + ValidDNnameConstraintsTest18
        19 + ValidSelfIssuedDNnameConstraintsTest19
        20 - InvalidSelfIssuedDNnameConstraintsTest20
        21 + ValidRFC822nameConstraintsTest21
        22 - InvalidRFC822nameConstraintsTest22
        23 + ValidRFC822nameConstraintsTest23
        24 - InvalidRFC822nameConstraintsTest24
        25 + ValidRFC822nameConstraintsTest25
        26 - InvalidRFC822nameConstraintsTest26
        27 + ValidDNandRFC822nameConstraintsTest27
        28 - InvalidDNandRFC822nameConstraintsTest28
        29 - InvalidDNandRFC822nameConstraintsTest29
        30 + ValidDNSnameConstraintsTest30
        31 - InvalidDNSnameConstraintsTest31
        32 + ValidDNSnameConstraintsTest32
        33 - InvalidDNSnameConstraintsTest33
        34 + ValidURInameConstraintsTest34
        35 - InvalidURInameConstraintsTest35
        36 + ValidURInameConstraintsTest36
        37 - InvalidURInameConstraintsTest37
        38 - InvalidDNSnameConstraintsTest38
    """,
    "4.14": """
        1 + ValiddistributionPointTest1
        2 - InvaliddistributionPointTest2
        3 - InvaliddistributionPointTest3
        4 + ValiddistributionPointTest4
        5 + ValiddistributionPointTest5
        6 - InvaliddistributionPointTest6
        7 + ValiddistributionPointTest7
        8 - InvaliddistributionPointTest8
        9 - InvaliddistributionPointTest9
        10 + ValidNoissuingDistributionPointTest10
        11 - InvalidonlyContainsUserCertsCRLTest11
        12 - InvalidonlyContainsCACertsCRLTest12
        13 + ValidonlyContainsCACertsCRLTest13
        14 - InvalidonlyContainsAttributeCertsTest14
        15 - InvalidonlySomeReasonsTest15
        16 - InvalidonlySomeReasonsTest16
        17 - InvalidonlySomeReasonsTest17
        18 + ValidonlySomeReasonsTest18
        19 + ValidonlySomeReasonsTest19
        20 - InvalidonlySomeReasonsTest20
        21 - InvalidonlySomeReasonsTest21
        22 + ValidIDPwithindirectCRLTest22
        23 - InvalidIDPwithindirectCRLTest23
        24 + ValidIDPwithindirectCRLTest24
        25 + ValidIDPwithindirectCRLTest25
        26 - InvalidIDPwithindirectCRLTest26
        27 - InvalidcRLIssuerTest27
        28 + ValidcRLIssuerTest28
        29 + ValidcRLIssuerTest29
        30 + ValidcRLIssuerTest30
        31 - InvalidcRLIssuerTest31
        32 - InvalidcRLIssuerTest32
        33 + ValidcRLIssuerTest33
        34 - InvalidcRLIssuerTest34
        35 - InvalidcRLIssuerTest35
    """,
    "4.15": """
        1 - InvaliddeltaCRLIndicatorNoBaseTest1
        2 + ValiddeltaCRLTest2
        3 - InvaliddeltaCRLTest3
        4 - InvaliddeltaCRLTest4
        5 + ValiddeltaCRLTest5
        6 - InvaliddeltaCRLTest6
        7 + ValiddeltaCRLTest7
        8 + ValiddeltaCRLTest8
        9 - InvaliddeltaCRLTest9
        10 - InvaliddeltaCRLTest10
    """,
    "4.16": """
        1 + ValidUnknownNotCriticalCertificateExtensionTest1
        2 - InvalidUnknownCriticalCertificateExtensionTest2
    """,
}
"""Tests judged once, by section: number, whether the path validates (+) or not (-), mail."""

_SEVERAL: dict[str, tuple[str, tuple[tuple[PolicyRules, bool], ...]]] = {
    "4.8.1": ("AllCertificatesSamePolicyTest1", (
        (EXPLICIT, True),
        (wanted(1, explicit=True), True),
        (wanted(2, explicit=True), False),
        (wanted(1, 2, explicit=True), True),
    )),
    "4.8.2": ("AllCertificatesNoPoliciesTest2", ((ANY_POLICY, True), (EXPLICIT, False))),
    "4.8.3": ("DifferentPoliciesTest3", (
        (ANY_POLICY, True),
        (EXPLICIT, False),
        (wanted(1, 2, explicit=True), False),
    )),
    "4.8.6": ("OverlappingPoliciesTest6", (
        (ANY_POLICY, True), (wanted(1), True), (wanted(2), False),
    )),
    "4.8.10": ("AllCertificatesSamePoliciesTest10", (
        (ANY_POLICY, True), (wanted(1), True), (wanted(2), True),
    )),
    "4.8.11": ("AllCertificatesAnyPolicyTest11", ((ANY_POLICY, True), (wanted(1), True))),
    "4.8.13": ("AllCertificatesSamePoliciesTest13", (
        (wanted(1), True), (wanted(2), True), (wanted(3), True),
    )),
    "4.8.14": ("AnyPolicyTest14", ((wanted(1), True), (wanted(2), False))),
    "4.8.18": ("UserNoticeQualifierTest18", ((wanted(1), True), (wanted(2), True))),
    "4.10.1": ("ValidPolicyMappingTest1", (
        (wanted(1), True), (wanted(2), False), (UNMAPPED, False),
    )),
    "4.10.2": ("InvalidPolicyMappingTest2", ((ANY_POLICY, False), (UNMAPPED, False))),
    "4.10.3": ("ValidPolicyMappingTest3", ((wanted(1), False), (wanted(2), True))),
    "4.10.5": ("ValidPolicyMappingTest5", ((wanted(1), True), (wanted(6), False))),
    "4.10.6": ("ValidPolicyMappingTest6", ((wanted(1), True), (wanted(6), False))),
    "4.10.12": ("ValidPolicyMappingTest12", ((wanted(1), True), (wanted(2), True))),
    "4.12.3": ("inhibitAnyPolicyTest3", ((ANY_POLICY, True), (NOT_ANY, False))),
}  # fmt: skip
"""Tests with sub-cases: the inputs of each, and whether the path validates with them."""

_DEVIATIONS = {"4.1.4": _DSA, "4.1.5": _DSA}


def _cases() -> list[Case]:
    found = []
    for section, rows in _SINGLE.items():
        for row in rows.split("\n"):
            if row.strip():
                number, sign, mail = row.split()
                name = f"{section}.{number}"
                deviates = _DEVIATIONS.get(name, "")
                found.append(Case(name, f"Signed{mail}", sign == "+", ANY_POLICY, deviates))
    for test, (mail, inputs) in _SEVERAL.items():
        for at, (policies, valid) in enumerate(inputs, 1):
            found.append(Case(f"{test}.{at}", f"Signed{mail}", valid, policies))
    return found


CASES = _cases()
"""Every sub-case of the 224 tests."""
