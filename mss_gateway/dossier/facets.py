"""How many documents each category and each author of a record has, kept as they change.

Counted are the documents that their patient is shown in a list: current, and not hidden by their
author. No page counts them: a record of 100,000 documents opens like one of ten.
"""

import json
from collections.abc import Iterable

from mailbox_store.database import Transaction, View
from mailbox_store.vault import AccountId
from mss_gateway.dossier.documents import Category, Document, Hidden, State
from mss_gateway.dossier.sealed import blind

_CATEGORY, _AUTHOR = "category", "author"


def changed(tx: Transaction, before: Document | None, after: Document | None) -> None:
    """A document came (``before`` is None), changed, or went (``after`` is None)."""
    if before is not None and _is_counted(before):
        _add(tx, before, -1)
    if after is not None and _is_counted(after):
        _add(tx, after, 1)


def by_category(view: View, account_id: int) -> dict[Category, int]:
    """Documents of each category; every category has its number."""
    found = {Category(value): count for value, count in _all(view, account_id, _CATEGORY)}
    return {one: found.get(one, 0) for one in Category}


def by_author(view: View, account_id: int) -> dict[str, int]:
    """Documents of each author who has any, by name, in the order of the alphabet."""
    return dict(sorted(_all(view, account_id, _AUTHOR), key=lambda row: row[0].casefold()))


def totals(view: View, account_ids: Iterable[int]) -> dict[int, int]:
    """Documents of each of these records, in one statement; what is empty is left out."""
    rows = view.sql(
        "SELECT account_id, sum(count) FROM record_facets"
        " WHERE account_id IN (SELECT value FROM json_each(?)) AND kind = ? GROUP BY account_id",
        (json.dumps(list(account_ids)), _CATEGORY),
    )
    return {row[0]: row[1] for row in rows.fetchall()}


def forget(tx: Transaction, account_id: int) -> None:
    """Count nothing of this account any more: it is counted anew (``settling``)."""
    tx.sql("DELETE FROM record_facets WHERE account_id = ?", (account_id,))


def _is_counted(document: Document) -> bool:
    return document.state is State.CURRENT and not document.hidden_from & Hidden.PATIENT


def _add(tx: Transaction, document: Document, change: int) -> None:
    account_id = document.account_id
    for kind, value in ((_CATEGORY, document.category.value), (_AUTHOR, document.author)):
        if not value:
            continue
        index = blind(tx, account_id, kind, value)
        key = (account_id, kind, index)
        count = tx.sql(
            "UPDATE record_facets SET count = count + ?"
            " WHERE account_id = ? AND kind = ? AND value_index = ? RETURNING count",
            (change, *key),
        ).scalar()
        if count is None:
            seal = tx.vault.account(tx, AccountId(account_id))
            sealed = seal.seal(value.encode(), _context(kind))
            tx.sql("INSERT INTO record_facets VALUES (?, ?, ?, ?, ?)", (*key, change, sealed))
        elif count == 0:
            tx.sql(
                "DELETE FROM record_facets WHERE account_id = ? AND kind = ? AND value_index = ?",
                key,
            )


def _all(view: View, account_id: int, kind: str) -> list[tuple[str, int]]:
    seal = view.vault.account(view, AccountId(account_id))
    rows = view.sql(
        "SELECT sealed, count FROM record_facets WHERE account_id = ? AND kind = ?",
        (account_id, kind),
    ).fetchall()
    return [(seal.open(bytes(sealed), _context(kind)).decode(), count) for sealed, count in rows]


def _context(kind: str) -> bytes:
    return b"record facet " + kind.encode()
