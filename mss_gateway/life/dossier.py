"""Stage dossier: what a delivered message carries becomes documents of the patient's record.

Idempotent: filing again adds nothing. XDM archives are filed by themselves; a plain attachment by
a rule of the patient's, or by their own click (``life.saving``).
"""

from concurrent.futures import Future
from dataclasses import dataclass, replace

from mailbox_store import changes
from mailbox_store.database import Transaction, View
from mailbox_store.messages import MessageId
from mss_gateway.directory import people
from mss_gateway.directory.notice_kinds import Kind
from mss_gateway.directory.people import Person
from mss_gateway.dossier import filing, succession, xdm
from mss_gateway.dossier.documents import Category, Document, State, Way
from mss_gateway.dossier.errors import ImportCode, XdmHashMismatch, XdmUnreadable
from mss_gateway.dossier.filing import Origin
from mss_gateway.dossier.journal import Doer, Side
from mss_gateway.dossier.sealed import SealedDocument
from mss_gateway.dossier.succession import Plan, Prepared
from mss_gateway.failures import Failure, Refused
from mss_gateway.life import (
    acknowledging,
    enclosed,
    filing_rules,
    notices,
    receipt,
    record_notes,
)
from mss_gateway.life.acknowledging import Answer
from mss_gateway.life.gateway import Gateway
from mss_gateway.message.attachments import Attachment, attachments
from mss_gateway.message.parse import scan
from mss_gateway.message.part import Message
from mss_gateway.observability import log
from mss_gateway.queue import items, leases, spooled
from mss_gateway.queue.carried import Carried
from mss_gateway.queue.leases import Item
from mss_gateway.queue.spooled import Message as Queued
from policies.people import Role


def is_due(view: View, recipient: Person, carried: Carried) -> bool:
    """Whether a delivered message goes through this stage: something of it is filed by itself."""
    if recipient.role is not Role.PATIENT:
        return False
    return carried.has_xdm or filing_rules.rule_for(view, recipient, carried) is not None


def file_item(gateway: Gateway, item: Item) -> "Future[bool]":
    """File what a delivered item brings its patient; the future tells whether documents were added.

    Its XDM archives, all or nothing: one that may not replace or take back what it names changes
    nothing, and its author is told. Then what the patient's own rule files.
    """
    work = _prepare(gateway, item)
    if work is None:
        # a message goes with its last item: somebody else has done ours
        return gateway.database.submit(lambda tx: False)

    def unit(tx: Transaction) -> bool:
        if not leases.holds(tx, item):
            return False
        planned = succession.plan(tx, work.archive)
        if _code(planned) is not work.code:
            # something came in between: another look, at once
            items.give_back(tx, item)
            return False
        new = _file_archive(gateway, tx, work, planned)
        for made in work.files:
            new += record_notes.file_one(tx, work.author, made)
        items.finish(tx, item)
        current = [one for one in new if one.state is State.CURRENT]
        if current:
            is_urgent = any(document.is_critical for document in current)
            kind = Kind.CRITICAL if is_urgent else Kind.DOCUMENT
            notices.announce(gateway, tx, work.patient.account_id, kind)
        gateway.metrics.filed.inc(len(new))
        return bool(new)

    return gateway.database.submit(unit)


@dataclass(frozen=True, slots=True)
class _Work:
    """Everything read, sealed and foreseen, so that the transaction only writes.

    ``code``: why the archive cannot be filed, as things stood; ``answer``: what its author is told
    of that.
    """

    patient: Person
    author: Doer
    message_ref: str
    archive: Prepared
    files: tuple[SealedDocument, ...]
    code: ImportCode | None
    answer: Answer | None


def _prepare(gateway: Gateway, item: Item) -> _Work | None:
    with gateway.database.read() as view:
        spool = gateway.database.vault.account(view, gateway.spool)
        queued = spooled.read_message(view, spool, item.message_ref)
        patient = people.by_address(view, item.recipient)
        if queued is None:
            return None
        if patient is None:
            raise Refused(Failure.BUG, "a filing without its patient")
        message, carried = scan(spooled.read_body(view, spool, queued)), queued.carried
        place = _Place(patient.account_id, _origin(queued), int(gateway.clock()))
        archive = _archive(view, message, place, is_filed=carried.has_xdm)
        code = _code(succession.plan(view, archive))
        answer = None
        if code is not None and not carried.is_automatic:
            answer = _answer(gateway, view, patient, item, carried, message, code)
        rule = filing_rules.rule_for(view, patient, carried)
        found = [] if rule is None else filing_rules.chosen(gateway, view, patient, message)
    files = _files(gateway, place, message, found, None if rule is None else rule.category)
    author = Doer("system", carried.signer or carried.author, Side.OTHERS)
    return _Work(patient, author, item.message_ref, archive, files, code, answer)


@dataclass(frozen=True, slots=True)
class _Place:
    """Whose record it is filed in, from where, and when."""

    account_id: int
    origin: Origin
    now: int


def _origin(queued: Queued) -> Origin:
    carried = queued.carried
    return Origin(
        queued.message_ref,
        "",
        carried.signer,
        carried.author,
        carried.signature,
        queued.created_at,
    )


def _archive(view: View, message: Message, place: _Place, *, is_filed: bool) -> Prepared:
    """The archives of a message as one: they are filed together or not at all."""
    made = [
        _read_archive(view, message, one, place)
        for one in (enclosed.archives(attachments(message)) if is_filed else ())
    ]
    return Prepared(
        place.account_id,
        tuple(one for each in made for one in each.documents),
        tuple(one for each in made for one in each.updates),
        tuple(one for each in made for one in each.companions),
    )


def _read_archive(view: View, message: Message, one: Attachment, place: _Place) -> Prepared:
    try:
        archive = xdm.examine(one.content())
    except (XdmUnreadable, XdmHashMismatch):
        # it was examined before 250: unreadable now means that nothing may be filed from it
        return Prepared(place.account_id, ())
    origin = replace(place.origin, part=one.number)
    return filing.prepare_archive(view, place.account_id, archive, origin, place.now)


def _files(
    gateway: Gateway,
    place: _Place,
    message: Message,
    found: list[Attachment],
    category: Category | None,
) -> tuple[SealedDocument, ...]:
    """What the patient's rule files, described and sealed."""
    subject, dated = message.header.unfolded("subject"), place.origin.received_at
    described = list(filing_rules.described(gateway, found, category, subject, dated))
    if not described:
        return ()
    with gateway.database.read() as view:
        return tuple(
            filing.prepare_file(
                view,
                place.account_id,
                file,
                replace(place.origin, part=one.number),
                place.now,
                Way.SAVED,
            )
            for one, file in described
        )


def _answer(
    gateway: Gateway,
    view: View,
    patient: Person,
    item: Item,
    carried: Carried,
    message: Message,
    code: ImportCode,
) -> Answer | None:
    """What the author of an archive that cannot be filed is told."""
    try:
        return receipt.of_filing(gateway, view, patient, item, carried, message, code)
    except Refused as refused:
        # no certificate of the patient today: it stands in the journals all the same
        log.note("receipt not signed", failure=refused.failure.value, message_ref=item.message_ref)
        return None


def _file_archive(
    gateway: Gateway, tx: Transaction, work: _Work, planned: Plan | ImportCode
) -> list[Document]:
    """Do what the archive asks, or refuse it whole; the documents that are new."""
    if isinstance(planned, ImportCode):
        record_notes.note_refusal(tx, work.author, work.patient, planned, work.message_ref)
        if work.answer is not None:
            acknowledging.send(gateway, tx, work.answer, work.patient, work.message_ref)
        return []
    carried = succession.carry_out(tx, work.archive, planned)
    for updated in carried.updated:
        record_notes.note_update(tx, work.author, updated, work.message_ref)
    if carried.updated:
        notices.announce(gateway, tx, work.patient.account_id, Kind.ACTIVITY)
    return record_notes.note_filings(tx, work.author, carried.done)


def _code(planned: Plan | ImportCode) -> ImportCode | None:
    return planned if isinstance(planned, ImportCode) else None


def read_message(view: View, owner: Person, message_id: MessageId) -> Message:
    """A whole message of the owner's own mailbox, scanned; raises MessageNotFound of the store."""
    return scan(changes.read_body(view, owner.account_id, message_id))


def find_attachment(message: Message, part: str) -> Attachment:
    """The attachment with this part number; raises Refused(MESSAGE_NOT_FOUND)."""
    for attachment in attachments(message):
        if attachment.number == part:
            return attachment
    raise Refused(Failure.MESSAGE_NOT_FOUND)
