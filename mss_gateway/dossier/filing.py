"""Filing: what a message carried becomes documents of the patient's record.

In two steps, so that the store's one writer neither parses nor encrypts: ``prepare_*`` reads and
seals on the caller's thread, ``file_*`` adds within a transaction. Filing again what is there
already, after a crash or by a second click, adds nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from mailbox_store.database import Transaction, View
from mss_gateway.dossier import catalogue, cda, results
from mss_gateway.dossier.cda import CdaHeader
from mss_gateway.dossier.confidentiality import MASKED_FROM_PROFESSIONALS, combined
from mss_gateway.dossier.documents import (
    Category,
    Document,
    DocumentId,
    DocumentType,
    Provenance,
    Way,
    display_title,
    new_document_id,
    type_for,
    type_of,
)
from mss_gateway.dossier.errors import CdaUnreadable
from mss_gateway.dossier.hl7 import hl7_time
from mss_gateway.dossier.rim import DocumentEntry
from mss_gateway.dossier.sealed import SealedDocument, digest_of, seal_document
from mss_gateway.dossier.xdm import Archive
from mss_gateway.message.sniff import CDA, sniff


@dataclass(frozen=True, slots=True)
class Origin:
    """The message that brought something, as verified when it was received."""

    message_ref: str
    part: str
    signer_name: str
    signer_address: str
    signature: str
    received_at: int  # unix seconds


@dataclass(frozen=True, slots=True)
class Filed:
    """A new document stands in the record."""

    document_id: DocumentId


@dataclass(frozen=True, slots=True)
class AlreadyThere:
    """« Déjà dans le dossier »: the same bytes, or a document that carries them."""

    document_id: DocumentId


Outcome = Filed | AlreadyThere


@dataclass(frozen=True, slots=True)
class PlainFile:
    """A file that does not say itself what it is, with what is said or proposed of it."""

    content: bytes
    title: str
    category: Category
    document_date: int | None  # unix seconds


def prepare_archive(
    view: View,
    account_id: int,
    archive: Archive,
    origin: Origin,
    now: int,
    way: Way = Way.MESSAGE,
) -> tuple[SealedDocument, ...]:
    """Make the documents of an archive that was examined and found to be this patient's."""
    made: list[SealedDocument] = []
    for item in archive.documents:
        header = _header(item.content)
        provenance = _provenance(origin, item.path)
        if header is not None:
            document = _from_cda(account_id, item.content, header, provenance, now, item.entry)
        else:
            document = _from_entry(account_id, item.content, item.entry, provenance, now)
        made.append(_sealed(view, replace(document, way=way), item.content))
    return tuple(made)


def prepare_file(
    view: View, account_id: int, file: PlainFile, origin: Origin, now: int, way: Way
) -> SealedDocument:
    """Make a document of a plain file: an attachment, or one that the patient or an import brings.

    A CDA outside an archive says itself what it is, and what is said of it does not count.
    """
    provenance = _provenance(origin, "")
    header = _header(file.content)
    if header is not None:
        document = _from_cda(account_id, file.content, header, provenance, now)
    else:
        said = _Description(
            coded_type=type_for(file.category),
            title=display_title(file.title),
            author=origin.signer_name,
            document_date=file.document_date,
        )
        document = _document(account_id, file.content, provenance, now, said)
    return _sealed(view, replace(document, way=way), file.content)


def file_archive(tx: Transaction, made: Iterable[SealedDocument]) -> tuple[Outcome, ...]:
    """Add every document of an archive, in its order."""
    return tuple(file_attachment(tx, one) for one in made)


def file_attachment(tx: Transaction, made: SealedDocument) -> Outcome:
    """Add one document, unless it is there already."""
    there = catalogue.add(tx, made)
    return Filed(made.document.document_id) if there is None else AlreadyThere(there)


@dataclass(frozen=True, slots=True)
class _Description:
    """What is said of a document, by its CDA header, its metadata, or the patient."""

    coded_type: DocumentType
    title: str
    author: str
    document_date: int | None
    organisation: str = ""
    cda_level: str = ""
    unique_id: str = ""
    set_id: str = ""
    version: str = ""
    replaces: tuple[str, ...] = ()
    keepers: tuple[str, ...] = ()
    confidentiality: tuple[str, ...] = ()
    is_critical: bool = False


def _document(
    account_id: int,
    content: bytes,
    provenance: Provenance,
    now: int,
    said: _Description,
) -> Document:
    return Document(
        document_id=new_document_id(),
        account_id=account_id,
        digest=digest_of(content),
        size=len(content),
        media_type=CDA if said.cda_level else sniff(content),
        cda_level=said.cda_level,
        type=said.coded_type,
        title=said.title,
        author=said.author,
        organisation=said.organisation,
        document_date=said.document_date,
        unique_id=said.unique_id,
        set_id=said.set_id,
        version=said.version,
        replaces=said.replaces,
        keepers=said.keepers,
        confidentiality=said.confidentiality,
        provenance=provenance,
        filed_at=now,
        is_critical=said.is_critical,
        is_masked=MASKED_FROM_PROFESSIONALS in said.confidentiality,
    )


def _from_cda(
    account_id: int,
    content: bytes,
    header: CdaHeader,
    provenance: Provenance,
    now: int,
    entry: DocumentEntry | None = None,
) -> Document:
    """A CDA describes itself; METADATA.XML, which repeats it, is not asked (DOC-06).

    But for who may not see it: there the strictest word of both holds.
    """
    author = header.authors[0] if header.authors else None
    keepers = [*header.custodian_ids, *(one for a in header.authors for one in a.organisation_ids)]
    moment = header.effective_time or header.service_start
    said = _Description(
        coded_type=type_of(header.type),
        title=display_title(header.title),
        author=author.display if author else header.custodian,
        organisation=(author.organisation if author else "") or header.custodian,
        document_date=int(moment.timestamp()) if moment else None,
        cda_level=header.level,
        unique_id=header.unique_id,
        set_id=header.set_id,
        version=header.version,
        replaces=header.replaces,
        keepers=tuple(dict.fromkeys(f"{one.root}^{one.value}" for one in keepers)),
        confidentiality=combined(
            (one.code for one in header.confidentiality),
            (one.code for one in (entry.confidentiality if entry is not None else ())),
        ),
        is_critical=results.critical(content),
    )
    return _document(account_id, content, provenance, now, said)


def _from_entry(
    account_id: int,
    content: bytes,
    entry: DocumentEntry,
    provenance: Provenance,
    now: int,
) -> Document:
    """A file of an archive that is no CDA: only METADATA.XML speaks of it."""
    moment = hl7_time(entry.creation_time) or hl7_time(entry.service_start_time)
    coded_type = type_of(entry.type_code)
    author = entry.authors[0] if entry.authors else None
    organisation = author.institutions[0].split("^")[0] if author and author.institutions else ""
    said = _Description(
        coded_type=coded_type,
        title=display_title(entry.title or coded_type.label),
        author=(_xcn_name(author.person) if author else "") or organisation,
        organisation=organisation,
        document_date=int(moment.timestamp()) if moment else None,
        unique_id=entry.unique_id,
        version=entry.version,
        confidentiality=combined(one.code for one in entry.confidentiality),
    )
    return _document(account_id, content, provenance, now, said)


def _xcn_name(person: str) -> str:
    """« Claire MARTIN » of an HL7 v2 XCN: id, family, given, …"""
    fields = [*person.split("^"), "", "", ""]
    return " ".join(f"{fields[2]} {fields[1]}".split())


def _provenance(origin: Origin, entry: str) -> Provenance:
    return Provenance(
        message_ref=origin.message_ref,
        part=origin.part,
        entry=entry,
        signer_name=origin.signer_name,
        signer_address=origin.signer_address,
        signature=origin.signature,
        received_at=origin.received_at,
    )


def _sealed(view: View, document: Document, content: bytes) -> SealedDocument:
    copies = cda.copies(content) if document.cda_level else ()
    return seal_document(view, document, content, [one.content for one in copies])


def _header(content: bytes) -> CdaHeader | None:
    """None too for a CDA that cannot be read: it is kept as an opaque file."""
    try:
        return cda.header_if_cda(content)
    except CdaUnreadable:
        return None
