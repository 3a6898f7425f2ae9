"""`mss dossier`: that documents exist and are whole. Never a title, an author or a byte (T49)."""

from typing import Annotated

import typer

from mss_gateway.cli.answers import Answer, Json, NotDone, listing, moment, sheet
from mss_gateway.cli.desk import OPERATOR, Desk, person_of
from mss_gateway.directory.people import Person
from mss_gateway.dossier import catalogue, integrity
from mss_gateway.dossier.catalogue import MAX_LISTED, Order
from mss_gateway.dossier.documents import Document, State
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
        gateway.database.write(
            lambda tx: audit.record(
                tx,
                actor=OPERATOR,
                act="read",
                object=f"account:{holder.account_id}",
                verdict="list of documents, without content",
            )
        )
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
    return listing(rows, columns, "No document.")


def verify(desk: Desk) -> Answer:
    """Every document opened and hashed again."""
    with desk.gateway() as gateway, gateway.database.read() as view:
        report = integrity.verify(view)
    value: dict[str, Json] = {
        "intact": report.intact,
        "altered": list(report.altered),
        "missing": list(report.missing),
    }
    return sheet(value, code=0 if report.is_whole else 1)


def _documents(gateway: Gateway, holder: Person) -> list[Document]:
    found: list[Document] = []
    cursor = None
    with gateway.database.read() as view:
        while True:
            page = catalogue.list_documents(
                view,
                holder.account_id,
                order=Order.FILED,
                states=tuple(State),
                after=cursor,
                limit=MAX_LISTED,
            )
            found += page
            if len(page) < MAX_LISTED:
                return found
            cursor = catalogue.cursor_of(page[-1], Order.FILED)


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
