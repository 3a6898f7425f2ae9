"""What a message carried becomes documents, once."""

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from mailbox_store.database import Database
from mailbox_store.vault import AccountId
from mss_gateway.dossier import catalogue, facets, filing, listing, xdm
from mss_gateway.dossier.documents import Category, State, Way, title_of_file
from mss_gateway.dossier.errors import DocumentNotFound, ImportCode, VersionRefused
from mss_gateway.dossier.filing import AlreadyThere, Filed, Origin, Outcome
from mss_gateway.dossier.listing import Order, Reader
from tests.support.xdm import CdaText, archive, archive_of, cda_document, entry_for

NOW = 1_795_000_000
ORIGIN = Origin("REF1", "2", "Dr Claire FICTIVE", "claire@mss.example", "verified", NOW - 60)
LATER = replace(ORIGIN, message_ref="REF2")
PDF = b"%PDF-1.4\n% une ordonnance inventee\n"


def _file_archive(
    database: Database, account: AccountId, packed: bytes, origin: Origin = ORIGIN, now: int = NOW
) -> tuple[Outcome, ...]:
    with database.read() as view:
        made = filing.prepare_archive(view, account, xdm.examine(packed), origin, now)
    return database.write(lambda tx: filing.file_archive(tx, made))


def _file_pdf(
    database: Database,
    account: AccountId,
    content: bytes = PDF,
    name: str = "ordonnance.pdf",
    category: Category = Category.TREATMENT,
    origin: Origin = ORIGIN,
    now: int = NOW,
) -> Outcome:
    with database.read() as view:
        file = filing.PlainFile(content, title_of_file(name), category, origin.received_at)
        made = filing.prepare_file(view, account, file, origin, now, Way.SAVED)
    return database.write(lambda tx: filing.file_attachment(tx, made))


def _titles(database: Database, account: AccountId, state: State = State.CURRENT) -> list[str]:
    with database.read() as view:
        return [
            one.title
            for one in listing.documents_of(view, account, Reader.PATIENT, states=(state,))
        ]


def test_an_archived_cda_is_filed_with_all_that_it_says(
    database: Database, patient: AccountId
) -> None:
    written = cda_document()

    (outcome,) = _file_archive(database, patient, archive_of(written))

    assert isinstance(outcome, Filed)
    with database.read() as view:
        document = catalogue.find(view, patient, outcome.document_id)
        content = catalogue.read_bytes(view, patient, outcome.document_id)
    assert content == written
    assert document.title == "Compte rendu d'analyses"
    assert document.type.label == "CR d'examens biologiques"
    assert document.category is Category.BIOLOGY
    assert document.author == "Dr Claire FICTIVE"
    assert document.organisation == "Laboratoire des Essais"
    assert document.document_date == 1_795_163_400  # 2026-11-20 09:30 +01:00
    assert (document.unique_id, document.version) == ("1.2.250.1.999.7.1", "1")
    assert (document.media_type, document.cda_level, document.size) == (
        "application/hl7-cda+xml",
        "N3",
        len(written),
    )
    assert document.confidentiality == ("N",)
    assert document.filed_at == NOW
    assert document.provenance.message_ref == "REF1"
    assert (document.provenance.part, document.provenance.entry) == (
        "2",
        "IHE_XDM/SUBSET01/DOC0001.XML",
    )
    assert document.provenance.signer_name == "Dr Claire FICTIVE"
    assert document.provenance.signer_address == "claire@mss.example"
    assert document.provenance.signature == "verified"
    assert document.provenance.received_at == NOW - 60


def test_filing_the_same_message_twice_adds_nothing(database: Database, patient: AccountId) -> None:
    packed = archive_of(cda_document(), cda_document(CdaText(unique_id="1.2.9", set_id="1.2")))

    first = _file_archive(database, patient, packed)
    second = _file_archive(database, patient, packed)

    assert second == tuple(AlreadyThere(one.document_id) for one in first)
    assert len(_titles(database, patient)) == 2


def test_the_same_bytes_of_another_message_are_already_there(
    database: Database, patient: AccountId
) -> None:
    first = _file_pdf(database, patient)
    again = _file_pdf(database, patient, name="copie.pdf", origin=replace(ORIGIN, message_ref="R2"))

    assert again == AlreadyThere(first.document_id)
    assert _titles(database, patient) == ["ordonnance"]


def test_the_same_bytes_in_two_records_are_two_documents(
    database: Database, patient: AccountId, other_patient: AccountId
) -> None:
    mine = _file_pdf(database, patient)
    theirs = _file_pdf(database, other_patient)

    assert isinstance(mine, Filed)
    assert isinstance(theirs, Filed)
    with database.read() as view:
        rows = view.sql(
            "SELECT digest_index, category_index, author_index FROM documents"
        ).fetchall()
    assert all(left != right for left, right in zip(*rows, strict=True))


def test_a_plain_attachment_takes_the_category_that_the_patient_chose(
    database: Database, patient: AccountId
) -> None:
    outcome = _file_pdf(
        database, patient, name="radio/du\u202egenou.pdf", category=Category.IMAGING
    )

    with database.read() as view:
        document = catalogue.find(view, patient, outcome.document_id)
    assert document.category is Category.IMAGING
    assert document.type.code == "DOCPAT04"
    assert document.title == "dugenou"
    assert document.author == "Dr Claire FICTIVE"
    assert document.document_date == NOW - 60


@pytest.mark.parametrize("text", [CdaText(pdf=PDF), CdaText(copy=PDF)], ids=["N1", "N3"])
def test_the_pdf_copy_of_a_cda_is_the_same_document(
    database: Database, patient: AccountId, text: CdaText
) -> None:
    (filed,) = _file_archive(database, patient, archive_of(cda_document(text)))

    assert _file_pdf(database, patient) == AlreadyThere(filed.document_id)
    assert _titles(database, patient) == ["Compte rendu d'analyses"]


def test_a_cda_attached_alone_says_itself_what_it_is(
    database: Database, patient: AccountId
) -> None:
    outcome = _file_pdf(database, patient, content=cda_document(), category=Category.IMAGING)

    with database.read() as view:
        document = catalogue.find(view, patient, outcome.document_id)
    assert document.category is Category.BIOLOGY
    assert document.media_type == "application/hl7-cda+xml"


def test_an_archived_file_that_is_no_cda_is_described_by_its_metadata(
    database: Database, patient: AccountId
) -> None:
    entry = entry_for(cda_document(), title="Scanner", type_code="18748-4", mime_type="text/xml")

    (outcome,) = _file_archive(database, patient, archive([replace(entry, content=PDF)]))

    with database.read() as view:
        document = catalogue.find(view, patient, outcome.document_id)
    assert document.title == "Scanner"
    assert document.category is Category.IMAGING
    assert document.media_type == "application/pdf"  # sniffed; the metadata lied
    assert document.organisation == "Laboratoire des Essais"
    assert document.document_date == 1_795_163_400


def test_a_newer_version_takes_the_place_of_the_older(
    database: Database, patient: AccountId
) -> None:
    older = CdaText(title="Version 1")
    newer = CdaText(title="Version 2", unique_id="1.2.250.1.999.7.2", version="2")

    _file_archive(database, patient, archive_of(cda_document(older)))
    _file_archive(database, patient, archive_of(cda_document(newer)), LATER)

    assert _titles(database, patient) == ["Version 2"]
    assert _titles(database, patient, State.SUPERSEDED) == ["Version 1"]


def test_an_older_version_that_arrives_late_is_superseded_at_once(
    database: Database, patient: AccountId
) -> None:
    newer = CdaText(title="Version 2", unique_id="1.2.250.1.999.7.2", version="2")

    _file_archive(database, patient, archive_of(cda_document(newer)))
    _file_archive(database, patient, archive_of(cda_document(CdaText(title="Version 1"))), LATER)

    assert _titles(database, patient) == ["Version 2"]
    assert _titles(database, patient, State.SUPERSEDED) == ["Version 1"]


def test_a_replacement_by_identifier_is_followed(database: Database, patient: AccountId) -> None:
    newer = CdaText(
        title="Correction", unique_id="1.5.1", set_id="1.5", replaces="1.2.250.1.999.7.1"
    )

    _file_archive(database, patient, archive_of(cda_document()))
    _file_archive(database, patient, archive_of(cda_document(newer)), LATER)

    assert _titles(database, patient) == ["Correction"]


def test_another_organisation_replaces_nothing(database: Database, patient: AccountId) -> None:
    newer = CdaText(
        title="Intrus",
        unique_id="1.2.250.1.999.7.2",
        version="2",
        replaces="1.2.250.1.999.7.1",
        organisation="Autre laboratoire",
        organisation_id="1888888888",
    )

    _file_archive(database, patient, archive_of(cda_document()))
    with pytest.raises(VersionRefused) as refused:
        _file_archive(database, patient, archive_of(cda_document(newer)), LATER)

    assert refused.value.code is ImportCode.AUTHOR_NOT_ALLOWED
    assert _titles(database, patient) == ["Compte rendu d'analyses"]


def test_the_same_identifier_with_other_bytes_overwrites_nothing(
    database: Database, patient: AccountId
) -> None:
    (first,) = _file_archive(database, patient, archive_of(cda_document()))
    altered = archive_of(cda_document(CdaText(title="Autre contenu")))

    assert _file_archive(database, patient, altered, LATER) == (AlreadyThere(first.document_id),)
    assert _titles(database, patient) == ["Compte rendu d'analyses"]


def test_lists_are_by_category_author_and_date(database: Database, patient: AccountId) -> None:
    _file_archive(database, patient, archive_of(cda_document(CdaText(effective="20200101"))))
    _file_pdf(database, patient, now=NOW + 1)

    with database.read() as view:
        by_date = listing.documents_of(view, patient, Reader.PATIENT)
        by_filing = listing.documents_of(view, patient, Reader.PATIENT, order=Order.FILED)
        biology = listing.documents_of(view, patient, Reader.PATIENT, category=Category.BIOLOGY)
        hers = listing.documents_of(view, patient, Reader.PATIENT, author="Dr Claire FICTIVE")
        nobodys = listing.documents_of(view, patient, Reader.PATIENT, author="Dr Autre")
        counts = facets.by_category(view, patient)
    assert [one.title for one in by_date] == ["ordonnance", "Compte rendu d'analyses"]
    assert [one.title for one in by_filing] == ["ordonnance", "Compte rendu d'analyses"]
    assert [one.title for one in biology] == ["Compte rendu d'analyses"]
    assert len(hers) == 2
    assert nobodys == []
    assert counts[Category.BIOLOGY] == counts[Category.TREATMENT] == 1
    assert set(counts) == set(Category)
    assert sum(counts.values()) == 2


@pytest.mark.parametrize("order", list(Order))
def test_a_list_goes_on_where_its_page_ended(
    database: Database, patient: AccountId, order: Order
) -> None:
    for number in range(5):  # two of them of the same second
        content = PDF + bytes([48 + number])
        place = replace(ORIGIN, part=str(number), received_at=NOW + number // 2)
        _file_pdf(database, patient, content, f"d{number}", origin=place, now=NOW + number // 2)

    seen: list[str] = []
    after = None
    with database.read() as view:
        while page := listing.documents_of(
            view, patient, Reader.PATIENT, order=order, after=after, limit=2
        ):
            seen += [one.document_id for one in page]
            after = listing.cursor_of(page[-1], order)
        whole = [
            one.document_id
            for one in listing.documents_of(view, patient, Reader.PATIENT, order=order)
        ]
    assert seen == whole
    assert len(set(seen)) == 5


def test_a_document_of_somebody_else_is_not_found(
    database: Database, patient: AccountId, other_patient: AccountId
) -> None:
    filed = _file_pdf(database, patient)

    with database.read() as view:
        assert listing.documents_of(view, other_patient, Reader.PATIENT) == []
        with pytest.raises(DocumentNotFound):
            catalogue.find(view, other_patient, filed.document_id)
        with pytest.raises(DocumentNotFound):
            catalogue.read_bytes(view, other_patient, filed.document_id)
    with pytest.raises(DocumentNotFound):
        database.write(
            lambda tx: catalogue.set_state(tx, other_patient, filed.document_id, State.WITHDRAWN)
        )


def test_a_withdrawn_document_leaves_the_lists_and_keeps_its_bytes(
    database: Database, patient: AccountId
) -> None:
    filed = _file_pdf(database, patient)

    database.write(lambda tx: catalogue.set_state(tx, patient, filed.document_id, State.WITHDRAWN))

    assert _titles(database, patient) == []
    with database.read() as view:
        assert catalogue.find(view, patient, filed.document_id).state is State.WITHDRAWN
        assert catalogue.read_bytes(view, patient, filed.document_id) == PDF


def test_one_place_never_holds_two_documents(database: Database, patient: AccountId) -> None:
    _file_pdf(database, patient)

    with pytest.raises(sqlite3.IntegrityError):
        _file_pdf(database, patient, content=PDF + b"altered")

    assert _titles(database, patient) == ["ordonnance"]


def test_nothing_of_a_document_rests_in_clear(
    database: Database, patient: AccountId, tmp_path: Path
) -> None:
    _file_archive(database, patient, archive_of(cda_document(CdaText(pdf=PDF))))
    _file_pdf(database, patient, content=PDF + b"2", name="secret-title.pdf")
    database.close()

    rested = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.suffix != ".key")

    assert b"REF1" in rested  # the search itself finds what is there
    for text in (
        "FICTIVE",
        "Compte rendu",
        "secret-title",
        "279035121518989",
        "11502-2",
        "DOC0001",
    ):
        assert text.encode() not in rested
        assert text.encode("utf-16-le") not in rested
    assert PDF not in rested
