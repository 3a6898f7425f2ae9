"""Messages: the lists, one message, its layout in a frame, its attachments."""

from starlette.responses import HTMLResponse, Response

from mss_gateway.dossier.documents import Category
from mss_gateway.dossier.filing import AlreadyThere
from mss_gateway.failures import Failure, Refused
from mss_gateway.life import dossier, saving
from mss_gateway.life.saving import Source
from mss_gateway.message.attachments import Attachment
from mss_gateway.webmail import files, moving, reading, replying, thread_reading
from mss_gateway.webmail.finding import Found, box_of, find, opened
from mss_gateway.webmail.headers import FRAMING_POLICY, framed_policy
from mss_gateway.webmail.letter import open_letter
from mss_gateway.webmail.pages import sentence
from mss_gateway.webmail.printing import printed
from mss_gateway.webmail.reading import Box, List
from mss_gateway.webmail.sanitise import STYLE_HASH, framed
from mss_gateway.webmail.thread_reading import ThreadList
from mss_gateway.webmail.visit import Visit, go_to

_LEFT = {"reste": "echanges.fait_reste", "relire": "echanges.fait_relire"}


def message_list(visit: Visit) -> Response:
    """Threads of what was received or archived; what was sent or binned message by message."""
    box = box_of(visit)
    mark = visit.query.get("avant", "")
    with visit.gateway.database.read() as view:
        shown_ends = moving.shown_in(view, visit.patient, *thread_reading.SHOWN_IN)
        received = reading.mailbox_of(view, visit.patient, Box.RECEIVED)
        is_threaded = box in thread_reading.THREADED
        shown: ThreadList | List
        if is_threaded:
            shown = thread_reading.list_of(view, visit.patient, box, mark)
        else:
            before = int(mark) if mark.isascii() and mark.isdigit() and len(mark) <= 10 else None
            shown = reading.list_of(view, visit.patient, box, before)
    return visit.page(
        "messages.html",
        status=200,
        list=shown,
        is_threaded=is_threaded,
        unseen=received.unseen,
        acts=moving.acts_in(box),
        shown=shown_ends,
        **_left_over(visit),
    )


def _left_over(visit: Visit) -> dict[str, str]:
    """What the list says when an act left something that came in after its page was shown."""
    key = _LEFT.get(visit.query.get("fait", ""))
    return {} if key is None else {"notice": sentence(key)}


def read(visit: Visit) -> Response:
    """One message; reading it marks it as read, and tells an author who asked to know."""
    found = find(visit)
    gateway, patient = visit.gateway, visit.patient
    with gateway.database.read() as view:
        limits = gateway.config.dossier
        letter = open_letter(view, patient, found.box, found.row, found.message, limits)
        answer = None
        if letter.can_be_filed:
            answer = replying.answer_to(gateway, view, patient, letter.evidence, found.message)
    is_told = opened(gateway, patient, found, is_own=letter.is_own)
    if visit.query.get("imprimer"):
        return printed(visit, letter.title, [letter], letter.base)
    response = visit.page(
        "message.html",
        letter=letter,
        answer=answer,
        acts=moving.acts_in(found.box),
        categories=list(Category),
        is_receipt_sent=is_told,
    )
    response.headers["Content-Security-Policy"] = FRAMING_POLICY
    return response


def layout(visit: Visit) -> Response:
    """The HTML of a message, made harmless, for the frame of its page."""
    found = find(visit)
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
    found = find(visit)
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
    content = _attachment(visit, find(visit)).content()
    is_small = visit.query.get("taille") == "vignette"
    width = files.THUMBNAIL_WIDTH if is_small else files.PAGE_WIDTH
    return files.picture(visit.gateway, content, visit.number("page"), width)


def piece_file(visit: Visit) -> Response:
    """An attachment, byte for byte."""
    attachment = _attachment(visit, find(visit))
    return files.download(attachment.content(), attachment.claimed_name)


def save_piece(visit: Visit) -> Response:
    """« Enregistrer dans mon dossier »."""
    found = find(visit)
    with visit.gateway.database.read() as view:
        evidence = reading.evidence_of(view, visit.patient, found.row)
    is_own = reading.is_own(visit.patient, found.box, evidence)
    if is_own or found.box not in (Box.RECEIVED, Box.ARCHIVED):
        raise Refused(Failure.MESSAGE_NOT_FOUND)
    chosen = visit.form.get("categorie")
    category = next((one for one in Category if one.value == chosen), None)
    outcome = saving.save_attachment(
        visit.gateway,
        visit.patient,
        Source(found.row.message_id, found.row.message_ref),
        visit.path["part"],
        category,
    )
    done = "deja" if isinstance(outcome, AlreadyThere) else "classe"
    return go_to(f"/dossier/{outcome.document_id}?fait={done}")


def _attachment(visit: Visit, found: Found) -> Attachment:
    return dossier.find_attachment(found.message, visit.path["part"])


def _base(found: Found, attachment: Attachment) -> str:
    return f"/messages/{found.box.value}/{found.row.uid}/pieces/{attachment.number}"
