"""The table of document types is whole, and documents survive being written down."""

from dataclasses import replace

import pytest

from mss_gateway.dossier.documents import (
    MAX_TITLE,
    Category,
    Document,
    DocumentId,
    Provenance,
    State,
    display_title,
    from_json,
    known_types,
    new_document_id,
    title_of_file,
    to_json,
    type_for,
    type_of,
)
from mss_gateway.dossier.rim import Coded


def test_every_type_has_a_label_a_terminology_and_a_category() -> None:
    types = known_types()

    assert len(types) == 114
    assert all(one.label and one.system and one.code == code for code, one in types.items())
    assert {one.category for one in types.values()} == set(Category)


def test_every_category_has_a_label_and_its_own_deposit_type() -> None:
    assert [one.label for one in Category] == [
        "Synthèses",
        "Traitements et soins",
        "Comptes rendus",
        "Imagerie",
        "Biologie",
        "Prévention",
        "Certificats",
        "Profil médical",
        "Documents administratifs",
    ]
    assert all(type_for(one).category is one for one in Category)


@pytest.mark.parametrize(
    ("code", "category"),
    [
        ("11502-2", Category.BIOLOGY),
        ("18748-4", Category.IMAGING),
        ("11490-0", Category.SYNTHESIS),
        ("SYNTH", Category.SYNTHESIS),
        ("57833-6", Category.TREATMENT),
        ("34112-3", Category.REPORT),
        ("87273-9", Category.PREVENTION),
        ("89601-9", Category.CERTIFICATE),
        ("REMB", Category.ADMINISTRATIVE),
        ("DOCPAT08", Category.PROFILE),
    ],
)
def test_a_code_decides_the_category(code: str, category: Category) -> None:
    assert type_of(Coded(code)).category is category


def test_an_unknown_code_keeps_its_own_label_among_the_reports() -> None:
    unknown = type_of(Coded("99999-9", "2.16.840.1.113883.6.1", "Type à venir"))

    assert (unknown.label, unknown.category) == ("Type à venir", Category.REPORT)
    assert type_of(Coded("99999-9")).label == "99999-9"


def test_ids_are_128_random_bits() -> None:
    ids = {new_document_id() for _ in range(100)}

    assert len(ids) == 100
    assert all(len(one) == 32 and int(one, 16) >= 0 for one in ids)


def test_a_document_survives_being_written_down() -> None:
    document = Document(
        document_id=DocumentId("0" * 32),
        account_id=7,
        digest="ab" * 32,
        size=3,
        media_type="text/xml",
        cda_level="N3",
        type=type_of(Coded("11502-2")),
        title="Résultats d'analyses",
        author="Dr Claire FICTIVE",
        organisation="Laboratoire des Essais",
        document_date=1_790_000_000,
        unique_id="1.2.3",
        set_id="1.2",
        version="2",
        replaces=("1.2.2",),
        keepers=("1.2.250.1.71.4.2.2^1",),
        confidentiality=("N", "MASQUE_PS"),
        provenance=Provenance("REF", "2", "A/B.XML", "Dr X", "x@mss.example", "verified", 1),
        filed_at=2,
    )

    assert from_json(to_json(document)) == document
    changed = replace(document, state=State.WITHDRAWN, is_masked=True, revision=3)
    assert from_json(to_json(changed)) == document


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("compte rendu.pdf", "compte rendu.pdf"),
        ("Médicaments et/ou dispositifs", "Médicaments et/ou dispositifs"),
        ("a\u202egpj.exe", "agpj.exe"),
        ("a\0b\r\nc", "ab c"),
        ("\u200b\ufeff", "Document"),
        ("", "Document"),
        ("e\u0301te\u0301", "été"),
        ("  beaucoup   de\tblancs ", "beaucoup de blancs"),
    ],
)
def test_names_are_made_safe_to_show(name: str, shown: str) -> None:
    assert display_title(name) == shown


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("compte rendu.pdf", "compte rendu"),
        ("../../etc/passwd", "passwd"),
        ("C:\\temp\\a.pdf", "a"),
        ("dossier/", "Document"),
        (".pdf", ".pdf"),
        ("Dr. Martin", "Dr. Martin"),
    ],
)
def test_a_file_is_titled_by_its_name_without_path_and_extension(name: str, shown: str) -> None:
    assert title_of_file(name) == shown


def test_titles_are_bounded_at_the_edge() -> None:
    assert display_title("x" * MAX_TITLE) == "x" * MAX_TITLE
    assert display_title("x" * (MAX_TITLE + 1)) == "x" * MAX_TITLE
