"""What an archive does to the versions in a record: judged whole before anything is written.

:func:`plan` reads and answers why not, or what is to be done; :func:`carry_out` does it within the
same transaction. An archive of which one thing is refused changes nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from mailbox_store.database import Transaction, View
from mss_gateway.dossier import catalogue, companions, relations
from mss_gateway.dossier.catalogue import Standing
from mss_gateway.dossier.companions import SealedCompanion
from mss_gateway.dossier.documents import Document, DocumentId, State, Way
from mss_gateway.dossier.errors import ImportCode
from mss_gateway.dossier.sealed import SealedDocument
from mss_gateway.dossier.versions import (
    NOWHERE,
    Asking,
    Place,
    Version,
    is_same,
    objection,
    objection_to_update,
    place,
    version_of,
)


@dataclass(frozen=True, slots=True)
class Update:
    """Its author wants a document, by its entry UUID or uniqueId, to have this state."""

    target: str
    status: State | None
    """None: no status that we know."""
    asking: Asking


@dataclass(frozen=True, slots=True)
class Prepared:
    """An archive read and sealed, ready to be filed."""

    account_id: int
    documents: tuple[SealedDocument, ...]
    updates: tuple[Update, ...] = ()
    companions: tuple[SealedCompanion, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """One document of an archive: it is ``there`` already, or takes its place."""

    made: SealedDocument
    there: DocumentId | None = None
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done, and nothing speaks against it."""

    steps: tuple[Step, ...]
    updates: tuple[tuple[DocumentId, State], ...] = ()


@dataclass(frozen=True, slots=True)
class Done:
    """What became of one document: ``there`` already, or new, in place of ``replaced``."""

    document: Document
    there: DocumentId | None
    replaced: tuple[Document, ...] = ()


@dataclass(frozen=True, slots=True)
class Carried:
    """What became of an archive: its documents, and those whose status it changed."""

    done: tuple[Done, ...]
    updated: tuple[Document, ...] = ()


def plan(view: View, prepared: Prepared) -> Plan | ImportCode:
    """What an archive is to do, document by document in its order; or why it may not."""
    known: dict[str, Version] = {}
    steps: list[Step] = []
    for made in prepared.documents:
        step = _step(view, made, known)
        if isinstance(step, ImportCode):
            return step
        steps.append(step)
        _foresee(step, known)
    updates: list[tuple[DocumentId, State]] = []
    for update in prepared.updates:
        found = _update(view, prepared.account_id, update, known)
        if isinstance(found, ImportCode):
            return found
        updates += found
    return Plan(tuple(steps), tuple(updates))


def plan_one(view: View, made: SealedDocument) -> Step:
    """What one document alone is to do, by its patient's own hand: nothing speaks against it.

    One that may not take the place it claims stands beside the others. What is hidden from the
    patient is not there for them: to find it would tell that it exists.
    """
    step = _step(view, made, {})
    return Step(made) if isinstance(step, ImportCode) else step


def carry_out(tx: Transaction, prepared: Prepared, planned: Plan) -> Carried:
    """Do it, within the transaction that made the plan."""
    done = tuple(take_step(tx, step) for step in planned.steps)
    if done:
        for one in prepared.companions:
            companions.add(tx, done[0].there or done[0].document.document_id, one)
    account_id = prepared.account_id
    updated = tuple(
        catalogue.set_state(tx, account_id, document_id, state)
        for document_id, state in planned.updates
    )
    return Carried(done, updated)


def _state(said: State, successor: str | None) -> State:
    """Replaced by what was there before it; what says that it holds no more still says so."""
    return State.SUPERSEDED if successor is not None and said is State.CURRENT else said


def take_step(tx: Transaction, step: Step) -> Done:
    """Add one document, and put what it replaces behind it."""
    document, account_id = step.made.document, step.made.document.account_id
    if step.there is not None:
        relations.learn_name(tx, account_id, step.there, document.entry_uuid)
        return Done(document, step.there)
    copies = _plain_copies(tx, step.made)
    standing = Standing(
        _state(document.state, step.place.successor),
        step.place.successor,
        _is_masked(tx, step, copies),
    )
    catalogue.add(tx, step.made, standing)
    behind = dict.fromkeys([*step.place.replaced, *(one.document_id for one in copies)])
    replaced = tuple(
        catalogue.supersede(tx, account_id, one, document.document_id) for one in behind
    )
    added = replace(
        document,
        state=standing.state,
        replaced_by=standing.successor,
        is_masked=standing.is_masked,
    )
    return Done(added, None, replaced)


def _is_masked(tx: Transaction, step: Step, copies: Iterable[Document]) -> bool:
    """The patient keeps it, or one whose line it joins, from professionals."""
    # read again: a plain copy behind another document of the archive may have masked that since
    document = step.made.document
    near = filter(None, (*step.place.replaced, step.place.successor))
    line = (catalogue.find(tx, document.account_id, one) for one in near)
    is_kept = document.is_masked or step.place.is_masked
    return is_kept or any(one.is_masked for one in (*copies, *line))


def _plain_copies(tx: Transaction, made: SealedDocument) -> list[Document]:
    """PDF copies of this document that an import brought before it: one line, not two (DOC-04)."""
    account_id = made.document.account_id
    there = {_find_same(tx, made.document, one): None for one in made.copies}
    found = (catalogue.find(tx, account_id, one) for one in there if one is not None)
    return [
        one
        for one in found
        if one.way is Way.IMPORTED and not one.cda_level and one.state is State.CURRENT
    ]


def _step(view: View, made: SealedDocument, known: dict[str, Version]) -> Step | ImportCode:
    document = made.document
    there = _find_same(view, document, document.digest)
    if there is not None:
        return Step(made, there)
    coming = version_of(document)
    for one in relations.standing(view, document.account_id, coming):
        if one.is_hidden and document.is_patients_own:
            continue
        earlier = known.get(one.document_id, one)
        known[one.document_id] = replace(earlier, names=earlier.names | one.names)
    same = next((one for one in known.values() if is_same(coming, one)), None)
    if same is not None:
        return Step(made, DocumentId(same.document_id))
    code = objection(coming, known.values())
    return code if code is not None else Step(made, None, place(coming, known.values()))


def _find_same(view: View, document: Document, digest: str) -> DocumentId | None:
    by_patient = document.is_patients_own
    return catalogue.find_same(view, document.account_id, digest, is_patients_act=by_patient)


def _foresee(step: Step, known: dict[str, Version]) -> None:
    """What stands once this step is taken, for those that follow in the same archive."""
    if step.there is not None:
        return
    version = version_of(step.made.document)
    state = _state(version.state, step.place.successor)
    is_masked = version.is_masked or step.place.is_masked
    known[version.document_id] = replace(version, state=state, is_masked=is_masked)
    for one in step.place.replaced:
        known[one] = replace(known[one], state=State.SUPERSEDED)


def _update(
    view: View, account_id: int, update: Update, known: dict[str, Version]
) -> list[tuple[DocumentId, State]] | ImportCode:
    if update.status is None:
        return ImportCode.OTHER
    here = [one for one in known.values() if update.target in one.names]
    found = here or relations.named(view, account_id, update.target)
    target = next(iter(_own_first(found, update)), None)
    code = objection_to_update(target, update.asking, update.status)
    if code is not None or target is None:
        return code or ImportCode.WRONG_VERSION
    is_so = target.state is update.status
    return [] if is_so else [(DocumentId(target.document_id), update.status)]


def _own_first(found: Iterable[Version], update: Update) -> list[Version]:
    """Two documents of one name: the one that they may touch is the one that they mean."""
    return sorted(
        found, key=lambda one: objection_to_update(one, update.asking, State.WITHDRAWN) is not None
    )
