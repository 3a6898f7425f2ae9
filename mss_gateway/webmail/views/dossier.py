"""« Mon dossier »: the list, one document, its pages, its bytes."""

from dataclasses import dataclass

from starlette.responses import Response

from mailbox_store.database import View
from mailbox_store.errors import BlobAltered
from mss_gateway.dossier import facets, listing
from mss_gateway.dossier.documents import Category, Document, State
from mss_gateway.dossier.listing import Cursor, Order, Reader
from mss_gateway.dossier.sealed import blind, digest_of
from mss_gateway.failures import Failure, Refused
from mss_gateway.life import record, record_search
from mss_gateway.webmail import files, reading, showing
from mss_gateway.webmail.reading import Box
from mss_gateway.webmail.visit import Visit
from policies.facts import RecordAction

PAGE = 50
"""Documents of one page of the list."""

FOUND = 50
"""Documents that a search shows, as many as the list, for the weight of the page; who finds more
adds a word."""

WORDS_LIMIT = 200
"""Characters of a search that are looked at."""

AUTHORS = 200
"""Authors to choose from, at most."""

PAST = tuple(state for state in State if state is not State.CURRENT)
"""Of documents that are in no list but that of the former ones."""

ORDERS = {"date": Order.DOCUMENT_DATE, "arrivee": Order.FILED}


@dataclass(frozen=True, slots=True)
class _Filter:
    """What the list is narrowed to, as words of the query."""

    category: Category | None
    author: str
    order: str
    after: Cursor | None
    words: str = ""
    is_past: bool = False
    """What was replaced or taken back, in place of what stands."""

    @property
    def is_narrowed(self) -> bool:
        return self.category is not None or bool(self.author or self.words) or self.is_past


def document_list(visit: Visit) -> Response:
    """The documents, by category, author and date, or those that hold some words."""
    gateway, patient = visit.gateway, visit.patient
    chosen = _filter(visit)
    if chosen.words:
        return _found(visit, chosen)
    record.permit(gateway, patient, patient.account_id, RecordAction.LIST)
    with gateway.database.read() as view:
        authors = _authors(view, visit)
        found = listing.documents_of(
            view,
            patient.account_id,
            Reader.PATIENT,
            category=chosen.category,
            author=authors.get(chosen.author),
            order=ORDERS[chosen.order],
            states=PAST if chosen.is_past else (State.CURRENT,),
            after=chosen.after,
            limit=PAGE + 1,
        )
        counts = facets.by_category(view, patient.account_id)
    last = found[PAGE - 1] if len(found) > PAGE else None
    return visit.page(
        "dossier.html",
        documents=record.visible(patient, found[:PAGE]),
        chosen=chosen,
        counts=counts,
        authors=authors,
        older=None if last is None else _cursor_text(last, ORDERS[chosen.order]),
        is_cut=False,
        is_fresh=False,
    )


def _found(visit: Visit, chosen: _Filter) -> Response:
    """The documents that hold every word, newest first; of very many the newest."""
    gateway, patient = visit.gateway, visit.patient
    record.permit(gateway, patient, patient.account_id, RecordAction.LIST)
    found = record_search.search(gateway, patient.account_id, chosen.words)
    with gateway.database.read() as view:
        shown = listing.documents_named(
            view, patient.account_id, Reader.PATIENT, found.document_ids, limit=FOUND + 1
        )
        authors = _authors(view, visit)
        counts = facets.by_category(view, patient.account_id)
    shown = record.visible(patient, shown)
    return visit.page(
        "dossier.html",
        documents=shown[:FOUND],
        chosen=chosen,
        counts=counts,
        authors=authors,
        older=None,
        is_cut=len(shown) > FOUND or not found.is_all,
        is_fresh=found.left_out > 0,
    )


def document(visit: Visit) -> Response:
    """One document: what it is, its pages, where it came from."""
    found, content = _read(visit, RecordAction.READ)
    shown = showing.show(visit.gateway, found, content)
    versions = record.versions_of(visit.gateway, visit.patient, found)
    with visit.gateway.database.read() as view:
        ref = found.provenance.message_ref
        came_by = reading.place_of(view, visit.patient, ref, Box.RECEIVED, Box.ARCHIVED)
    return visit.page(
        "document.html",
        document=found,
        showing=shown,
        drawn=min(shown.pages, files.PAGES_SHOWN),
        message_path=came_by and f"/messages/{came_by[0].value}/{came_by[1]}",
        versions=versions,
        newer=next((one for one in versions if one.document_id == found.replaced_by), None),
        older=[one for one in versions if one.replaced_by == found.document_id],
        is_history_open="versions" in visit.query,
    )


def document_page(visit: Visit) -> Response:
    """One page of a document as a picture."""
    found, content = _read(visit, RecordAction.READ)
    drawn = showing.drawn_bytes(found, content)
    return files.picture(visit.gateway, drawn, visit.number("page"), files.PAGE_WIDTH)


def document_figure(visit: Visit) -> Response:
    """A picture that the sections of a CDA refer to, or the first page of one that has several."""
    return _figure(visit, 1)


def document_figure_page(visit: Visit) -> Response:
    """One page of a picture that is a PDF."""
    return _figure(visit, visit.number("page"))


def _figure(visit: Visit, page: int) -> Response:
    _, content = _read(visit, RecordAction.READ)
    figure = showing.figure_bytes(content, visit.number("figure"))
    if figure is None:
        raise Refused(Failure.DOCUMENT_NOT_FOUND)
    return files.picture(visit.gateway, figure, page, files.PAGE_WIDTH)


def document_file(visit: Visit) -> Response:
    """The document, byte for byte."""
    found, content = _read(visit, RecordAction.DOWNLOAD)
    return files.download(content, files.file_name(found.title, found.media_type))


def _read(visit: Visit, action: RecordAction) -> tuple[Document, bytes]:
    """A document of the patient's own, its bytes those of the day it came in."""
    found, content = record.read_document(
        visit.gateway, visit.patient, visit.path["document_id"], action
    )
    if digest_of(content) != found.digest:
        raise BlobAltered("a document differs from its digest")
    return found, content


def _filter(visit: Visit) -> _Filter:
    wanted = visit.query.get("categorie", "")
    order = visit.query.get("ordre", "date")
    at, _, document_id = visit.query.get("avant", "").partition("-")
    is_cursor = at.isascii() and at.isdigit() and len(at) <= 12
    return _Filter(
        next((one for one in Category if one.value == wanted), None),
        visit.query.get("auteur", ""),
        order if order in ORDERS else "date",
        Cursor(int(at), document_id) if is_cursor else None,
        visit.query.get("mots", "").strip()[:WORDS_LIMIT],
        visit.query.get("etat") == "anciens",
    )


def _authors(view: View, visit: Visit) -> dict[str, str]:
    """The authors of the record by a token: no name stands in an address."""
    account_id = visit.patient.account_id
    names = list(facets.by_author(view, account_id))[:AUTHORS]
    return {blind(view, account_id, "author", name).hex(): name for name in names}


def _cursor_text(last: Document, order: Order) -> str:
    cursor = listing.cursor_of(last, order)
    return f"{cursor.at}-{cursor.document_id}"
