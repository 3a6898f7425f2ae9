"""Documents of the record joined to a message that the patient writes: copies that leave it.

Choosing one is reading it, under the rights table and on record; that it was sent is put on record
when the message was taken, whichever way its bytes came into the message.
"""

from collections.abc import Iterable
from typing import Final

from mailbox_store.database import Transaction
from mss_gateway.directory.people import Person
from mss_gateway.dossier import catalogue, journal, listing
from mss_gateway.dossier.documents import Document
from mss_gateway.dossier.journal import Act
from mss_gateway.dossier.listing import Order, Reader
from mss_gateway.life import record, record_search
from mss_gateway.life.gateway import Gateway
from mss_gateway.observability import audit
from policies.facts import RecordAction

OFFERED: Final = 25
"""Documents offered at once; who looks for an older one searches for it."""


def offered(gateway: Gateway, patient: Person, words: str) -> list[Document]:
    """The latest documents, or the latest of those that hold every word of ``words``.

    What its author hid from the patient is not among them.
    """
    record.permit(gateway, patient, patient.account_id, RecordAction.LIST)
    account_id = patient.account_id
    if not words:
        with gateway.database.read() as view:
            found = listing.documents_of(
                view, account_id, Reader.PATIENT, order=Order.FILED, limit=OFFERED
            )
        return record.visible(patient, found)
    hits = record_search.search(gateway, account_id, words).document_ids
    with gateway.database.read() as view:
        found = listing.documents_named(view, account_id, Reader.PATIENT, hits, limit=OFFERED)
    return record.visible(patient, found)


def named(gateway: Gateway, patient: Person, document_ids: Iterable[str]) -> list[Document]:
    """The documents chosen, each once; raises Refused(DOCUMENT_NOT_FOUND) when one may not be."""
    return [
        record.find(gateway, patient, each, RecordAction.READ)
        for each in dict.fromkeys(document_ids)
    ]


def read(gateway: Gateway, patient: Person, document: Document) -> bytes:
    """The bytes of one, those of the day it came in; the reading is on record."""
    _, content = record.read_document(gateway, patient, document.document_id, RecordAction.READ)
    return content


def note_sent(tx: Transaction, patient: Person, digests: Iterable[str], message_ref: str) -> None:
    """Put on record which documents of the patient's record left it with a message.

    ``digests``: SHA-256 of the files sent, in hexadecimal; what stands in no record is nobody's.
    """
    who = record.doer(patient, patient.account_id)
    for digest in dict.fromkeys(digests):
        document_id = catalogue.find_same(tx, patient.account_id, digest, is_patients_act=True)
        if document_id is None:
            continue
        found = catalogue.find(tx, patient.account_id, document_id)
        for document in record.visible(patient, [found]):
            journal.note(tx, patient.account_id, who, Act.SENT, document)
            audit.record(
                tx,
                actor=who.actor,
                act="dossier",
                object=f"document:{document.document_id}",
                verdict=Act.SENT.value,
                message_ref=message_ref,
            )
