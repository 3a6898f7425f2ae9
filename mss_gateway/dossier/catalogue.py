"""The catalogue of documents: the ways into its table, and what becomes of a document there.

A document is added, superseded or taken back (``succession`` says which, and when); its bytes and
what was said of it first are never changed. The patient's own words on a document of their own
stand beside (``edit``), and its removal destroys its key (``remove``).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from mailbox_store import bodies
from mailbox_store.bodies import BlobId
from mailbox_store.database import Transaction, View
from mailbox_store.vault import AccountId
from mss_gateway.dossier import companions, facets, record_segments, relations
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

LINKED: Final = 2
"""Of a row whose names and whose successor are known (``settling``)."""

_BATCH: Final = 500

_OWN: Final = ("digest", "own digest")
"""Kinds of the index of bytes; the second: of the patient's own beside a hidden one of them."""

# what is hidden from the patient is not there for them, but for what they put there themselves
_PATIENTS: Final = "(coalesce(d.hidden_from, 3) & 1 = 0 OR d.way IN ('saved', 'deposited'))"


@dataclass(frozen=True, slots=True)
class Standing:
    """As what a new document enters: its state, the version in whose shadow it is, its mask."""

    state: State = State.CURRENT
    successor: str | None = None
    is_masked: bool = False


def add(tx: Transaction, made: SealedDocument, standing: Standing | None = None) -> None:
    """Add a document that is not there yet (:func:`find_same`); by default as it says itself."""
    document = made.document
    if standing is not None:
        document = replace(
            document,
            state=standing.state,
            replaced_by=standing.successor,
            is_masked=standing.is_masked,
        )
    blob_id = bodies.store(tx, made.body)
    row = _row(tx, made, document, blob_id)
    tx.sql(
        f"INSERT INTO documents ({', '.join(row)}) VALUES ({', '.join('?' for _ in row)})",
        tuple(row.values()),
    )
    record_segments.add_number(tx, document.account_id, document.document_id)
    relations.keep_names(tx, document)
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


def find(view: View, account_id: int, document_id: str) -> Document:
    """One document of this account, whatever its state; raises DocumentNotFound."""
    row = view.sql(
        f"SELECT {COLUMNS} FROM documents WHERE document_id = ? AND account_id = ?",
        (document_id, account_id),
    ).first()
    if row is None:
        raise DocumentNotFound("no such document of this account")
    return open_document(view, Row(*row))


def find_same(
    view: View, account_id: int, digest: str, *, is_patients_act: bool = False
) -> DocumentId | None:
    """The document of this account with these bytes (SHA-256, hexadecimal), or carrying them.

    ``is_patients_act``: for the patient, to whom one that is hidden from them is not there."""
    index, own = (blind(view, account_id, kind, digest) for kind in _OWN)
    allowed = f" AND {_PATIENTS}" if is_patients_act else ""
    found = view.sql(
        "SELECT d.document_id, d.digest_index = ? FROM documents d"
        f" WHERE d.account_id = ? AND d.digest_index IN (?, ?){allowed}"
        " UNION ALL SELECT d.document_id, 2 FROM document_copies c"
        " JOIN documents d ON d.document_id = c.document_id"
        f" WHERE c.account_id = ? AND c.digest_index = ?{allowed} ORDER BY 2 LIMIT 1",
        (own, account_id, index, own, account_id, index),
    ).first()
    return DocumentId(found[0]) if found is not None else None


def was_removed(view: View, account_id: int, digest: str) -> bool:
    """Whether the patient removed a document of these bytes."""
    row = view.sql(
        "SELECT 1 FROM removed_documents WHERE account_id = ? AND digest_index IN (?, ?) LIMIT 1",
        (account_id, *(blind(view, account_id, kind, digest) for kind in _OWN)),
    ).first()
    return row is not None


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


def set_state(tx: Transaction, account_id: int, document_id: str, state: State) -> Document:
    """Take a document out of the lists or back into them, as it is now; bytes and provenance stay.

    Raises DocumentNotFound.
    """
    return _changed(tx, find(tx, account_id, document_id), state, None)


def supersede(tx: Transaction, account_id: int, document_id: str, successor: str) -> Document:
    """``successor`` stands in its place from now on; the older one as it is now.

    What its author had taken back before is still that. Raises DocumentNotFound.
    """
    older = find(tx, account_id, document_id)
    state = State.SUPERSEDED if older.state is State.CURRENT else older.state
    return _changed(tx, older, state, successor)


def mask(tx: Transaction, account_id: int, document_id: str, *, is_masked: bool) -> Document:
    """Keep a document from professionals in all its versions, or show it again; as it is now.

    Raises DocumentNotFound.
    """
    document = find(tx, account_id, document_id)
    for one in relations.chain(tx, [document]):
        tx.sql("UPDATE documents SET masked = ? WHERE document_id = ?", (is_masked, one))
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
    for older in relations.below(tx, document):
        if document.replaced_by is not None:
            # a newer one stands already: the line goes on without this one
            _changed(tx, older, older.state, document.replaced_by)
        else:
            # what it stood in place of is the newest again; what was taken back stays so
            is_newest = older.state is State.SUPERSEDED
            _changed(tx, older, State.CURRENT if is_newest else older.state, None)
    relations.forget(tx, document_id)
    companions.forget(tx, document_id)
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
        "digest_index": _digest_index(tx, document),
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
        "replaced_by": document.replaced_by,
        "linked": LINKED,
    }


def _digest_index(tx: Transaction, document: Document) -> bytes:
    """No two of one account: that of a patient's own beside a hidden one is another."""
    index, own = (blind(tx, document.account_id, kind, document.digest) for kind in _OWN)
    if not document.is_patients_own:
        return index
    there = tx.sql(
        "SELECT 1 FROM documents WHERE account_id = ? AND digest_index = ?",
        (document.account_id, index),
    ).first()
    return index if there is None else own


def _changed(tx: Transaction, document: Document, state: State, successor: str | None) -> Document:
    after = replace(document, state=state, replaced_by=successor)
    tx.sql(
        "UPDATE documents SET state = ?, replaced_by = ? WHERE document_id = ?",
        (state.value, successor, document.document_id),
    )
    facets.changed(tx, document, after)
    return after
