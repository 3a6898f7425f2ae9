"""What is done in a patient's record: each act asks ``policies``, then stands in two journals.

One of them is the patient's own (``dossier.journal``), the other the audit chain, which names
nobody; both are written in the transaction of the act.
"""

from collections.abc import Callable, Iterable
from typing import Final, TypeVar

from mailbox_store.database import Transaction
from mailbox_store.errors import BlobAltered
from mss_gateway.directory.people import Person
from mss_gateway.dossier import catalogue, filing, intake, journal, relations
from mss_gateway.dossier.documents import Document, Edits, Way
from mss_gateway.dossier.errors import DocumentChanged, DocumentNotFound
from mss_gateway.dossier.filing import Filed, Origin, Outcome, PlainFile
from mss_gateway.dossier.journal import Act, Doer, Entry, Side
from mss_gateway.dossier.sealed import digest_of
from mss_gateway.failures import Failure, Refused
from mss_gateway.life.gateway import Gateway
from mss_gateway.life.record_notes import note_filing
from mss_gateway.message.sniff import sniff
from mss_gateway.observability import audit
from policies import decide
from policies.facts import RecordAction, RecordFacts
from policies.verdict import Permit

READING_SECONDS: Final = 1800
"""The page of a document and the pictures on it are one reading, for so long."""

_ACTS: Final = {
    RecordAction.READ: Act.READ,
    RecordAction.DOWNLOAD: Act.DOWNLOADED,
}

T = TypeVar("T")


def doer(actor: Person, owner_account_id: int) -> Doer:
    """How the journal of a record names somebody who acts in it."""
    side = Side.OWN if actor.account_id == owner_account_id else Side.OTHERS
    return Doer(f"account:{actor.account_id}", actor.display_name(), side)


def permit(
    gateway: Gateway,
    actor: Person,
    owner_account_id: int,
    action: RecordAction,
    document: Document | None = None,
) -> None:
    """Raise Refused unless the rules let ``actor`` do this; a refusal is on record.

    The patient reads of it too, but not of what does not exist for whoever asked.
    """
    verdict = decide.at_read(_facts(actor, owner_account_id, action, document))
    if isinstance(verdict, Permit):
        return
    failure = Failure[verdict.reason.name]

    def unit(tx: Transaction) -> None:
        _audit(tx, actor, "read", f"account:{owner_account_id}", failure.value)
        if failure is not Failure.DOCUMENT_NOT_FOUND:
            journal.note(tx, owner_account_id, doer(actor, owner_account_id), Act.REFUSED, document)

    gateway.database.write(unit)
    raise Refused(failure)


def visible(actor: Person, documents: Iterable[Document]) -> list[Document]:
    """Those of the documents that the actor may be shown, in their order."""
    return [
        document
        for document in documents
        if isinstance(
            decide.at_read(_facts(actor, document.account_id, RecordAction.LIST, document)), Permit
        )
    ]


def read_document(
    gateway: Gateway, actor: Person, document_id: str, action: RecordAction
) -> tuple[Document, bytes]:
    """One document of the actor's own record with its bytes; the reading is on record.

    Raises Refused(DOCUMENT_NOT_FOUND), also for somebody else's document; BlobAltered of the store
    when the bytes are not those of the day it came in.
    """
    document = find(gateway, actor, document_id, action)
    act, who = _ACTS[action], doer(actor, document.account_id)
    since = int(gateway.clock()) - READING_SECONDS
    with gateway.database.read() as view:
        content = catalogue.read_bytes(view, document.account_id, document_id)
        is_noted = act is Act.READ and journal.has_noted(
            view, document.account_id, who, act, document_id, since
        )
    if digest_of(content) != document.digest:
        raise BlobAltered("a document differs from its digest")

    def unit(tx: Transaction) -> None:
        _note(tx, actor, act, document)

    if not is_noted:
        gateway.database.write(unit)
    return document, content


def find(gateway: Gateway, actor: Person, document_id: str, action: RecordAction) -> Document:
    """A document of the actor's own record, of which they may ask this; raises Refused."""
    with gateway.database.read() as view:
        try:
            document = catalogue.find(view, actor.account_id, document_id)
        except DocumentNotFound:
            raise Refused(Failure.DOCUMENT_NOT_FOUND) from None
    permit(gateway, actor, document.account_id, action, document)
    return document


def deposit(gateway: Gateway, patient: Person, brought: Iterable[PlainFile]) -> list[Outcome]:
    """Put files of the patient's own into their record, each once.

    Raises Refused before anything is kept: DOCUMENT_NOT_TAKEN for a type that a record does not
    hold, MESSAGE_TOO_BIG.
    """
    permit(gateway, patient, patient.account_id, RecordAction.FILE)
    brought, limits = list(brought), gateway.config.dossier
    for each in brought:
        failure = intake.objection(limits, sniff(each.content), len(each.content))
        if failure is not None:
            raise Refused(failure)
    name, now = patient.display_name(), int(gateway.clock())
    with gateway.database.read() as view:
        made = [
            filing.prepare_file(
                view,
                patient.account_id,
                each,
                Origin(gateway.new_ref(), "", name, "", "", now),
                now,
                Way.DEPOSITED,
            )
            for each in brought
        ]

    def unit(tx: Transaction) -> list[Outcome]:
        outcomes = [filing.file_attachment(tx, one) for one in made]
        for one, outcome in zip(made, outcomes, strict=True):
            note_filing(tx, doer(patient, patient.account_id), one.document, outcome)
        return outcomes

    outcomes = gateway.database.write(unit)
    gateway.metrics.filed.inc(sum(isinstance(each, Filed) for each in outcomes))
    return outcomes


def edit(
    gateway: Gateway, patient: Person, document_id: str, revision: int, edits: Edits
) -> Document:
    """Change title, date and category of a document of the patient's own.

    ``revision``: the one that the patient saw. Raises Refused: DOCUMENT_CHANGED when another window
    was first, DOCUMENT_OF_ANOTHER, DOCUMENT_NOT_FOUND.
    """
    seen = find(gateway, patient, document_id, RecordAction.EDIT)
    if seen.revision != revision:
        raise Refused(Failure.DOCUMENT_CHANGED)

    def unit(tx: Transaction) -> Document:
        return _noted(tx, patient, Act.EDITED, catalogue.edit(tx, seen, edits))

    return _done(gateway, unit)


def mask(gateway: Gateway, patient: Person, document_id: str, *, is_masked: bool) -> Document:
    """Keep a document from professionals, or show it to them again."""
    find(gateway, patient, document_id, RecordAction.MASK)
    act = Act.MASKED if is_masked else Act.UNMASKED

    def unit(tx: Transaction) -> Document:
        masked = catalogue.mask(tx, patient.account_id, document_id, is_masked=is_masked)
        return _noted(tx, patient, act, masked)

    return _done(gateway, unit)


def remove(gateway: Gateway, patient: Person, document_id: str) -> Document:
    """Destroy a document that the patient put there, with its key; what it was."""
    find(gateway, patient, document_id, RecordAction.REMOVE)

    def unit(tx: Transaction) -> Document:
        removed = catalogue.remove(tx, patient.account_id, document_id)
        return _noted(tx, patient, Act.REMOVED, removed)

    return _done(gateway, unit)


def journal_of(
    gateway: Gateway, patient: Person, side: Side, before: int | None, limit: int
) -> list[Entry]:
    """One list of the patient's own journal, the newest act first."""
    permit(gateway, patient, patient.account_id, RecordAction.JOURNAL)
    with gateway.database.read() as view:
        return journal.entries(view, patient.account_id, side, before, limit)


def versions_of(gateway: Gateway, actor: Person, document: Document) -> list[Document]:
    """Every version of a document that the actor may be shown, the newest first; it is one."""
    with gateway.database.read() as view:
        return visible(actor, relations.history(view, document))


def _done(gateway: Gateway, unit: Callable[[Transaction], T]) -> T:
    try:
        return gateway.database.write(unit)
    except DocumentNotFound:
        raise Refused(Failure.DOCUMENT_NOT_FOUND) from None
    except DocumentChanged:
        raise Refused(Failure.DOCUMENT_CHANGED) from None


def _noted(tx: Transaction, actor: Person, act: Act, document: Document) -> Document:
    _note(tx, actor, act, document)
    return document


def _note(tx: Transaction, actor: Person, act: Act, document: Document) -> None:
    journal.note(tx, document.account_id, doer(actor, document.account_id), act, document)
    is_reading = act in (Act.READ, Act.DOWNLOADED)
    _audit(
        tx,
        actor,
        "read" if is_reading else "dossier",
        f"document:{document.document_id}",
        act.value,
        document.provenance.message_ref,
    )


def _audit(
    tx: Transaction, actor: Person, act: str, object: str, verdict: str, ref: str | None = None
) -> None:
    audit.record(
        tx,
        actor=f"account:{actor.account_id}",
        act=act,
        object=object,
        verdict=verdict,
        message_ref=ref or None,
    )


def _facts(
    actor: Person, owner_account_id: int, action: RecordAction, document: Document | None
) -> RecordFacts:
    if document is None:
        return RecordFacts(actor.party, owner_account_id, action)
    return RecordFacts(
        actor.party,
        owner_account_id,
        action,
        frozenset(document.confidentiality),
        is_actors_own=document.is_patients_own and actor.account_id == document.account_id,
        is_self_described=bool(document.cda_level),
    )
