"""What is refused before a patient receives it, as a table of what a sender may have done."""

from dataclasses import replace

import pytest

from mss_gateway.dossier import xdm
from mss_gateway.dossier.errors import ImportCode
from mss_gateway.dossier.examination import (
    ExaminationSettings,
    archive_patient_ins,
    cda_codes,
    examine_attachment,
    headers_of,
    is_ins_qualified,
)
from mss_gateway.dossier.identity import accepted_oids
from mss_gateway.failures import Failure
from tests.support.people import ins
from tests.support.xdm import (
    INS_OID,
    CdaText,
    Layout,
    Subject,
    archive,
    archive_of,
    cda_document,
    entry_for,
    zip_of,
)

TEST = ExaminationSettings(accept_test_ins=True)
THEIRS = frozenset({"279035121518989"})
OTHER = Subject(ins=ins(), birth_name="AUTRE")
CDA = cda_document()
OTHER_CDA = cda_document(CdaText(subject=OTHER))


def _judged(name: str, content: bytes, settings: ExaminationSettings = TEST) -> set[str]:
    return {one.failure.name for one in examine_attachment(name, content, THEIRS, settings)}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (archive_of(CDA), set()),
        (archive_of(CDA, cda_document(CdaText(unique_id="1.2.9"))), set()),
        (b"not a zip", {"XDM_UNREADABLE"}),
        (zip_of([("photo.jpg", b"x")]), {"XDM_UNREADABLE"}),
        (archive([entry_for(CDA).with_content(CDA + b" ")]), {"XDM_HASH_MISMATCH"}),
        (archive_of(OTHER_CDA), {"XDM_WRONG_PATIENT"}),
        (archive([entry_for(OTHER_CDA, patient_id=Subject().cx)]), {"XDM_WRONG_PATIENT"}),
        (archive([entry_for(CDA, patient_id=OTHER.cx)]), {"XDM_WRONG_PATIENT"}),
        (archive([entry_for(CDA)], Layout(set_patient_id=OTHER.cx)), {"XDM_WRONG_PATIENT"}),
        (archive_of(CDA, OTHER_CDA), {"XDM_WRONG_PATIENT"}),
        (
            archive([entry_for(CDA, patient_id="0000000001^^^&1.2.3.4&ISO^PI")]),
            {"XDM_WRONG_PATIENT"},
        ),
        (
            archive([entry_for(CDA, confidentiality=("N", "INVISIBLE_PATIENT"))]),
            {"XDM_HIDDEN_FROM_PATIENT"},
        ),
        (
            archive(
                [
                    entry_for(
                        cda_document(CdaText(confidentiality=("N", "INVISIBLE_PATIENT"))),
                        confidentiality=("N",),
                    )
                ]
            ),
            {"XDM_HIDDEN_FROM_PATIENT"},
        ),
        (archive([entry_for(CDA, confidentiality=("R", "MASQUE_PS"))]), set()),
        (
            archive_of(
                cda_document(CdaText(subject=OTHER, confidentiality=("INVISIBLE_PATIENT",)))
            ),
            {"XDM_WRONG_PATIENT", "XDM_HIDDEN_FROM_PATIENT"},
        ),
    ],
    ids=[
        "sound",
        "two-sound",
        "not-a-zip",
        "not-an-xdm",
        "altered",
        "other-patient",
        "other-patient-in-cda",
        "other-patient-in-metadata",
        "other-patient-in-set",
        "one-of-two-other-patient",
        "no-ins-in-metadata",
        "hidden-in-metadata",
        "hidden-in-cda",
        "masked-to-professionals",
        "other-and-hidden",
    ],
)
def test_archives(content: bytes, expected: set[str]) -> None:
    assert _judged("IHE_XDM.ZIP", content) == expected


def test_findings_name_failures_of_the_one_vocabulary() -> None:
    (finding,) = examine_attachment("IHE_XDM.ZIP", b"", THEIRS, TEST)

    assert finding.failure is Failure.XDM_UNREADABLE
    assert finding.code is ImportCode.OTHER


def test_codes_of_integration_tell_absent_from_different() -> None:
    absent = archive([entry_for(CDA, patient_id="1^^^&1.2.3.4&ISO^PI")], Layout(set_patient_id=""))

    codes = {one.code for one in examine_attachment("IHE_XDM.ZIP", absent, THEIRS, TEST)}
    other = {
        one.code for one in examine_attachment("IHE_XDM.ZIP", archive_of(OTHER_CDA), THEIRS, TEST)
    }

    assert codes == {ImportCode.INS_ABSENT}
    assert other == {ImportCode.INS_DIFFERS}


def test_an_xdm_under_another_name_is_judged_all_the_same() -> None:
    assert _judged("analyses.zip", archive_of(OTHER_CDA)) == {"XDM_WRONG_PATIENT"}


@pytest.mark.parametrize(
    ("name", "content"),
    [("photos.zip", zip_of([("a.jpg", b"x")])), ("cr.pdf", b"%PDF-1.4"), ("a.txt", b"bonjour")],
)
def test_other_attachments_are_not_our_business(name: str, content: bytes) -> None:
    assert _judged(name, content) == set()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (CDA, set()),
        (OTHER_CDA, {"XDM_WRONG_PATIENT"}),
        (
            cda_document(CdaText(confidentiality=("INVISIBLE_PATIENT",))),
            {"XDM_HIDDEN_FROM_PATIENT"},
        ),
        (CDA.replace(b'root="1.2.250.1.213.1.4.10"', b'root="1.2.3.9"'), set()),
        (
            CDA.replace(b"<ClinicalDocument", b"<!DOCTYPE a><ClinicalDocument", 1),
            {"XDM_UNREADABLE"},
        ),
        (CDA.replace(b"structuredBody", b"otherBody"), {"XDM_UNREADABLE"}),
    ],
    ids=["sound", "other-patient", "hidden", "names-nobody", "doctype", "no-body"],
)
def test_a_cda_outside_any_archive(content: bytes, expected: set[str]) -> None:
    assert _judged("cr.xml", content) == expected


def test_a_cda_that_cannot_be_read_makes_its_archive_unreadable() -> None:
    doctype = CDA.replace(b"<ClinicalDocument", b"<!DOCTYPE a><ClinicalDocument", 1)
    entry = entry_for(CDA)
    lying = replace(entry, content=doctype)

    assert _judged("IHE_XDM.ZIP", archive([lying])) == {"XDM_UNREADABLE"}


def test_an_archive_may_hold_files_that_are_no_cda() -> None:
    pdf = replace(
        entry_for(CDA), content=b"%PDF-1.4", uri="DOC0001.PDF", mime_type="application/pdf"
    )

    assert _judged("IHE_XDM.ZIP", archive([pdf])) == set()


def test_test_identities_are_refused_in_production() -> None:
    production = ExaminationSettings()
    real = cda_document(CdaText(subject=Subject(oid=INS_OID)))

    assert _judged("IHE_XDM.ZIP", archive_of(CDA), production) == {"XDM_WRONG_PATIENT"}
    assert _judged("IHE_XDM.ZIP", archive_of(real), production) == set()


def test_every_recipient_must_be_the_patient() -> None:
    both = THEIRS | {OTHER.ins}

    findings = examine_attachment("IHE_XDM.ZIP", archive_of(CDA), both, TEST)

    assert {one.failure for one in findings} == {Failure.XDM_WRONG_PATIENT}


def test_without_a_recipient_nobody_is_the_patient() -> None:
    assert examine_attachment("IHE_XDM.ZIP", archive_of(CDA), frozenset(), TEST)


def test_corsican_letters_compare_without_case() -> None:
    corsican = ins(department="2A", commune=1)
    written = archive_of(cda_document(CdaText(subject=Subject(ins=corsican))))

    recipients = frozenset({corsican.lower()})

    assert examine_attachment("IHE_XDM.ZIP", written, recipients, TEST) == ()


def test_what_the_headers_of_the_message_must_say() -> None:
    prescription = CdaText(type_code="PRESC-BIO", unique_id="1.2.9")
    read = xdm.examine(archive_of(CDA, cda_document(prescription), cda_document(prescription)))
    oids = accepted_oids(accept_test_ins=True)

    headers = headers_of(read)
    assert cda_codes(headers) == ("11502-2", "PRESC-BIO")
    assert is_ins_qualified(headers, oids)
    assert not is_ins_qualified(headers, accepted_oids(accept_test_ins=False))
    assert archive_patient_ins(read, oids) == {"279035121518989"}


def test_without_traits_the_identity_is_not_qualified() -> None:
    written = CDA.replace(b'<birthTime value="19790328"/>', b"")

    read = xdm.examine(archive([replace(entry_for(CDA), content=written)]))

    assert not is_ins_qualified(headers_of(read), accepted_oids(accept_test_ins=True))


@pytest.mark.parametrize("code", ["INVISIBLE_PATIENT", "invisible_patient", " INVISIBLE_PATIENT "])
def test_the_flag_that_hides_is_known_however_it_is_written(code: str) -> None:
    hidden = archive([entry_for(CDA, confidentiality=("N", code))])

    assert _judged("IHE_XDM.ZIP", hidden) == {"XDM_HIDDEN_FROM_PATIENT"}


def test_a_hidden_section_hides_its_document() -> None:
    flag = b'<confidentialityCode code="INVISIBLE_PATIENT" codeSystem="1.2.250.1.213.1.1.4.13"/>'
    hidden = CDA.replace(b"<section><title>", b"<section>" + flag + b"<title>", 1)
    assert hidden != CDA

    assert _judged("cr.xml", hidden) == {"XDM_HIDDEN_FROM_PATIENT"}


@pytest.mark.parametrize(
    ("patient_id", "expected"),
    [
        (Subject().cx, set()),
        (OTHER.cx, {ImportCode.INS_DIFFERS}),
        ("", {ImportCode.INS_ABSENT}),
    ],
)
def test_an_archive_that_only_takes_back_says_whose_documents_these_are(
    patient_id: str, expected: set[ImportCode]
) -> None:
    update = ("urn:uuid:1", "urn:oasis:names:tc:ebxml-regrep:StatusType:Deprecated")
    packed = archive([], Layout(set_patient_id=patient_id, updates=(update,)))

    codes = {one.code for one in examine_attachment("IHE_XDM.ZIP", packed, THEIRS, TEST)}

    assert codes == expected
