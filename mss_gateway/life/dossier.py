"""Stage dossier: what a delivered message carries becomes documents of the patient's record.

Idempotent: filing again adds nothing. XDM archives are filed by themselves; a plain attachment by
the patient's own click, under a category. Every access asks ``policies`` first and is on record.
"""

import json
from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import dataclass

from mailbox_store import changes
from mailbox_store.database import Transaction, View
from mailbox_store.messages import MessageId
from mss_gateway.directory import people
from mss_gateway.directory.people import Person
from mss_gateway.dossier import catalogue, filing, xdm
from mss_gateway.dossier.documents import Category, Document
from mss_gateway.dossier.errors import DocumentNotFound, XdmHashMismatch, XdmUnreadable
from mss_gateway.dossier.filing import Filed, Origin, Outcome
from mss_gateway.dossier.sealed import SealedDocument
from mss_gateway.failures import Failure, Refused
from mss_gateway.life.gateway import Gateway
from mss_gateway.message.attachments import Attachment, attachments
from mss_gateway.message.parse import scan
from mss_gateway.message.part import Message
from mss_gateway.observability import audit
from mss_gateway.queue import items
from mss_gateway.queue.items import Item
from policies import decide
from policies.facts import RecordAction, RecordFacts
from policies.verdict import Permit


@dataclass(frozen=True, slots=True)
class Source:
    """A message of the patient's own from which an attachment is filed."""

    message_id: MessageId
    message_ref: str


def file_item(gateway: Gateway, item: Item) -> "Future[bool]":
    """File the XDM archives of a delivered item; the future tells whether documents were added."""
    with gateway.database.read() as view:
        spool = gateway.database.vault.account(view, gateway.spool)
        queued = items.read_message(view, spool, item.message_ref)
        patient = people.by_address(view, item.recipient)
        if queued is None:
            # a message goes with its last item: somebody else has done ours
            return gateway.database.submit(lambda tx: False)
        if patient is None:
            raise Refused(Failure.BUG, "a filing without its patient")
        message = scan(items.read_body(view, spool, queued))
        carried = queued.carried
        made = [
            sealed
            for attachment in attachments(message)
            if xdm.is_xdm_name(attachment.claimed_name)
            for sealed in _prepare_archive(
                gateway,
                view,
                patient,
                attachment,
                Origin(
                    item.message_ref,
                    attachment.number,
                    carried.signer,
                    carried.author,
                    carried.signature,
                    queued.created_at,
                ),
            )
        ]

    def unit(tx: Transaction) -> bool:
        if not items.holds(tx, item):
            return False
        outcomes = filing.file_archive(tx, made)
        _record_filing(tx, patient, item.message_ref, outcomes, "system")
        items.finish(tx, item)
        gateway.metrics.filed.inc(sum(isinstance(each, Filed) for each in outcomes))
        return any(isinstance(each, Filed) for each in outcomes)

    return gateway.database.submit(unit)


def save_attachment(
    gateway: Gateway, patient: Person, source: Source, part: str, category: Category
) -> Outcome:
    """« Enregistrer dans mon dossier »: file one attachment of a message in the patient's mailbox.

    Filed, or AlreadyThere when its bytes stand in the record. Raises Refused(NOT_ALLOWED,
    MESSAGE_NOT_FOUND).
    """
    _permit(gateway, patient, patient.account_id, RecordAction.FILE, frozenset())
    with gateway.database.read() as view:
        message = read_message(view, patient, source.message_id)
        evidence = json.loads(changes.read_evidence(view, patient.account_id, source.message_id))
        attachment = find_attachment(message, part)
        content = attachment.content()
        origin = Origin(
            source.message_ref,
            part,
            evidence["signer"],
            evidence["signer_address"],
            evidence["signature"],
            evidence["received_at"],
        )
        made = filing.prepare_attachment(
            view,
            patient.account_id,
            content,
            attachment.claimed_name or "document",
            category,
            origin,
            int(gateway.clock()),
        )

    def unit(tx: Transaction) -> Outcome:
        outcome = filing.file_attachment(tx, made)
        actor = f"account:{patient.account_id}"
        _record_filing(tx, patient, source.message_ref, (outcome,), actor)
        return outcome

    outcome = gateway.database.write(unit)
    gateway.metrics.filed.inc(isinstance(outcome, Filed))
    return outcome


def read_document(
    gateway: Gateway, actor: Person, document_id: str, action: RecordAction
) -> tuple[Document, bytes]:
    """One document of the actor's own record with its bytes; the reading is on record.

    Raises Refused(DOCUMENT_NOT_FOUND), also for somebody else's document.
    """
    with gateway.database.read() as view:
        try:
            document = catalogue.find(view, actor.account_id, document_id)
        except DocumentNotFound:
            raise Refused(Failure.DOCUMENT_NOT_FOUND) from None
        _permit(gateway, actor, document.account_id, action, frozenset(document.confidentiality))
        content = catalogue.read_bytes(view, actor.account_id, document_id)
    gateway.database.write(
        lambda tx: audit.record(
            tx,
            actor=f"account:{actor.account_id}",
            act="read",
            object=f"document:{document_id}",
            verdict=action.value,
            message_ref=document.provenance.message_ref or None,
        )
    )
    return document, content


def visible(patient: Person, documents: Iterable[Document]) -> list[Document]:
    """Those of the documents that the patient may be shown, in their order."""
    return [
        document
        for document in documents
        if isinstance(
            decide.at_read(_facts(patient, document.account_id, RecordAction.READ, document)),
            Permit,
        )
    ]


def read_message(view: View, owner: Person, message_id: MessageId) -> Message:
    """A whole message of the owner's own mailbox, scanned; raises MessageNotFound of the store."""
    return scan(changes.read_body(view, owner.account_id, message_id))


def find_attachment(message: Message, part: str) -> Attachment:
    """The attachment with this part number; raises Refused(MESSAGE_NOT_FOUND)."""
    for attachment in attachments(message):
        if attachment.number == part:
            return attachment
    raise Refused(Failure.MESSAGE_NOT_FOUND)


def _prepare_archive(
    gateway: Gateway, view: View, patient: Person, attachment: Attachment, origin: Origin
) -> tuple[SealedDocument, ...]:
    try:
        archive = xdm.examine(attachment.content())
    except (XdmUnreadable, XdmHashMismatch):
        # it was examined before 250: unreadable now means that nothing may be filed from it
        return ()
    return filing.prepare_archive(view, patient.account_id, archive, origin, int(gateway.clock()))


def _facts(
    actor: Person, owner_account: int, action: RecordAction, document: Document
) -> RecordFacts:
    return RecordFacts(actor.party, owner_account, action, frozenset(document.confidentiality))


def _permit(
    gateway: Gateway,
    actor: Person,
    owner_account: int,
    action: RecordAction,
    visibility: frozenset[str],
) -> None:
    verdict = decide.at_read(RecordFacts(actor.party, owner_account, action, visibility))
    if isinstance(verdict, Permit):
        return
    reason = verdict.reason
    gateway.database.submit(
        lambda tx: audit.record(
            tx,
            actor=f"account:{actor.account_id}",
            act="read",
            object=f"account:{owner_account}",
            verdict=reason.value,
        )
    )
    raise Refused(Failure[reason.name])


def _record_filing(
    tx: Transaction,
    patient: Person,
    message_ref: str,
    outcomes: tuple[Outcome, ...],
    actor: str,
) -> None:
    for outcome in outcomes:
        audit.record(
            tx,
            actor=actor,
            act="dossier",
            object=f"account:{patient.account_id} document:{outcome.document_id}",
            verdict="filed" if isinstance(outcome, Filed) else "already there",
            message_ref=message_ref,
        )
