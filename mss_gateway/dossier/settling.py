"""What a migration could not do: read under the seals of documents filed by an earlier release.

Done once, at the first start after it, before anything is served; a start that is killed goes on
where it was. Documents that are not settled are in no list of a patient.
"""

from collections.abc import Callable
from functools import partial
from typing import Final

from mailbox_store.database import Database, Transaction
from mss_gateway.dossier import facets, relations
from mss_gateway.dossier.catalogue import LINKED
from mss_gateway.dossier.documents import Document, State, Way
from mss_gateway.dossier.sealed import COLUMNS, Row, open_document
from mss_gateway.dossier.versions import place, version_of

BATCH: Final = 200


def settle(database: Database, told: Callable[[int], None] = lambda _count: None) -> int:
    """Settle every document that is not; how many. ``told`` hears of each batch."""
    total = 0
    for batch in (_shown, _named, _followed):
        while done := database.write(partial(batch, limit=BATCH)):
            # a document whose successor is looked for was counted when its names were
            total += 0 if batch is _followed else done
            told(total)
    return total


def _shown(tx: Transaction, limit: int) -> int:
    """Who may not see it, and how it came."""
    found = _documents(tx, "hidden_from IS NULL", limit)
    for document in found:
        _settle(tx, document)
    return len(found)


def _named(tx: Transaction, limit: int) -> int:
    """The names of what it replaces, so that what comes late is found to be replaced."""
    found = _documents(tx, "linked = 0", limit)
    for document in found:
        relations.keep_names(tx, document)
        linked = 1 if document.state is State.SUPERSEDED else LINKED
        tx.sql(
            "UPDATE documents SET linked = ? WHERE document_id = ?", (linked, document.document_id)
        )
    return len(found)


def _followed(tx: Transaction, limit: int) -> int:
    """Which newer version stands in its place."""
    found = _documents(tx, "linked = 1", limit)
    for document in found:
        version = version_of(document)
        standing = relations.standing(tx, document.account_id, version)
        tx.sql(
            "UPDATE documents SET replaced_by = ?, linked = ? WHERE document_id = ?",
            (place(version, standing).successor, LINKED, document.document_id),
        )
    return len(found)


def _documents(tx: Transaction, which: str, limit: int) -> list[Document]:
    rows = tx.sql(f"SELECT {COLUMNS} FROM documents WHERE {which} LIMIT ?", (limit,))
    return [open_document(tx, Row(*row)) for row in rows.fetchall()]


def _settle(tx: Transaction, document: Document) -> None:
    # only archives file by themselves, and what is in one has a place in it
    is_saved = document.way is Way.MESSAGE and not document.provenance.entry
    way = Way.SAVED if is_saved else document.way
    tx.sql(
        "UPDATE documents SET hidden_from = ?, way = ? WHERE document_id = ?",
        (int(document.hidden_from), way.value, document.document_id),
    )
    facets.changed(tx, None, document)
