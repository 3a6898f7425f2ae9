"""Stage authn: credentials → the person. Nothing is parsed for an unknown party beyond refusing.

A wrong password, an unknown login and a suspended account are answered alike, in the same time.
"""

from dataclasses import dataclass

from mailbox_store.database import Transaction
from mss_gateway.directory import passwords, people
from mss_gateway.directory.people import Person
from mss_gateway.failures import Failure, Refused
from mss_gateway.life.gateway import Gateway
from mss_gateway.message.address import ADDRESS_LIMIT, AddressMalformed, parse_address
from mss_gateway.observability import audit
from policies.people import Role


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to sign in: by which channel, from which address."""

    login: str
    password: str
    channel: str
    peer: str


def authenticate(gateway: Gateway, attempt: Attempt) -> Person:
    """The person behind a login (their address) and password, for a mail client.

    Raises Refused: BAD_CREDENTIALS, or TOO_MANY_ATTEMPTS while a wait runs. Patients have a second
    factor and use the webmail only: a mail client's sign-in is refused as wrong credentials.
    """
    person = check_password(gateway, attempt)
    if person.role is Role.PATIENT:
        raise _refusal(gateway, attempt, person)
    succeeded(gateway, attempt, person)
    return person


def check_password(gateway: Gateway, attempt: Attempt) -> Person:
    """The person whose password this is; the sign-in is not complete for whoever has a TOTP."""
    login = _normal_login(attempt)
    waits = (gateway.account_throttle.wait(login), gateway.address_throttle.wait(attempt.peer))
    if max(waits) > 0.0:
        raise Refused(Failure.TOO_MANY_ATTEMPTS)
    person, kept = _find(gateway, login)
    is_right = gateway.passwords.matches(kept, attempt.password)
    if person is None or not is_right or not person.standing.receives:
        raise _refusal(gateway, attempt, person)
    return person


def check_second_factor(gateway: Gateway, attempt: Attempt, person: Person, code: str) -> None:
    """Complete a sign-in with a TOTP code or a recovery code; raises Refused(BAD_CREDENTIALS)."""
    if gateway.account_throttle.wait(person.address) > 0.0:
        raise Refused(Failure.TOO_MANY_ATTEMPTS)
    code = code.strip()

    def use(tx: Transaction) -> bool:
        digits = code.replace(" ", "")
        if digits.isdigit():
            return passwords.use_totp(tx, person.account_id, digits, gateway.clock())
        return passwords.use_recovery_code(tx, person.account_id, code)

    if not gateway.database.write(use):
        raise _refusal(gateway, attempt, person)
    succeeded(gateway, attempt, person)


def succeeded(gateway: Gateway, attempt: Attempt, person: Person) -> None:
    """Forget earlier failures and put the sign-in on record."""
    gateway.account_throttle.succeeded(person.address)
    gateway.metrics.sign_ins.labels(attempt.channel, "permitted").inc()
    _record(gateway, attempt, person, "permitted")


def _normal_login(attempt: Attempt) -> str:
    """The address in its one normal form, so that one account is one in the throttle too.

    What is no address is kept as it is, but short: nobody fills the memory with it.
    """
    login = attempt.login.strip()
    try:
        return str(parse_address(login))
    except AddressMalformed:
        return login[:ADDRESS_LIMIT]


def _find(gateway: Gateway, login: str) -> tuple[Person | None, str | None]:
    with gateway.database.read() as view:
        person = people.by_address(view, login)
        if person is None:
            return None, None
        return person, passwords.password_hash(view, person.account_id)


def _refusal(gateway: Gateway, attempt: Attempt, person: Person | None) -> Refused:
    gateway.account_throttle.failed(_normal_login(attempt))
    gateway.address_throttle.failed(attempt.peer)
    gateway.metrics.sign_ins.labels(attempt.channel, "refused").inc()
    _record(gateway, attempt, person, "refused")
    return Refused(Failure.BAD_CREDENTIALS)


def _record(gateway: Gateway, attempt: Attempt, person: Person | None, verdict: str) -> None:
    actor = "unknown" if person is None else f"account:{person.account_id}"
    gateway.database.submit(
        lambda tx: audit.record(
            tx, actor=actor, act="sign-in", object=attempt.channel, verdict=verdict
        )
    )
