"""A session that was idle too long, and one whose second factor must be given again."""

from dataclasses import replace

from starlette.responses import Response

from mss_gateway.directory.people import Person
from mss_gateway.failures import Failure, Refused
from mss_gateway.life import authn
from mss_gateway.webmail.entry import (
    asked_back,
    attempt,
    back_or_home,
    field,
    open_session,
    passkey_options,
    refused,
    scripted,
    signed_out,
)
from mss_gateway.webmail.sessions import Beginning, State
from mss_gateway.webmail.visit import Visit, go_to


def unlock_page(visit: Visit) -> Response:
    """The password again, to go on where one was; a passkey does it too."""
    return scripted(visit.page("deverrouiller.html", 200, error=None, **_shown(visit)))


def unlock(visit: Visit) -> Response:
    """A right password opens the session again, under a new cookie; it is no younger for it."""
    holder, lapsed = _holder(visit), visit.lapsed
    assert lapsed is not None
    tried = attempt(visit, holder.address, field(visit, "mot_de_passe"))
    try:
        authn.check_password(visit.gateway, tried)
    except Refused as why:
        shown = _shown(visit)
        return scripted(refused(visit, "deverrouiller.html", why, tried, "acces.mdp_faux", **shown))
    authn.succeeded(visit.gateway, replace(tried, means="unlocked"), holder)
    again = Beginning(State.OPEN, stepped_up_at=lapsed.stepped_up_at, since=lapsed.created_at)
    response = go_to(back_or_home(visit, holder))
    open_session(visit, holder, again, response)
    return response


def leave(visit: Visit) -> Response:
    """Whoever will not unlock it signs out."""
    return signed_out(visit)


def confirm_page(visit: Visit) -> Response:
    """A code again, before what must not be done by whoever finds an open screen."""
    return scripted(visit.page("confirmer.html", 200, error=None, **_shown(visit)))


def confirm(visit: Visit) -> Response:
    """A right code makes the session fresh, under a new cookie."""
    person = visit.patient
    tried = attempt(visit, person.address)
    try:
        authn.check_second_factor(visit.gateway, tried, person, field(visit, "code"))
    except Refused as why:
        shown = _shown(visit)
        return scripted(refused(visit, "confirmer.html", why, tried, "web.code_refuse", **shown))
    return freshened(visit, person)


def freshened(visit: Visit, person: Person) -> Response:
    """The same session, to which a second factor was just given, under a new cookie."""
    session = visit.session
    assert session is not None
    response = go_to(asked_back(visit))
    now = int(visit.gateway.clock())
    open_session(
        visit, person, Beginning(State.OPEN, stepped_up_at=now, since=session.created_at), response
    )
    return response


def _shown(visit: Visit) -> dict[str, object]:
    return {
        "back": asked_back(visit),
        "options": passkey_options(visit),
        "holder": visit.holder,
    }


def _holder(visit: Visit) -> Person:
    if visit.holder is None:
        raise Refused(Failure.NOT_ALLOWED)
    return visit.holder
