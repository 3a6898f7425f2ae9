"""Which documents of a record know each other: by what names, in place of what.

Names are keyed HMAC of account and value: an archive that comes in years must still find what it
refers to, and the table tells nobody what is there. Facts only; ``versions`` judges them.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, Final

from mailbox_store.database import Transaction, View
from mss_gateway.dossier import sealed
from mss_gateway.dossier.documents import Document, DocumentId
from mss_gateway.dossier.sealed import Row, blind, open_document
from mss_gateway.dossier.versions import Version, version_of

RELATIVES: Final = 200
"""Versions of one set that are looked at, the newest; a longer history is nobody's document."""

OWN: Final = "own"
REPLACES: Final = "replaces"

_COLUMNS: Final = ", ".join(f"d.{name}" for name in Row._fields)


def keep_names(tx: Transaction, document: Document) -> None:
    """Enter a new document's entry UUID, and the names of what it says that it replaces."""
    version = version_of(document)
    if document.entry_uuid:
        _enter(tx, document.account_id, document.entry_uuid, OWN, document.document_id)
    for name in version.replaces:
        _enter(tx, document.account_id, name, REPLACES, document.document_id)


def learn_name(tx: Transaction, account_id: int, document_id: str, entry_uuid: str) -> None:
    """The same document came again under another entry UUID (domain.md DOC-12): both are its own.

    A name that another document of this record has already stays that one's.
    """
    if entry_uuid and not _named(tx, account_id, entry_uuid, OWN):
        _enter(tx, account_id, entry_uuid, OWN, document_id)


def forget(tx: Transaction, document_id: str) -> None:
    """Nothing is known of a document that goes."""
    tx.sql("DELETE FROM document_names WHERE document_id = ?", (document_id,))


def standing(view: View, account_id: int, coming: Version) -> list[Version]:
    """Every version of this record that ``coming`` may have to do with."""
    found: dict[str, Version] = {}
    for document, name in _relatives(view, account_id, coming):
        known = found.get(document.document_id) or version_of(document)
        names = known.names | {name} if name else known.names
        found[document.document_id] = replace(known, names=names)
    return list(found.values())


def named(view: View, account_id: int, name: str) -> list[Version]:
    """The documents of this record with this entry UUID or uniqueId."""
    own = _by_name(view, account_id, name, OWN)
    return [version_of(one) for one in own or _by_column(view, account_id, "source", name)]


def history(view: View, document: Document) -> list[Document]:
    """All versions of a document, itself among them, the newest first; those before a newer one
    that both lead to included."""
    head, seen = document, {document.document_id}
    while head.replaced_by is not None and len(seen) < RELATIVES:
        above = _one(view, head.account_id, head.replaced_by)
        if above is None or above.document_id in seen:
            break
        seen.add(above.document_id)
        head = above
    found, waiting = {head.document_id: head}, [head]
    while waiting and len(found) < RELATIVES:
        for one in below(view, waiting.pop(0)):
            if one.document_id not in found:
                found[one.document_id] = one
                waiting.append(one)
    return [head, *sorted((one for key, one in found.items() if key != head.document_id), key=_age)]


def below(view: View, document: Document) -> list[Document]:
    """The documents in whose place this one stands directly."""
    return list(
        _documents(
            view,
            f"SELECT {_COLUMNS} FROM documents d"
            " WHERE d.account_id = ? AND d.replaced_by = ? LIMIT ?",
            (document.account_id, document.document_id, RELATIVES),
        )
    )


def _age(document: Document) -> tuple[int, int]:
    """A later version first, by its own date and then by when it came."""
    return -(document.document_date or document.filed_at), -document.filed_at


def _relatives(
    view: View, account_id: int, coming: Version
) -> Iterator[tuple[Document, str | None]]:
    for name in coming.replaces:
        for one in _by_name(view, account_id, name, OWN):
            yield one, name
        for one in _by_column(view, account_id, "source", name):
            yield one, name
    if coming.unique_id:
        yield from ((one, None) for one in _by_column(view, account_id, "source", coming.unique_id))
    if coming.set_id:
        yield from ((one, None) for one in _by_column(view, account_id, "lineage", coming.set_id))
    for name in coming.names:
        yield from ((one, None) for one in _by_name(view, account_id, name, REPLACES))


def _by_column(view: View, account_id: int, kind: str, value: str) -> list[Document]:
    """By the index of uniqueIds (``source``) or of sets (``lineage``)."""
    # "+": sorting the few that are found, not walking the record by date in search of them
    return list(
        _documents(
            view,
            f"SELECT {_COLUMNS} FROM documents d WHERE d.account_id = ? AND d.{kind}_index = ?"
            " ORDER BY +d.document_date DESC LIMIT ?",
            (account_id, blind(view, account_id, kind, value), RELATIVES),
        )
    )


def _by_name(view: View, account_id: int, name: str, relation: str) -> list[Document]:
    return list(
        _documents(
            view,
            f"SELECT {_COLUMNS} FROM document_names n"
            " JOIN documents d ON d.document_id = n.document_id"
            " WHERE n.account_id = ? AND n.name_index = ? AND n.relation = ? LIMIT ?",
            (account_id, _index(view, account_id, name), relation, RELATIVES),
        )
    )


def _one(view: View, account_id: int, document_id: str) -> Document | None:
    found = _documents(
        view,
        f"SELECT {_COLUMNS} FROM documents d WHERE d.account_id = ? AND d.document_id = ?",
        (account_id, document_id),
    )
    return next(found, None)


def _documents(view: View, statement: str, parameters: tuple[Any, ...]) -> Iterator[Document]:
    for row in view.sql(statement, parameters).fetchall():
        yield open_document(view, Row(*row))


def _named(view: View, account_id: int, name: str, relation: str) -> bool:
    row = view.sql(
        "SELECT 1 FROM document_names WHERE account_id = ? AND name_index = ? AND relation = ?"
        " LIMIT 1",
        (account_id, _index(view, account_id, name), relation),
    ).first()
    return row is not None


def _enter(tx: Transaction, account_id: int, name: str, relation: str, document_id: str) -> None:
    tx.sql(
        "INSERT INTO document_names (account_id, name_index, relation, document_id)"
        " VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (account_id, _index(tx, account_id, name), relation, document_id),
    )


def _index(view: View, account_id: int, name: str) -> bytes:
    return sealed.blind(view, account_id, "name", name)


def chain(view: View, documents: Iterable[Document]) -> list[DocumentId]:
    """The ids of all versions of these documents."""
    found: dict[DocumentId, None] = {}
    for document in documents:
        found |= dict.fromkeys(one.document_id for one in history(view, document))
    return list(found)
