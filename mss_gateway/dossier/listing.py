"""Lists of documents, page by page. Whoever reads says who they are: what is hidden from them is
left out by the query, not by the page.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from itertools import islice
from typing import Any, Final, NamedTuple

from mailbox_store.database import View
from mss_gateway.dossier import catalogue
from mss_gateway.dossier.documents import Category, Document, Hidden, State, Way
from mss_gateway.dossier.sealed import COLUMNS, Row, blind, open_document

MAX_LISTED: Final = 500

MAX_NAMED: Final = 1_000
"""Documents that are looked up by name, the first: as many as a search finds."""

# what is not settled yet is not shown: it may be hidden
_SHOWN: Final = "coalesce(hidden_from, 3) & ? = 0"


class Order(Enum):
    """How a list is ordered, newest first: by the document's own date, or by when it was filed."""

    DOCUMENT_DATE = "document_date"
    FILED = "filed_at"


class Reader(Enum):
    """Who a list is for, and what is not in theirs."""

    OPERATOR = Hidden(0)
    """Ids and sizes of all: an operator is shown no content."""
    PATIENT = Hidden.PATIENT


class Cursor(NamedTuple):
    """Where a page of a list ended."""

    at: int
    document_id: str


@dataclass(frozen=True, slots=True)
class Narrowed:
    """What a list of documents is narrowed to, all together; nothing is all of them."""

    category: Category | None = None
    author: str | None = None
    way: Way | None = None
    """How they came."""
    dated: tuple[int, int] | None = None
    """Their date in lists: from, included, until, not included; unix seconds."""


EVERYTHING: Final = Narrowed()


def documents_of(
    view: View,
    account_id: int,
    reader: Reader,
    *,
    category: Category | None = None,
    author: str | None = None,
    way: Way | None = None,
    dated: tuple[int, int] | None = None,
    order: Order = Order.DOCUMENT_DATE,
    states: tuple[State, ...] = (State.CURRENT,),
    after: Cursor | None = None,
    limit: int = 100,
) -> list[Document]:
    """Documents of one account, newest first; ``after`` continues a list (:func:`cursor_of`).

    ``category``, ``author``, ``way`` and ``dated`` as in :class:`Narrowed`.
    """
    narrowed = Narrowed(category, author, way, dated)
    clauses, parameters = _conditions(view, account_id, reader, states, narrowed)
    if after is not None:
        clauses.append(f"({order.value}, document_id) < (?, ?)")
        parameters += [after.at, after.document_id]
    return _opened(view, clauses, parameters, order, min(limit, MAX_LISTED))


def documents_named(
    view: View,
    account_id: int,
    reader: Reader,
    document_ids: Iterable[str],
    states: tuple[State, ...] = (State.CURRENT,),
    limit: int = MAX_LISTED,
    narrowed: Narrowed = EVERYTHING,
) -> list[Document]:
    """Those of the named documents that are this account's, of these states, shown and within
    ``narrowed``, newest first; at most ``limit`` of them are opened.
    """
    clauses, parameters = _conditions(view, account_id, reader, states, narrowed)
    # "+": one look per named document, not a walk over all of the account's
    clauses[0] = "+account_id = ?"
    clauses.append("document_id IN (SELECT value FROM json_each(?))")
    parameters.append(json.dumps(list(islice(document_ids, MAX_NAMED))))
    return _opened(view, clauses, parameters, Order.DOCUMENT_DATE, limit)


def _conditions(
    view: View, account_id: int, reader: Reader, states: tuple[State, ...], narrowed: Narrowed
) -> tuple[list[str], list[Any]]:
    clauses = ["account_id = ?", f"state IN ({', '.join('?' for _ in states)})", _SHOWN]
    parameters: list[Any] = [account_id, *(state.value for state in states), int(reader.value)]
    if narrowed.category is not None:
        clauses.append("category_index = ?")
        parameters.append(blind(view, account_id, "category", narrowed.category.value))
    if narrowed.author is not None:
        clauses.append("author_index = ?")
        parameters.append(blind(view, account_id, "author", narrowed.author))
    if narrowed.way is not None:
        clauses.append("way = ?")
        parameters.append(narrowed.way.value)
    if narrowed.dated is not None:
        clauses.append("document_date >= ? AND document_date < ?")
        parameters += narrowed.dated
    return clauses, parameters


def _opened(
    view: View, clauses: list[str], parameters: list[Any], order: Order, limit: int
) -> list[Document]:
    rows = view.sql(
        f"SELECT {COLUMNS} FROM documents WHERE {' AND '.join(clauses)}"
        f" ORDER BY {order.value} DESC, document_id DESC LIMIT ?",
        (*parameters, limit),
    )
    return [open_document(view, Row(*row)) for row in rows.fetchall()]


def cursor_of(document: Document, order: Order = Order.DOCUMENT_DATE) -> Cursor:
    """Where a list in this order goes on after ``document``."""
    at = document.filed_at if order is Order.FILED else catalogue.dated(document)
    return Cursor(at, document.document_id)
