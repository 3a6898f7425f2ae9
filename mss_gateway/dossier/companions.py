"""What came with documents and is none: signatures, sheets they are shown by, a copy as PDF.

An archive that a message brought stays in its mailbox; one that an operator brings in is gone
afterwards, and with it what proves who signed its documents (domain.md DOC-28). Kept to the octet,
sealed under the patient's key, and in no list: it goes when its document goes.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from mailbox_store.database import Transaction, View
from mailbox_store.vault import AccountId
from mss_gateway.dossier.sealed import blind, digest_of

MAX_OCTETS: Final = 4 * 1024 * 1024
"""Of one companion; a signature has some thousands."""

MAX_COUNT: Final = 16
"""Of one archive."""


@dataclass(frozen=True, slots=True)
class Companion:
    """One file that goes with a document: its path in the archive, its type as announced."""

    path: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class SealedCompanion:
    """The same, sealed for its patient."""

    account_id: int
    digest: str
    size: int
    sealed: bytes


def seal(view: View, account_id: int, companion: Companion) -> SealedCompanion:
    """Seal a companion under its patient's key; on the caller's thread."""
    digest = digest_of(companion.content)
    said = {
        "path": companion.path,
        "media_type": companion.media_type,
        "content": b64encode(companion.content).decode(),
    }
    sealed = view.vault.account(view, AccountId(account_id)).seal(
        json.dumps(said, ensure_ascii=False).encode(), _context(account_id)
    )
    return SealedCompanion(account_id, digest, len(companion.content), sealed)


def add(tx: Transaction, document_id: str, made: SealedCompanion) -> None:
    """Keep a companion with its document, once."""
    tx.sql(
        "INSERT INTO document_companions (account_id, document_id, digest_index, size, sealed)"
        " VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (
            made.account_id,
            document_id,
            blind(tx, made.account_id, "digest", made.digest),
            made.size,
            made.sealed,
        ),
    )


def of_document(view: View, account_id: int, document_id: str) -> Iterator[Companion]:
    """What came with a document of this account, in the order of its archive."""
    opened = view.vault.account(view, AccountId(account_id))
    rows = view.sql(
        "SELECT sealed FROM document_companions WHERE account_id = ? AND document_id = ?"
        " ORDER BY companion_id",
        (account_id, document_id),
    )
    for (sealed,) in rows.fetchall():
        said = json.loads(opened.open(bytes(sealed), _context(account_id)))
        yield Companion(said["path"], said["media_type"], b64decode(said["content"]))


def forget(tx: Transaction, document_id: str) -> None:
    """Its document goes."""
    tx.sql("DELETE FROM document_companions WHERE document_id = ?", (document_id,))


def _context(account_id: int) -> bytes:
    return b"document companion %d" % account_id
