"""Proof that the record is whole: every document read again, opened and hashed."""

from dataclasses import dataclass

from certs.errors import CannotOpen
from mailbox_store.database import View
from mailbox_store.errors import BlobAltered
from mss_gateway.dossier import catalogue, companions
from mss_gateway.dossier.documents import DocumentId
from mss_gateway.dossier.sealed import digest_of


@dataclass(frozen=True, slots=True)
class Report:
    """Ids of documents, which name nobody; ``intact`` is how many are as they were filed."""

    intact: int
    altered: tuple[DocumentId, ...]
    missing: tuple[DocumentId, ...]

    @property
    def is_whole(self) -> bool:
        """Whether nothing is altered or missing."""
        return not self.altered and not self.missing


def verify(view: View) -> Report:
    """Re-hash every document, withdrawn and superseded ones too.

    Missing: the body's row is gone. Altered: a chunk is gone or does not open, the description
    does not open, nor what came with it, or the SHA-256 is not the one that was filed. Reads one
    document at a time.
    """
    intact, altered, missing = 0, [], []
    for account_id, document_id, has_body in catalogue.every_document(view):
        if not has_body:
            missing.append(document_id)
        elif _is_intact(view, account_id, document_id):
            intact += 1
        else:
            altered.append(document_id)
    return Report(intact, tuple(altered), tuple(missing))


def _is_intact(view: View, account_id: int, document_id: DocumentId) -> bool:
    try:
        document = catalogue.find(view, account_id, document_id)
        content = catalogue.read_bytes(view, account_id, document_id)
        for _ in companions.of_document(view, account_id, document_id):
            pass  # each opens, or it was altered
    except (BlobAltered, CannotOpen):
        return False
    return digest_of(content) == document.digest
