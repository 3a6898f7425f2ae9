"""Lists of documents, page by page. Whoever reads says who they are: what is hidden from them is
left out by the query, not by the page.
"""

from collections.abc import Iterable
from enum import Enum
from typing import Any, Final, NamedTuple

from mailbox_store.database import View
from mss_gateway.dossier import catalogue
from mss_gateway.dossier.documents import Category, Document, Hidden, State
from mss_gateway.dossier.sealed import COLUMNS, Row, blind, open_document

MAX_LISTED: Final = 500

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


def documents_of(
    view: View,
    account_id: int,
    reader: Reader,
    *,
    category: Category | None = None,
    author: str | None = None,
    order: Order = Order.DOCUMENT_DATE,
    states: tuple[State, ...] = (State.CURRENT,),
    after: Cursor | None = None,
    limit: int = 100,
) -> list[Document]:
    """Documents of one account, newest first; ``after`` continues a list (:func:`cursor_of`)."""
    clauses = ["account_id = ?", f"state IN ({', '.join('?' for _ in states)})", _SHOWN]
    parameters: list[Any] = [account_id, *(state.value for state in states), int(reader.value)]
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
        f"SELECT {COLUMNS} FROM documents WHERE {' AND '.join(clauses)}"
        f" ORDER BY {order.value} DESC, document_id DESC LIMIT ?",
        (*parameters, min(limit, MAX_LISTED)),
    )
    return [open_document(view, Row(*row)) for row in rows.fetchall()]


def documents_named(
    view: View,
    account_id: int,
    reader: Reader,
    document_ids: Iterable[str],
    states: tuple[State, ...] = (State.CURRENT,),
    limit: int = MAX_LISTED,
) -> list[Document]:
    """Those of the named documents that are this account's, of these states and shown, newest
    first; at most ``limit`` of them are opened."""
    wanted = list(document_ids)[:MAX_LISTED]
    marks, allowed = ", ".join("?" for _ in wanted), ", ".join("?" for _ in states)
    rows = view.sql(
        f"SELECT {COLUMNS} FROM documents WHERE account_id = ? AND state IN ({allowed})"
        f" AND {_SHOWN} AND document_id IN ({marks})"
        " ORDER BY document_date DESC, document_id DESC LIMIT ?",
        (account_id, *(one.value for one in states), int(reader.value), *wanted, limit),
    )
    return [open_document(view, Row(*row)) for row in rows.fetchall()]


def cursor_of(document: Document, order: Order = Order.DOCUMENT_DATE) -> Cursor:
    """Where a list in this order goes on after ``document``."""
    at = document.filed_at if order is Order.FILED else catalogue.dated(document)
    return Cursor(at, document.document_id)
