"""Live update: the stream that open pages listen to."""

from starlette.responses import Response

from mss_gateway.failures import Failure, Refused
from mss_gateway.webmail import reading
from mss_gateway.webmail.event_stream import EventStream
from mss_gateway.webmail.reading import Box
from mss_gateway.webmail.visit import Visit


def stream(visit: Visit) -> Response:
    """Numbers as they change, for as long as the page is open; no visit of anybody's."""
    session = visit.session
    if session is None:
        raise Refused(Failure.NOT_ALLOWED)
    with visit.gateway.database.read() as view:
        inbox = reading.mailbox_of(view, visit.patient, Box.RECEIVED).mailbox_id
    return EventStream(visit.live, session, inbox)
