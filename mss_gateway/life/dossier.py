"""Stage dossier: what a delivered message carries becomes documents of the patient's record.

Idempotent: filing again adds nothing. XDM archives are filed by themselves; a plain attachment by
the patient's own click, under a category. Every access asks ``policies`` first and is on record.
"""

import json
from concurrent.futures import Future
from dataclasses import dataclass

from mailbox_store import changes
from mailbox_store.database import Transaction, View
from mailbox_store.messages import MessageId
from mss_gateway.directory import people
from mss_gateway.directory.notice_kinds import Kind
from mss_gateway.directory.people import Person
from mss_gateway.dossier import filing, xdm
from mss_gateway.dossier.documents import Category, Way
from mss_gateway.dossier.errors import XdmHashMismatch, XdmUnreadable
from mss_gateway.dossier.filing import Filed, Origin, Outcome
from mss_gateway.dossier.journal import Doer, Side
from mss_gateway.dossier.sealed import SealedDocument
from mss_gateway.failures import Failure, Refused
from mss_gateway.life import notices, proposals, record
from mss_gateway.life.gateway import Gateway
from mss_gateway.message.attachments import Attachment, attachments
from mss_gateway.message.parse import scan
from mss_gateway.message.part import Message
from mss_gateway.queue import items, leases, spooled
from mss_gateway.queue.leases import Item
from policies.facts import RecordAction


@dataclass(frozen=True, slots=True)
class Source:
    """A message of the patient's own from which an attachment is filed."""

    message_id: MessageId
    message_ref: str


def file_item(gateway: Gateway, item: Item) -> "Future[bool]":
    """File the XDM archives of a delivered item; the future tells whether documents were added."""
    with gateway.database.read() as view:
        spool = gateway.database.vault.account(view, gateway.spool)
        queued = spooled.read_message(view, spool, item.message_ref)
        patient = people.by_address(view, item.recipient)
        if queued is None:
            # a message goes with its last item: somebody else has done ours
            return gateway.database.submit(lambda tx: False)
        if patient is None:
            raise Refused(Failure.BUG, "a filing without its patient")
        message = scan(spooled.read_body(view, spool, queued))
        carried = queued.carried
        author = Doer("system", carried.signer or carried.author, Side.OTHERS)
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
        if not leases.holds(tx, item):
            return False
        outcomes = filing.file_archive(tx, made)
        for one, outcome in zip(made, outcomes, strict=True):
            record.note_filing(tx, author, one.document, outcome)
        items.finish(tx, item)
        new = [one.document for one, each in zip(made, outcomes, strict=True) if _is_new(each)]
        if new:
            is_urgent = any(document.is_critical for document in new)
            kind = Kind.CRITICAL if is_urgent else Kind.DOCUMENT
            notices.announce(gateway, tx, patient.account_id, kind)
        gateway.metrics.filed.inc(len(new))
        return bool(new)

    return gateway.database.submit(unit)


def _is_new(outcome: Outcome) -> bool:
    return isinstance(outcome, Filed)


def save_attachment(
    gateway: Gateway, patient: Person, source: Source, part: str, category: Category | None
) -> Outcome:
    """« Enregistrer dans mon dossier »: file one attachment of a message in the patient's mailbox.

    ``category`` None: the one that is proposed. Filed, or AlreadyThere when its bytes stand in the
    record. Raises Refused(NOT_ALLOWED, MESSAGE_NOT_FOUND).
    """
    record.permit(gateway, patient, patient.account_id, RecordAction.FILE)
    with gateway.database.read() as view:
        message = read_message(view, patient, source.message_id)
        evidence = json.loads(changes.read_evidence(view, patient.account_id, source.message_id))
    attachment = find_attachment(message, part)
    origin = Origin(
        source.message_ref,
        part,
        evidence["signer"],
        evidence["signer_address"],
        evidence["signature"],
        evidence["received_at"],
    )
    # its text may be read by a sub-process: nothing is held open meanwhile
    file = proposals.described(
        gateway,
        attachment.claimed_name or "document",
        attachment.content(),
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
        record.note_filing(tx, by, made.document, outcome)
        return outcome

    outcome = gateway.database.write(unit)
    gateway.metrics.filed.inc(isinstance(outcome, Filed))
    return outcome


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
