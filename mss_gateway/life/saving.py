"""« Enregistrer dans mon dossier »: an attachment filed by the patient's own click.

Every act asks ``policies`` first and is on record.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mailbox_store import changes
from mailbox_store.database import Transaction, View
from mailbox_store.messages import MessageId
from mss_gateway.directory.people import Person
from mss_gateway.dossier import filing, intake
from mss_gateway.dossier.documents import Category, Document, Way
from mss_gateway.dossier.filing import AlreadyThere, Filed, Origin, Outcome
from mss_gateway.failures import Refused
from mss_gateway.life import dossier, enclosed, proposals, record, record_notes
from mss_gateway.life.gateway import Gateway
from mss_gateway.message.attachments import Attachment, attachments
from mss_gateway.message.part import Message
from policies.facts import RecordAction


@dataclass(frozen=True, slots=True)
class Source:
    """A message of the patient's own from which an attachment is filed."""

    message_id: MessageId
    message_ref: str


def save_attachment(
    gateway: Gateway, patient: Person, source: Source, part: str, category: Category | None
) -> Outcome:
    """« Enregistrer dans mon dossier »: file one attachment of a message in the patient's mailbox.

    ``category`` None: the one that is proposed. Filed, or AlreadyThere when its bytes stand in the
    record, or when it is the copy of a document that an archive beside it brought. Raises
    Refused: NOT_ALLOWED, MESSAGE_NOT_FOUND, DOCUMENT_NOT_TAKEN, MESSAGE_TOO_BIG.
    """
    record.permit(gateway, patient, patient.account_id, RecordAction.FILE)
    with gateway.database.read() as view:
        message = dossier.read_message(view, patient, source.message_id)
        evidence = json.loads(changes.read_evidence(view, patient.account_id, source.message_id))
        attachment = dossier.find_attachment(message, part)
        original = _original(view, patient, message, attachment)
    if original is not None:
        return _already(gateway, patient, original)
    content = attachment.content()
    media_type = attachment.sniffed_type
    failure = intake.objection(gateway.config.dossier, media_type, len(content))
    if failure is not None:
        raise Refused(failure)
    origin = _origin(source, part, evidence)
    # its text may be read by a sub-process: nothing is held open meanwhile
    file = proposals.described(
        gateway,
        attachment.claimed_name or "document",
        content,
        category,
        subject=message.header.unfolded("subject"),
        dated=origin.received_at,
    )
    now = int(gateway.clock())
    with gateway.database.read() as view:
        made = filing.prepare_file(view, patient.account_id, file, origin, now, Way.SAVED)

    def unit(tx: Transaction) -> Outcome:
        outcome = filing.file_attachment(tx, made)
        by = record.doer(patient, patient.account_id)
        record_notes.note_filing(tx, by, made.document, outcome)
        return outcome

    outcome = gateway.database.write(unit)
    gateway.metrics.filed.inc(isinstance(outcome, Filed))
    return outcome


def _origin(source: Source, part: str, evidence: Mapping[str, Any]) -> Origin:
    return Origin(
        source.message_ref,
        part,
        evidence["signer"],
        evidence["signer_address"],
        evidence["signature"],
        evidence["received_at"],
    )


def _original(
    view: View, patient: Person, message: Message, attachment: Attachment
) -> Document | None:
    """The document that an attachment is the copy of; None when it is to be filed by itself."""
    packed = enclosed.archives(attachments(message))
    if not enclosed.is_copy(attachment, packed):
        return None
    return enclosed.original_of(attachment, enclosed.brought(view, patient, packed))


def _already(gateway: Gateway, patient: Person, document: Document) -> Outcome:
    outcome, by = AlreadyThere(document.document_id), record.doer(patient, patient.account_id)
    gateway.database.write(lambda tx: record_notes.note_filing(tx, by, document, outcome))
    return outcome
