"""Metadata of documents: derived from a CDA header as the CI-SIS says, or from what we know."""

import re
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from mss_gateway.dossier import cda
from mss_gateway.dossier.describing import (
    FileFacts,
    Owner,
    class_of,
    cx,
    describe_cda,
    describe_file,
    describe_set,
    dtm,
    format_of,
    oid_of,
)
from mss_gateway.dossier.documents import Category, known_types, type_for
from mss_gateway.dossier.identity import TEST_OIDS, Identifier, parse_cx
from mss_gateway.dossier.participants import Patient
from tests.support.health_documents import biology, summary, unstructured
from tests.support.xdm import CdaText, cda_document

NOW = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)
HEADER = cda.read_header(cda_document())
OWNER = Owner(HEADER.patient.ins(TEST_OIDS)[0], HEADER.patient)


def test_what_was_said_beside_the_header_holds_too() -> None:
    entry = describe_cda(
        HEADER, OWNER, is_masked=True, confidentiality=("R", "INVISIBLE_REPRESENTANTS_LEGAUX")
    )
    said = [one.code for one in entry.confidentiality]
    assert said == ["R", "MASQUE_PS", "INVISIBLE_REPRESENTANTS_LEGAUX"]


def test_a_cda_describes_itself() -> None:
    entry = describe_cda(HEADER, OWNER)

    assert entry.title == "Compte rendu d'analyses"
    assert entry.type_code.code == "11502-2"
    assert (entry.class_code.code, entry.class_code.display) == ("10", "Compte rendu")
    assert entry.creation_time == "20261120083000"
    assert (entry.service_start_time, entry.service_stop_time) == (
        "20261119071500",
        "20261119080000",
    )
    assert entry.language_code == "fr-FR"
    assert entry.unique_id == "1.2.250.1.999.7.1"
    assert entry.version == "1"
    assert entry.patient_id == "279035121518989^^^&1.2.250.1.213.1.4.10&ISO^NH"
    assert entry.source_patient_id == "0000000001^^^&1.2.3.4.567.8.9.10&ISO^PI"
    assert entry.source_patient_info == (
        "PID-5|PAT-TROIS^DOMINIQUE^^^^^L",
        "PID-7|19790328",
        "PID-8|F",
    )
    (author,) = entry.authors
    assert author.person == ("899999999991^FICTIVE^Claire^^^^^^&1.2.250.1.71.4.2.1&ISO^D^^^IDNPS")
    assert author.institutions == (
        "Laboratoire des Essais^^^^^&1.2.250.1.71.4.2.2&ISO^IDNST^^^1999999999",
    )
    assert author.specialty == "G15_10/SM03^Médecin^1.2.250.1.213.1.1.4.5"
    assert entry.legal_authenticator == author.person
    assert [one.code for one in entry.confidentiality] == ["N"]


def test_each_writing_has_its_own_id_and_all_versions_one_logical_id() -> None:
    newer = cda.read_header(cda_document(CdaText(unique_id="1.2.9", version="2")))

    first, again, second = (describe_cda(one, OWNER) for one in (HEADER, HEADER, newer))

    assert len({first.entry_uuid, again.entry_uuid, second.entry_uuid}) == 3
    assert first.logical_id == again.logical_id == second.logical_id
    assert re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", first.logical_id)


def test_what_a_header_leaves_open_is_said_to_be_open() -> None:
    entry = describe_cda(HEADER, OWNER)

    assert entry.facility.display == "Secteur non défini"
    assert entry.practice_setting.code == "AMBULATOIRE"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (biology(), "urn:ihe:lab:xd-lab:2008"),
        (summary(), "urn:asip:ci-sis:vsm:2012"),
        (unstructured(), "urn:ihe:iti:xds-sd:pdf:2008"),
        (unstructured(body_type="text/plain"), "urn:ihe:iti:xds-sd:text:2008"),
        (unstructured(body_type="image/tiff"), "urn:ihe:iti-fr:xds-sd:tiff:2010"),
        (unstructured(body_type="application/x-new"), "urn:ihe:iti:xds:2017:mimeTypeSufficient"),
        (cda_document(), "urn:ihe:iti:xds:2017:mimeTypeSufficient"),
    ],
)
def test_formats(content: bytes, expected: str) -> None:
    assert format_of(cda.read_header(content)).code == expected


def test_every_type_has_a_class_with_a_name() -> None:
    for code, known in known_types().items():
        found = class_of(code, known.category.value)
        assert found.display, code
        assert found.system == "1.2.250.1.213.1.1.4.1"


@pytest.mark.parametrize(
    ("code", "category", "expected"),
    [
        ("11502-2", "", "10"),
        ("18748-4", "", "31"),
        ("57833-6", "", "42"),
        ("REMB", "", "60"),
        ("DOCPAT09", "", "95"),
        ("101881-1", "", "42"),  # too young for the table: that of its category
        ("unknown", "DOCPAT04", "31"),
        ("unknown", "", "10"),
    ],
)
def test_classes(code: str, category: str, expected: str) -> None:
    assert class_of(code, category).code == expected


def test_a_file_of_somebody_else_names_them() -> None:
    facts = FileFacts(
        "application/pdf",
        type_for(Category.REPORT),
        "CR",
        "2.25.1",
        NOW,
        author="Dr Claire ^FICTIVE&",
        organisation="Clinique",
    )

    entry = describe_file(facts, OWNER, is_masked=True)

    assert entry.authors[0].person == "^Dr Claire FICTIVE"
    assert entry.authors[0].institutions == ("Clinique",)
    assert entry.facility.display == "Secteur non défini"
    assert [one.code for one in entry.confidentiality] == ["N", "MASQUE_PS"]
    assert entry.service_start_time == "20261122200000"


def test_a_married_name_stands_beside_that_of_birth() -> None:
    owner = replace(OWNER, patient=replace(OWNER.patient, used_name="FICTIVE"))
    facts = FileFacts("application/pdf", type_for(Category.REPORT), "CR", "2.25.1", NOW)

    assert describe_file(facts, owner).source_patient_info[:2] == (
        "PID-5|PAT-TROIS^DOMINIQUE^^^^^L",
        "PID-5|FICTIVE^DOMINIQUE^^^^^D",
    )


def test_traits_that_are_not_known_are_not_told() -> None:
    owner = replace(OWNER, patient=Patient((), birth_name="FICTIVE"))
    facts = FileFacts("application/pdf", type_for(Category.REPORT), "CR", "2.25.1", NOW)

    assert describe_file(facts, owner).source_patient_info == ("PID-5|FICTIVE^^^^^^L",)


def test_the_set_is_the_patients() -> None:
    said = describe_set(OWNER, "Mes documents", NOW, "1.2.250.1.999.8")

    assert said.content_type.code == "EXP_PATIENT"
    assert said.submission_time == "20261122200000"
    assert said.source_id == "1.2.250.1.999.8"
    assert said.unique_id.startswith("2.25.")
    assert said.authors[0].person.startswith("279035121518989^PAT-TROIS^DOMINIQUE^")


def test_identifiers_are_written_as_they_are_read() -> None:
    one = Identifier("279035121518989", "1.2.250.1.213.1.4.8")

    assert parse_cx(cx(one, "NH")) == one


def test_times_are_utc() -> None:
    paris = datetime(2026, 11, 22, 0, 30, tzinfo=timezone(timedelta(hours=1)))

    assert dtm(paris) == "20261121233000"
    assert dtm(None) == ""


def test_a_uuid_has_an_oid() -> None:
    assert oid_of(uuid.UUID(int=5)) == "2.25.5"
