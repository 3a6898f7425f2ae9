"""The catalogue of documents: the ways into its table, and what becomes of a document there.

A document is added, superseded or withdrawn; its bytes and what was said of it first are never
changed. The patient's own words on a document of their own stand beside (``edit``), and its removal
destroys its key (``remove``).
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from mailbox_store import bodies
from mailbox_store.bodies import BlobId
from mailbox_store.database import Transaction, View
from mailbox_store.vault import AccountId
from mss_gateway.dossier import facets, record_segments
from mss_gateway.dossier.documents import Document, DocumentId, Edits, State, type_for
from mss_gateway.dossier.errors import DocumentChanged, DocumentNotFound
from mss_gateway.dossier.sealed import (
    COLUMNS,
    Row,
    SealedDocument,
    blind,
    open_document,
    seal_edits,
)

_BATCH: Final = 500


def add(tx: Transaction, made: SealedDocument) -> DocumentId | None:
    """Add a document; None when it is new, else the id of the one that is there already.

    The same bytes are one document, wherever they came from; so is a copy that one carries. What
    the new one replaces (RPLC, or an older version of its set, by the same organisation) becomes
    superseded; an older version that arrives late is superseded from the start.
    """
    there = find_same(tx, made.document.account_id, made.document.digest)
    if there is not None:
        return there
    document = replace(made.document, state=_settle_versions(tx, made.document))
    blob_id = bodies.store(tx, made.body)
    row = _row(tx, made, document, blob_id)
    tx.sql(
        f"INSERT INTO documents ({', '.join(row)}) VALUES ({', '.join('?' for _ in row)})",
        tuple(row.values()),
    )
    record_segments.add_number(tx, document.account_id, document.document_id)
    for digest in made.copies:
        tx.sql(
            "INSERT INTO document_copies (account_id, digest_index, document_id)"
            " VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            (
                document.account_id,
                blind(tx, document.account_id, "digest", digest),
                document.document_id,
            ),
        )
    facets.changed(tx, None, document)
    return None


def find(view: View, account_id: int, document_id: str) -> Document:
    """One document of this account, whatever its state; raises DocumentNotFound."""
    row = view.sql(
        f"SELECT {COLUMNS} FROM documents WHERE document_id = ? AND account_id = ?",
        (document_id, account_id),
    ).first()
    if row is None:
        raise DocumentNotFound("no such document of this account")
    return open_document(view, Row(*row))


def find_same(view: View, account_id: int, digest: str) -> DocumentId | None:
    """The document of this account with these bytes (SHA-256, hexadecimal), or carrying them."""
    index = blind(view, account_id, "digest", digest)
    found = view.sql(
        "SELECT document_id FROM documents WHERE account_id = ? AND digest_index = ?"
        " UNION ALL"
        " SELECT document_id FROM document_copies WHERE account_id = ? AND digest_index = ?",
        (account_id, index, account_id, index),
    ).first()
    return DocumentId(found[0]) if found is not None else None


def read_bytes(view: View, account_id: int, document_id: str) -> bytes:
    """The bytes as received; raises DocumentNotFound, and BlobAltered of the store."""
    row = view.sql(
        "SELECT blob_id, object_key FROM documents WHERE document_id = ? AND account_id = ?",
        (document_id, account_id),
    ).first()
    if row is None:
        raise DocumentNotFound("no such document of this account")
    seal = view.vault.account(view, AccountId(account_id))
    return bodies.read(view, seal, BlobId(row[0]), row[1])


def every_document(view: View) -> Iterator[tuple[int, DocumentId, bool]]:
    """Account, id and whether the body's row is there, of every document of every account."""
    last = ""
    while True:
        rows = view.sql(
            "SELECT d.account_id, d.document_id, b.blob_id IS NOT NULL FROM documents d"
            " LEFT JOIN blobs b ON b.blob_id = d.blob_id"
            " WHERE d.document_id > ? ORDER BY d.document_id LIMIT ?",
            (last, _BATCH),
        ).fetchall()
        if not rows:
            return
        last = rows[-1][1]
        yield from ((row[0], DocumentId(row[1]), bool(row[2])) for row in rows)


def withdraw(tx: Transaction, account_id: int, document_id: str) -> None:
    """Take a document out of the lists; bytes and provenance stay. Raises DocumentNotFound."""
    _set_state(tx, find(tx, account_id, document_id), State.WITHDRAWN)


def mask(tx: Transaction, account_id: int, document_id: str, *, is_masked: bool) -> Document:
    """Keep a document from professionals, or show it to them again; as it is now.

    Raises DocumentNotFound.
    """
    document = find(tx, account_id, document_id)
    tx.sql("UPDATE documents SET masked = ? WHERE document_id = ?", (is_masked, document_id))
    return replace(document, is_masked=is_masked)


def edit(tx: Transaction, document: Document, edits: Edits) -> Document:
    """Put the patient's words in place of what was said of ``document``; as it is now.

    Raises DocumentChanged when it is no longer at that revision: somebody else was first.
    """
    after = replace(
        document,
        title=edits.title,
        document_date=edits.document_date,
        type=type_for(edits.category),
        revision=document.revision + 1,
    )
    category = blind(tx, document.account_id, "category", edits.category.value)
    done = tx.sql(
        "UPDATE documents SET edited = ?, revision = ?, document_date = ?, category_index = ?"
        " WHERE document_id = ? AND revision = ? RETURNING 1",
        (
            seal_edits(tx, document, edits),
            after.revision,
            dated(after),
            category,
            document.document_id,
            document.revision,
        ),
    ).first()
    if done is None:
        raise DocumentChanged("the document was changed meanwhile")
    facets.changed(tx, document, after)
    record_segments.renew_number(tx, document.account_id, document.document_id)
    return after


def remove(tx: Transaction, account_id: int, document_id: str) -> Document:
    """Destroy a document with its key; what it was. A tombstone stays: its id, and when.

    Raises DocumentNotFound.
    """
    document = find(tx, account_id, document_id)
    record_segments.remove_number(tx, account_id, document_id)
    tx.sql(
        "DELETE FROM document_copies WHERE account_id = ? AND document_id = ?",
        (account_id, document_id),
    )
    blob_id, digest_index = tx.sql(
        "DELETE FROM documents WHERE document_id = ? RETURNING blob_id, digest_index",
        (document_id,),
    ).one()
    bodies.release(tx, BlobId(blob_id))
    tx.sql(
        "INSERT INTO removed_documents (document_id, account_id, digest_index, removed_at)"
        " VALUES (?, ?, ?, ?)",
        (document_id, account_id, digest_index, tx.now),
    )
    facets.changed(tx, document, None)
    return document


def dated(document: Document) -> int:
    """The moment by which it is ordered: its own date, else when it was filed."""
    return document.filed_at if document.document_date is None else document.document_date


def _row(
    tx: Transaction, made: SealedDocument, document: Document, blob_id: BlobId
) -> dict[str, Any]:
    def index(kind: str, value: str) -> bytes:
        return blind(tx, document.account_id, kind, value)

    return {
        "document_id": document.document_id,
        "account_id": document.account_id,
        "blob_id": blob_id,
        "object_key": made.object_key,
        "size": document.size,
        "sealed": made.sealed,
        "category_index": index("category", document.category.value),
        "author_index": index("author", document.author),
        "digest_index": index("digest", document.digest),
        "source_index": index("source", document.unique_id) if document.unique_id else None,
        "lineage_index": index("lineage", document.set_id) if document.set_id else None,
        "message_ref": document.provenance.message_ref,
        "part": document.provenance.part,
        "entry_index": index("entry", document.provenance.entry),
        "filed_at": document.filed_at,
        "document_date": dated(document),
        "state": document.state.value,
        "way": document.way.value,
        "hidden_from": int(document.hidden_from),
        "masked": document.is_masked,
    }


def _settle_versions(tx: Transaction, document: Document) -> State:
    """Supersede what ``document`` replaces; its own state.

    Only the organisation that wrote or keeps a document may replace it (domain.md DOC-25): a
    claim by another one leaves both standing.
    """
    state = State.CURRENT
    for other in _relatives(tx, document):
        if not set(other.keepers) & set(document.keepers):
            continue
        is_newer = _version(other) > _version(document) and other.set_id == document.set_id
        if is_newer and other.state is not State.WITHDRAWN:
            state = State.SUPERSEDED
        elif other.state is State.CURRENT and _replaces(document, other):
            _set_state(tx, other, State.SUPERSEDED)
    return state


def _replaces(document: Document, other: Document) -> bool:
    is_older_version = other.set_id == document.set_id and _version(other) < _version(document)
    return other.unique_id in document.replaces or (bool(document.set_id) and is_older_version)


def _version(document: Document) -> int:
    return int(document.version) if document.version.isdecimal() else 0


def _relatives(tx: Transaction, document: Document) -> list[Document]:
    found: dict[str, Document] = {}
    wanted = [("source_index", "source", one) for one in document.replaces]
    if document.set_id:
        wanted.append(("lineage_index", "lineage", document.set_id))
    for column, kind, value in wanted:
        rows = tx.sql(
            f"SELECT {COLUMNS} FROM documents WHERE account_id = ? AND {column} = ?",
            (document.account_id, blind(tx, document.account_id, kind, value)),
        )
        for row in rows.fetchall():
            found[row[0]] = open_document(tx, Row(*row))
    return list(found.values())


def _set_state(tx: Transaction, document: Document, state: State) -> None:
    tx.sql(
        "UPDATE documents SET state = ? WHERE document_id = ?", (state.value, document.document_id)
    )
    facets.changed(tx, document, replace(document, state=state))
