"""Signing in, in two steps, and out. Patients only: professionals have their mail client."""

from starlette.responses import Response

from mailbox_store.database import Transaction
from mailbox_store.vault import AccountId
from mss_gateway.directory.ins import normal_ins
from mss_gateway.failures import Failure, Refused, row
from mss_gateway.life import authn
from mss_gateway.life.authn import Attempt
from mss_gateway.message.address import ADDRESS_LIMIT, AddressMalformed, parse_address
from mss_gateway.webmail import sessions
from mss_gateway.webmail.headers import FORGET_ALL
from mss_gateway.webmail.pages import sentence
from mss_gateway.webmail.sessions import FORM_COOKIE, SESSION_COOKIE, State
from mss_gateway.webmail.visit import Visit, go_to
from policies.people import Role

CHANNEL = "webmail"
CREDENTIAL_LIMIT = 300
"""Characters of a login or a password that are looked at."""


def sign_in_page(visit: Visit) -> Response:
    """The form for address and password."""
    if visit.is_signed_in:
        return go_to("/accueil")
    response = visit.page("connexion.html", login="", error=None)
    set_cookie(response, FORM_COOKIE, visit.secret)
    return response


def sign_in(visit: Visit) -> Response:
    """The first step: a right password opens a pending session, under a new cookie."""
    gateway, login = visit.gateway, visit.form.get("identifiant").strip()[:CREDENTIAL_LIMIT]
    attempt = Attempt(
        full_address(login, gateway.config.site.patient_domain),
        visit.form.get("mot_de_passe")[:CREDENTIAL_LIMIT],
        CHANNEL,
        visit.peer,
    )
    try:
        person = authn.check_password(gateway, attempt)
    except Refused as refused:
        return _refused(visit, "connexion.html", refused.failure, attempt.login, login=login)
    if person.role is not Role.PATIENT:
        return visit.page("reserve.html", status=403)
    return _open(visit, person.account_id, State.PENDING, "/connexion/code")


def code_page(visit: Visit) -> Response:
    """The form for the second factor."""
    return visit.page("code.html", error=None)


def give_code(visit: Visit) -> Response:
    """The second step: a right code opens the session, again under a new cookie."""
    gateway, person = visit.gateway, visit.patient
    attempt = Attempt(person.address, "", CHANNEL, visit.peer)
    code = visit.form.get("code")[:CREDENTIAL_LIMIT]
    try:
        if gateway.address_throttle.wait(visit.peer) > 0.0:
            raise Refused(Failure.TOO_MANY_ATTEMPTS)
        authn.check_second_factor(gateway, attempt, person, code)
    except Refused as refused:
        failure = refused.failure
        key = "web.code_refuse" if failure is Failure.BAD_CREDENTIALS else ""
        return _refused(visit, "code.html", failure, person.address, key)
    return _open(visit, person.account_id, State.OPEN, "/accueil")


def sign_out(visit: Visit) -> Response:
    """End the session, and have the browser forget everything of ours."""
    session = visit.session
    assert session is not None
    visit.gateway.database.write(lambda tx: sessions.end(tx, session))
    response = go_to("/connexion?fait=sorti")
    delete_cookie(response, SESSION_COOKIE)
    delete_cookie(response, FORM_COOKIE)
    response.headers["Clear-Site-Data"] = FORGET_ALL
    return response


def full_address(login: str, patient_domain: str) -> str:
    """What a patient types as an address: their INS alone, blanks allowed, stands for it."""
    ins = normal_ins(login)
    return login if ins is None else f"{ins.lower()}@{patient_domain}"


def set_cookie(response: Response, name: str, value: str) -> None:
    """A cookie of this origin only, out of reach of scripts and of other sites."""
    response.set_cookie(name, value, path="/", secure=True, httponly=True, samesite="strict")


def delete_cookie(response: Response, name: str) -> None:
    """Have the browser drop it: the attributes must be those it was set with."""
    response.delete_cookie(name, path="/", secure=True, httponly=True, samesite="strict")


def _open(visit: Visit, account_id: AccountId, state: State, target: str) -> Response:
    """Give a fresh cookie for a new session; the one before it, if any, is no more."""
    gateway, earlier = visit.gateway, visit.session

    def unit(tx: Transaction) -> str:
        if earlier is not None:
            sessions.end(tx, earlier)
        return sessions.begin(tx, account_id, state, gateway.config.web)

    response = go_to(target)
    set_cookie(response, SESSION_COOKIE, gateway.database.write(unit))
    if state is State.OPEN:
        delete_cookie(response, FORM_COOKIE)
    return response


def _refused(
    visit: Visit, template: str, failure: Failure, account: str, key: str = "", **kept: str
) -> Response:
    """The form again, with what is wrong; when a wait runs, how long it still is."""
    if failure is not Failure.TOO_MANY_ATTEMPTS:
        return visit.page(
            template, row(failure).http, error=sentence(key or row(failure).text), **kept
        )
    wait = max(
        visit.gateway.account_throttle.wait(_normal(account)),
        visit.gateway.address_throttle.wait(visit.peer),
    )
    response = visit.page(template, row(failure).http, error=_wait_sentence(wait), **kept)
    response.headers["Retry-After"] = str(int(wait) + 1)
    return response


def _normal(login: str) -> str:
    """The login as the throttle counts it."""
    try:
        return str(parse_address(login.strip()))
    except AddressMalformed:
        return login.strip()[:ADDRESS_LIMIT]


def _wait_sentence(seconds: float) -> str:
    if seconds <= 60.0:
        return sentence("web.attendre_secondes", nombre=str(max(2, int(seconds) + 1)))
    return sentence("web.attendre_minutes", nombre=str(int(seconds / 60.0) + 1))
