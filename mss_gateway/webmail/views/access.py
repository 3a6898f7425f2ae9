"""Signing in, in two steps, and out. Patients only: professionals have their mail client."""

from starlette.responses import Response

from mss_gateway.failures import Refused
from mss_gateway.life import access, authn
from mss_gateway.life.access import PasswordRefused, Renewal
from mss_gateway.webmail import sessions
from mss_gateway.webmail.entry import (
    HOME,
    WRONG,
    attempt,
    enter,
    field,
    open_session,
    passkey_options,
    refused,
    scripted,
    signed_out,
)
from mss_gateway.webmail.pages import sentence
from mss_gateway.webmail.sessions import State
from mss_gateway.webmail.visit import Visit, go_to
from policies.people import Role


def sign_in_page(visit: Visit) -> Response:
    """The form for address and password, and the button for a passkey."""
    if visit.is_signed_in:
        return go_to(HOME)
    options = passkey_options(visit)
    return scripted(visit.page("connexion.html", login="", error=None, options=options))


def sign_in(visit: Visit) -> Response:
    """The first step: a right password opens a pending session, under a new cookie."""
    login = field(visit, "identifiant").strip()
    tried = attempt(visit, login, field(visit, "mot_de_passe"))
    try:
        person = authn.check_password(visit.gateway, tried)
    except Refused as why:
        options = passkey_options(visit)
        page = refused(visit, "connexion.html", why, tried, login=login, options=options)
        return scripted(page)
    if person.role is not Role.PATIENT:
        return visit.page("reserve.html", status=403)
    response = go_to("/connexion/code")
    open_session(visit, person, State.PENDING, response)
    return response


def code_page(visit: Visit) -> Response:
    """The form for the second factor."""
    return visit.page("code.html", error=None)


def give_code(visit: Visit) -> Response:
    """The second step: a right code opens the session, again under a new cookie."""
    person = visit.patient
    tried = attempt(visit, person.address)
    try:
        factor = authn.check_second_factor(visit.gateway, tried, person, field(visit, "code"))
    except Refused as why:
        return refused(visit, "code.html", why, tried, "web.code_refuse")
    return enter(visit, person, factor)


def lost_password_page(visit: Visit) -> Response:
    """A new password for who has a recovery code and their phone; else whom to ask."""
    return visit.page("acces_perdu.html", login="", error=None)


def renew_password(visit: Visit) -> Response:
    """The new password is in force, and every browser signed out. Wrong in any way: one answer."""
    login, password = field(visit, "identifiant").strip(), field(visit, "nouveau")
    tried, template = attempt(visit, login), "acces_perdu.html"
    if password != field(visit, "confirmation"):
        return visit.page(template, WRONG, login=login, error=sentence("acces.mdp_differents"))
    renewal = Renewal(field(visit, "secours"), field(visit, "code"), password)
    try:
        person = access.renew_password(visit.gateway, tried, renewal)
    except PasswordRefused as weak:
        said = sentence(weak.weakness.value)
        return visit.page(template, WRONG, login=login, error=said)
    except Refused as why:
        return refused(visit, template, why, tried, "acces.perdu_refuse", login=login)
    visit.gateway.database.write(lambda tx: sessions.end_all(tx, person.account_id))
    return go_to("/connexion?fait=motdepasse")


def sign_out(visit: Visit) -> Response:
    """End the session, and have the browser forget everything of ours but that it is known."""
    return signed_out(visit)
