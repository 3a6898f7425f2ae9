"""Archive and bin: what is chosen in a list goes there, comes back, or goes for good."""

from starlette.responses import Response

from mss_gateway.webmail import moving, reading
from mss_gateway.webmail.finding import box_of
from mss_gateway.webmail.moving import Act, Chosen
from mss_gateway.webmail.reading import Box
from mss_gateway.webmail.visit import Visit, go_to

_DONE = {
    Act.ARCHIVE: "archive",
    Act.UNARCHIVE: "desarchive",
    Act.BIN: "jete",
    Act.RESTORE: "restaure",
    Act.DELETE: "efface",
    Act.UNREAD: "nonlu",
}
"""What the list says then: words of ``pages.NOTICES``."""

_DIGITS = 10


def act(visit: Visit) -> Response:
    """Do to the chosen messages or threads what its button says; deleting is confirmed first."""
    box = box_of(visit)
    chosen = Chosen(_numbers(visit, "message"), _numbers(visit, "fil"))
    asked = next((one for one in moving.acts_in(box) if one.value == visit.form.get("acte")), None)
    if asked is None or not chosen:
        return go_to(f"/messages/{box.value}?fait=aucun_message")
    if asked is Act.DELETE and visit.form.get("confirme") != "oui":
        return visit.page("effacer.html", uids=chosen.uids, count_of=len(chosen.uids))
    done = moving.perform(visit.gateway, visit.patient, box, asked, chosen)
    return go_to(f"/messages/{box.value}?fait={_DONE[asked] if done else 'ailleurs'}")


def empty_page(visit: Visit) -> Response:
    """Whether really everything in the bin is to go."""
    with visit.gateway.database.read() as view:
        standing = reading.standing_of(view, visit.patient, Box.BINNED)
    held = standing[Box.BINNED].messages if standing else 0
    return visit.page("effacer.html", uids=(), count_of=held)


def empty(visit: Visit) -> Response:
    """Everything in the bin goes for good."""
    done = moving.empty(visit.gateway, visit.patient)
    return go_to(f"/messages/corbeille?fait={'vide' if done else 'ailleurs'}")


def _numbers(visit: Visit, name: str) -> tuple[int, ...]:
    """The numbers that a form's boxes gave; what is none was not ticked on a page of ours."""
    return tuple(
        int(word)
        for word in dict.fromkeys(visit.form.all(name))
        if word.isascii() and word.isdigit() and len(word) <= _DIGITS
    )
