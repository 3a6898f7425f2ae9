"""Messages: the two lists, one message, its layout in a frame, its attachments."""

from dataclasses import dataclass

from starlette.responses import HTMLResponse, Response

from mailbox_store import messages
from mailbox_store.changes import Row
from mailbox_store.flags import SEEN
from mailbox_store.mailboxes import Mailbox
from mss_gateway.dossier.documents import Category
from mss_gateway.dossier.filing import AlreadyThere
from mss_gateway.failures import Failure, Refused
from mss_gateway.life import dossier, read_receipt
from mss_gateway.life.dossier import Source
from mss_gateway.message.attachments import Attachment
from mss_gateway.message.part import Message
from mss_gateway.webmail import files, reading, replying
from mss_gateway.webmail.headers import FRAMING_POLICY, framed_policy
from mss_gateway.webmail.letter import open_letter
from mss_gateway.webmail.reading import Box
from mss_gateway.webmail.sanitise import STYLE_HASH, framed
from mss_gateway.webmail.visit import Visit, go_to


@dataclass(frozen=True, slots=True)
class _Found:
    """The message that a path names, in the patient's own mailbox."""

    box: Box
    mailbox: Mailbox
    row: Row
    message: Message


def message_list(visit: Visit) -> Response:
    """Received or sent messages, the newest first."""
    before = visit.query.get("avant", "")
    is_number = before.isascii() and before.isdigit() and len(before) <= 10
    with visit.gateway.database.read() as view:
        shown = reading.list_of(
            view, visit.patient, _box(visit), int(before) if is_number else None
        )
    return visit.page("messages.html", list=shown)


def read(visit: Visit) -> Response:
    """One message; reading it marks it as read, and tells an author who asked to know."""
    found = _find(visit)
    gateway, patient = visit.gateway, visit.patient
    with gateway.database.read() as view:
        letter = open_letter(view, patient, found.box, found.row, found.message)
        answer = None
        if found.box is Box.RECEIVED:
            answer = replying.answer_to(gateway, view, patient, letter.evidence, found.message)
    mailbox_id, row = found.mailbox.mailbox_id, found.row
    is_told = found.box is Box.RECEIVED and read_receipt.on_opened(
        gateway, patient, mailbox_id, row, found.message
    )
    if not is_told and not row.flags & SEEN:
        gateway.database.write(lambda tx: messages.set_flags(tx, mailbox_id, [row.uid], -1, SEEN))
    response = visit.page(
        "message.html",
        letter=letter,
        answer=answer,
        categories=list(Category),
        is_receipt_sent=is_told,
    )
    response.headers["Content-Security-Policy"] = FRAMING_POLICY
    return response


def layout(visit: Visit) -> Response:
    """The HTML of a message, made harmless, for the frame of its page."""
    found = _find(visit)
    with visit.gateway.database.read() as view:
        evidence = reading.evidence_of(view, visit.patient, found.row)
    html = reading.text_of(found.message, evidence).html
    if html is None:
        raise Refused(Failure.MESSAGE_NOT_FOUND)
    return HTMLResponse(
        framed(html),
        headers={
            "Content-Security-Policy": framed_policy(STYLE_HASH),
            "X-Frame-Options": "SAMEORIGIN",
        },
    )


def piece(visit: Visit) -> Response:
    """An attachment shown page by page."""
    found = _find(visit)
    attachment = _attachment(visit, found)
    pages = files.page_count(visit.gateway, attachment.content())
    return visit.page(
        "piece.html",
        base=_base(found, attachment),
        back=f"/messages/{found.box.value}/{found.row.uid}",
        name=attachment.claimed_name,
        size=attachment.size,
        pages=pages,
        shown=min(pages, files.PAGES_SHOWN),
    )


def piece_page(visit: Visit) -> Response:
    """One page of an attachment as a picture; ``?taille=vignette`` is a small one."""
    content = _attachment(visit, _find(visit)).content()
    is_small = visit.query.get("taille") == "vignette"
    width = files.THUMBNAIL_WIDTH if is_small else files.PAGE_WIDTH
    return files.picture(visit.gateway, content, visit.number("page"), width)


def piece_file(visit: Visit) -> Response:
    """An attachment, byte for byte."""
    attachment = _attachment(visit, _find(visit))
    return files.download(attachment.content(), attachment.claimed_name)


def save_piece(visit: Visit) -> Response:
    """« Enregistrer dans mon dossier »."""
    found = _find(visit)
    if found.box is not Box.RECEIVED:
        raise Refused(Failure.MESSAGE_NOT_FOUND)
    chosen = visit.form.get("categorie")
    category = next((one for one in Category if one.value == chosen), None)
    outcome = dossier.save_attachment(
        visit.gateway,
        visit.patient,
        Source(found.row.message_id, found.row.message_ref),
        visit.path["part"],
        category,
    )
    done = "deja" if isinstance(outcome, AlreadyThere) else "classe"
    return go_to(f"/dossier/{outcome.document_id}?fait={done}")


def _box(visit: Visit) -> Box:
    try:
        return Box(visit.path["box"])
    except ValueError:
        raise Refused(Failure.MESSAGE_NOT_FOUND) from None


def _find(visit: Visit) -> _Found:
    box = _box(visit)
    with visit.gateway.database.read() as view:
        mailbox, row = reading.row_of(view, visit.patient, box, visit.number("uid"))
        message = dossier.read_message(view, visit.patient, row.message_id)
    return _Found(box, mailbox, row, message)


def _attachment(visit: Visit, found: _Found) -> Attachment:
    return dossier.find_attachment(found.message, visit.path["part"])


def _base(found: _Found, attachment: Attachment) -> str:
    return f"/messages/{found.box.value}/{found.row.uid}/pieces/{attachment.number}"
