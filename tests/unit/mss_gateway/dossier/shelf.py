"""Documents put into a record without a message: what the index of a record is tried on."""

from mailbox_store.database import Database, Transaction
from mss_gateway.dossier import catalogue, record_segments
from mss_gateway.dossier.documents import (
    Category,
    Document,
    DocumentId,
    Provenance,
    new_document_id,
    type_for,
)
from mss_gateway.dossier.sealed import digest_of, seal_document

NOW = 1_795_000_000


def document_of(
    account_id: int,
    content: bytes,
    title: str = "Document",
    *,
    author: str = "Dr Claire FICTIVE",
    media_type: str = "text/plain",
    category: Category = Category.REPORT,
    at: int = NOW,
) -> Document:
    """A plain document, filed now, of the day ``at``."""
    document_id = new_document_id()
    return Document(
        document_id=document_id,
        account_id=account_id,
        digest=digest_of(content),
        size=len(content),
        media_type=media_type,
        cda_level="",
        type=type_for(category),
        title=title,
        author=author,
        organisation="Clinique des Essais",
        document_date=at,
        unique_id="",
        set_id="",
        version="",
        replaces=(),
        keepers=(),
        confidentiality=(),
        provenance=Provenance(document_id, "2", "", author, "", "verified", NOW),
        filed_at=NOW,
    )


def put(database: Database, document: Document, content: bytes) -> DocumentId:
    """File a document and have it indexed."""
    with database.read() as view:
        made = seal_document(view, document, content)

    def unit(tx: Transaction) -> None:
        catalogue.add(tx, made)
        record_segments.add_number(tx, document.account_id, document.document_id)

    database.write(unit)
    return document.document_id


def put_text(database: Database, account_id: int, text: str, title: str = "Document") -> DocumentId:
    """File a plain text; no two may be the same."""
    content = text.encode()
    return put(database, document_of(account_id, content, title), content)


def take_out(database: Database, account_id: int, document_id: str) -> None:
    """Remove a document as its patient does."""

    def unit(tx: Transaction) -> None:
        record_segments.remove_number(tx, account_id, document_id)
        catalogue.remove(tx, account_id, document_id)

    database.write(unit)
