"""Passwords and one-time codes: Argon2id in a bounded number of threads, TOTP, recovery codes.

RFC 9106 (Argon2id), RFC 6238 (TOTP). A wrong login, an unknown one and a suspended one cost one
hash each, so time tells nothing (reliability T10). What a right password of a mail client saves the
next time is in ``remembered``.
"""

import hashlib
import hmac
import secrets
import threading

import pyotp
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, Table, Text

from mailbox_store.database import Transaction, View
from mailbox_store.tables import metadata
from mailbox_store.vault import AccountId

credentials = Table(
    "credentials",
    metadata,
    Column("credential_id", Integer, primary_key=True),
    Column("account_id", ForeignKey("accounts.account_id"), nullable=False),
    # password: Argon2 hash; totp: secret; totp-offered: one that is being enrolled; recovery:
    # SHA-256 of a code; access: Argon2 hash of an operator's code. All sealed all the same.
    Column("kind", Text, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("created_at", Integer, nullable=False),
    # TOTP: the last time step that was accepted, so that a code works once (RFC 6238 §5.2)
    Column("last_step", Integer, nullable=False),
    Index(None, "account_id", "kind"),
    sqlite_autoincrement=True,
)

PASSWORD_LIMIT = 256
"""Octets of a password; longer ones are refused before any hash, whatever the login."""

HASHES_AT_ONCE = 2
"""Argon2 runs at the same time: each takes the configured memory (64 MiB by default)."""

RECOVERY_CODES = 10

OFFER_SECONDS = 1800
"""How long a TOTP secret that was shown may be confirmed by a code."""

_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"


class Passwords:
    """Hashes and checks passwords within bounds of memory."""

    def __init__(self, memory_kib: int, rounds: int) -> None:
        self._hasher = PasswordHasher(time_cost=rounds, memory_cost=memory_kib, parallelism=1)
        self._turn = threading.BoundedSemaphore(HASHES_AT_ONCE)
        self._dummy = self._hasher.hash(secrets.token_urlsafe(16))

    def hash(self, password: str) -> str:
        """The Argon2id hash to keep."""
        with self._turn:
            return self._hasher.hash(_octets(password))

    def matches(self, kept: str | None, password: str) -> bool:
        """Whether ``password`` is right; ``None`` (no such login) takes the same time and is no."""
        octets = _octets(password)
        if len(octets) > PASSWORD_LIMIT:
            return False
        with self._turn:
            try:
                return self._hasher.verify(kept or self._dummy, octets) and kept is not None
            except (VerificationError, InvalidHashError):
                return False


def set_password(tx: Transaction, account_id: AccountId, password_hash: str) -> None:
    """Replace the account's password."""
    _replace(tx, account_id, "password", [password_hash])


def password_hash(view: View, account_id: AccountId) -> str | None:
    """The kept hash, or None when the account has no password."""
    found = _secrets(view, account_id, "password")
    return found[0][1] if found else None


def set_totp(tx: Transaction, account_id: AccountId, secret: str) -> None:
    """Replace the account's second factor."""
    _replace(tx, account_id, "totp", [secret])


def has_totp(view: View, account_id: AccountId) -> bool:
    """Whether the account has a second factor."""
    return bool(_secrets(view, account_id, "totp"))


def use_totp(tx: Transaction, account_id: AccountId, code: str, now: float) -> bool:
    """Whether ``code`` is right now (one step of 30 s either way) and was not used before."""
    for credential_id, secret, last_step in _secrets(tx, account_id, "totp"):
        step = _step_of(secret, code, now)
        if step is not None and step > last_step:
            tx.sql(
                "UPDATE credentials SET last_step = ? WHERE credential_id = ?",
                (step, credential_id),
            )
            return True
    return False


def offer_totp(tx: Transaction, account_id: AccountId) -> None:
    """Draw a TOTP secret to be shown; it is nothing until a code of it comes back."""
    _replace(tx, account_id, "totp-offered", [new_totp_secret()])


def offered_totp(view: View, account_id: AccountId, now: float) -> str | None:
    """The secret that is being enrolled, for :data:`OFFER_SECONDS`."""
    row = view.sql(
        "SELECT created_at FROM credentials WHERE account_id = ? AND kind = 'totp-offered'",
        (account_id,),
    ).first()
    if row is None or now - row[0] >= OFFER_SECONDS:
        return None
    return _secrets(view, account_id, "totp-offered")[0][1]


def accept_totp(tx: Transaction, account_id: AccountId, code: str, now: float) -> bool:
    """Whether ``code`` shows that the offered secret is in an application: it is in force then.

    That code does not work a second time.
    """
    secret = offered_totp(tx, account_id, now)
    step = None if secret is None else _step_of(secret, code, now)
    if secret is None or step is None:
        return False
    _replace(tx, account_id, "totp-offered", [])
    _replace(tx, account_id, "totp", [secret])
    tx.sql(
        "UPDATE credentials SET last_step = ? WHERE account_id = ? AND kind = 'totp'",
        (step, account_id),
    )
    return True


def remove_totp(tx: Transaction, account_id: AccountId) -> None:
    """The phone is lost: its codes work no more."""
    _replace(tx, account_id, "totp", [])


def recovery_codes_left(view: View, account_id: AccountId) -> int:
    """How many recovery codes were not used yet."""
    row = view.sql(
        "SELECT COUNT(*) FROM credentials WHERE account_id = ? AND kind = 'recovery'",
        (account_id,),
    ).one()
    return int(row[0])


def new_recovery_codes(tx: Transaction, account_id: AccountId) -> list[str]:
    """Ten fresh one-time codes; the earlier ones stop working. They are shown once."""
    codes = ["-".join(_letters(5) for _ in range(3)) for _ in range(RECOVERY_CODES)]
    _replace(tx, account_id, "recovery", [_code_digest(code) for code in codes])
    return codes


def use_recovery_code(tx: Transaction, account_id: AccountId, code: str) -> bool:
    """Whether ``code`` is one of the account's; it is gone afterwards."""
    digest = _code_digest(code)
    for credential_id, kept, _ in _secrets(tx, account_id, "recovery"):
        if hmac.compare_digest(kept, digest):
            tx.sql("DELETE FROM credentials WHERE credential_id = ?", (credential_id,))
            return True
    return False


def set_access_code(tx: Transaction, account_id: AccountId, code_hash: str) -> None:
    """Replace the hash of the code that an operator gave (``activation`` keeps the rest)."""
    _replace(tx, account_id, "access", [code_hash])


def access_code_hash(view: View, account_id: AccountId) -> str | None:
    """The kept hash of an operator's code."""
    found = _secrets(view, account_id, "access")
    return found[0][1] if found else None


def forget_access_code(tx: Transaction, account_id: AccountId) -> None:
    """It was used, or replaced by nothing."""
    _replace(tx, account_id, "access", [])


def new_access_code() -> str:
    """A code for a letter: 12 letters and digits in groups, about 59 bits; none is mistaken."""
    return "-".join(_letters(4) for _ in range(3))


def bare_code(code: str) -> str:
    """A code as it is hashed: case, blanks and hyphens do not count."""
    return "".join(letter for letter in code.lower() if letter in _ALPHABET)


def new_password() -> str:
    """A password to hand over: 20 letters in groups, about 99 bits."""
    return "-".join(_letters(5) for _ in range(4))


def new_totp_secret() -> str:
    """A fresh TOTP secret in base32."""
    return pyotp.random_base32()


def _step_of(secret: str, code: str, now: float) -> int | None:
    """The time step, the present one or a neighbour, of which this is the code."""
    given, step = _octets(code), int(now) // 30
    for candidate in (step - 1, step, step + 1):
        expected = pyotp.TOTP(secret).generate_otp(candidate)
        if hmac.compare_digest(expected.encode(), given):
            return candidate
    return None


def _octets(secret: str) -> bytes:
    # what a client sent need not be text: half a surrogate pair is a wrong secret, not a bug
    return secret.encode("utf-8", "surrogatepass")


def _letters(count: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(count))


def _code_digest(code: str) -> str:
    return hashlib.sha256(bare_code(code).encode()).hexdigest()


def _context(kind: str) -> bytes:
    return b"credential " + kind.encode()


def _replace(tx: Transaction, account_id: AccountId, kind: str, values: list[str]) -> None:
    seal = tx.vault.account(tx, account_id)
    tx.sql("DELETE FROM credentials WHERE account_id = ? AND kind = ?", (account_id, kind))
    for value in values:
        tx.sql(
            "INSERT INTO credentials (account_id, kind, sealed, created_at, last_step)"
            " VALUES (?, ?, ?, ?, 0)",
            (account_id, kind, seal.seal(value.encode(), _context(kind)), tx.now),
        )


def _secrets(view: View, account_id: AccountId, kind: str) -> list[tuple[int, str, int]]:
    rows = view.sql(
        "SELECT credential_id, sealed, last_step FROM credentials"
        " WHERE account_id = ? AND kind = ? ORDER BY credential_id",
        (account_id, kind),
    ).fetchall()
    seal = view.vault.account(view, account_id)
    return [(row[0], seal.open(bytes(row[1]), _context(kind)).decode(), row[2]) for row in rows]
