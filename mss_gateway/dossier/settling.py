"""What a migration could not do: read under the seals of documents filed by an earlier release.

Done once, at the first start after it, before anything is served; a start that is killed goes on
where it was. Documents that are not settled are in no list of a patient.
"""

from collections.abc import Callable
from functools import partial
from typing import Final

from mailbox_store.database import Database, Transaction
from mss_gateway.dossier import facets
from mss_gateway.dossier.documents import Document, Way
from mss_gateway.dossier.sealed import COLUMNS, Row, open_document

BATCH: Final = 200


def settle(database: Database, told: Callable[[int], None] = lambda _count: None) -> int:
    """Settle every document that is not; how many. ``told`` hears of each batch."""
    total = 0
    while done := database.write(partial(_batch, limit=BATCH)):
        total += done
        told(total)
    return total


def _batch(tx: Transaction, limit: int) -> int:
    rows = tx.sql(
        f"SELECT {COLUMNS} FROM documents WHERE hidden_from IS NULL LIMIT ?", (limit,)
    ).fetchall()
    for row in rows:
        _settle(tx, open_document(tx, Row(*row)))
    return len(rows)


def _settle(tx: Transaction, document: Document) -> None:
    # only archives file by themselves, and what is in one has a place in it
    is_saved = document.way is Way.MESSAGE and not document.provenance.entry
    way = Way.SAVED if is_saved else document.way
    tx.sql(
        "UPDATE documents SET hidden_from = ?, way = ? WHERE document_id = ?",
        (int(document.hidden_from), way.value, document.document_id),
    )
    facets.changed(tx, None, document)
