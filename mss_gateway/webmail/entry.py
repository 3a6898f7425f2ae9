"""What the ways in share: who tries, the session that opens, where it leads, and what was wrong."""

from collections.abc import Callable
from ipaddress import ip_address
from urllib.parse import urlencode, urlsplit

from starlette.responses import Response

from mailbox_store.database import Transaction
from mss_gateway.directory import known_browsers, passkeys
from mss_gateway.directory.ins import normal_ins
from mss_gateway.directory.passkeys import Relying
from mss_gateway.directory.people import Person
from mss_gateway.directory.security_events import Event
from mss_gateway.failures import Failure, Refused, row
from mss_gateway.life import access, authn
from mss_gateway.life.authn import Attempt, Factor
from mss_gateway.webmail import browsers, kept_forms, sessions
from mss_gateway.webmail.clientsetup.servers import endpoints
from mss_gateway.webmail.headers import FORGET_ALL, SCRIPTED_POLICY, give_cookie
from mss_gateway.webmail.pages import sentence
from mss_gateway.webmail.sessions import (
    BROWSERS_COOKIE,
    FORM_COOKIE,
    SESSION_COOKIE,
    Beginning,
    State,
)
from mss_gateway.webmail.visit import RESUMED, Visit, go_to, own_place

CREDENTIAL_LIMIT = 300
"""Characters of a login, a password or a code that are looked at."""

WRONG = 422
"""A form that must be filled in otherwise (RFC 9110 §15.5.21)."""

HOME = "/accueil"


def field(visit: Visit, name: str) -> str:
    """What was typed in a field, no longer than anything that could be right."""
    return visit.form.get(name)[:CREDENTIAL_LIMIT]


def full_address(login: str, patient_domain: str) -> str:
    """What a patient types as an address: their INS alone, blanks allowed, stands for it."""
    ins = normal_ins(login)
    return login if ins is None else f"{ins.lower()}@{patient_domain}"


def attempt(visit: Visit, login: str, password: str = "") -> Attempt:
    """A try with this login, from this browser."""
    address = full_address(login.strip(), visit.gateway.config.site.patient_domain)
    return access.attempt(visit.gateway, address, visit.peer, visit.browsers, password)


def open_session(
    visit: Visit,
    person: Person,
    beginning: Beginning | State,
    response: Response,
    also: Callable[[Transaction], object] = lambda _: None,
) -> None:
    """Give a fresh cookie for a new session; the one before it, if any, is no more.

    ``also`` is what else happens, first, in the same transaction.
    """
    gateway = visit.gateway
    if isinstance(beginning, State):
        beginning = Beginning(beginning)
    beginning = Beginning(
        beginning.state,
        browsers.family(visit.user_agent),
        browsers.system(visit.user_agent),
        beginning.stepped_up_at,
        beginning.since,
    )

    def unit(tx: Transaction) -> str:
        also(tx)
        for earlier in (visit.session, visit.lapsed):
            if earlier is not None:
                sessions.end(tx, earlier)
        return sessions.begin(tx, person.account_id, beginning, gateway.config.web)

    give_cookie(response, SESSION_COOKIE, gateway.database.write(unit))


def enter(
    visit: Visit, person: Person, factor: Factor, response: Response | None = None
) -> Response:
    """Both factors were right: an open session, in a browser that is known from now on."""
    gateway, now = visit.gateway, int(visit.gateway.clock())
    with gateway.database.read() as view:
        is_known = known_browsers.proved(view, person.account_id, visit.browsers, now)
        marked = known_browsers.marked(view, person.account_id, visit.browsers, now)

    def also(tx: Transaction) -> None:
        if not is_known:
            access.note(gateway, tx, person, Event.NEW_BROWSER)
        if factor is Factor.RECOVERY_CODE:
            access.note(gateway, tx, person, Event.RECOVERY_CODE_USED)

    if response is None:
        response = go_to(_target(visit, person, factor))
    open_session(visit, person, Beginning(State.OPEN, stepped_up_at=now), response, also)
    give_cookie(response, BROWSERS_COOKIE, marked, kept_seconds=known_browsers.LASTS_SECONDS)
    drop_cookie(response, FORM_COOKIE)
    return response


def signed_out(visit: Visit) -> Response:
    """The session has ended; the browser forgets everything of ours but that it is known."""
    gateway = visit.gateway

    def unit(tx: Transaction) -> None:
        for session in (visit.session, visit.lapsed):
            if session is not None:
                sessions.end(tx, session)

    gateway.database.write(unit)
    response = go_to("/connexion?fait=sorti")
    drop_cookie(response, SESSION_COOKIE)
    drop_cookie(response, FORM_COOKIE)
    response.headers["Clear-Site-Data"] = FORGET_ALL
    return response


def drop_cookie(response: Response, name: str) -> None:
    """Have the browser drop it: the attributes must be those it was set with."""
    response.delete_cookie(name, path="/", secure=True, httponly=True, samesite="strict")


def back_or_home(visit: Visit, person: Person) -> str:
    """Where somebody goes on: to the form that was kept for them, or where they were."""
    with visit.gateway.database.read() as view:
        kept = kept_forms.latest(view, person.account_id, visit.gateway.clock())
    if kept is not None:
        return f"{kept.path}?{urlencode({RESUMED: '1', 'fait': 'brouillon'})}"
    return own_place(visit.form.get("retour")) or HOME


def asked_back(visit: Visit) -> str:
    """The page to come back to, as the address or the form says; home for what is none of ours."""
    asked = visit.form.get("retour") or visit.query.get("retour", "")
    return own_place(asked) or HOME


def refused(
    visit: Visit, template: str, why: Refused, tried: Attempt, key: str = "", **shown: object
) -> Response:
    """The form again, with what is wrong; when a wait runs, how long it still is."""
    failure = why.failure
    if failure is not Failure.TOO_MANY_ATTEMPTS:
        said = sentence(key if key and failure is Failure.BAD_CREDENTIALS else row(failure).text)
        return visit.page(template, row(failure).http, error=said, **shown)
    seconds = authn.wait(visit.gateway, tried)
    response = visit.page(template, row(failure).http, error=_wait_sentence(seconds), **shown)
    response.headers["Retry-After"] = str(int(seconds) + 1)
    return response


def relying(visit: Visit) -> Relying | None:
    """This site as authenticators know it; None where it has no name, only an IP address."""
    origin = endpoints(visit.gateway.config).url("")
    host = urlsplit(origin).hostname or ""
    try:
        ip_address(host)
    except ValueError:
        return Relying(visit.gateway.config.site.operator, host, origin)
    return None


def passkey_options(visit: Visit) -> str | None:
    """What the page's script asks an authenticator for, as JSON; None where there is none."""
    site = relying(visit)
    if site is None:
        return None
    challenge = visit.gateway.challenges.draw(visit.token, visit.gateway.clock())
    return passkeys.recognition_options(site, challenge)


def scripted(response: Response) -> Response:
    """A page that is given our script of passkeys."""
    response.headers["Content-Security-Policy"] = SCRIPTED_POLICY
    return response


def _target(visit: Visit, person: Person, factor: Factor) -> str:
    if factor is Factor.RECOVERY_CODE:
        return "/compte/securite?fait=secours"
    return back_or_home(visit, person)


def _wait_sentence(seconds: float) -> str:
    if seconds <= 60.0:
        return sentence("web.attendre_secondes", nombre=str(max(2, int(seconds) + 1)))
    return sentence("web.attendre_minutes", nombre=str(int(seconds / 60.0) + 1))
