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
        return visit.page("effacer.html", uids=chosen.uids, count_of=len(chosen.uids), shown={})
    shown = _shown(visit)
    if chosen.threads and not shown and asked is not Act.UNREAD:
        return go_to(f"/messages/{box.value}?fait=relire")
    done = moving.perform(visit.gateway, visit.patient, box, asked, chosen, shown)
    if asked is not Act.UNREAD and moving.is_left(visit.gateway, visit.patient, box, asked, chosen):
        return go_to(f"/messages/{box.value}?fait=reste")
    return go_to(f"/messages/{box.value}?fait={_DONE[asked] if done else 'ailleurs'}")


def empty_page(visit: Visit) -> Response:
    """Whether really everything in the bin is to go."""
    with visit.gateway.database.read() as view:
        standing = reading.standing_of(view, visit.patient, Box.BINNED)
        shown = moving.shown_in(view, visit.patient, Box.BINNED)
    held = standing[Box.BINNED].messages if standing else 0
    return visit.page("effacer.html", uids=(), count_of=held, shown=shown)


def empty(visit: Visit) -> Response:
    """Everything goes for good that was in the bin when the question was asked."""
    end = _shown(visit).get(Box.BINNED)
    if end is None:  # not asked by a page of ours: ask
        return empty_page(visit)
    done = moving.empty(visit.gateway, visit.patient, end)
    with visit.gateway.database.read() as view:
        standing = reading.standing_of(view, visit.patient, Box.BINNED)
    if standing and standing[Box.BINNED].messages:
        return go_to("/messages/corbeille?fait=reste")
    return go_to(f"/messages/corbeille?fait={'vide' if done else 'ailleurs'}")


def _shown(visit: Visit) -> dict[Box, int]:
    """Where each list ended when the page was shown; what is no such number is passed over."""
    found: dict[Box, int] = {}
    for word in visit.form.get("vu").split()[: len(Box)]:
        name, _, number = word.partition(":")
        box = next((one for one in Box if one.value == name), None)
        if box and number.isascii() and number.isdigit() and len(number) <= _DIGITS:
            found[box] = int(number)
    return found


def _numbers(visit: Visit, name: str) -> tuple[int, ...]:
    """The numbers that a form's boxes gave; what is none was not ticked on a page of ours."""
    return tuple(
        int(word)
        for word in dict.fromkeys(visit.form.all(name))
        if word.isascii() and word.isdigit() and len(word) <= _DIGITS
    )
