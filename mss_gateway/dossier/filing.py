"""Filing: what a message carried becomes documents of the patient's record.

In two steps, so that the store's one writer neither parses nor encrypts: ``prepare_*`` reads and
seals on the caller's thread, ``file_*`` adds within a transaction. Filing again what is there
already, after a crash or by a second click, adds nothing.
"""

from dataclasses import dataclass, field, replace

from mailbox_store.database import Transaction, View
from mss_gateway.dossier import archives, cda, results, succession
from mss_gateway.dossier.archives import Entered
from mss_gateway.dossier.cda import CdaHeader
from mss_gateway.dossier.confidentiality import MASKED_FROM_PROFESSIONALS, combined
from mss_gateway.dossier.documents import (
    Category,
    Document,
    DocumentId,
    DocumentType,
    Provenance,
    State,
    Way,
    display_title,
    new_document_id,
    type_for,
    type_of,
)
from mss_gateway.dossier.errors import CdaUnreadable, ImportCode, VersionRefused
from mss_gateway.dossier.hl7 import hl7_time
from mss_gateway.dossier.sealed import SealedDocument, digest_of, seal_document
from mss_gateway.dossier.succession import Done, Prepared
from mss_gateway.dossier.versions import MAX_REPLACED
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
    """A new document stands in the record, in place of those that it ``replaced``.

    Not ``is_current``: a newer version of it was there before.
    """

    document_id: DocumentId
    is_current: bool = True
    replaced: tuple[Document, ...] = field(default=(), compare=False)


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
) -> Prepared:
    """Make the documents of an archive that was examined and found to be this patient's."""
    made: list[SealedDocument] = []
    for entered in archives.documents(archive):
        item = entered.item
        header = _header(item.content)
        provenance = _provenance(origin, item.path)
        if header is not None:
            document = _from_cda(account_id, item.content, header, provenance, now, entered)
        else:
            document = _from_entry(account_id, item.content, provenance, now, entered)
        document = replace(document, way=way)
        made.append(_sealed(view, document, item.content, entered.copies))
    asking = archives.asking(archive, origin.signature, origin.signer_address, way)
    return Prepared(
        account_id,
        tuple(made),
        archives.updates(archive, asking),
        archives.companions_of(view, account_id, archive),
    )


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


def file_archive(tx: Transaction, made: Prepared) -> tuple[Outcome, ...]:
    """Add every document of an archive, in its order, and do what else it asks.

    Raises VersionRefused before anything is changed.
    """
    planned = succession.plan(tx, made)
    if isinstance(planned, ImportCode):
        raise VersionRefused(planned)
    return tuple(outcome_of(one) for one in succession.carry_out(tx, made, planned).done)


def file_attachment(tx: Transaction, made: SealedDocument) -> Outcome:
    """Add one document, unless it is there already; a version that may not be one replaces none."""
    return outcome_of(succession.take_step(tx, succession.plan_one(tx, made)))


def outcome_of(done: Done) -> Outcome:
    """What became of a document, as its bringer is told."""
    if done.there is not None:
        return AlreadyThere(done.there)
    is_current = done.document.state is State.CURRENT
    return Filed(done.document.document_id, is_current, done.replaced)


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
    writers: tuple[str, ...] = ()
    confidentiality: tuple[str, ...] = ()
    is_critical: bool = False
    entered: Entered | None = None


def _document(
    account_id: int,
    content: bytes,
    provenance: Provenance,
    now: int,
    said: _Description,
) -> Document:
    entered = said.entered
    replaces = (*said.replaces, *(entered.replaces if entered is not None else ()))
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
        replaces=tuple(dict.fromkeys(replaces))[:MAX_REPLACED],
        keepers=said.keepers,
        confidentiality=said.confidentiality,
        provenance=provenance,
        filed_at=now,
        entry_uuid=entered.entry_uuid if entered is not None else "",
        logical_id=entered.item.entry.logical_id if entered is not None else "",
        writers=said.writers,
        is_critical=said.is_critical,
        state=entered.state if entered is not None else State.CURRENT,
        is_masked=MASKED_FROM_PROFESSIONALS in said.confidentiality,
    )


def _from_cda(
    account_id: int,
    content: bytes,
    header: CdaHeader,
    provenance: Provenance,
    now: int,
    entered: Entered | None = None,
) -> Document:
    """A CDA describes itself; METADATA.XML, which repeats it, is not asked (DOC-06).

    But for who may not see it: there the strictest word of both holds. And for what it replaces:
    there both count.
    """
    entry = entered.item.entry if entered is not None else None
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
        writers=tuple(f"{one.root}^{one.value}" for a in header.authors for one in a.ids),
        confidentiality=combined(
            (one.code for one in header.confidentiality),
            (one.code for one in (entry.confidentiality if entry is not None else ())),
        ),
        is_critical=results.critical(content),
        entered=entered,
    )
    return _document(account_id, content, provenance, now, said)


def _from_entry(
    account_id: int,
    content: bytes,
    provenance: Provenance,
    now: int,
    entered: Entered,
) -> Document:
    """A file of an archive that is no CDA: only METADATA.XML speaks of it."""
    entry = entered.item.entry
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
        keepers=archives.institutions(entry.authors),
        writers=archives.persons(entry.authors),
        entered=entered,
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


def _sealed(
    view: View, document: Document, content: bytes, copies: tuple[bytes, ...] = ()
) -> SealedDocument:
    inside = cda.copies(content) if document.cda_level else ()
    return seal_document(view, document, content, [*(one.content for one in inside), *copies])


def _header(content: bytes) -> CdaHeader | None:
    """None too for a CDA that cannot be read: it is kept as an opaque file."""
    try:
        return cda.header_if_cda(content)
    except CdaUnreadable:
        return None
