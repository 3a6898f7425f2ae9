"""The head of a CDA in plain values."""

import pytest

from mss_gateway.dossier.errors import CdaUnreadable
from mss_gateway.dossier.heading import Signatory, heading_of
from tests.support.xdm import CdaText, Subject, cda_document


def test_who_wrote_what_about_whom_and_when() -> None:
    head = heading_of(cda_document())

    assert head.title == "Compte rendu d'analyses"
    assert head.type == "CR d'examens biologiques"
    assert (head.patient, head.birth_name) == ("DOMINIQUE PAT-TROIS", "")
    assert (head.birth_date, head.sex) == ("28/03/1979", "F")
    assert head.authors == (Signatory("Dr Claire FICTIVE", "Médecin", "Laboratoire des Essais"),)
    assert head.responsible is None
    assert head.custodian == "Laboratoire des Essais"
    assert head.created is not None
    assert head.acted_from is not None
    assert head.acted_until is None
    assert (head.version, head.is_replacing) == ("1", False)


def test_a_married_name_is_shown_with_that_of_birth() -> None:
    married = b'</given><family qualifier="CL">EPOUSE</family></name>'
    written = cda_document().replace(b"</given></name>", married, 1)

    head = heading_of(written)

    assert (head.patient, head.birth_name) == ("DOMINIQUE EPOUSE", "PAT-TROIS")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (CdaText(), False),
        (CdaText(version="2"), True),
        (CdaText(version="x"), False),
        (CdaText(replaces="1.2.3"), True),
    ],
)
def test_a_newer_version_says_that_it_replaces(text: CdaText, expected: bool) -> None:
    assert heading_of(cda_document(text)).is_replacing is expected


def test_an_act_of_several_days_has_an_end() -> None:
    written = cda_document().replace(b'<high value="20261119', b'<high value="20261125')

    assert heading_of(written).acted_until is not None


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (b"<given>Claire</given><family>Fictive</family><suffix>DR</suffix>", None),
        (b"<given>Paul</given><family>ESSAI</family>", Signatory("Paul ESSAI", "", "Clinique")),
    ],
)
def test_who_answers_is_named_where_it_is_not_the_author(
    name: bytes, expected: Signatory | None
) -> None:
    answers = (
        b"<legalAuthenticator><assignedEntity><assignedPerson><name>"
        + name
        + b"</name></assignedPerson><representedOrganization><name>Clinique</name>"
        b"</representedOrganization></assignedEntity></legalAuthenticator><documentationOf>"
    )

    head = heading_of(cda_document().replace(b"<documentationOf>", answers, 1))

    assert head.responsible == expected


def test_recipients_are_named_once() -> None:
    one = (
        b"<informationRecipient><intendedRecipient><informationRecipient><name><given>Anne</given>"
        b"<family>ESSAI</family></name></informationRecipient><receivedOrganization><name>Cabinet"
        b"</name></receivedOrganization></intendedRecipient></informationRecipient>"
    )

    head = heading_of(cda_document().replace(b"<custodian>", one * 2 + b"<custodian>", 1))

    assert head.recipients == ("Anne ESSAI - Cabinet",)


def test_what_is_written_for_a_date_is_shown_as_it_is() -> None:
    assert (
        heading_of(cda_document(CdaText(subject=Subject(birth_date="1979")))).birth_date == "1979"
    )


def test_what_is_no_cda_has_no_heading() -> None:
    with pytest.raises(CdaUnreadable):
        heading_of(b"<html/>")
