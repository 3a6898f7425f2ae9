"""The access journal of a record: who did what in it, and when, for its patient to read.

Kept with the record and under its key (domain.md MES-07); the audit chain, which names nobody, has
its own row of each act. An entry is written in the transaction of the act that it tells of.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from mailbox_store.database import Transaction, View
from mailbox_store.vault import AccountId
from mss_gateway.dossier.documents import Document

MAX_LISTED: Final = 200

# one look-up by its key for each entry; a document that is gone hides nothing, one that is not
# settled yet (NULL) may be hidden
_TOLD: Final = (
    "NOT EXISTS (SELECT 1 FROM documents d WHERE d.document_id = j.document_id"
    " AND coalesce(d.hidden_from, 3) & 1)"
)
PAGE: Final = (
    "SELECT entry_id, at, side, act, document_id, sealed FROM record_journal j"
    f" WHERE account_id = ? AND side = ? AND entry_id < ? AND {_TOLD}"
    " ORDER BY entry_id DESC LIMIT ?"
)
"""A page of one list: account, side, the entry before which it begins, and how many."""


class Side(Enum):
    """The two lists in which a patient reads it."""

    OWN = "own"
    OTHERS = "others"


class Act(Enum):
    """The closed list of what is told."""

    READ = "read"
    DOWNLOADED = "downloaded"
    DEPOSITED = "deposited"
    REPLACED = "replaced"
    DEPRECATED = "deprecated"
    WITHDRAWN = "withdrawn"
    RESTORED = "restored"
    NOT_FILED = "not_filed"
    EDITED = "edited"
    MASKED = "masked"
    UNMASKED = "unmasked"
    REMOVED = "removed"
    REFUSED = "refused"
    LISTED = "listed"
    EXPORTED = "exported"
    SENT = "sent"


@dataclass(frozen=True, slots=True)
class Doer:
    """Who did it: ``actor`` as the audit names them, ``name`` as the patient reads it."""

    actor: str
    name: str
    side: Side


@dataclass(frozen=True, slots=True)
class Entry:
    """One act. ``title`` is that of the document at the time; ``document_id`` may be gone."""

    entry_id: int
    at: int  # unix seconds
    side: Side
    act: Act
    who: str
    document_id: str | None
    title: str


def note(
    tx: Transaction, account_id: int, doer: Doer, act: Act, document: Document | None = None
) -> None:
    """Append one act in the record of ``account_id``."""
    said = {"who": doer.name, "title": document.title if document is not None else ""}
    seal = tx.vault.account(tx, AccountId(account_id))
    sealed = seal.seal(json.dumps(said, ensure_ascii=False).encode(), _context(act))
    document_id = document.document_id if document is not None else None
    tx.sql(
        "INSERT INTO record_journal (account_id, at, side, act, actor, document_id, sealed)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (account_id, tx.now, doer.side.value, act.value, doer.actor, document_id, sealed),
    )


def has_noted(
    view: View, account_id: int, doer: Doer, act: Act, document_id: str, since: int
) -> bool:
    """Whether the same act of the same document stands there already since this moment."""
    row = view.sql(
        "SELECT 1 FROM record_journal WHERE account_id = ? AND document_id = ? AND act = ?"
        " AND actor = ? AND at >= ? LIMIT 1",
        (account_id, document_id, act.value, doer.actor, since),
    ).first()
    return row is not None


def entries(
    view: View, account_id: int, side: Side, before: int | None = None, limit: int = 50
) -> list[Entry]:
    """One list, the newest act first; ``before`` is the entry where the page before ended.

    It is the patient's to read: nothing is told of a document that is hidden from them today.
    """
    seal = view.vault.account(view, AccountId(account_id))
    rows = view.sql(
        PAGE,
        (account_id, side.value, before or (1 << 62), min(limit, MAX_LISTED)),
    )
    return [_entry(seal, row) for row in rows.fetchall()]


def every_entry(view: View, account_id: int, side: Side) -> Iterator[Entry]:
    """The whole list, the newest act first, read page by page."""
    before: int | None = None
    while page := entries(view, account_id, side, before, MAX_LISTED):
        yield from page
        before = page[-1].entry_id


def _entry(seal: Any, row: Any) -> Entry:
    entry_id, at, side, act, document_id, sealed = row
    said = json.loads(seal.open(bytes(sealed), _context(Act(act))))
    return Entry(entry_id, at, Side(side), Act(act), said["who"], document_id, said["title"])


def _context(act: Act) -> bytes:
    return b"record journal " + act.value.encode()
