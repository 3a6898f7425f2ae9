"""Drafts: their list, one to be written on, its end, and documents of the record joined to it."""

from dataclasses import dataclass

from starlette.responses import Response

from mailbox_store import changes
from mailbox_store.changes import Row
from mailbox_store.database import View
from mailbox_store.errors import MessageNotFound
from mss_gateway.directory import people
from mss_gateway.failures import Failure, Refused, row
from mss_gateway.life import content, drafts, enclosing
from mss_gateway.message.header import Header, header_end, parse_header
from mss_gateway.message.summary import Summary
from mss_gateway.webmail import drafting, files, posting, reading, write_page
from mss_gateway.webmail.drafting import Sheet
from mss_gateway.webmail.forms import FILES_LIMIT
from mss_gateway.webmail.pages import octets, sentence
from mss_gateway.webmail.visit import Visit, go_to

PAGE = 25
"""Drafts of one page of the list."""

WORDS_LIMIT = 200
"""Characters of a search for documents that are looked at."""


@dataclass(frozen=True, slots=True)
class _Line:
    """One draft in the list; ``names`` of whom it is for, ``words`` it begins with."""

    uid: int
    names: str
    title: str
    words: str
    moment: int
    has_files: bool


def draft_list(visit: Visit) -> Response:
    """Everything that was begun and not sent, the latest first."""
    text = visit.query.get("avant", "")
    before = int(text) if text.isascii() and text.isdigit() and len(text) <= 10 else None
    with visit.gateway.database.read() as view:
        rows = drafts.page_of(view, visit.patient, before, PAGE + 1)
        lines = [_line(view, visit, each) for each in rows[:PAGE]]
    older = rows[PAGE - 1].uid if len(rows) > PAGE else None
    return visit.page("brouillons.html", lines=lines, older=older, is_continued=before is not None)


def draft_page(visit: Visit) -> Response:
    """A draft in its form; with ``reprendre``, what was written when the session was locked."""
    has_form = bool(visit.form.fields)
    sheet = _sheet(visit)
    if sheet is None:
        if not has_form:
            raise Refused(Failure.MESSAGE_NOT_FOUND)
        return write_page.resumed(visit, _identity(visit))
    assert sheet.draft is not None
    typed = drafting.typed_in(visit.form) if has_form else sheet.draft.typed
    return write_page.page(visit, sheet, typed)


def post_draft(visit: Visit) -> Response:
    """Save a draft again, or send it."""
    sheet = _sheet(visit)
    if sheet is None:
        return write_page.changed(visit, _identity(visit))
    try:
        return write_page.posted(visit, sheet)
    except Refused as refused:
        if refused.failure is not Failure.DRAFT_CHANGED:
            raise
        return write_page.changed(visit, sheet.identity)


def removal_page(visit: Visit) -> Response:
    """« Supprimer ce brouillon ? »"""
    with visit.gateway.database.read() as view:
        draft = drafts.find(view, visit.patient, visit.number("draft"))
    title = reading.shown_title(draft.message.header.text("subject"))
    return visit.page("supprimer_brouillon.html", uid=draft.uid, title=title)


def remove_draft(visit: Visit) -> Response:
    """Destroy a draft."""
    with visit.gateway.database.read() as view:
        draft = drafts.find(view, visit.patient, visit.number("draft"))
    drafts.remove(visit.gateway, visit.patient, draft.uid)
    return go_to("/messages/brouillons?fait=brouillon_supprime")


def documents_page(visit: Visit) -> Response:
    """Documents of the record to choose from: the latest, or those that hold some words."""
    return _documents_page(visit, _found_sheet(visit), "", 200)


def join_documents(visit: Visit) -> Response:
    """Join the documents chosen to the draft, each read under the patient's rights."""
    sheet = _found_sheet(visit)
    chosen = visit.form.all("document")
    if not chosen:
        return _documents_page(visit, sheet, sentence("brouillon.dossier_choisir"), 422)
    assert sheet.draft is not None
    kept = drafting.kept_files(sheet, sheet.draft.typed)
    found = enclosing.named(visit.gateway, visit.patient, chosen)
    room = posting.room_of(visit) - sum(len(file.content) for file in kept)
    wanted, places = sum(each.size for each in found), max(0, FILES_LIMIT - len(kept))
    too_big = row(Failure.MESSAGE_TOO_BIG).http
    if len(found) > places:
        said = sentence("brouillon.trop_de_documents", nombre=str(places))
        return _documents_page(visit, sheet, said, too_big)
    if wanted > room:
        said = sentence(
            "brouillon.trop_lourd_place", taille=octets(wanted), place=octets(max(0, room))
        )
        return _documents_page(visit, sheet, said, too_big)
    for each in found:
        octets_read = enclosing.read(visit.gateway, visit.patient, each)
        name = files.file_name(each.title, each.media_type)
        kept.append(drafting.outgoing_file(name, octets_read))
    try:
        uid = posting.keep(visit, sheet, sheet.draft.typed, kept)
    except posting.Incomplete as refused:
        said = sentence(refused.key)
        return _documents_page(visit, sheet, said, row(refused.failure).http)
    return go_to(f"/messages/brouillons/{uid}?fait=joint")


def _documents_page(visit: Visit, sheet: Sheet, error: str, status: int) -> Response:
    words = visit.query.get("mots", "").strip()[:WORDS_LIMIT]
    assert sheet.draft is not None
    return visit.page(
        "joindre.html",
        status=status,
        sheet=sheet,
        words=words,
        documents=enclosing.offered(visit.gateway, visit.patient, words),
        chosen=visit.form.all("document"),
        error=error,
        room=max(0, posting.room_of(visit) - sum(each.size for each in sheet.draft.files)),
    )


def _sheet(visit: Visit) -> Sheet | None:
    """The draft of the path, unless it is gone."""
    try:
        return drafting.sheet_of(visit.gateway, visit.patient, visit.number("draft"))
    except MessageNotFound:
        return None


def _found_sheet(visit: Visit) -> Sheet:
    """The draft of the path or, once it was saved elsewhere, its version now. Raises Refused."""
    sheet = _sheet(visit)
    if sheet is None:
        uid = posting.standing(visit, Sheet(_identity(visit)))
        if uid is None:
            raise Refused(Failure.MESSAGE_NOT_FOUND)
        sheet = drafting.sheet_of(visit.gateway, visit.patient, uid)
    return sheet


def _identity(visit: Visit) -> str:
    """The identity of a form whose draft is not where it was; a form without one names nothing."""
    given = visit.form.get("brouillon")
    if not given:
        raise Refused(Failure.MESSAGE_NOT_FOUND)
    return drafting.identity_of(visit.gateway, given)


def _line(view: View, visit: Visit, found: Row) -> _Line:
    summary = Summary(found.summary)
    head = changes.read_body(
        view, visit.patient.account_id, found.message_id, 0, summary.header_size
    )
    header = parse_header(head, 0, header_end(head, 0, len(head))[0])
    return _Line(
        found.uid,
        reading.recipient_names(header) or _names(view, header),
        reading.shown_title(summary.subject),
        summary.preview or "",
        found.internal_date,
        summary.has_attachment,
    )


def _names(view: View, header: Header) -> str:
    """How the directory calls those whom a mail program wrote as addresses: none is ever shown."""
    written = content.addresses(header, "to", unreadable=())[: reading.NAMES_SHOWN]
    holders = (people.by_address(view, address) for address in written)
    return ", ".join(holder.display_name() for holder in holders if holder is not None)
