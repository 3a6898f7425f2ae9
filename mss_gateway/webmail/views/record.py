"""What the patient does in « Mon dossier »: bring documents, describe, mask and remove them, take
several along, and read who did what.
"""

import csv
import io
from collections.abc import Iterator
from datetime import datetime
from typing import TypeVar

from starlette.responses import Response

from mss_gateway.dossier import journal, listing
from mss_gateway.dossier.cda import is_cda
from mss_gateway.dossier.documents import (
    Category,
    Document,
    Edits,
    State,
    display_title,
)
from mss_gateway.dossier.filing import AlreadyThere
from mss_gateway.dossier.journal import Entry, Side
from mss_gateway.dossier.listing import Reader
from mss_gateway.life import proposals, record
from mss_gateway.webmail import bundle, dates, files
from mss_gateway.webmail.headers import FILE_POLICY
from mss_gateway.webmail.pages import sentence
from mss_gateway.webmail.preferences import speaking
from mss_gateway.webmail.visit import Visit, go_to
from policies.facts import RecordAction

BUNDLED = 200
"""Documents of one zip, at most: the rest is what the export is for."""

JOURNAL_PAGE = 50
C = TypeVar("C", Category, None)

COLUMNS = ("date", "acte", "qui", "document")
SIDES = {"moi": Side.OWN, "autres": Side.OTHERS}


def deposit_page(visit: Visit) -> Response:
    """The form for files of the patient's own."""
    return _deposit_page(visit, None)


def deposit(visit: Visit) -> Response:
    """Put the files into the record; one of them is then shown to be described."""
    sent = [each for each in visit.form.files if each.content]
    if not sent:
        return _deposit_page(visit, "web.depot_sans_fichier")
    category = _category(visit.form.get("categorie"), None)
    outcomes = record.deposit(
        visit.gateway,
        visit.patient,
        [proposals.described(visit.gateway, each.name, each.content, category) for each in sent],
    )
    if len(outcomes) > 1:
        return go_to("/dossier?ordre=arrivee&fait=deposes")
    (outcome,) = outcomes
    if isinstance(outcome, AlreadyThere):
        return go_to(f"/dossier/{outcome.document_id}?fait=deja")
    # a CDA says itself what it is
    form = "" if is_cda(sent[0].content) else "/modifier"
    return go_to(f"/dossier/{outcome.document_id}{form}?fait=depose")


def edit_page(visit: Visit) -> Response:
    """The form for title, date and category."""
    found = record.find(visit.gateway, visit.patient, visit.path["document_id"], RecordAction.EDIT)
    return _edit_page(visit, found, None)


def edit(visit: Visit) -> Response:
    """Keep what the patient says of the document."""
    document_id, form = visit.path["document_id"], visit.form
    found = record.find(visit.gateway, visit.patient, document_id, RecordAction.EDIT)
    title, moment = form.get("titre").strip(), _moment(form.get("date"))
    if not title or (form.get("date") and moment is None):
        return _edit_page(visit, found, "web.titre_manque" if not title else "web.date_fausse")
    edits = Edits(display_title(title), moment, _category(form.get("categorie"), found.category))
    revision = form.get("revision")
    seen = int(revision) if revision.isascii() and revision.isdigit() and len(revision) < 9 else -1
    record.edit(visit.gateway, visit.patient, document_id, seen, edits)
    return go_to(f"/dossier/{document_id}?fait=modifie")


def mask(visit: Visit) -> Response:
    """Keep the document from professionals, or show it to them again."""
    document_id, is_masked = visit.path["document_id"], visit.form.get("masquer") == "oui"
    record.mask(visit.gateway, visit.patient, document_id, is_masked=is_masked)
    return go_to(f"/dossier/{document_id}?fait={'masque' if is_masked else 'demasque'}")


def remove_page(visit: Visit) -> Response:
    """« Supprimer ce document ? »"""
    found = record.find(
        visit.gateway, visit.patient, visit.path["document_id"], RecordAction.REMOVE
    )
    return visit.page("supprimer.html", document=found)


def remove(visit: Visit) -> Response:
    """Destroy the document."""
    record.remove(visit.gateway, visit.patient, visit.path["document_id"])
    return go_to("/dossier?fait=supprime")


def take_several(visit: Visit) -> Response:
    """The chosen documents as one zip."""
    gateway, patient = visit.gateway, visit.patient
    with gateway.database.read() as view:
        wanted = visit.form.all("document")[:BUNDLED]
        chosen = listing.documents_named(
            view, patient.account_id, Reader.PATIENT, wanted, tuple(State)
        )
    if not chosen:
        return go_to("/dossier?fait=rien_choisi")

    def members() -> Iterator[tuple[Document, bytes]]:
        for each in record.visible(patient, chosen):
            yield record.read_document(gateway, patient, each.document_id, RecordAction.DOWNLOAD)

    return bundle.response(gateway, "documents.zip", members())


def journal_page(visit: Visit) -> Response:
    """Who did what: the patient, and everybody else."""
    side, before = visit.query.get("cote", "moi"), visit.query.get("avant", "")
    is_number = before.isascii() and before.isdigit() and len(before) <= 15
    found = record.journal_of(
        visit.gateway,
        visit.patient,
        SIDES.get(side, Side.OWN),
        int(before) if is_number else None,
        JOURNAL_PAGE + 1,
    )
    return visit.page(
        "journal.html",
        side=side if side in SIDES else "moi",
        entries=found[:JOURNAL_PAGE],
        older=found[JOURNAL_PAGE - 1].entry_id if len(found) > JOURNAL_PAGE else None,
        is_continued=is_number,
    )


def journal_file(visit: Visit) -> Response:
    """Both lists as a table that other programs read (RFC 4180)."""
    record.permit(visit.gateway, visit.patient, visit.patient.account_id, RecordAction.JOURNAL)
    target = io.StringIO()
    table = csv.writer(target)
    with speaking(visit.preferences.language), visit.gateway.database.read() as view:
        table.writerow(sentence(f"web.journal_{name}") for name in COLUMNS)
        for side in Side:
            for entry in journal.every_entry(view, visit.patient.account_id, side):
                table.writerow(_cells(entry))
    return Response(
        target.getvalue().encode("utf-8-sig"),  # with its mark, spreadsheets read the accents
        media_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": files.disposition("journal.csv"),
            "Content-Security-Policy": FILE_POLICY,
        },
    )


def _cells(entry: Entry) -> list[str]:
    said = sentence(f"web.acte_{entry.act.value}")
    return [dates.iso(entry.at), said, _no_formula(entry.who), _no_formula(entry.title)]


def _no_formula(text: str) -> str:
    """A text that no spreadsheet runs (threat T46)."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _deposit_page(visit: Visit, error: str | None) -> Response:
    """The form, with what was kept of it over a lock: never the files, which it then says."""
    return visit.page(
        "deposer.html",
        status=422 if error else 200,
        categories=list(Category),
        chosen=_category(visit.form.get("categorie"), None),
        had_files=visit.had_files,
        error=error,
    )


def _edit_page(visit: Visit, found: Document, error: str | None) -> Response:
    is_filled = bool(visit.form.fields)  # also by what was kept over a lock
    values = visit.form if is_filled else None
    return visit.page(
        "modifier.html",
        status=422 if error else 200,
        document=found,
        categories=list(Category),
        error=error,
        title=values.get("titre") if values else found.title,
        day=values.get("date") if values else _day(found.document_date),
        category=_category(values.get("categorie"), found.category) if values else found.category,
    )


def _category(text: str, otherwise: C) -> Category | C:
    return next((one for one in Category if one.value == text), otherwise)


def _day(moment: int | None) -> str:
    """As an input of type date holds it."""
    return "" if moment is None else dates.iso(moment)[:10]


def _moment(text: str) -> int | None:
    """Noon of a day as a browser sends it; None when it is none, or not of this time."""
    try:
        day = datetime.fromisoformat(f"{text}T12:00:00+00:00")
    except ValueError:
        return None
    return int(day.timestamp()) if 1900 <= day.year < 2200 else None
