"""What is written of documents that come in, in the transaction of their filing.

The journal is the patient's to read; the audit chain, which names nobody, has its own row of each.
"""

from collections.abc import Iterable
from typing import Final

from mailbox_store.database import Transaction
from mss_gateway.directory.people import Person
from mss_gateway.dossier import filing, journal
from mss_gateway.dossier.documents import Document, State
from mss_gateway.dossier.errors import ImportCode
from mss_gateway.dossier.filing import Filed, Outcome
from mss_gateway.dossier.journal import Act, Doer
from mss_gateway.dossier.sealed import SealedDocument
from mss_gateway.dossier.succession import Done
from mss_gateway.observability import audit

_UPDATES: Final = {
    State.CURRENT: Act.RESTORED,
    State.DEPRECATED: Act.DEPRECATED,
    State.WITHDRAWN: Act.WITHDRAWN,
}
"""What its author made of a document → how the journal calls it."""


def note_filing(tx: Transaction, by: Doer, document: Document, outcome: Outcome) -> None:
    """Put the filing of a document on record; what was there already is told to the audit alone."""
    is_new = isinstance(outcome, Filed)
    if is_new:
        journal.note(tx, document.account_id, by, Act.DEPOSITED, document)
    _audit_filing(tx, by, document, "filed" if is_new else "already there", outcome.document_id)
    for older in outcome.replaced if isinstance(outcome, Filed) else ():
        journal.note(tx, older.account_id, by, Act.REPLACED, older)
        _audit_filing(tx, by, document, "replaced", older.document_id)


def note_filings(tx: Transaction, by: Doer, done: Iterable[Done]) -> list[Document]:
    """The same for all documents of an archive; those that are new."""
    done = tuple(done)
    for one in done:
        note_filing(tx, by, one.document, filing.outcome_of(one))
    return [one.document for one in done if one.there is None]


def file_one(tx: Transaction, by: Doer, made: SealedDocument) -> list[Document]:
    """File a document that came alone, and put it on record; it, if it is new."""
    outcome = filing.file_attachment(tx, made)
    note_filing(tx, by, made.document, outcome)
    return [made.document] if isinstance(outcome, Filed) else []


def note_update(tx: Transaction, by: Doer, document: Document, message_ref: str) -> None:
    """Its author took a document back, or says that it holds no more, or again."""
    act = _UPDATES[document.state]
    journal.note(tx, document.account_id, by, act, document)
    _audit_filing(tx, by, document, act.value, document.document_id, message_ref)


def note_refusal(
    tx: Transaction, by: Doer, patient: Person, code: ImportCode, message_ref: str
) -> None:
    """An archive was refused whole, and nothing in the record changed."""
    journal.note(tx, patient.account_id, by, Act.NOT_FILED)
    audit.record(
        tx,
        actor=by.actor,
        act="dossier",
        object=f"account:{patient.account_id}",
        verdict=f"refused {code.value}",
        message_ref=message_ref or None,
    )


def _audit_filing(
    tx: Transaction,
    by: Doer,
    document: Document,
    verdict: str,
    document_id: str,
    message_ref: str | None = None,
) -> None:
    audit.record(
        tx,
        actor=by.actor,
        act="dossier",
        object=f"account:{document.account_id} document:{document_id}",
        verdict=verdict,
        message_ref=message_ref or document.provenance.message_ref,
    )
