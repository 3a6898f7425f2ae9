"""Documents sealed for their patient: what reaches the rows of the catalogue.

The description goes under the account's key, bound to the document's id; the bytes go under their
own key. What must be found again is a keyed HMAC, always of account and value together, so that
equal values of two patients do not meet.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from mailbox_store import bodies
from mailbox_store.bodies import SealedBody
from mailbox_store.database import View
from mailbox_store.vault import AccountId
from mss_gateway.dossier.documents import (
    Document,
    Edits,
    State,
    Way,
    edited,
    edits_to_json,
    from_json,
    to_json,
)


@dataclass(frozen=True, slots=True)
class SealedDocument:
    """A document sealed for its patient, ready to be added; made outside any transaction."""

    document: Document
    body: SealedBody
    object_key: bytes
    sealed: bytes
    copies: tuple[str, ...]  # SHA-256 of the PDF copies it carries


def digest_of(content: bytes) -> str:
    """The SHA-256 by which bytes are known here, hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def seal_document(
    view: View, document: Document, content: bytes, copies: Iterable[bytes] = ()
) -> SealedDocument:
    """Seal a document and its bytes under its patient's key; on the caller's thread."""
    seal = view.vault.account(view, AccountId(document.account_id))
    body, object_key = bodies.seal_body(seal, content)
    sealed = seal.seal(to_json(document), _context(document.document_id))
    digests = tuple(digest_of(one) for one in copies)
    return SealedDocument(document, body, object_key, sealed, digests)


class Row(NamedTuple):
    """What :func:`open_document` needs of a document's row; ``COLUMNS`` are its names."""

    document_id: str
    account_id: int
    sealed: bytes
    state: str
    way: str
    masked: int
    revision: int
    edited: bytes | None
    replaced_by: str | None = None


COLUMNS: Final = ", ".join(Row._fields)


def open_document(view: View, row: Row) -> Document:
    """What a row holds; raises what the account's seal raises when it was altered."""
    seal = view.vault.account(view, AccountId(row.account_id))
    document = from_json(seal.open(row.sealed, _context(row.document_id)))
    if row.edited is not None:
        document = edited(document, seal.open(row.edited, _context_of_edits(row)))
    return replace(
        document,
        state=State(row.state),
        way=Way(row.way),
        is_masked=bool(row.masked),
        revision=row.revision,
        replaced_by=row.replaced_by,
    )


def seal_edits(view: View, document: Document, edits: Edits) -> bytes:
    """The patient's words, for the next revision of ``document`` and no other."""
    seal = view.vault.account(view, AccountId(document.account_id))
    next_one = _edits(document.document_id, document.revision + 1)
    return seal.seal(edits_to_json(edits), next_one)


def blind(view: View, account_id: int, kind: str, value: str) -> bytes:
    """The index of ``value`` among this account's values of that kind."""
    return view.vault.index.of(f"document-{kind}", f"{account_id}|{value}")


def _context_of_edits(row: Row) -> bytes:
    return _edits(row.document_id, row.revision)


def _edits(document_id: str, revision: int) -> bytes:
    return b"document %b edits %d" % (document_id.encode(), revision)


def _context(document_id: str) -> bytes:
    """What binds a sealed description to its row."""
    return b"document " + document_id.encode()
