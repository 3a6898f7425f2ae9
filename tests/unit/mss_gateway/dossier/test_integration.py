"""What an application objects to, by the codes of the national table."""

from dataclasses import replace

import pytest

from mss_gateway.dossier.errors import ImportCode
from mss_gateway.dossier.examination import ExaminationSettings
from mss_gateway.dossier.integration import is_archive, objection
from tests.support import xdm
from tests.support.xdm import CdaText, Entry, Subject

TESTS = ExaminationSettings(accept_test_ins=True)
SOUND = xdm.cda_document()
OTHER = "180127500100104^^^&1.2.250.1.213.1.4.10&ISO^NH"


def about(subject: Subject) -> bytes:
    return xdm.cda_document(CdaText(subject=subject))


def of(*entries: Entry) -> ImportCode | None:
    return objection(xdm.archive(list(entries)), TESTS)


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (Entry(SOUND), None),
        (Entry(SOUND, hash="0" * 40), ImportCode.OTHER),
        (Entry(SOUND, size="1"), ImportCode.OTHER),
        (Entry(SOUND, is_packed=False), ImportCode.OTHER),
        (Entry(about(Subject(oid="1.2.3"))), ImportCode.INS_ABSENT),
        (Entry(SOUND, patient_id=OTHER), ImportCode.INS_DIFFERS),
        (Entry(about(Subject(birth_date=""))), ImportCode.INS_INCOMPLETE),
        (Entry(about(Subject(birth_name=""))), ImportCode.INS_INCOMPLETE),
        (Entry(b"%PDF-1.4 x", mime_type="application/pdf"), None),
        (Entry(b"%PDF-1.4 x", patient_id="x"), ImportCode.INS_ABSENT),
    ],
)
def test_an_archive_is_judged_by_what_it_says_of_its_patient(
    entry: Entry, expected: ImportCode | None
) -> None:
    assert of(entry) is expected


def test_two_documents_of_two_patients_differ() -> None:
    second = replace(Entry(about(Subject(ins=OTHER[:15]))), uri="DOC0002.XML", patient_id=OTHER)
    assert of(Entry(SOUND), second) is ImportCode.INS_DIFFERS


def test_a_test_identity_counts_on_a_test_bench_only() -> None:
    archive = xdm.archive([Entry(SOUND)])
    assert objection(archive, ExaminationSettings()) is ImportCode.INS_ABSENT


def test_what_is_no_archive_is_not_looked_at() -> None:
    assert is_archive("ihe_xdm.zip", b"")
    assert is_archive("documents.zip", xdm.archive([Entry(SOUND)]))
    assert not is_archive("documents.zip", xdm.zip_of([("a.txt", b"a")]))
    assert objection(b"PK\x03\x04", TESTS) is ImportCode.OTHER


def test_a_set_of_another_patient_than_its_documents_differs() -> None:
    packed = xdm.archive([Entry(SOUND)], xdm.Layout(set_patient_id=OTHER))
    assert objection(packed, TESTS) is ImportCode.INS_DIFFERS


def test_an_archive_that_only_takes_back_is_for_the_application_to_judge() -> None:
    update = ("urn:uuid:1", "urn:oasis:names:tc:ebxml-regrep:StatusType:Deprecated")
    assert objection(xdm.archive([], xdm.Layout(updates=(update,))), TESTS) is None


def test_an_incomplete_identity_is_told_apart_from_an_absent_one() -> None:
    assert of(Entry(about(Subject(sex="")))) is ImportCode.INS_INCOMPLETE
    assert of(Entry(about(Subject(given="")))) is ImportCode.INS_INCOMPLETE
