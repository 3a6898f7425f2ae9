"""One thread: what was exchanged with a correspondent, and how to go on."""

from starlette.responses import Response

from mailbox_store.database import View
from mss_gateway.webmail import contacts, moving, reading, replying, thread_reading
from mss_gateway.webmail.contacts import Contact
from mss_gateway.webmail.finding import Found, opened
from mss_gateway.webmail.headers import FRAMING_POLICY
from mss_gateway.webmail.moving import Act
from mss_gateway.webmail.printing import printed
from mss_gateway.webmail.reading import Box
from mss_gateway.webmail.replying import Answer
from mss_gateway.webmail.thread_reading import Exchange
from mss_gateway.webmail.visit import Visit


def read(visit: Visit) -> Response:
    """The messages of a thread, the latest open; what is shown of it is read from then on."""
    is_printed = bool(visit.query.get("imprimer"))
    gateway, patient = visit.gateway, visit.patient
    mark = visit.query.get("avant", "")
    with gateway.database.read() as view:
        shown = moving.shown_in(view, patient, *thread_reading.SHOWN_IN)
        exchange = thread_reading.exchange_of(
            view, patient, visit.number("thread_id"), mark, is_whole=is_printed
        )
        original = thread_reading.latest_received(view, patient, exchange)
        answer = _answer(visit, view, original)
        contact = _contact(visit, view, exchange)
    receipts = _opened(visit, exchange)
    if is_printed:
        return _printed(visit, exchange)
    response = visit.page(
        "fil.html",
        thread=exchange,
        original=original,
        answer=answer,
        contact=contact,
        receipts=receipts,
        acts=_acts(exchange),
        shown=shown,
        box=Box.RECEIVED if Box.RECEIVED in exchange.boxes else Box.ARCHIVED,
    )
    response.headers["Content-Security-Policy"] = FRAMING_POLICY
    return response


def _answer(visit: Visit, view: View, original: Found | None) -> Answer | None:
    """Whether the latest message that came in may be answered; None when none ever may be."""
    if original is None:
        return None
    evidence = reading.evidence_of(view, visit.patient, original.row)
    return replying.answer_to(visit.gateway, view, visit.patient, evidence, original.message)


def _contact(visit: Visit, view: View, exchange: Exchange) -> Contact | None:
    if not exchange.address:
        return None
    return contacts.contact_for(visit.gateway, view, visit.patient, exchange.address)


def _opened(visit: Visit, exchange: Exchange) -> bool:
    """What is shown is read; True when an author who asked to know it is told now."""
    letters = [item.letter for item in exchange.items if item.letter is not None]
    told = [
        opened(visit.gateway, visit.patient, found, is_own=letter.is_own)
        for found, letter in zip(exchange.opened, letters, strict=True)
    ]
    return any(told)


def _acts(exchange: Exchange) -> tuple[Act, ...]:
    """What may be done to the whole thread, by where its messages lie."""
    if Box.RECEIVED in exchange.boxes:
        return moving.acts_in(Box.RECEIVED)
    if Box.ARCHIVED in exchange.boxes:
        return moving.acts_in(Box.ARCHIVED)
    return (Act.BIN,)


def _printed(visit: Visit, exchange: Exchange) -> Response:
    letters = [item.letter for item in exchange.items if item.letter is not None]
    back = f"/messages/fils/{exchange.thread_id}"
    return printed(visit, exchange.name, letters, back, exchange.name)
