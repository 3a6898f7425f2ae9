"""Passkeys: register, recognise, list, remove. W3C Web Authentication, by the library webauthn.

A passkey is a discoverable credential whose authenticator verified its holder (a finger, a face, a
code): so it is both factors. No attestation is asked: which make of phone somebody has is not our
business. What is kept is sealed under the account; the row is found by a keyed index of the
credential's id. A signature counter that went back (a copy of the authenticator) is refused.
"""

import base64
import json
import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Final

import webauthn
from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, Table, UniqueConstraint
from webauthn.helpers import bytes_to_base64url
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from mailbox_store.database import Transaction, View
from mailbox_store.tables import metadata
from mailbox_store.vault import AccountId

passkeys = Table(
    "passkeys",
    metadata,
    Column("passkey_id", Integer, primary_key=True),
    Column("account_id", ForeignKey("accounts.account_id"), nullable=False),
    Column("credential_index", LargeBinary, nullable=False),
    # credential id, public key and name
    Column("sealed", LargeBinary, nullable=False),
    Column("sign_count", Integer, nullable=False),
    Column("created_at", Integer, nullable=False),
    Column("last_used_at", Integer, nullable=True),
    UniqueConstraint("credential_index"),
    Index(None, "account_id"),
    sqlite_autoincrement=True,
)

ACTIVE_LIMIT: Final = 20
"""Passkeys of one account."""

ANSWER_OCTETS: Final = 20_000
"""What an authenticator answers is far shorter; a credential id is 1,023 octets at most."""

NAME_CHARACTERS: Final = 60

CHALLENGE_SECONDS: Final = 300
CHALLENGES_LIMIT: Final = 100_000
"""Challenges remembered at most; past it the oldest goes, and its page must be opened again."""

_CONTEXT: Final = b"passkey"
_COLUMNS: Final = "passkey_id, account_id, sealed, sign_count, created_at, last_used_at"


class PasskeyRefused(Exception):
    """What the browser sent proves nothing; the text is for the log."""


class CounterWentBack(PasskeyRefused):
    """The signature counter did not grow: somebody may hold a copy of this authenticator."""

    def __init__(self, account_id: AccountId, passkey_id: int) -> None:
        super().__init__("the counter went back")
        self.account_id = account_id
        self.passkey_id = passkey_id


class TooManyPasskeys(Exception):
    """The account has :data:`ACTIVE_LIMIT`: one must be removed first."""


@dataclass(frozen=True, slots=True)
class Relying:
    """The site as authenticators know it: its name, the host they are bound to, its origin."""

    name: str
    host: str
    origin: str


@dataclass(frozen=True, slots=True)
class Passkey:
    """One that works; times in unix seconds."""

    passkey_id: int
    account_id: AccountId
    name: str
    sign_count: int
    created_at: int
    last_used_at: int | None


class Challenges:
    """What authenticators are to sign: one for each browser that opened a page, for five minutes,
    and for one answer. In memory: after a restart the page is opened again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._drawn: OrderedDict[str, tuple[bytes, float]] = OrderedDict()

    def draw(self, browser: str, now: float) -> bytes:
        """A fresh challenge for this browser; the one before it works no more."""
        challenge = secrets.token_bytes(32)
        with self._lock:
            self._drawn.pop(browser, None)
            self._drawn[browser] = (challenge, now + CHALLENGE_SECONDS)
            while len(self._drawn) > CHALLENGES_LIMIT:
                self._drawn.popitem(last=False)
        return challenge

    def take(self, browser: str, now: float) -> bytes:
        """The challenge that this browser was given, once; raises :class:`PasskeyRefused`."""
        with self._lock:
            challenge, until = self._drawn.pop(browser, (b"", 0.0))
        if now >= until:
            raise PasskeyRefused("no challenge, or it is too old")
        return challenge


def registration_options(
    view: View, account_id: AccountId, name: str, relying: Relying, challenge: bytes
) -> str:
    """What a browser is given to make a passkey, as JSON. ``name`` is shown by authenticators, and
    copied to places where an INS must not go."""
    held = [
        PublicKeyCredentialDescriptor(id=_octets(kept["id"])) for _, kept in _kept(view, account_id)
    ]
    options = webauthn.generate_registration_options(
        rp_id=relying.host,
        rp_name=relying.name,
        user_name=name,
        user_id=_handle(view, account_id),
        user_display_name=name,
        challenge=challenge,
        timeout=CHALLENGE_SECONDS * 1000,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            require_resident_key=True,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=held,
    )
    return webauthn.options_to_json(options)


def register(
    tx: Transaction,
    account_id: AccountId,
    answer: str,
    name: str,
    relying: Relying,
    challenge: bytes,
) -> Passkey:
    """Keep the passkey that a browser made.

    Raises :class:`PasskeyRefused` for what it does not prove, :class:`TooManyPasskeys`.
    """
    if len(_kept(tx, account_id)) >= ACTIVE_LIMIT:
        raise TooManyPasskeys(f"{ACTIVE_LIMIT} passkeys work already")
    try:
        made = webauthn.verify_registration_response(
            credential=_answer(answer),
            expected_challenge=challenge,
            expected_rp_id=relying.host,
            expected_origin=relying.origin,
            require_user_verification=True,
        )
    except (WebAuthnException, *_MALFORMED) as error:
        raise PasskeyRefused(type(error).__name__) from None
    index = _index(tx, made.credential_id)
    if tx.sql("SELECT 1 FROM passkeys WHERE credential_index = ?", (index,)).first():
        raise PasskeyRefused("this credential is somebody's already")
    kept = {
        "id": bytes_to_base64url(made.credential_id),
        "key": bytes_to_base64url(made.credential_public_key),
        "name": normal_name(name),
    }
    seal = tx.vault.account(tx, account_id)
    row = tx.sql(
        "INSERT INTO passkeys (account_id, credential_index, sealed, sign_count, created_at)"
        f" VALUES (?, ?, ?, ?, ?) RETURNING {_COLUMNS}",
        (account_id, index, seal.seal(json.dumps(kept).encode(), _CONTEXT), made.sign_count,
         tx.now),
    ).one()  # fmt: skip
    return _passkey(row, kept)


def recognition_options(relying: Relying, challenge: bytes) -> str:
    """What a browser is given to show any passkey of this site, as JSON: nobody is named."""
    options = webauthn.generate_authentication_options(
        rp_id=relying.host,
        challenge=challenge,
        timeout=CHALLENGE_SECONDS * 1000,
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return webauthn.options_to_json(options)


def recognise(tx: Transaction, answer: str, relying: Relying, challenge: bytes) -> Passkey:
    """Whose passkey signed the challenge; its use is on record.

    Raises :class:`PasskeyRefused`, of which :class:`CounterWentBack` is told to its holder.
    """
    try:
        given = _answer(answer)
        credential_id = _octets(given["id"])
    except _MALFORMED as error:
        raise PasskeyRefused(type(error).__name__) from None
    row = tx.sql(
        f"SELECT {_COLUMNS} FROM passkeys WHERE credential_index = ?", (_index(tx, credential_id),)
    ).first()
    if row is None:
        raise PasskeyRefused("no such passkey")
    kept = json.loads(tx.vault.account(tx, row[1]).open(bytes(row[2]), _CONTEXT))
    try:
        shown = webauthn.verify_authentication_response(
            credential=given,
            expected_challenge=challenge,
            expected_rp_id=relying.host,
            expected_origin=relying.origin,
            credential_public_key=_octets(kept["key"]),
            credential_current_sign_count=0,  # compared below, where going back is told apart
            require_user_verification=True,
        )
        handle = given["response"].get("userHandle")
        is_theirs = handle is None or _octets(handle) == _handle(tx, row[1])
    except (WebAuthnException, *_MALFORMED) as error:
        raise PasskeyRefused(type(error).__name__) from None
    if not is_theirs:
        raise PasskeyRefused("the handle is another one's")
    if (shown.new_sign_count or row[3]) and shown.new_sign_count <= row[3]:
        raise CounterWentBack(AccountId(row[1]), row[0])
    tx.sql(
        "UPDATE passkeys SET sign_count = ?, last_used_at = ? WHERE passkey_id = ?",
        (shown.new_sign_count, tx.now, row[0]),
    )
    return _passkey((*row[:3], shown.new_sign_count, row[4], tx.now), kept)


def of_account(view: View, account_id: AccountId) -> list[Passkey]:
    """The passkeys of an account, the oldest first."""
    return [_passkey(row, kept) for row, kept in _kept(view, account_id)]


def has_any(view: View, account_id: AccountId) -> bool:
    """Whether the account has one."""
    found = view.sql("SELECT 1 FROM passkeys WHERE account_id = ? LIMIT 1", (account_id,)).first()
    return found is not None


def remove(tx: Transaction, account_id: AccountId, passkey_id: int) -> bool:
    """Take one away; False when the account has none of this number."""
    gone = tx.sql(
        "DELETE FROM passkeys WHERE account_id = ? AND passkey_id = ? RETURNING passkey_id",
        (account_id, passkey_id),
    ).first()
    return gone is not None


def remove_all(tx: Transaction, account_id: AccountId) -> None:
    """Take all of an account's away: everything was lost."""
    tx.sql("DELETE FROM passkeys WHERE account_id = ?", (account_id,))


def normal_name(text: str) -> str:
    """A name as it is kept and shown: one line, short; never empty."""
    printable = "".join(one for one in " ".join(text.split()) if one.isprintable())
    return printable[:NAME_CHARACTERS].strip() or "–"


_MALFORMED = (
    *(ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError),
    RecursionError,
)
"""What the parsing of an answer that is none may raise, in the library or here."""


def _answer(text: str) -> dict[str, Any]:
    if len(text) > ANSWER_OCTETS:
        raise ValueError("too long")
    found = json.loads(text)
    if not isinstance(found, dict):
        raise TypeError("no object")
    return found


def _octets(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _kept(view: View, account_id: AccountId) -> list[tuple[Any, dict[str, str]]]:
    rows = view.sql(
        f"SELECT {_COLUMNS} FROM passkeys WHERE account_id = ? ORDER BY passkey_id", (account_id,)
    ).fetchall()
    seal = view.vault.account(view, account_id)
    return [(row, json.loads(seal.open(bytes(row[2]), _CONTEXT))) for row in rows]


def _passkey(row: Any, kept: dict[str, str]) -> Passkey:
    return Passkey(row[0], AccountId(row[1]), kept["name"], row[3], row[4], row[5])


def _index(view: View, credential_id: bytes) -> bytes:
    return view.vault.index.of("passkey", bytes_to_base64url(credential_id))


def _handle(view: View, account_id: AccountId) -> bytes:
    """What an authenticator keeps for the holder: says nothing to anybody else."""
    return view.vault.index.of("passkey holder", str(account_id))
