"""The first page, the help, and the files that pages refer to."""

from starlette.responses import Response

from mailbox_store.database import View
from mss_gateway.directory.people import Person
from mss_gateway.dossier import facets
from mss_gateway.failures import Failure, Refused
from mss_gateway.webmail import reading
from mss_gateway.webmail.pages import STATIC
from mss_gateway.webmail.reading import Box
from mss_gateway.webmail.visit import Visit, go_to


def root(_visit: Visit) -> Response:
    """The bare address leads home; whoever is not signed in is led on from there."""
    return go_to("/accueil")


def home(visit: Visit) -> Response:
    """Two doors: the messages and the record, each with what is new in it."""
    with visit.gateway.database.read() as view:
        messages, unseen = _counts(view, visit.patient)
        documents = sum(facets.by_category(view, visit.patient.account_id).values())
    return visit.page("accueil.html", messages=messages, unseen=unseen, documents=documents)


def help_page(visit: Visit) -> Response:
    """What to do in an emergency, and what this service is and is not."""
    return visit.page("aide.html")


def static_file(visit: Visit) -> Response:
    """One of the few files of ours; its address changes with its content, so it may be kept."""
    name = visit.path["name"]
    if name not in STATIC:
        raise Refused(Failure.DOCUMENT_NOT_FOUND)
    return Response(
        visit.pages.static[name],
        headers={
            "Content-Type": STATIC[name],
            "Cache-Control": "public, max-age=31536000, immutable",
        },
    )


def _counts(view: View, patient: Person) -> tuple[int, int]:
    inbox = reading.mailbox_of(view, patient, Box.RECEIVED)
    return inbox.messages, inbox.unseen
