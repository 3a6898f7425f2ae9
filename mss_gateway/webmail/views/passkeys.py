"""Passkeys: to sign in, to unlock, to confirm; made and removed on the page of security."""

from starlette.responses import Response

from mailbox_store.database import Transaction
from mss_gateway.directory import passkeys, passwords
from mss_gateway.directory.passkeys import PasskeyRefused, Relying, TooManyPasskeys
from mss_gateway.directory.people import Person
from mss_gateway.directory.security_events import Event
from mss_gateway.failures import Failure, Refused
from mss_gateway.life import access, authn
from mss_gateway.life.authn import Factor
from mss_gateway.webmail.entry import (
    WRONG,
    asked_back,
    attempt,
    enter,
    passkey_options,
    refused,
    relying,
    scripted,
)
from mss_gateway.webmail.pages import sentence
from mss_gateway.webmail.recognising import may_come
from mss_gateway.webmail.views.locking import freshened
from mss_gateway.webmail.visit import Visit, go_to, require_fresh

_PAGE = "/compte/securite"
_REFUSED = "acces.cle_refusee"


def sign_in(visit: Visit) -> Response:
    """A passkey is both factors: the session opens at once."""
    return _entered(visit, "connexion.html", login="")


def unlock(visit: Visit) -> Response:
    """A passkey opens a locked session again, and makes it fresh."""
    return _entered(visit, "deverrouiller.html", holder=visit.holder, back=asked_back(visit))


def confirm(visit: Visit) -> Response:
    """A passkey of this person makes their session fresh."""
    try:
        person = _shown(visit, visit.patient)
    except Refused as why:
        shown = {"options": passkey_options(visit), "back": asked_back(visit), "holder": None}
        tried = attempt(visit, visit.patient.address)
        return scripted(refused(visit, "confirmer.html", why, tried, _REFUSED, **shown))
    return freshened(visit, person)


def new_page(visit: Visit) -> Response:
    """The page on which a passkey is made."""
    require_fresh(visit)
    return _form(visit, None)


def add(visit: Visit) -> Response:
    """Keep the passkey that this browser made."""
    require_fresh(visit, f"{_PAGE}/cles")
    gateway, person, site = visit.gateway, visit.patient, _site(visit)

    def unit(tx: Transaction) -> None:
        form = visit.form
        passkeys.register(
            tx, person.account_id, form.get("reponse"), form.get("nom"), site, challenge
        )
        access.note(gateway, tx, person, Event.PASSKEY_ADDED)

    try:
        challenge = gateway.challenges.take(visit.token, gateway.clock())
        gateway.database.write(unit)
    except PasskeyRefused:
        return _form(visit, _REFUSED)
    except TooManyPasskeys:
        return _form(visit, "acces.trop_de_cles")
    return go_to(f"{_PAGE}?fait=cle")


def remove(visit: Visit) -> Response:
    """Take one away, unless nothing would be left but a password."""
    require_fresh(visit, _PAGE)
    gateway, person, number = visit.gateway, visit.patient, visit.number("key")

    def unit(tx: Transaction) -> str:
        held = passkeys.of_account(tx, person.account_id)
        if number not in (one.passkey_id for one in held):
            raise Refused(Failure.DOCUMENT_NOT_FOUND)
        if len(held) == 1 and not passwords.has_totp(tx, person.account_id):
            return "derniere"
        passkeys.remove(tx, person.account_id, number)
        access.note(gateway, tx, person, Event.PASSKEY_REMOVED)
        return "retiree"

    return go_to(f"{_PAGE}?fait={gateway.database.write(unit)}")


def _entered(visit: Visit, template: str, **shown: object) -> Response:
    try:
        person = _shown(visit, visit.holder if visit.is_locked else None)
    except Refused as why:
        tried = attempt(visit, "")
        options = passkey_options(visit)
        return scripted(refused(visit, template, why, tried, _REFUSED, options=options, **shown))
    return enter(visit, person, Factor.PASSKEY)


def _shown(visit: Visit, wanted: Person | None) -> Person:
    """The patient whose passkey this browser shows; with ``wanted``, nobody else's will do."""
    tried = attempt(visit, "")
    answer = visit.form.get("reponse")
    person = access.recognise(visit.gateway, tried, answer, visit.token, _site(visit))
    if not may_come(person) or (wanted is not None and wanted.account_id != person.account_id):
        raise authn.refusal(visit.gateway, tried, person)
    return person


def _form(visit: Visit, key: str | None) -> Response:
    gateway, person, site = visit.gateway, visit.patient, _site(visit)
    challenge = gateway.challenges.draw(visit.token, gateway.clock())
    name = person.traits.given_name or gateway.config.site.operator
    with gateway.database.read() as view:
        options = passkeys.registration_options(view, person.account_id, name, site, challenge)
    error = None if key is None else sentence(key)
    status = 200 if key is None else WRONG
    return scripted(visit.page("cle.html", status, error=error, options=options))


def _site(visit: Visit) -> Relying:
    """This site; raises Refused where passkeys cannot be (it has no name)."""
    site = relying(visit)
    if site is None:
        raise Refused(Failure.NOT_ALLOWED)
    return site
