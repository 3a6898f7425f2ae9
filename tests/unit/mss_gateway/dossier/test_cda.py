"""CDA headers: what is read, and what is tolerated in what is missing."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from mss_gateway.dossier import cda
from mss_gateway.dossier.errors import CdaUnreadable
from mss_gateway.dossier.identity import Identifier
from tests.support.health_documents import imaging, section
from tests.support.xdm import CdaText, cda_document

PARIS = timezone(timedelta(hours=1))


def test_the_header_says_who_wrote_what_about_whom() -> None:
    header = cda.read_header(cda_document(CdaText(replaces="1.2.250.1.999.7.0")))

    assert header.title == "Compte rendu d'analyses"
    assert (header.type.code, header.type.system) == ("11502-2", "2.16.840.1.113883.6.1")
    assert header.effective_time == datetime(2026, 11, 20, 9, 30, tzinfo=PARIS)
    assert header.service_start == datetime(2026, 11, 19, 8, 15, tzinfo=PARIS)
    assert header.service_stop == datetime(2026, 11, 19, 9, 0, tzinfo=PARIS)
    assert header.language == "fr-FR"
    assert [one.code for one in header.confidentiality] == ["N"]
    assert header.unique_id == "1.2.250.1.999.7.1"
    assert (header.set_id, header.version) == ("1.2.250.1.999.7", "1")
    assert header.templates == ("1.2.250.1.213.1.1.1.1",)
    assert header.replaces == ("1.2.250.1.999.7.0",)
    (author,) = header.authors
    assert author.display == "Dr Claire FICTIVE"
    assert author.organisation == "Laboratoire des Essais"
    assert author.specialty.code == "G15_10/SM03"
    assert header.custodian == "Laboratoire des Essais"
    assert header.custodian_ids == (Identifier("1999999999", "1.2.250.1.71.4.2.2"),)


def test_the_patient_is_read_with_ins_and_traits() -> None:
    patient = cda.read_header(cda_document()).patient

    assert patient.ins(frozenset({"1.2.250.1.213.1.4.10"})) == (
        Identifier("279035121518989", "1.2.250.1.213.1.4.10"),
    )
    assert patient.ins(frozenset({"1.2.250.1.213.1.4.8"})) == ()
    assert (patient.birth_name, patient.first_given) == ("PAT-TROIS", "DOMINIQUE")
    assert (patient.birth_date, patient.sex) == ("19790328", "F")
    assert patient.has_traits


@pytest.mark.parametrize(
    "removed",
    [
        b'<family qualifier="BR">PAT-TROIS</family>',
        b'<given qualifier="BR">DOMINIQUE</given>',
        b'<birthTime value="19790328"/>',
        b'<administrativeGenderCode code="F" codeSystem="2.16.840.1.113883.5.1"/>',
    ],
)
def test_without_one_trait_the_identity_is_not_qualified(removed: bytes) -> None:
    written = cda_document()
    assert removed in written

    header = cda.read_header(written.replace(removed, b""))

    assert not header.patient.has_traits


def test_an_n1_gives_its_embedded_file_byte_for_byte() -> None:
    pdf = b"%PDF-1.4\n" + bytes(range(256)) * 10

    header = cda.read_header(cda_document(CdaText(pdf=pdf)))

    assert header.level == "N1"
    assert header.body == cda.Embedded("application/pdf", pdf)


def test_an_n3_gives_the_copy_that_it_carries() -> None:
    written = cda_document(CdaText(copy=b"%PDF-1.4 copy"))

    assert cda.read_header(written).level == "N3"
    assert cda.read_header(written).body is None
    assert cda.media(written) == (cda.Embedded("application/pdf", b"%PDF-1.4 copy", "doc-1"),)


def test_an_n1_of_plain_text_gives_its_text() -> None:
    written = cda_document(CdaText(pdf=b"x")).replace(
        b'<text mediaType="application/pdf" representation="B64">eA==\n</text>',
        "<text>Bonjour à vous</text>".encode(),
    )

    assert cda.read_header(written).body == cda.Embedded("text/plain", "Bonjour à vous".encode())


@pytest.mark.parametrize("carried", [b"", b"  ", b"@@@@", b"eA", b'<reference value="x.pdf"/>'])
def test_an_n1_whose_file_is_absent_or_not_base64_has_no_body(carried: bytes) -> None:
    written = cda_document(CdaText(pdf=b"x")).replace(b"eA==\n", carried)

    header = cda.read_header(written)

    assert header.level == "N1"
    assert header.body is None


def test_a_device_that_wrote_is_shown_by_its_organisation() -> None:
    written = cda_document()
    start = written.index(b"<assignedPerson>")
    stop = written.index(b"</assignedPerson>") + len(b"</assignedPerson>")
    device = b"<assignedAuthoringDevice><softwareName>SGL</softwareName></assignedAuthoringDevice>"

    with_organisation = cda.read_header(written[:start] + device + written[stop:])
    organisation = written[
        written.index(b"<representedOrganization>") : written.index(b"</assignedAuthor>")
    ]
    alone = cda.read_header((written[:start] + device + written[stop:]).replace(organisation, b""))

    assert with_organisation.authors[0].display == "Laboratoire des Essais"
    assert alone.authors[0].display == "SGL"


def test_without_a_title_the_type_names_the_document() -> None:
    written = cda_document().replace(b"<title>Compte rendu d'analyses</title>", b"", 1)

    assert cda.read_header(written).title == "CR d'examens biologiques"


def test_the_encounter_dates_the_act_when_no_service_does() -> None:
    written = cda_document()
    start = written.index(b"<documentationOf>")
    stop = written.index(b"</documentationOf>") + len(b"</documentationOf>")
    encounter = (
        b"<componentOf><encompassingEncounter><effectiveTime>"
        b'<low value="20260102"/></effectiveTime></encompassingEncounter></componentOf>'
    )

    header = cda.read_header(written[:start] + encounter + written[stop:])

    assert header.service_start == datetime(2026, 1, 2, tzinfo=UTC)
    assert header.service_stop is None


@pytest.mark.parametrize(
    "written",
    [
        b"",
        b"%PDF-1.4",
        b"<html/>",
        b"<ClinicalDocument/>",
        b'<ClinicalDocument xmlns="urn:hl7-org:v2"/>',
        b'<a><ClinicalDocument xmlns="urn:hl7-org:v3"/></a>',
    ],
)
def test_what_is_not_a_cda_is_not_taken_for_one(written: bytes) -> None:
    assert not cda.is_cda(written)
    assert cda.header_if_cda(written) is None
    with pytest.raises(CdaUnreadable):
        cda.read_header(written)


def test_a_cda_is_known_by_its_root_whatever_prefix_or_encoding() -> None:
    written = cda_document()
    prefixed = written.replace(
        b"<ClinicalDocument xmlns=", b"<c:ClinicalDocument xmlns:c="
    ).replace(b"</ClinicalDocument>", b"</c:ClinicalDocument>")

    assert cda.is_cda(written)
    assert cda.is_cda(prefixed)
    assert cda.is_cda(("\ufeff" + written.decode().partition("?>")[2]).encode("utf-16-le"))


@pytest.mark.parametrize(
    ("written", "without"),
    [
        (b'<id root="1.2.250.1.999.7.1"/>', b""),
        (b'code="11502-2"', b'nullFlavor="UNK"'),
        (b"patientRole>", b"otherRole>"),
        (b"structuredBody>", b"otherBody>"),
    ],
    ids=["id", "type", "patient", "body"],
)
def test_a_cda_without_what_matters_cannot_be_read(written: bytes, without: bytes) -> None:
    document = cda_document()
    assert written in document

    with pytest.raises(CdaUnreadable):
        cda.read_header(document.replace(written, without))


def test_a_doctype_before_a_cda_is_an_error_not_a_shrug() -> None:
    written = cda_document().replace(b"<ClinicalDocument", b"<!DOCTYPE x><ClinicalDocument", 1)

    assert not cda.is_cda(written)
    with pytest.raises(CdaUnreadable):
        cda.header_if_cda(written)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (b"<prefix>M</prefix><given>Paul</given><family>ESSAI</family>", "M. Paul ESSAI"),
        (b"<family>ESSAI</family><given>Paul</given><suffix>PR</suffix>", "Pr Paul ESSAI"),
        (b"<given>Paul</given><given>Louis</given><family>ESSAI</family>", "Paul ESSAI"),
        (b"Docteur Paul Essai", "Docteur Paul Essai"),
    ],
)
def test_names_are_written_as_people_read_them(written: bytes, expected: str) -> None:
    whole = b"<prefix>MME</prefix><given>Claire</given>"
    document = cda_document()
    start = document.index(whole)
    stop = document.index(b"</name></assignedPerson>")

    header = cda.read_header(document[:start] + written + document[stop:])

    assert header.authors[0].display == expected


def test_who_answers_where_and_what_was_done() -> None:
    setting = b'<standardIndustryClassCode code="AMBULATOIRE" codeSystem="1.2.250.1.213.1.1.4.9"/>'
    answers = (
        b'<legalAuthenticator><assignedEntity><id root="1.2.250.1.71.4.2.1" extension="8999"/>'
        b"<assignedPerson><name><given>Paul</given><family>ESSAI</family></name></assignedPerson>"
        b"<representedOrganization><name>Clinique</name>" + setting + b"</representedOrganization>"
        b"</assignedEntity></legalAuthenticator>"
    )
    where = (
        b"<componentOf><encompassingEncounter><location><healthCareFacility>"
        b'<code code="SA25" codeSystem="1.2.250.1.71.4.2.4"/></healthCareFacility></location>'
        b"</encompassingEncounter></componentOf>"
    )
    written = (
        cda_document()
        .replace(
            b"<documentationOf><serviceEvent>",
            answers + b'<documentationOf><serviceEvent><code code="18719-5" codeSystem="1.2.3"/>',
        )
        .replace(b"<component><structuredBody>", where + b"<component><structuredBody>")
    )

    header = cda.read_header(written)

    assert header.legal_authenticator is not None
    assert header.legal_authenticator.display == "Paul ESSAI"
    assert (header.legal_authenticator.family, header.legal_authenticator.given) == (
        "ESSAI",
        "Paul",
    )
    assert header.facility.code == "SA25"
    assert header.practice_setting.code == "AMBULATOIRE"
    assert [one.code for one in header.events] == ["18719-5"]
    assert header.authors[0].ids == (Identifier("899999999991", "1.2.250.1.71.4.2.1"),)
    assert (header.authors[0].family, header.authors[0].given) == ("FICTIVE", "Claire")


def test_a_header_that_does_not_say_leaves_it_open() -> None:
    header = cda.read_header(cda_document())

    assert header.legal_authenticator is None
    assert (header.facility.code, header.practice_setting.code, header.events) == ("", "", ())


def test_the_copy_that_a_document_carries_of_itself_is_told_from_other_files() -> None:
    other = (
        '<entry><observationMedia ID="x"><value mediaType="application/pdf" representation="B64">'
        "JVBERi0xLjQgb3RoZXI=</value></observationMedia></entry>"
    )
    text = CdaText(copy=b"%PDF-1.4 copy", structured=section("Documents liés", "t", other))
    written = cda_document(text)

    assert len(cda.media(written)) == 2
    assert [one.content for one in cda.copies(written)] == [b"%PDF-1.4 copy"]
    assert [one.content for one in cda.copies(cda_document(CdaText(pdf=b"%PDF-1.4")))] == [
        b"%PDF-1.4"
    ]
    assert cda.copies(cda_document(CdaText(pdf=b"x", body_type="text/plain"))) == ()
    assert cda.copies(imaging()) == ()


def test_a_part_of_a_name_without_a_letter_is_none() -> None:
    written = cda_document(CdaText(author_given=".", author_family="Assurance Maladie"))

    assert cda.read_header(written).authors[0].display == "Dr Assurance Maladie"


def test_codes_of_any_section_restrict_the_document() -> None:
    flag = b'<confidentialityCode code="MASQUE_PS" codeSystem="1.2.250.1.213.1.1.4.13"/>'
    written = cda_document().replace(b"<section><title>", b"<section>" + flag + b"<title>", 1)

    assert [one.code for one in cda.read_header(written).confidentiality] == ["N", "MASQUE_PS"]
