"""`mss dossier`: that documents exist and are whole. Never a title, an author or a byte (T49)."""

from functools import partial
from typing import Annotated

import typer

from mailbox_store.database import Transaction
from mss_gateway.cli import answers
from mss_gateway.cli.answers import Answer, Json, NotDone, moment, sheet
from mss_gateway.cli.desk import OPERATOR, Desk, person_of
from mss_gateway.directory.people import Person
from mss_gateway.dossier import integrity, journal, listing
from mss_gateway.dossier.documents import Document, State
from mss_gateway.dossier.journal import Act, Doer, Side
from mss_gateway.dossier.listing import MAX_LISTED, Order, Reader
from mss_gateway.life import record_index
from mss_gateway.life.gateway import Gateway
from mss_gateway.observability import audit
from policies.people import Role


def list_documents(
    desk: Desk,
    patient: Annotated[str, typer.Option(help="The patient's address or INS.")],
) -> Answer:
    """The documents of one patient, newest filing first; the reading goes on record."""
    with desk.gateway() as gateway:
        with gateway.database.read() as view:
            holder = person_of(view, patient, gateway.config)
        if holder.role is not Role.PATIENT:
            raise NotDone("only a patient has a dossier")
        gateway.database.write(partial(_note, holder=holder, operator=gateway.config.site.operator))
        rows = [_line(document) for document in _documents(gateway, holder)]
    columns = {
        "document": "document",
        "category": "category",
        "type": "type",
        "size": "octets",
        "state": "state",
        "filed_at": "filed at",
        "message_ref": "message",
    }
    return answers.listing(rows, columns, "No document.")


def verify(desk: Desk) -> Answer:
    """Every document opened and hashed again; and the index of the record, which can be rebuilt."""
    with desk.gateway() as gateway:
        with gateway.database.read() as view:
            report = integrity.verify(view)
        damaged = record_index.verify(gateway.database)
    value: dict[str, Json] = {
        "intact": report.intact,
        "altered": list(report.altered),
        "missing": list(report.missing),
        "damaged_segments": len(damaged),
    }
    return sheet(value, code=0 if report.is_whole and not damaged else 1)


def _note(tx: Transaction, holder: Person, operator: str) -> None:
    audit.record(
        tx,
        actor=OPERATOR,
        act="read",
        object=f"account:{holder.account_id}",
        verdict="list of documents, without content",
    )
    journal.note(tx, holder.account_id, Doer(OPERATOR, operator, Side.OTHERS), Act.LISTED)


def _documents(gateway: Gateway, holder: Person) -> list[Document]:
    found: list[Document] = []
    cursor = None
    with gateway.database.read() as view:
        while True:
            page = listing.documents_of(
                view,
                holder.account_id,
                Reader.OPERATOR,
                order=Order.FILED,
                states=tuple(State),
                after=cursor,
                limit=MAX_LISTED,
            )
            found += page
            if len(page) < MAX_LISTED:
                return found
            cursor = listing.cursor_of(page[-1], Order.FILED)


def _line(document: Document) -> dict[str, Json]:
    return {
        "document": document.document_id,
        "category": document.category.value,
        "type": document.type.code,
        "size": document.size,
        "state": document.state.value,
        "filed_at": moment(document.filed_at),
        "message_ref": document.provenance.message_ref,
    }
