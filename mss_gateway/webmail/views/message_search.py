"""Searching the messages: all of them, or those of one box.

What is looked for stands in the address of the page, as searches do: nothing here writes addresses
down, and no page tells another where it was come from (``headers``).
"""

from starlette.responses import Response

from mss_gateway.life import message_search, message_words
from mss_gateway.life.message_search import NEWEST
from mss_gateway.webmail import found
from mss_gateway.webmail.visit import Visit

PAGE = 25
"""Messages of one page of results."""

WORDS_LIMIT = 200
"""Characters of a search that are looked at."""

_NUMBER_DIGITS = 18


def results(visit: Visit) -> Response:
    """The messages that hold every word, the newest first."""
    gateway, patient = visit.gateway, visit.patient
    words = visit.query.get("q", "").strip()[:WORDS_LIMIT]
    wanted = visit.query.get("dans", "")
    box = wanted if wanted in found.BOXES else ""
    before = visit.query.get("avant", "")
    is_number = before.isascii() and before.isdigit() and len(before) <= _NUMBER_DIGITS
    asked = message_words.asked_of(words)
    with gateway.database.read() as view:
        boxes = found.boxes_of(view, patient, box)
    hits = message_search.find(
        gateway,
        patient.account_id,
        asked,
        list(boxes),
        PAGE,
        int(before) if is_number else NEWEST,
    )
    with gateway.database.read() as view:
        lines = found.lines_of(view, patient, hits.hits, boxes, asked.words)
    return visit.page(
        "recherche.html",
        words=words,
        box=box,
        boxes=list(found.BOXES),
        is_asked=bool(asked.words),
        lines=lines,
        hits=hits,
        is_continued=is_number,
    )
