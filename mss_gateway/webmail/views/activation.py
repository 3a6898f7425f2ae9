"""First access, or access again, by an operator's code: the code, a password, a second factor."""

from collections.abc import Callable

from starlette.responses import Response

from mailbox_store.database import Transaction
from mss_gateway.directory import activation, passkeys, passwords
from mss_gateway.directory.activation import Purpose
from mss_gateway.directory.passkeys import Passkey, PasskeyRefused
from mss_gateway.directory.people import Person
from mss_gateway.failures import Failure, Refused
from mss_gateway.life import access, authn
from mss_gateway.life.access import PasswordRefused
from mss_gateway.life.authn import Factor
from mss_gateway.webmail import sessions
from mss_gateway.webmail.entry import (
    WRONG,
    attempt,
    enter,
    field,
    open_session,
    refused,
    relying,
    scripted,
)
from mss_gateway.webmail.otp_picture import otpauth, squares
from mss_gateway.webmail.pages import sentence
from mss_gateway.webmail.sessions import State
from mss_gateway.webmail.visit import Visit, go_to

_PASSWORD_PAGE = "/activation/mot-de-passe"  # noqa: S105 - a path
_FACTOR_PAGE = "/activation/second-facteur"


def code_page(visit: Visit) -> Response:
    """The form for the code of the letter."""
    return visit.page("activation.html", login="", error=None)


def give_code(visit: Visit) -> Response:
    """A right code opens a session that can do what the code is for."""
    login = field(visit, "identifiant").strip()
    tried = attempt(visit, login)
    try:
        person = access.check_code(visit.gateway, tried, field(visit, "code"))
    except Refused as why:
        return refused(visit, "activation.html", why, tried, "acces.code_refuse", login=login)
    response = go_to(_PASSWORD_PAGE)
    open_session(visit, person, State.GRANTED, response)
    return response


def password_page(visit: Visit) -> Response:
    """The form for the password: a new one, or the one they have."""
    return _password_form(visit, _purpose(visit))


def choose_password(visit: Visit) -> Response:
    """A password that may be chosen is in force; what comes next is the code's purpose."""
    person, purpose = visit.patient, _purpose(visit)
    if not purpose.sets_password:
        return _give_password(visit, person)
    password = field(visit, "nouveau")
    if password != field(visit, "confirmation"):
        return _password_form(visit, purpose, "acces.mdp_differents")
    try:
        access.check_choice(person, password)
    except PasswordRefused as weak:
        return _password_form(visit, purpose, weak.weakness.value)
    gateway, password_hash = visit.gateway, visit.gateway.passwords.hash(password)

    def also(tx: Transaction) -> None:
        access.set_password(tx, gateway, person, password_hash)
        sessions.end_all(tx, person.account_id)
        if purpose.enrols:
            passwords.offer_totp(tx, person.account_id)
        else:
            activation.withdraw(tx, person.account_id)

    response = go_to(_FACTOR_PAGE if purpose.enrols else "/connexion/code")
    state = State.ENROLLING if purpose.enrols else State.PENDING
    open_session(visit, person, state, response, also)
    return response


def factor_page(visit: Visit) -> Response:
    """The secret for an application of codes, as a picture and as text; or a passkey."""
    return _factor_form(visit)


def confirm_factor(visit: Visit) -> Response:
    """A code of the application shows that the secret is there: the way in is complete."""
    person, gateway = visit.patient, visit.gateway
    tried = attempt(visit, person.address)
    code = field(visit, "code").replace(" ", "")

    def enrol(tx: Transaction) -> list[str] | None:
        if not passwords.accept_totp(tx, person.account_id, code, gateway.clock()):
            return None
        return access.finish(tx, gateway, person)

    try:
        authn.check_waits(gateway, tried)
        codes = gateway.database.write(enrol)
        if codes is None:
            raise authn.refusal(gateway, tried, person)
    except Refused as why:
        return _factor_refused(visit, why, tried)
    return _complete(visit, person, codes, Factor.TOTP)


def enrol_passkey(visit: Visit) -> Response:
    """A passkey instead of an application of codes: the way in is complete."""
    person, gateway, site = visit.patient, visit.gateway, relying(visit)
    if site is None:
        raise Refused(Failure.NOT_ALLOWED)

    def enrol(tx: Transaction) -> list[str]:
        made = passkeys.register(
            tx, person.account_id, visit.form.get("reponse"), visit.form.get("nom"), site, challenge
        )
        return _finished(tx, made)

    def _finished(tx: Transaction, made: Passkey) -> list[str]:
        return access.finish(tx, gateway, person, made)

    try:
        challenge = gateway.challenges.take(visit.token, gateway.clock())
        codes = gateway.database.write(enrol)
    except PasskeyRefused:
        return _factor_form(visit, WRONG, sentence("acces.cle_refusee"))
    return _complete(visit, person, codes, Factor.PASSKEY)


def _give_password(visit: Visit, person: Person) -> Response:
    """Who lost their phone only gives the password they have."""
    tried = attempt(visit, person.address, field(visit, "mot_de_passe"))
    try:
        authn.check_password(visit.gateway, tried)
    except Refused as why:
        shown = {"purpose": Purpose.SECOND_FACTOR}
        return refused(visit, "choisir_mot_de_passe.html", why, tried, "acces.mdp_faux", **shown)
    response = go_to(_FACTOR_PAGE)
    offer: Callable[[Transaction], object] = lambda tx: passwords.offer_totp(  # noqa: E731
        tx, person.account_id
    )
    open_session(visit, person, State.ENROLLING, response, offer)
    return response


def _complete(visit: Visit, person: Person, codes: list[str], factor: Factor) -> Response:
    """Everybody else is signed out; this browser is in, and sees the recovery codes once."""
    visit.gateway.database.write(lambda tx: sessions.end_all(tx, person.account_id))
    tried = authn.by(attempt(visit, person.address), factor)
    authn.succeeded(visit.gateway, tried, person)
    return enter(visit, person, factor, visit.page("codes.html", codes=codes))


def _purpose(visit: Visit) -> Purpose:
    """What the code is for; raises Refused(FORM_EXPIRED) when it was used or replaced."""
    with visit.gateway.database.read() as view:
        granted = activation.standing(view, visit.patient.account_id, visit.gateway.clock())
    if granted is None:
        raise Refused(Failure.FORM_EXPIRED)
    return granted.purpose


def _password_form(visit: Visit, purpose: Purpose, key: str = "") -> Response:
    error = sentence(key) if key else None
    status = WRONG if key else 200
    return visit.page("choisir_mot_de_passe.html", status, error=error, purpose=purpose)


def _factor_form(visit: Visit, status: int = 200, error: str | None = None) -> Response:
    return scripted(visit.page("second_facteur.html", status, error=error, **_enrolment(visit)))


def _factor_refused(visit: Visit, why: Refused, tried: authn.Attempt) -> Response:
    shown = _enrolment(visit)
    return scripted(
        refused(visit, "second_facteur.html", why, tried, "acces.code_application", **shown)
    )


def _enrolment(visit: Visit) -> dict[str, object]:
    """What the page of a second factor shows; raises Refused(FORM_EXPIRED) when it is too late."""
    person, gateway = visit.patient, visit.gateway
    site = relying(visit)
    with gateway.database.read() as view:
        secret = passwords.offered_totp(view, person.account_id, gateway.clock())
        if secret is None:
            raise Refused(Failure.FORM_EXPIRED)
        options = site and passkeys.registration_options(
            view,
            person.account_id,
            person.traits.given_name or gateway.config.site.operator,
            site,
            gateway.challenges.draw(visit.token, gateway.clock()),
        )
    link = otpauth(secret, person, gateway.config.site.operator)
    return {"secret": secret, "link": link, "picture": squares(link), "options": options}
