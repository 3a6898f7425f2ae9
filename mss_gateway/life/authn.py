"""Stage authn: credentials → the person. Nothing is parsed for an unknown party beyond refusing.

A wrong password, an unknown login, a suspended account, a token or a certificate that is not
believed, and a box that is not shared with who asks for it: all are answered alike, and whatever
costs a password hash costs it for each of these logins. An app password that is right costs none;
one that was revoked is a wrong password like another.
"""

from dataclasses import dataclass, replace
from enum import Enum

from certs.certificate import from_der
from certs.errors import ChainRejected, DerMalformed
from mailbox_store.database import Transaction
from mss_gateway.directory import app_passwords, client_trust, members, passwords, people
from mss_gateway.directory.app_passwords import Shown
from mss_gateway.directory.people import Person
from mss_gateway.directory.tokens import PASSING, TokenRefused
from mss_gateway.failures import Failure, Refused
from mss_gateway.life.claims import CertificateClaim, Claim, PasswordClaim, TokenClaim
from mss_gateway.life.gateway import Gateway
from mss_gateway.message.address import ADDRESS_LIMIT, AddressMalformed, parse_address
from mss_gateway.observability import log
from policies.people import Role

WEBMAIL = "webmail"
"""The channel that takes no app password, and asks for a second factor where there is one."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to sign in: by which channel, from which address.

    ``login`` is empty where somebody shows a token or a certificate: neither can be guessed.
    ``means`` says by what they were known, where it is no main password: for the record.
    ``browser`` is the mark of a browser that proved to have signed in to this account before.
    """

    login: str
    password: str
    channel: str
    peer: str
    means: str = ""
    browser: str = ""

    @property
    def origin(self) -> str:
        """Where its failures are counted: at its browser when that is known, else its address."""
        return self.browser or self.peer


class Factor(Enum):
    """By what a sign-in was completed: the assurance of it, on record (domain REG-05)."""

    TOTP = "totp"
    RECOVERY_CODE = "recovery-code"
    PASSKEY = "passkey"


@dataclass(frozen=True, slots=True)
class Admission:
    """A sign-in that is permitted: who it is, whose mailboxes they see, with which rights."""

    person: Person
    box: Person
    rights: str


class HashNeeded(Exception):
    """The password is not remembered: whether it is right costs a hash, on a thread for that."""


def admit(
    gateway: Gateway, claim: Claim, channel: str, peer: str, *, may_hash: bool = True
) -> Admission:
    """Whose mailboxes a mail client may see, or write from, with what it shows.

    Raises Refused: BAD_CREDENTIALS, for an authorisation identity that is not theirs to take too,
    or TOO_MANY_ATTEMPTS while a wait runs; HashNeeded when ``may_hash`` is False and only a hash
    can tell. Patients have a second factor and use the webmail only: a mail client's sign-in is
    refused as wrong credentials.
    """
    attempt = Attempt("", "", channel, peer)
    match claim:
        case PasswordClaim():
            tried = Attempt(claim.login, claim.password, channel, peer)
            person, attempt = _by_password(gateway, tried, may_hash=may_hash)
        case TokenClaim():
            person = _by_token(gateway, attempt, claim.token)
        case CertificateClaim():
            person = _by_certificate(gateway, attempt, claim)
    if person.role is Role.PATIENT:
        raise refusal(gateway, attempt, person)
    admission = _admission(gateway, attempt, person, claim.authorised)
    succeeded(gateway, attempt, person, admission.box)
    return admission


def check_password(gateway: Gateway, attempt: Attempt) -> Person:
    """The person whose main password this is, for the webmail; raises Refused.

    The sign-in is not complete for whoever has a second factor.
    """
    return _by_password(gateway, attempt)[0]


def _by_password(
    gateway: Gateway, attempt: Attempt, *, may_hash: bool = True
) -> tuple[Person, Attempt]:
    """The person, and the attempt with the means by which it succeeded.

    What was right a moment ago is remembered for mail clients, not for the webmail.
    """
    login = normal_login(attempt.login)
    check_waits(gateway, attempt)
    known = _known(gateway, login, attempt)
    person, kept = known.person, known.kept
    if person is not None and known.app is not None:
        _note_use(gateway, known.app)
        return person, replace(attempt, means=f"app-password:{known.app.app_password_id}")
    if person is not None and kept is not None and known.takes_main and _is_fit(attempt, person):
        if gateway.remembered.knows(person.account_id, kept, attempt.password):
            return person, attempt
        if may_hash and gateway.passwords.matches(kept, attempt.password):
            gateway.remembered.keep(person.account_id, kept, attempt.password)
            return person, attempt
    elif may_hash:
        is_right = gateway.passwords.matches(kept, attempt.password)
        if person is not None and is_right and known.takes_main and person.standing.receives:
            return person, attempt
    if not may_hash:
        raise HashNeeded
    raise refusal(gateway, attempt, person)


@dataclass(frozen=True, slots=True)
class _Known:
    """What the store says of a login and of what is shown with it.

    ``app`` is there when an app password of this person's was shown that opens the channel.
    ``takes_main``: the main password opens it too.
    """

    person: Person | None
    kept: str | None
    app: Shown | None
    takes_main: bool


def _known(gateway: Gateway, login: str, attempt: Attempt) -> _Known:
    """The look-ups of a sign-in: an app password is looked for whoever the login is."""
    is_program = attempt.channel != WEBMAIL
    is_strict = is_program and gateway.config.submission.app_passwords_only
    with gateway.database.read() as view:
        shown = app_passwords.shown(view, attempt.password) if is_program else None
        person = people.by_address(view, login)
        if person is None:
            return _Known(None, None, None, takes_main=True)
        kept = passwords.password_hash(view, person.account_id)
        has_other = is_strict and app_passwords.has_any(view, person.account_id)
    if shown is not None and not (
        shown.account_id == person.account_id and _is_fit(attempt, person)
    ):
        shown = None
    return _Known(person, kept, shown, not has_other)


def _note_use(gateway: Gateway, app: Shown) -> None:
    """Put the use on record, now and then; nobody waits for that commit."""
    number, now = app.app_password_id, int(gateway.clock())
    if app_passwords.is_use_worth_noting(app, now):
        gateway.database.submit(lambda tx: app_passwords.note_use(tx, number, now))


def _is_fit(attempt: Attempt, person: Person) -> bool:
    """Whether a mail client may sign in as this person: who may not is refused after a hash.

    The time of a refusal would tell, the second time, that the password had been right.
    """
    is_fit = person.standing.receives and person.role is not Role.PATIENT
    return is_fit and attempt.channel != WEBMAIL


def check_second_factor(gateway: Gateway, attempt: Attempt, person: Person, code: str) -> Factor:
    """Complete a sign-in with a TOTP code or a recovery code.

    Raises Refused: BAD_CREDENTIALS, or TOO_MANY_ATTEMPTS while a wait runs.
    """
    check_waits(gateway, attempt)
    code = code.strip()
    digits = code.replace(" ", "")
    factor = Factor.TOTP if digits.isdigit() else Factor.RECOVERY_CODE

    def use(tx: Transaction) -> bool:
        if factor is Factor.TOTP:
            return passwords.use_totp(tx, person.account_id, digits, gateway.clock())
        return passwords.use_recovery_code(tx, person.account_id, code)

    if not gateway.database.write(use):
        raise refusal(gateway, attempt, person)
    succeeded(gateway, by(attempt, factor), person)
    return factor


def by(attempt: Attempt, factor: Factor) -> Attempt:
    """The attempt as it goes on record: completed by this factor."""
    return replace(attempt, means=factor.value)


def succeeded(
    gateway: Gateway, attempt: Attempt, person: Person, box: Person | None = None
) -> None:
    """Forget earlier failures from there and put the sign-in on record.

    ``box``: into whose mailboxes.
    """
    if attempt.login:
        gateway.account_throttle.succeeded(person.address, attempt.origin)
    gateway.metrics.sign_ins.labels(attempt.channel, "permitted").inc()
    _record(gateway, attempt, person, "permitted", box)


def wait(gateway: Gateway, attempt: Attempt) -> float:
    """Seconds until this try may be made; 0.0 when it may now."""
    login, is_known = normal_login(attempt.login), bool(attempt.browser)
    account = gateway.account_throttle.wait(login, attempt.origin, is_known=is_known)
    return account if is_known else max(account, gateway.address_throttle.wait(attempt.peer))


def check_waits(gateway: Gateway, attempt: Attempt) -> None:
    """Raises Refused(TOO_MANY_ATTEMPTS) while a wait runs, before anything that costs."""
    if wait(gateway, attempt) > 0.0:
        raise Refused(Failure.TOO_MANY_ATTEMPTS)


def _by_token(gateway: Gateway, attempt: Attempt, token: str) -> Person:
    """The person whose address the token names."""
    check_waits(gateway, attempt)
    if gateway.tokens is None:
        raise refusal(gateway, attempt, None)
    try:
        address = gateway.tokens.address_of(token, gateway.clock())
    except TokenRefused as refused:
        log.note("not signed in", stage="authn", channel=attempt.channel, failure=str(refused))
        # an empty token is how a mail program asks where tokens come from
        counts = bool(token) and refused.fault not in PASSING
        raise refusal(gateway, attempt, None, counts=counts) from None
    with gateway.database.read() as view:
        person = people.by_address(view, address)
    if person is None or not person.standing.receives:
        raise refusal(gateway, attempt, person)
    return person


def _by_certificate(gateway: Gateway, attempt: Attempt, claim: CertificateClaim) -> Person:
    """The one box that the certificate speaks for; the one that is asked for, if it names more."""
    check_waits(gateway, attempt)
    trust = gateway.client_trust
    if trust is None:
        raise refusal(gateway, attempt, None)
    try:
        certificate = from_der(claim.certificate)
        with gateway.database.read() as view:
            trust.check(view, certificate, gateway.now())
            owners = client_trust.owners(view, certificate)
    except (ChainRejected, DerMalformed) as refused:
        why = refused.reason.value if isinstance(refused, ChainRejected) else "malformed"
        log.note("not signed in", stage="authn", channel=attempt.channel, failure=why)
        raise refusal(gateway, attempt, None) from None
    if len(owners) > 1:
        wanted = normal_login(claim.authorised)
        owners = [one for one in owners if one.address == wanted]
    if not owners:
        raise refusal(gateway, attempt, None)
    return owners[0]


def _admission(gateway: Gateway, attempt: Attempt, person: Person, authorised: str) -> Admission:
    """One's own mailboxes, or those of a box that the directory shares with this person."""
    wanted = normal_login(authorised)
    if wanted in ("", person.address):
        return Admission(person, person, members.RIGHTS)
    with gateway.database.read() as view:
        box = people.by_address(view, wanted)
        rights = box and members.rights_of(view, box.account_id, person.account_id)
    if box is None or not rights or not box.standing.receives:
        raise refusal(gateway, attempt, person, box)
    return Admission(person, box, rights)


def normal_login(login: str) -> str:
    """The address in its one normal form, so that one account is one in the throttle too.

    What is no address is kept as it is, but short: nobody fills the memory with it.
    """
    login = login.strip()
    try:
        return str(parse_address(login))
    except AddressMalformed:
        return login[:ADDRESS_LIMIT]


def refusal(
    gateway: Gateway,
    attempt: Attempt,
    person: Person | None,
    box: Person | None = None,
    *,
    counts: bool = True,
) -> Refused:
    """The one failure, on record; ``counts``: whether it brings a wait nearer."""
    if counts:
        login, is_known = normal_login(attempt.login), bool(attempt.browser)
        if login:
            gateway.account_throttle.failed(login, attempt.origin, is_known=is_known)
        if not is_known:
            gateway.address_throttle.failed(attempt.peer)
    gateway.metrics.sign_ins.labels(attempt.channel, "refused").inc()
    _record(gateway, attempt, person, "refused", box)
    return Refused(Failure.BAD_CREDENTIALS)


def _record(
    gateway: Gateway, attempt: Attempt, person: Person | None, verdict: str, box: Person | None
) -> None:
    actor = "unknown" if person is None else f"account:{person.account_id}"
    is_shared = box is not None and person is not None and box.account_id != person.account_id
    channel = attempt.channel
    about = f"{channel} as account:{box.account_id}" if box and is_shared else channel
    if attempt.means:
        about = f"{about} with {attempt.means}"
    gateway.register.add(actor, about, verdict)
