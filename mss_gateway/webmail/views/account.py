"""The page of security: sessions, password, phone, recovery codes, and what happened lately."""

from starlette.responses import Response

from mailbox_store.database import Transaction
from mss_gateway.directory import passkeys, passwords, security_events
from mss_gateway.directory.people import Person
from mss_gateway.directory.security_events import Event
from mss_gateway.failures import Refused
from mss_gateway.life import access, authn
from mss_gateway.life.access import PasswordRefused
from mss_gateway.life.authn import Attempt
from mss_gateway.webmail import sessions
from mss_gateway.webmail.entry import (
    WRONG,
    asked_back,
    attempt,
    field,
    open_session,
    refused,
    relying,
)
from mss_gateway.webmail.otp_picture import otpauth, squares
from mss_gateway.webmail.pages import sentence
from mss_gateway.webmail.sessions import Beginning, Session, State
from mss_gateway.webmail.visit import Visit, go_to, require_fresh

_PAGE = "/compte/securite"
_PHONE_PAGE = f"{_PAGE}/telephone"


def security_page(visit: Visit) -> Response:
    """Everything that opens this account, and what happened to it."""
    gateway, account_id, session = visit.gateway, visit.patient.account_id, _session(visit)
    with gateway.database.read() as view:
        shown: dict[str, object] = {
            "opened": sessions.opened(view, session, gateway.clock(), gateway.config.web),
            "passkeys": passkeys.of_account(view, account_id),
            "has_phone": passwords.has_totp(view, account_id),
            "codes_left": passwords.recovery_codes_left(view, account_id),
            "events": security_events.latest(view, account_id),
            "alarm": security_events.alarm(view, account_id, gateway.clock()),
        }
    return visit.page("securite.html", 200, takes_passkeys=relying(visit) is not None, **shown)


def settle_event(visit: Visit) -> Response:
    """« C'était moi »: the pages tell this event no more, in whatever browser."""
    account_id, named = visit.patient.account_id, field(visit, "evenement")
    if named.isascii() and named.isdigit() and len(named) <= 15:
        visit.gateway.database.write(lambda tx: security_events.dismiss(tx, account_id, int(named)))
    return go_to(asked_back(visit))


def end_session(visit: Visit) -> Response:
    """Sign one browser out; one that is not of this account is passed over."""
    account_id, mark = visit.patient.account_id, field(visit, "session")
    visit.gateway.database.write(lambda tx: sessions.end_marked(tx, account_id, mark))
    return go_to(f"{_PAGE}?fait=session")


def end_other_sessions(visit: Visit) -> Response:
    """Sign every browser out but this one."""
    gateway, person, session = visit.gateway, visit.patient, _session(visit)

    def unit(tx: Transaction) -> None:
        if sessions.end_others(tx, session):
            access.note(gateway, tx, person, Event.SESSIONS_ENDED)

    gateway.database.write(unit)
    return go_to(f"{_PAGE}?fait=sessions")


def password_page(visit: Visit) -> Response:
    """The form for another password."""
    return visit.page("changer_mot_de_passe.html", error=None)


def change_password(visit: Visit) -> Response:
    """The old one and the new one twice; a recovery code stands for the old one, when a second
    factor was just given: whoever comes by a passkey may have forgotten it.

    Every other browser is signed out.
    """
    gateway, person, new = visit.gateway, visit.patient, field(visit, "nouveau")
    key = "acces.mdp_differents" if new != field(visit, "confirmation") else ""
    try:
        access.check_choice(person, new)
    except PasswordRefused as weak:
        key = key or weak.weakness.value
    if key:
        return visit.page("changer_mot_de_passe.html", WRONG, error=sentence(key))
    tried = attempt(visit, person.address, field(visit, "mot_de_passe"))
    try:
        if field(visit, "secours"):
            require_fresh(visit, f"{_PAGE}/mot-de-passe")
            _use_recovery_code(visit, person, tried)
        else:
            authn.check_password(gateway, tried)
    except Refused as why:
        return refused(visit, "changer_mot_de_passe.html", why, tried, "acces.mdp_faux")
    password_hash = gateway.passwords.hash(new)

    def also(tx: Transaction) -> None:
        access.set_password(tx, gateway, person, password_hash)
        sessions.end_all(tx, person.account_id)

    response = go_to(f"{_PAGE}?fait=motdepasse")
    session = _session(visit)
    again = Beginning(State.OPEN, stepped_up_at=session.stepped_up_at, since=session.created_at)
    open_session(visit, person, again, response, also)
    return response


def new_phone(visit: Visit) -> Response:
    """Draw a secret for another application of codes; the present one works until then."""
    require_fresh(visit, _PAGE)
    account_id = visit.patient.account_id
    visit.gateway.database.write(lambda tx: passwords.offer_totp(tx, account_id))
    return go_to(_PHONE_PAGE)


def phone_page(visit: Visit) -> Response:
    """The secret that is being enrolled."""
    require_fresh(visit, _PAGE)
    shown = _offered(visit)
    if shown is None:
        return go_to(_PAGE)
    return visit.page("telephone.html", 200, error=None, **shown)


def confirm_phone(visit: Visit) -> Response:
    """A code of the new application: the former one's codes work no more."""
    require_fresh(visit, _PAGE)
    gateway, person, code = visit.gateway, visit.patient, field(visit, "code").replace(" ", "")

    def unit(tx: Transaction) -> bool:
        is_right = passwords.accept_totp(tx, person.account_id, code, gateway.clock())
        if is_right:
            access.note(gateway, tx, person, Event.PHONE_CHANGED)
        return is_right

    tried = attempt(visit, person.address)
    shown = _offered(visit)
    if shown is None:
        return go_to(_PAGE)
    try:
        authn.check_waits(gateway, tried)
        if not gateway.database.write(unit):
            raise authn.refusal(gateway, tried, person)
    except Refused as why:
        return refused(visit, "telephone.html", why, tried, "acces.code_application", **shown)
    return go_to(f"{_PAGE}?fait=telephone")


def renew_codes(visit: Visit) -> Response:
    """Ten new recovery codes, shown once; the former ones work no more."""
    require_fresh(visit, _PAGE)
    gateway, person = visit.gateway, visit.patient

    def unit(tx: Transaction) -> list[str]:
        access.note(gateway, tx, person, Event.CODES_RENEWED)
        return passwords.new_recovery_codes(tx, person.account_id)

    return visit.page("codes.html", codes=gateway.database.write(unit))


def _use_recovery_code(visit: Visit, person: Person, tried: Attempt) -> None:
    gateway, code = visit.gateway, field(visit, "secours")
    authn.check_waits(gateway, tried)
    account_id = person.account_id
    if not gateway.database.write(lambda tx: passwords.use_recovery_code(tx, account_id, code)):
        raise authn.refusal(gateway, tried, person)


def _offered(visit: Visit) -> dict[str, object] | None:
    gateway, person = visit.gateway, visit.patient
    with gateway.database.read() as view:
        secret = passwords.offered_totp(view, person.account_id, gateway.clock())
    if secret is None:
        return None
    link = otpauth(secret, person, gateway.config.site.operator)
    return {"secret": secret, "link": link, "picture": squares(link)}


def _session(visit: Visit) -> Session:
    session = visit.session
    assert session is not None
    return session
