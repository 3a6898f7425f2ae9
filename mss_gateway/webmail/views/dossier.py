"""« Mon dossier »: the list, one document, its pages, its bytes."""

from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.responses import Response

from mailbox_store.database import View
from mss_gateway.dossier import facets, listing
from mss_gateway.dossier.documents import Category, Document, State, Way
from mss_gateway.dossier.listing import Cursor, Narrowed, Order, Reader
from mss_gateway.dossier.sealed import blind
from mss_gateway.failures import Failure, Refused
from mss_gateway.life import record, record_search
from mss_gateway.webmail import dates, files, reading, showing
from mss_gateway.webmail.reading import Box
from mss_gateway.webmail.visit import Visit
from policies.facts import RecordAction

PAGE = 25
"""Documents of one page of the list: with titles as long as they may be it weighs 100 kB at most,
with all that it refers to."""

FOUND = PAGE
"""Documents that a search shows; who finds more adds a word."""

WORDS_LIMIT = 200
"""Characters of a search that are looked at."""

AUTHORS = 100
"""Authors to choose from, at most: more of them weigh more than the page may."""

_MARK = 16
"""Digits of an author's token in an address: 64 bits tell 100 names of one record apart."""

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
    way: Way | None = None
    year: int | None = None

    @property
    def is_refined(self) -> bool:
        return bool(self.author or self.way or self.year) or self.order != "date"

    @property
    def is_narrowed(self) -> bool:
        refined = self.author or self.words or self.way or self.year
        return self.category is not None or bool(refined) or self.is_past

    @property
    def states(self) -> tuple[State, ...]:
        return PAST if self.is_past else (State.CURRENT,)

    @property
    def dated(self) -> tuple[int, int] | None:
        if self.year is None:
            return None
        return dates.year_begins(self.year), dates.year_begins(self.year + 1)

    def address(self, **changed: str) -> str:
        """Where the same choice stands with some of its words changed; from its first page."""
        words = {
            "mots": self.words,
            "categorie": self.category.value if self.category else "",
            "auteur": self.author,
            "origine": self.way.value if self.way else "",
            "annee": str(self.year or ""),
            "ordre": "" if self.order == "date" else self.order,
            "etat": "anciens" if self.is_past else "",
        } | changed
        query = urlencode({name: word for name, word in words.items() if word})
        return f"/dossier?{query}" if query else "/dossier"


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
            way=chosen.way,
            dated=chosen.dated,
            order=ORDERS[chosen.order],
            states=chosen.states,
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
        ways=list(Way),
        older=None if last is None else _cursor_text(last, ORDERS[chosen.order]),
        is_cut=False,
        is_fresh=False,
    )


def _found(visit: Visit, chosen: _Filter) -> Response:
    """The documents that hold every word and are of the choice, newest first; of very many the
    newest."""
    gateway, patient = visit.gateway, visit.patient
    record.permit(gateway, patient, patient.account_id, RecordAction.LIST)
    found = record_search.search(gateway, patient.account_id, chosen.words)
    with gateway.database.read() as view:
        authors = _authors(view, visit)
        shown = listing.documents_named(
            view,
            patient.account_id,
            Reader.PATIENT,
            found.document_ids,
            chosen.states,
            FOUND + 1,
            Narrowed(chosen.category, authors.get(chosen.author), chosen.way, chosen.dated),
        )
        counts = facets.by_category(view, patient.account_id)
    shown = record.visible(patient, shown)
    return visit.page(
        "dossier.html",
        documents=shown[:FOUND],
        chosen=chosen,
        counts=counts,
        authors=authors,
        ways=list(Way),
        older=None,
        is_cut=len(shown) > FOUND or not found.is_all,
        is_fresh=found.left_out > 0,
    )


def document(visit: Visit) -> Response:
    """One document: what it is, its pages, where it came from."""
    found, content = _read(visit, RecordAction.READ)
    shown = showing.show(visit.gateway, found, content)
    if visit.query.get("imprimer") and (shown.sections or shown.text):
        return visit.page("imprimer_document.html", document=found, showing=shown)
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
    """A document of the patient's own, with its bytes."""
    return record.read_document(visit.gateway, visit.patient, visit.path["document_id"], action)


def _filter(visit: Visit) -> _Filter:
    wanted, came = visit.query.get("categorie", ""), visit.query.get("origine", "")
    year = visit.query.get("annee", "").strip()
    is_year = year.isascii() and year.isdigit() and len(year) == 4
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
        next((one for one in Way if one.value == came), None),
        int(year) if is_year and 1900 <= int(year) < 2200 else None,
    )


def _authors(view: View, visit: Visit) -> dict[str, str]:
    """The authors of the record by a token: no name stands in an address."""
    account_id = visit.patient.account_id
    names = list(facets.by_author(view, account_id))[:AUTHORS]
    return {blind(view, account_id, "author", name).hex()[:_MARK]: name for name in names}


def _cursor_text(last: Document, order: Order) -> str:
    cursor = listing.cursor_of(last, order)
    return f"{cursor.at}-{cursor.document_id}"
