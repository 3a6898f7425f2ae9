"""Documents sealed for their patient: what reaches the rows of the catalogue.

The description goes under the account's key, bound to the document's id; the bytes go under their
own key. What must be found again is a keyed HMAC, always of account and value together, so that
equal values of two patients do not meet.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from mailbox_store import bodies
from mailbox_store.bodies import SealedBody
from mailbox_store.database import View
from mailbox_store.vault import AccountId
from mss_gateway.dossier.documents import Document, State, from_json, to_json


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


def open_document(
    view: View, account_id: int, document_id: str, sealed: bytes, state: str
) -> Document:
    """The description that a row holds; raises what the account's seal raises when altered."""
    seal = view.vault.account(view, AccountId(account_id))
    return from_json(seal.open(sealed, _context(document_id)), State(state))


def blind(view: View, account_id: int, kind: str, value: str) -> bytes:
    """The index of ``value`` among this account's values of that kind."""
    return view.vault.index.of(f"document-{kind}", f"{account_id}|{value}")


def _context(document_id: str) -> bytes:
    """What binds a sealed description to its row."""
    return b"document " + document_id.encode()
