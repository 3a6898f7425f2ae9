"""Contacts: who may be written to and why, who may not any more and what would open it again."""

from typing import Final

from starlette.responses import Response

from mss_gateway.message.words import display_safe
from mss_gateway.webmail import contacts
from mss_gateway.webmail.visit import Visit

PAGE: Final = 50
WORDS_LIMIT: Final = 100


def page(visit: Visit) -> Response:
    """Everyone by name; ``?q=`` finds among them, ``?page=`` goes on."""
    words = display_safe(visit.query.get("q", ""), WORDS_LIMIT)
    with visit.gateway.database.read() as view:
        book = contacts.book(visit.gateway, view, visit.patient, words)
    number = _number(visit.query.get("page", ""))
    shown = book[(number - 1) * PAGE : number * PAGE]
    return visit.page(
        "contacts.html",
        entries=shown,
        words=words,
        number=number,
        has_more=len(book) > number * PAGE,
        found=len(book),
    )


def _number(text: str) -> int:
    """The page asked for; the first one for what is no page."""
    is_number = text.isascii() and text.isdigit() and len(text) <= 6
    return max(1, int(text)) if is_number else 1
