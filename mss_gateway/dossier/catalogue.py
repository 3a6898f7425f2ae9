"""The catalogue of documents: one table on the store's schema, and the ways into it.

In clear: ids, sizes, times, states. Sealed under the patient's key: all that describes a document.
Keyed HMAC, always together with the account so that nothing can be compared across patients:
category, author, digest, identifiers, place. A document is added, superseded or withdrawn; no
function changes its bytes or its description.
"""

from collections.abc import Iterator
from enum import Enum
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)

from mailbox_store import bodies
from mailbox_store.bodies import BlobId
from mailbox_store.database import Transaction, View
from mailbox_store.tables import metadata
from mailbox_store.vault import AccountId
from mss_gateway.dossier.documents import Category, Document, DocumentId, State
from mss_gateway.dossier.errors import DocumentNotFound
from mss_gateway.dossier.sealed import SealedDocument, blind, open_document

MAX_LISTED: Final = 500

documents = Table(
    "documents",
    metadata,
    Column("document_id", Text, primary_key=True),
    Column("account_id", ForeignKey("accounts.account_id"), nullable=False),
    Column("blob_id", ForeignKey("blobs.blob_id"), nullable=False),
    Column("object_key", LargeBinary, nullable=False),
    Column("size", Integer, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("category_index", LargeBinary, nullable=False),
    Column("author_index", LargeBinary, nullable=False),
    Column("digest_index", LargeBinary, nullable=False),
    # NULL for what is not a CDA: it has no identifier of its own
    Column("source_index", LargeBinary),
    Column("lineage_index", LargeBinary),
    Column("message_ref", Text, nullable=False),
    Column("part", Text, nullable=False),
    Column("entry_index", LargeBinary, nullable=False),
    Column("filed_at", Integer, nullable=False),
    # the document's own date, or when it was filed
    Column("document_date", Integer, nullable=False),
    Column("state", Text, nullable=False),
    UniqueConstraint("account_id", "message_ref", "part", "entry_index"),
    UniqueConstraint("account_id", "digest_index"),
    Index(None, "account_id", "document_date"),
    Index(None, "account_id", "category_index", "document_date"),
    Index(None, "account_id", "source_index"),
    Index(None, "account_id", "lineage_index"),
    Index(None, "blob_id"),  # as in mailbox_store.tables.messages
)

# the PDF that a CDA carries may also be attached beside it: the same document, listed once
document_copies = Table(
    "document_copies",
    metadata,
    Column("account_id", ForeignKey("accounts.account_id"), nullable=False),
    Column("digest_index", LargeBinary, nullable=False),
    Column("document_id", ForeignKey("documents.document_id"), nullable=False),
    PrimaryKeyConstraint("account_id", "digest_index"),
    sqlite_with_rowid=False,
)

_COLUMNS: Final = "document_id, account_id, blob_id, object_key, sealed, state"


class Order(Enum):
    """How a list is ordered, newest first: by the document's own date, or by when it was filed."""

    DOCUMENT_DATE = "document_date"
    FILED = "filed_at"


class Cursor(NamedTuple):
    """Where a page of a list ended."""

    at: int
    document_id: str


def add(tx: Transaction, made: SealedDocument) -> DocumentId | None:
    """Add a document; None when it is new, else the id of the one that is there already.

    The same bytes are one document, wherever they came from; so is a copy that one carries. What
    the new one replaces (RPLC, or an older version of its set, by the same organisation) becomes
    superseded; an older version that arrives late is superseded from the start.
    """
    document = made.document
    there = find_same(tx, document.account_id, document.digest)
    if there is not None:
        return there
    state = _settle_versions(tx, document)
    blob_id = bodies.store(tx, made.body)
    tx.sql(
        "INSERT INTO documents (document_id, account_id, blob_id, object_key, size, sealed,"
        " category_index, author_index, digest_index, source_index, lineage_index, message_ref,"
        " part, entry_index, filed_at, document_date, state)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        _row(tx, made, blob_id, state),
    )
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
    return None


def find(view: View, account_id: int, document_id: str) -> Document:
    """One document of this account, whatever its state; raises DocumentNotFound."""
    return _open(view, _find_row(view, account_id, document_id))


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


def list_documents(
    view: View,
    account_id: int,
    *,
    category: Category | None = None,
    author: str | None = None,
    order: Order = Order.DOCUMENT_DATE,
    states: tuple[State, ...] = (State.CURRENT,),
    after: Cursor | None = None,
    limit: int = 100,
) -> list[Document]:
    """Documents of one account, newest first; ``after`` continues a list (:func:`cursor_of`)."""
    clauses = ["account_id = ?", f"state IN ({', '.join('?' for _ in states)})"]
    parameters: list[Any] = [account_id, *(state.value for state in states)]
    if category is not None:
        clauses.append("category_index = ?")
        parameters.append(blind(view, account_id, "category", category.value))
    if author is not None:
        clauses.append("author_index = ?")
        parameters.append(blind(view, account_id, "author", author))
    if after is not None:
        clauses.append(f"({order.value}, document_id) < (?, ?)")
        parameters += [after.at, after.document_id]
    rows = view.sql(
        f"SELECT {_COLUMNS} FROM documents WHERE {' AND '.join(clauses)}"
        f" ORDER BY {order.value} DESC, document_id DESC LIMIT ?",
        (*parameters, min(limit, MAX_LISTED)),
    )
    return [_open(view, row) for row in rows.fetchall()]


def cursor_of(document: Document, order: Order = Order.DOCUMENT_DATE) -> Cursor:
    """Where a list in this order goes on after ``document``."""
    at = document.filed_at if order is Order.FILED else _date(document)
    return Cursor(at, document.document_id)


def count_by_category(view: View, account_id: int) -> dict[Category, int]:
    """How many current documents each category holds; every category has its number."""
    rows = view.sql(
        "SELECT category_index, COUNT(*) FROM documents WHERE account_id = ? AND state = ?"
        " GROUP BY category_index",
        (account_id, State.CURRENT.value),
    )
    counts = {bytes(index): int(count) for index, count in rows}
    return {one: counts.get(blind(view, account_id, "category", one.value), 0) for one in Category}


def read_bytes(view: View, account_id: int, document_id: str) -> bytes:
    """The bytes as received; raises DocumentNotFound, and BlobAltered of the store."""
    _, _, blob_id, object_key, _, _ = _find_row(view, account_id, document_id)
    seal = view.vault.account(view, AccountId(account_id))
    return bodies.read(view, seal, BlobId(blob_id), object_key)


def every_document(view: View) -> Iterator[tuple[int, DocumentId, bool]]:
    """Account, id and whether the body's row is there, of every document of every account."""
    last = ""
    while True:
        rows = view.sql(
            "SELECT d.account_id, d.document_id, b.blob_id IS NOT NULL FROM documents d"
            " LEFT JOIN blobs b ON b.blob_id = d.blob_id"
            " WHERE d.document_id > ? ORDER BY d.document_id LIMIT ?",
            (last, MAX_LISTED),
        ).fetchall()
        if not rows:
            return
        last = rows[-1][1]
        yield from ((row[0], DocumentId(row[1]), bool(row[2])) for row in rows)


def withdraw(tx: Transaction, account_id: int, document_id: str) -> None:
    """Take a document out of the lists; bytes and provenance stay. Raises DocumentNotFound."""
    _find_row(tx, account_id, document_id)
    _set_state(tx, document_id, State.WITHDRAWN)


def _date(document: Document) -> int:
    return document.filed_at if document.document_date is None else document.document_date


def _open(view: View, row: Any) -> Document:
    document_id, account_id, _, _, sealed, state = row
    return open_document(view, account_id, document_id, sealed, state)


def _row(tx: Transaction, made: SealedDocument, blob_id: BlobId, state: State) -> tuple[Any, ...]:
    document = made.document

    def index(kind: str, value: str) -> bytes:
        return blind(tx, document.account_id, kind, value)

    return (
        document.document_id,
        document.account_id,
        blob_id,
        made.object_key,
        document.size,
        made.sealed,
        index("category", document.category.value),
        index("author", document.author),
        index("digest", document.digest),
        index("source", document.unique_id) if document.unique_id else None,
        index("lineage", document.set_id) if document.set_id else None,
        document.provenance.message_ref,
        document.provenance.part,
        index("entry", document.provenance.entry),
        document.filed_at,
        _date(document),
        state.value,
    )


def _find_row(view: View, account_id: int, document_id: str) -> Any:
    row = view.sql(
        f"SELECT {_COLUMNS} FROM documents WHERE document_id = ? AND account_id = ?",
        (document_id, account_id),
    ).first()
    if row is None:
        raise DocumentNotFound("no such document of this account")
    return row


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
            _set_state(tx, other.document_id, State.SUPERSEDED)
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
            f"SELECT {_COLUMNS} FROM documents WHERE account_id = ? AND {column} = ?",
            (document.account_id, blind(tx, document.account_id, kind, value)),
        )
        for row in rows.fetchall():
            found[row[0]] = _open(tx, row)
    return list(found.values())


def _set_state(tx: Transaction, document_id: str, state: State) -> None:
    tx.sql("UPDATE documents SET state = ? WHERE document_id = ?", (state.value, document_id))
