"""The personal e-mail address of a patient, outside the trust space: for notices, nothing else.

It is used once its holder has typed the code that was sent to it, or the operator has vouched for
it. It stands sealed under the account's key, and in no log, audit or metric. A code is of six
digits, lasts a quarter of an hour, may be tried five times, and is drawn five times a day at most:
nobody is flooded with them, and guessing finds one in forty thousand days of trying.
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from enum import Enum
from typing import Final

from sqlalchemy import Column, ForeignKey, Integer, LargeBinary, Table, Text

from mailbox_store.database import Transaction, View
from mailbox_store.tables import metadata
from mailbox_store.vault import AccountId
from mss_gateway.message.address import AddressMalformed, parse_address

contacts = Table(
    "contacts",
    metadata,
    Column("account_id", ForeignKey("accounts.account_id"), primary_key=True, autoincrement=False),
    # none, confirmed or failing: of the address in use
    Column("state", Text, nullable=False),
    # the address in use, the one that is not confirmed yet, the digest of its code
    Column("sealed", LargeBinary, nullable=False),
    # when the code was drawn, and how often it was tried
    Column("code_at", Integer, nullable=False),
    Column("tries", Integer, nullable=False),
    # since when the codes of a day are counted, and how many there were
    Column("day_at", Integer, nullable=False),
    Column("day_codes", Integer, nullable=False),
    Column("changed_at", Integer, nullable=False),
)

CODE_SECONDS: Final = 900
TRIES: Final = 5
CODES_A_DAY: Final = 5
BETWEEN_CODES: Final = 60
"""Seconds before another code may be asked for."""

DAY: Final = 86_400
CODE_DIGITS: Final = 6


class State(Enum):
    """Of the address in use. FAILING: the relay says that nobody has it; nothing is sent there."""

    NONE = "none"
    CONFIRMED = "confirmed"
    FAILING = "failing"


class Fault(Enum):
    """Why an address is not taken, or not yet."""

    MALFORMED = "malformed"
    TRUST_SPACE = "trust space"
    TOO_SOON = "too soon"
    TOO_MANY = "too many"


class ContactRefused(Exception):
    """``fault`` says why."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.value)
        self.fault = fault


class Outcome(Enum):
    """What a typed code came to. ENDED: it is too old, was tried too often, or there is none."""

    CONFIRMED = "confirmed"
    WRONG = "wrong"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Contact:
    """What is kept of one account; times in unix seconds. Empty ``pending``: nothing to confirm.

    ``refused``: what was to be confirmed, and nobody has it, says its server.
    """

    state: State = State.NONE
    address: str = ""
    pending: str = ""
    refused: str = ""
    code_at: int = 0
    tries: int = 0
    day_at: int = 0
    day_codes: int = 0

    def has_code(self, now: float) -> bool:
        """Whether a code may still be typed."""
        is_fresh = 0 <= now - self.code_at < CODE_SECONDS
        return bool(self.pending) and self.tries < TRIES and is_fresh


NO_CONTACT: Final = Contact()


@dataclass(frozen=True, slots=True)
class _Sealed:
    address: str = ""
    pending: str = ""
    code: str = ""
    refused: str = ""


def normal(text: str, is_of_trust_space: Callable[[str], bool]) -> str:
    """The address in its one form; raises :class:`ContactRefused`.

    ``is_of_trust_space`` is told its domain: health addresses are no personal ones, and a notice
    has no business in the trust space.
    """
    try:
        address = parse_address(text.strip())
    except AddressMalformed:
        raise ContactRefused(Fault.MALFORMED) from None
    if is_of_trust_space(address.domain):
        raise ContactRefused(Fault.TRUST_SPACE)
    return str(address)


def masked(address: str) -> str:
    """An address for a page that somebody else may see: ``c•••@example.org``."""
    local, _, domain = address.partition("@")
    return f"{local[:1]}•••@{domain}"


def of_account(view: View, account_id: AccountId) -> Contact:
    """What is kept of an account; :data:`NO_CONTACT` when there is nothing."""
    return _read(view, account_id)[0]


def confirmed(view: View, account_id: AccountId) -> str | None:
    """The address that notices go to, or None."""
    found = of_account(view, account_id)
    return found.address if found.state is State.CONFIRMED else None


def ask(tx: Transaction, account_id: AccountId, address: str) -> str:
    """Keep an address (as :func:`normal` gave it) until it is confirmed; the code to send there.

    The address in use stays in use. Raises :class:`ContactRefused` (TOO_SOON, TOO_MANY).
    """
    found, kept = _read(tx, account_id)
    if 0 <= tx.now - found.code_at < BETWEEN_CODES:
        raise ContactRefused(Fault.TOO_SOON)
    if not 0 <= tx.now - found.day_at < DAY:
        found = replace(found, day_at=tx.now, day_codes=0)
    if found.day_codes >= CODES_A_DAY:
        raise ContactRefused(Fault.TOO_MANY)
    code = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}"
    found = replace(found, code_at=tx.now, tries=0, day_codes=found.day_codes + 1)
    _write(tx, account_id, found, _Sealed(kept.address, address, _digest(code)))
    return code


def confirm(tx: Transaction, account_id: AccountId, code: str) -> tuple[Outcome, str]:
    """Try a code; the outcome, and the address that was in use before when another one is now.

    It never raises: a wrong try must be counted with the commit.
    """
    found, kept = _read(tx, account_id)
    if not found.has_code(tx.now):
        return Outcome.ENDED, ""
    if not hmac.compare_digest(_digest(code), kept.code):
        _write(tx, account_id, replace(found, tries=found.tries + 1), kept)
        return (Outcome.ENDED if found.tries + 1 >= TRIES else Outcome.WRONG), ""
    former = "" if kept.address == kept.pending else kept.address
    found = replace(found, state=State.CONFIRMED)
    _write(tx, account_id, found, _Sealed(address=kept.pending))
    return Outcome.CONFIRMED, former


def abandon(tx: Transaction, account_id: AccountId) -> None:
    """Forget the address that was to be confirmed, and its code."""
    found, kept = _read(tx, account_id)
    if kept.pending:
        _write(tx, account_id, found, _Sealed(address=kept.address))


def place(tx: Transaction, account_id: AccountId, address: str) -> str:
    """Use an address that the operator vouches for; the one that was in use before, or nothing."""
    found, kept = _read(tx, account_id)
    _write(tx, account_id, replace(found, state=State.CONFIRMED), _Sealed(address=address))
    return "" if kept.address == address else kept.address


def remove(tx: Transaction, account_id: AccountId) -> str:
    """Use none any more; the one that was in use, or nothing. How many codes there were stays."""
    found, kept = _read(tx, account_id)
    if found != NO_CONTACT:
        _write(tx, account_id, replace(found, state=State.NONE), _Sealed())
    return kept.address


def mark_failing(tx: Transaction, account_id: AccountId, address: str) -> bool:
    """Nobody has this address, says its server; whether it was the one in use."""
    found, kept = _read(tx, account_id)
    if kept.pending == address:
        kept = _Sealed(kept.address, refused=address)
        _write(tx, account_id, found, kept)
    if found.state is not State.CONFIRMED or kept.address != address:
        return False
    _write(tx, account_id, replace(found, state=State.FAILING), kept)
    return True


def counts(view: View) -> dict[str, int]:
    """How many accounts are in each state."""
    rows = view.sql("SELECT state, count(*) FROM contacts GROUP BY state").fetchall()
    return {str(row[0]): int(row[1]) for row in rows}


def _read(view: View, account_id: AccountId) -> tuple[Contact, _Sealed]:
    row = view.sql(
        "SELECT state, sealed, code_at, tries, day_at, day_codes FROM contacts"
        " WHERE account_id = ?",
        (account_id,),
    ).first()
    if row is None:
        return NO_CONTACT, _Sealed()
    opened = view.vault.account(view, account_id).open(bytes(row[1]), _CONTEXT)
    kept = _Sealed(**json.loads(opened))
    return Contact(State(row[0]), kept.address, kept.pending, kept.refused, *row[2:]), kept


def _write(tx: Transaction, account_id: AccountId, found: Contact, kept: _Sealed) -> None:
    sealed = tx.vault.account(tx, account_id).seal(json.dumps(asdict(kept)).encode(), _CONTEXT)
    tx.sql(
        "INSERT OR REPLACE INTO contacts (account_id, state, sealed, code_at, tries, day_at,"
        " day_codes, changed_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            account_id,
            found.state.value,
            sealed,
            found.code_at,
            found.tries,
            found.day_at,
            found.day_codes,
            tx.now,
        ),
    )


_CONTEXT: Final = b"contact"


def _digest(code: str) -> str:
    digits = "".join(sign for sign in code[:40] if sign.isdigit() and sign.isascii())
    return hashlib.sha256(digits.encode()).hexdigest()
