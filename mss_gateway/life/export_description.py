"""``espace.json``: what an export says of the account, its documents, messages, journal, contacts.

The form is that of docs/export.md; ``SCHEMA`` changes with it. Written line by line: no list of it
is ever whole in memory.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import IO, Any, Final

from mailbox_store import correspondences
from mailbox_store.database import View
from mss_gateway.directory import contact, notices, people, security_events
from mss_gateway.directory.notice_kinds import CHOICES
from mss_gateway.directory.people import Person
from mss_gateway.directory.security_events import KEPT
from mss_gateway.dossier import journal
from mss_gateway.dossier.documents import Document
from mss_gateway.dossier.journal import Side
from mss_gateway.life.gateway import Gateway

SCHEMA: Final = "mss-espace/1"


def write(
    gateway: Gateway,
    patient: Person,
    target: IO[bytes],
    gathered: Iterable[tuple[str, Iterable[bytes]]],
) -> None:
    """The whole file; ``gathered``: lists whose lines (:func:`line`) were made already."""
    with gateway.database.read() as view:
        facts = {
            "schema": SCHEMA,
            "made_at": iso(int(gateway.clock())),
            "operator": gateway.config.site.operator,
            "account": _account(patient),
            "settings": _settings(view, patient),
            "contacts": list(_contacts(view, patient)),
            "security": list(_security(view, patient)),
        }
    target.write(json.dumps(facts, ensure_ascii=False, indent=1).removesuffix("\n}").encode())
    for name, lines in (*gathered, ("journal", _journal(gateway, patient))):
        target.write(f',\n "{name}": ['.encode())
        is_first = True
        for piece in lines:
            target.write(piece.removeprefix(b",") if is_first else piece)
            is_first = False
        target.write(b"\n ]")
    target.write(b"\n}\n")


def line(fields: dict[str, object]) -> bytes:
    """One member of a list, after the comma of the one before it."""
    return b",\n  " + json.dumps(fields, ensure_ascii=False).encode()


def document_fields(document: Document, path: str) -> dict[str, object]:
    """What is said of a document; ``path`` is its place in the archive."""
    date = document.document_date
    return {
        "id": document.document_id,
        "file": path,
        "sha256": document.digest,
        "octets": document.size,
        "media_type": document.media_type,
        "title": document.title,
        "type": {"code": document.type.code, "system": document.type.system,
                 "label": document.type.label},
        "category": {"code": document.category.value, "label": document.category.label},
        "author": document.author,
        "organisation": document.organisation,
        "date": None if date is None else iso(date),
        "filed_at": iso(document.filed_at),
        "state": document.state.value,
        "way": document.way.value,
        "masked": document.is_masked,
        "confidentiality": list(document.confidentiality),
        "unique_id": document.unique_id,
        "set_id": document.set_id,
        "version": document.version,
        "replaces": list(document.replaces),
        "provenance": asdict(document.provenance)
        | {"received_at": iso(document.provenance.received_at)},
    }  # fmt: skip


def iso(moment: int) -> str:
    """UTC, to the second: ``2026-11-22T09:33:20Z``."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _account(patient: Person) -> dict[str, Any]:
    traits = patient.traits
    return {
        "address": patient.address,
        "name": patient.display_name(),
        "family_name": traits.family_name,
        "given_name": traits.given_name,
        "birth_date": traits.birth_date,
        "sex": traits.sex,
        "ins": traits.ins,
        "ins_oid": traits.ins_oid,
        "ins_status": traits.ins_status,
        "standing": patient.standing.name.lower(),
        "created_at": iso(patient.created_at),
    }


def _settings(view: View, patient: Person) -> dict[str, Any]:
    off = notices.switched_off(view, patient.account_id)
    reached = contact.of_account(view, patient.account_id)
    return {
        "notices_address": reached.address,
        "notices_address_state": reached.state.value,
        "notices": {row.kind.value: row.kind not in off for row in CHOICES},
    }


def _contacts(view: View, patient: Person) -> Iterator[dict[str, Any]]:
    for known in correspondences.of_patient(view, patient.account_id):
        holder = people.by_address(view, known.professional)
        yield {
            "name": known.display_name if holder is None else holder.display_name(),
            "address": known.professional,
            "exchange": known.state.lower(),
            "opened_at": None if known.opened_at is None else iso(known.opened_at),
            "changed_at": iso(known.changed_at),
        }


def _security(view: View, patient: Person) -> Iterator[dict[str, Any]]:
    for one in security_events.latest(view, patient.account_id, KEPT):
        yield {"event": one.event.value, "at": iso(one.at)}


def _journal(gateway: Gateway, patient: Person) -> Iterator[bytes]:
    """Both lists, a page in a view of its own."""
    for side in Side:
        before: int | None = None
        while True:
            with gateway.database.read() as view:
                page = journal.entries(view, patient.account_id, side, before, journal.MAX_LISTED)
            if not page:
                break
            for entry in page:
                yield line(
                    {
                        "at": iso(entry.at),
                        "side": side.value,
                        "act": entry.act.value,
                        "who": entry.who,
                        "document": entry.document_id,
                        "title": entry.title,
                    }
                )
            before = page[-1].entry_id
