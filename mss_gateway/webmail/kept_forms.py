"""What was being written when a session was locked or ended: kept, sealed, and shown again.

The fields of a form with a text, never its files nor its token; for an hour, under the account's
key. One for each session that lapsed, a few for an account. It is gone once its form was sent.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, Table

from mailbox_store.database import Transaction, View
from mailbox_store.tables import metadata
from mailbox_store.vault import AccountId
from mss_gateway.webmail.forms import Form

kept_forms = Table(
    "kept_forms",
    metadata,
    Column("session_index", LargeBinary, primary_key=True),
    Column("account_id", ForeignKey("accounts.account_id"), nullable=False),
    Column("kept_at", Integer, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Index(None, "account_id"),
    sqlite_with_rowid=False,
)

KEPT_OCTETS: Final = 256 * 1024
"""What is longer is not kept; the longest text that can be sent is 100,000 characters."""

KEPT_SECONDS: Final = 3600
KEPT_FORMS: Final = 5
"""Of one account: the oldest gives way."""

PROOF_FIELD: Final = "jeton"
_CONTEXT: Final = b"kept form"


@dataclass(frozen=True, slots=True)
class KeptForm:
    """A form that waits: where it was to be sent, what was in it, whether it had files."""

    index: bytes
    path: str
    fields: Mapping[str, tuple[str, ...]]
    had_files: bool


def keep(tx: Transaction, account_id: AccountId, index: bytes, path: str, form: Form) -> bool:
    """Keep the fields of a form for the account; ``index`` is of the session that lapsed.

    False when they are more than :data:`KEPT_OCTETS`.
    """
    kept = {
        "path": path,
        "fields": {name: list(given) for name, given in form.fields.items() if name != PROOF_FIELD},
        "had_files": bool(form.files),
    }
    plain = json.dumps(kept, ensure_ascii=False).encode("utf-8", "surrogatepass")
    if len(plain) > KEPT_OCTETS:
        return False
    tx.sql("DELETE FROM kept_forms WHERE kept_at <= ?", (tx.now - KEPT_SECONDS,))
    tx.sql("DELETE FROM kept_forms WHERE session_index = ?", (index,))
    tx.sql(
        "DELETE FROM kept_forms WHERE session_index IN (SELECT session_index FROM kept_forms"
        " WHERE account_id = ? ORDER BY kept_at DESC LIMIT -1 OFFSET ?)",
        (account_id, KEPT_FORMS - 1),
    )
    tx.sql(
        "INSERT INTO kept_forms (session_index, account_id, kept_at, sealed) VALUES (?, ?, ?, ?)",
        (index, account_id, tx.now, tx.vault.account(tx, account_id).seal(plain, _CONTEXT)),
    )
    return True


def latest(
    view: View, account_id: AccountId, now: float, path: str | None = None
) -> KeptForm | None:
    """The form that was kept last for an account; with ``path``, the last of this form."""
    rows = view.sql(
        "SELECT session_index, sealed FROM kept_forms WHERE account_id = ? AND kept_at > ?"
        " ORDER BY kept_at DESC",
        (account_id, int(now) - KEPT_SECONDS),
    ).fetchall()
    if not rows:
        return None
    seal = view.vault.account(view, account_id)
    for row in rows:
        plain = seal.open(bytes(row[1]), _CONTEXT).decode("utf-8", "surrogatepass")
        kept = json.loads(plain)
        if path is None or kept["path"] == path:
            fields = {name: tuple(given) for name, given in kept["fields"].items()}
            return KeptForm(
                bytes(row[0]), kept["path"], MappingProxyType(fields), kept["had_files"]
            )
    return None


def forget(tx: Transaction, account_id: AccountId, kept: KeptForm) -> None:
    """It was sent: it need not be shown again."""
    tx.sql(
        "DELETE FROM kept_forms WHERE account_id = ? AND session_index = ?",
        (account_id, kept.index),
    )
