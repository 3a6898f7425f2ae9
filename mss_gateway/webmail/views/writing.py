"""Writing: a new message to somebody allowed, or an answer; both leave by ``life.submission``."""

from starlette.responses import Response

from mss_gateway.failures import Failure, Refused
from mss_gateway.webmail import drafting, replying, write_page
from mss_gateway.webmail.drafting import TEXT_LIMIT as TEXT_LIMIT
from mss_gateway.webmail.drafting import Sheet, Typed
from mss_gateway.webmail.posting import upload_limit as upload_limit
from mss_gateway.webmail.visit import Visit


def new_page(visit: Visit) -> Response:
    """The form of a new message; ``?a=`` picks a contact."""
    sheet = _sheet(visit)
    if visit.form.fields:  # what was being written when the session was locked
        return write_page.page(visit, sheet, drafting.typed_in(visit.form))
    picked = visit.query.get("a", "")
    return write_page.page(visit, sheet, Typed(chosen=(picked,) if picked else ()))


def send_new(visit: Visit) -> Response:
    """Send a new message to the contacts picked, or keep it as a draft."""
    return _posted(visit, _sheet(visit))


def answer_page(visit: Visit) -> Response:
    """The form of an answer."""
    return write_page.page(visit, _answer(visit), drafting.typed_in(visit.form))


def send_answer(visit: Visit) -> Response:
    """Send an answer to whom the original allows, or keep it as a draft."""
    return _posted(visit, _answer(visit))


def _posted(visit: Visit, sheet: Sheet) -> Response:
    try:
        return write_page.posted(visit, sheet)
    except Refused as refused:
        if refused.failure is not Failure.DRAFT_CHANGED:
            raise
        return write_page.changed(visit, sheet.identity)


def _sheet(visit: Visit) -> Sheet:
    return Sheet(drafting.identity_of(visit.gateway, visit.form.get("brouillon")))


def _answer(visit: Visit) -> Sheet:
    original = replying.find_original(
        visit.gateway, visit.patient, visit.path["box"], visit.number("uid")
    )
    identity = drafting.identity_of(visit.gateway, visit.form.get("brouillon"))
    return Sheet(identity, original)
