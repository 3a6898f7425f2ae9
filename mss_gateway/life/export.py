"""Stage dossier, for patients: a copy of their whole space, asked for, taken, let go.

One for an account at a time; its file stands sealed beside the store, never in clear. Made by
``life.export_making``; whatever stops that, it is begun anew by the next start, under another key.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from mailbox_store.database import Transaction
from mss_gateway.directory import security_events
from mss_gateway.directory.people import Person
from mss_gateway.directory.security_events import Event
from mss_gateway.dossier import exports, journal, sealed_file
from mss_gateway.dossier.exports import Export, State, Why
from mss_gateway.dossier.journal import Act
from mss_gateway.failures import Failure, Refused
from mss_gateway.life import record
from mss_gateway.life.gateway import Gateway
from mss_gateway.observability import audit
from policies.facts import RecordAction

FOLDER: Final = "exports"
"""Of the state directory; a backup leaves it out."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A copy that is being taken: its length in clear, and its pieces, once."""

    export: Export
    pieces: Iterator[bytes]


# --- for the pages -------------------------------------------------------------------------------


def of_patient(gateway: Gateway, patient: Person) -> Export | None:
    """The patient's copy, whatever became of it."""
    with gateway.database.read() as view:
        return exports.of_account(view, patient.account_id)


def ask(gateway: Gateway, patient: Person) -> Export:
    """Have a copy made; one that is there or being made stays. Raises Refused."""
    record.permit(gateway, patient, patient.account_id, RecordAction.EXPORT)

    def unit(tx: Transaction) -> Export:
        export, is_new = exports.ask(tx, patient.account_id)
        if is_new:
            security_events.note(tx, patient.account_id, Event.EXPORT_ASKED)
            note(tx, patient, export, "export asked")
        return export

    return gateway.database.write(unit)


def take(gateway: Gateway, patient: Person) -> Taken:
    """The copy, to be sent; that it was taken is in the journal. Raises Refused.

    DOCUMENT_NOT_FOUND when there is none that can be read; the patient is told why by its page.
    """
    record.permit(gateway, patient, patient.account_id, RecordAction.EXPORT)
    with gateway.database.read() as view:
        export = exports.of_account(view, patient.account_id)
        if export is None or not export.is_ready(gateway.clock()):
            raise Refused(Failure.DOCUMENT_NOT_FOUND)
        key = exports.key_of(view, export)
    path = whole(gateway, export)
    if key is None or not sealed_file.is_whole(path, export.octets):
        gateway.database.write(partial(exports.fail, export=export, why=Why.LOST))
        raise Refused(Failure.DOCUMENT_NOT_FOUND)

    def unit(tx: Transaction) -> None:
        who = record.doer(patient, patient.account_id)
        journal.note(tx, patient.account_id, who, Act.EXPORTED)
        note(tx, patient, export, "export taken")

    gateway.database.write(unit)
    name = bytes.fromhex(export.export_id)
    return Taken(export, sealed_file.frames(path, name, key, export.octets))


def drop(gateway: Gateway, patient: Person, export_id: str) -> None:
    """Let the copy go, made or not: key first, then file. Another one than the patient saw stays.

    One that is being made notices at its next step.
    """

    def unit(tx: Transaction) -> bool:
        export = exports.of_account(tx, patient.account_id)
        is_there = exports.drop(tx, patient.account_id, export_id)
        if is_there and export is not None:
            note(tx, patient, export, "export dropped")
        return is_there

    if gateway.database.write(unit):
        tidy(gateway)


# --- for the thread and the caretaker ------------------------------------------------------------


def recover(gateway: Gateway) -> None:
    """At the start of the one serving process: what a dead one was making is begun anew."""
    gateway.database.write(exports.ask_again)
    tidy(gateway)


def look_after(gateway: Gateway) -> None:
    """Now and then: let go of what is too old, key and file."""
    with gateway.database.read() as view:
        is_any_old = exports.has_old(view, int(gateway.clock()))
    if is_any_old:
        gateway.database.write(exports.expire)
    tidy(gateway)


def tidy(gateway: Gateway) -> None:
    """Remove every file that is of no copy any more; a copy whose file is gone has failed."""
    # the files first: one that is begun after this look is not touched
    folder = gateway.config.in_state(FOLDER)
    files = list(folder.iterdir()) if folder.is_dir() else []
    with gateway.database.read() as view:
        living = exports.living(view)
    wanted = {
        path
        for each in living
        if each.state is not State.ASKED
        for path in (partial_file(gateway, each), whole(gateway, each))
    }
    for path in files:
        if path not in wanted:
            path.unlink(missing_ok=True)
    for each in living:
        is_ready = each.state is State.READY
        if is_ready and not sealed_file.is_whole(whole(gateway, each), each.octets):
            gateway.database.write(partial(exports.fail, export=each, why=Why.LOST))


def partial_file(gateway: Gateway, export: Export) -> Path:
    """Where the copy is while it is made."""
    return gateway.config.in_state(FOLDER) / f"{export.export_id}.part"


def whole(gateway: Gateway, export: Export) -> Path:
    """Where it is once it is whole."""
    return gateway.config.in_state(FOLDER) / f"{export.export_id}.sealed"


def note(tx: Transaction, patient: Person, export: Export, verdict: str, actor: str = "") -> None:
    """Put on record what happened to a copy."""
    audit.record(
        tx,
        actor=actor or f"account:{patient.account_id}",
        act="dossier",
        object=f"account:{patient.account_id} export:{export.export_id}",
        verdict=verdict,
    )
