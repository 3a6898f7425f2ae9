"""Means of access: a code of the operator, a password that is chosen, a second factor, recovery.

Each act is on record without content (audit), in the list that its holder sees
(``security_events``), and told to them by e-mail where they can be reached; all of it in the
transaction of the act. Sessions are the webmail's own: it ends them in the same transaction.
"""

from dataclasses import dataclass

from mailbox_store.database import Transaction
from mss_gateway.directory import (
    activation,
    known_browsers,
    passkeys,
    password_rules,
    passwords,
    people,
    security_events,
)
from mss_gateway.directory.activation import Grant, Purpose
from mss_gateway.directory.notice_kinds import Kind
from mss_gateway.directory.passkeys import CounterWentBack, Passkey, PasskeyRefused, Relying
from mss_gateway.directory.password_rules import Weakness
from mss_gateway.directory.people import Person
from mss_gateway.directory.security_events import Event
from mss_gateway.failures import Failure, Refused
from mss_gateway.life import authn, notices
from mss_gateway.life.authn import Attempt, Factor
from mss_gateway.life.gateway import Gateway
from mss_gateway.observability import audit, log
from policies.people import Standing

_TOLD = {
    Event.INVITED: Kind.ACCESS_CHANGED,
    Event.ACTIVATED: Kind.ACCESS_CHANGED,
    Event.RECOVERED: Kind.ACCESS_CHANGED,
    Event.CODE_GIVEN: Kind.ACCESS_CHANGED,
    Event.RECOVERY_CODE_USED: Kind.ACCESS_CHANGED,
    Event.NEW_BROWSER: Kind.NEW_BROWSER,
    Event.PASSWORD_CHANGED: Kind.PASSWORD_CHANGED,
    Event.PHONE_CHANGED: Kind.ACCESS_CHANGED,
    Event.PASSKEY_ADDED: Kind.PASSKEY_ADDED,
    Event.PASSKEY_REMOVED: Kind.ACCESS_CHANGED,
    Event.PASSKEY_SUSPECT: Kind.ACCESS_CHANGED,
    Event.CODES_RENEWED: Kind.ACCESS_CHANGED,
    Event.SESSIONS_ENDED: Kind.ACCESS_CHANGED,
}
"""What is told by e-mail of each event."""


class PasswordRefused(Exception):
    """This password cannot be chosen; ``weakness`` says why."""

    def __init__(self, weakness: Weakness) -> None:
        super().__init__(weakness.value)
        self.weakness = weakness


@dataclass(frozen=True, slots=True)
class Renewal:
    """What somebody shows who lost their password, and the one they choose."""

    recovery_code: str
    totp: str
    password: str


def attempt(
    gateway: Gateway, login: str, peer: str, browsers: str = "", password: str = ""
) -> Attempt:
    """A try to sign in to the webmail; the browser is believed when its cookie proves it."""
    login = authn.normal_login(login)
    browser = ""
    if browsers:
        with gateway.database.read() as view:
            person = people.by_address(view, login)
            if person is not None:
                browser = known_browsers.proved(view, person.account_id, browsers, gateway.clock())
    return Attempt(login, password, authn.WEBMAIL, peer, browser=browser)


def note(gateway: Gateway, tx: Transaction, person: Person, event: Event, actor: str = "") -> None:
    """Put an event on record, in the list of its holder, and among what is told them."""
    account_id = person.account_id
    audit.record(
        tx,
        actor=actor or f"account:{account_id}",
        act="people",
        object=f"account:{account_id}",
        verdict=event.value.replace("_", " "),
    )
    security_events.note(tx, account_id, event)
    notices.announce(gateway, tx, account_id, _TOLD[event])


def grant_code(gateway: Gateway, person: Person, purpose: Purpose, actor: str) -> tuple[str, Grant]:
    """A fresh code for a letter or across the desk, shown once; the one before it ends."""
    code = passwords.new_access_code()
    code_hash = gateway.passwords.hash(passwords.bare_code(code))
    seconds = gateway.config.web.access_code_days * 86_400

    def unit(tx: Transaction) -> Grant:
        granted = activation.grant(tx, person.account_id, purpose, code_hash, seconds)
        event = Event.CODE_GIVEN if purpose.is_recovery else Event.INVITED
        note(gateway, tx, person, event, actor)
        return granted

    return code, gateway.database.write(unit)


def check_code(gateway: Gateway, tried: Attempt, code: str) -> Person:
    """Whose operator's code this is. It stands until what it is for is done.

    Raises Refused as a password does: an unknown login costs the same hash.
    """
    authn.check_waits(gateway, tried)
    with gateway.database.read() as view:
        person = people.by_address(view, tried.login)
        granted = kept = None
        if person is not None:
            granted = activation.standing(view, person.account_id, gateway.clock())
            kept = passwords.access_code_hash(view, person.account_id)
    is_right = gateway.passwords.matches(
        kept if granted is not None else None, passwords.bare_code(code)
    )
    if person is None or not is_right or not person.standing.receives:
        raise authn.refusal(gateway, tried, person)
    return person


def check_choice(person: Person, password: str) -> None:
    """Raises PasswordRefused for a password that this person cannot choose."""
    traits = person.traits
    words = (
        person.address.partition("@")[0],
        traits.ins[:13],
        traits.given_name,
        traits.family_name,
        *traits.given_name.replace("-", " ").split(),
        traits.birth_date.replace("-", ""),
        "".join(reversed(traits.birth_date.split("-"))),
        traits.birth_date[:4],
    )
    weakness = password_rules.weakness(password, words)
    if weakness is not None:
        raise PasswordRefused(weakness)


def set_password(tx: Transaction, gateway: Gateway, person: Person, password_hash: str) -> None:
    """The password that its holder chose is in force."""
    passwords.set_password(tx, person.account_id, password_hash)
    note(gateway, tx, person, Event.PASSWORD_CHANGED)


def finish(
    tx: Transaction, gateway: Gateway, person: Person, passkey: Passkey | None = None
) -> list[str]:
    """A second factor is enrolled, so the operator's code has done its work; ten recovery codes.

    After a recovery, what was lost opens nothing any more: ``passkey`` is the one just made, None
    when a phone was enrolled. Raises Refused(FORM_EXPIRED) when the code was used meanwhile.
    """
    granted = activation.standing(tx, person.account_id, tx.now)
    if granted is None:
        raise Refused(Failure.FORM_EXPIRED)
    activation.withdraw(tx, person.account_id)
    if granted.purpose.is_recovery:
        for held in passkeys.of_account(tx, person.account_id):
            if passkey is None or held.passkey_id != passkey.passkey_id:
                passkeys.remove(tx, person.account_id, held.passkey_id)
        if passkey is not None:
            passwords.remove_totp(tx, person.account_id)
    if person.standing is Standing.CREATED:
        people.set_standing(tx, person.account_id, Standing.ACTIVE)
    note(gateway, tx, person, Event.RECOVERED if granted.purpose.is_recovery else Event.ACTIVATED)
    return passwords.new_recovery_codes(tx, person.account_id)


def renew_password(gateway: Gateway, tried: Attempt, renewal: Renewal) -> Person:
    """A new password for who shows a recovery code and a code of their phone, both used up.

    Raises PasswordRefused before anything else is looked at, Refused for everything that is wrong:
    whoever the login is, a hash is made.
    """
    authn.check_waits(gateway, tried)
    with gateway.database.read() as view:
        person = people.by_address(view, tried.login)
    weakness = password_rules.weakness(renewal.password)
    if weakness is not None:
        raise PasswordRefused(weakness)
    password_hash = gateway.passwords.hash(renewal.password)
    if person is None or not person.standing.receives:
        raise authn.refusal(gateway, tried, person)

    def unit(tx: Transaction) -> bool:
        totp, now = renewal.totp.replace(" ", ""), gateway.clock()
        if not passwords.use_totp(tx, person.account_id, totp, now):
            return False
        if not passwords.use_recovery_code(tx, person.account_id, renewal.recovery_code):
            return False
        passwords.set_password(tx, person.account_id, password_hash)
        note(gateway, tx, person, Event.RECOVERED)
        return True

    if not gateway.database.write(unit):
        raise authn.refusal(gateway, tried, person)
    return person


def recognise(gateway: Gateway, tried: Attempt, answer: str, browser: str, site: Relying) -> Person:
    """The patient whose passkey a browser shows; both factors at once. Raises Refused.

    ``browser`` names whoever the challenge was drawn for.
    """
    authn.check_waits(gateway, tried)
    now = gateway.clock()
    try:
        challenge = gateway.challenges.take(browser, now)
        shown = gateway.database.write(lambda tx: passkeys.recognise(tx, answer, site, challenge))
    except CounterWentBack as suspect:
        with gateway.database.read() as view:
            person = people.by_account(view, suspect.account_id)
        gateway.database.write(lambda tx: note(gateway, tx, person, Event.PASSKEY_SUSPECT))
        raise authn.refusal(gateway, tried, person) from None
    except PasskeyRefused as refused:
        log.note("not signed in", stage="authn", channel=tried.channel, failure=str(refused))
        raise authn.refusal(gateway, tried, None) from None
    with gateway.database.read() as view:
        person = people.by_account(view, shown.account_id)
    if not person.standing.receives:
        raise authn.refusal(gateway, tried, person)
    authn.succeeded(gateway, authn.by(tried, Factor.PASSKEY), person)
    return person
