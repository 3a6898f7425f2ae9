"""App passwords: one for each mail program, so that no program holds somebody's main password.

Each is drawn here, shown once, and works for submission and IMAP only, never for the webmail. Of
the secret only a keyed index is kept: with 118 bits of chance there is nothing to guess, so that
Argon2 would cost time for no gain. A revoked one stays in the list and never works again.
"""

import json
import secrets
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, Table, UniqueConstraint

from mailbox_store.database import Transaction, View
from mailbox_store.tables import metadata
from mailbox_store.vault import AccountId

app_passwords = Table(
    "app_passwords",
    metadata,
    Column("app_password_id", Integer, primary_key=True),
    Column("account_id", ForeignKey("accounts.account_id"), nullable=False),
    Column("secret_index", LargeBinary, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("created_at", Integer, nullable=False),
    Column("last_used_at", Integer, nullable=True),
    Column("revoked_at", Integer, nullable=True),
    UniqueConstraint("secret_index"),
    Index(None, "account_id"),
    sqlite_autoincrement=True,
)

ACTIVE_LIMIT: Final = 20
"""App passwords of one account that work at a time."""

LABEL_CHARACTERS: Final = 100

USE_SECONDS: Final = 3600
"""How exactly the last use is known: a program that polls does not write each time."""

_ALPHABET: Final = "abcdefghjkmnpqrstuvwxyz23456789"
_GROUPS, _GROUP_LETTERS = 6, 4
_CONTEXT: Final = b"app password"
_COLUMNS: Final = "app_password_id, account_id, sealed, created_at, last_used_at, revoked_at"


class LabelMalformed(ValueError):
    """A label that is empty, too long, or no single line of text."""


class TooManyAppPasswords(Exception):
    """The account has :data:`ACTIVE_LIMIT` that work: one must be revoked first."""


class NotForThisBox(Exception):
    """Patients sign in to the webmail only, with two factors: a mail program is never theirs."""


class AppPasswordUnknown(Exception):
    """The account has no app password of this number."""


@dataclass(frozen=True, slots=True)
class AppPassword:
    """What is known of one; times in unix seconds, ``last_used_at`` to about an hour."""

    app_password_id: int
    account_id: AccountId
    label: str
    created_at: int
    last_used_at: int | None
    revoked_at: int | None


@dataclass(frozen=True, slots=True)
class Shown:
    """An app password that somebody has just shown: whose it is. It works."""

    app_password_id: int
    account_id: AccountId
    last_used_at: int | None


def normal_label(text: str) -> str:
    """The label as it is kept; raises :class:`LabelMalformed`."""
    label = " ".join(text.split())
    if not label or len(label) > LABEL_CHARACTERS or not label.isprintable():
        raise LabelMalformed(f"a label is one line of 1 to {LABEL_CHARACTERS} characters")
    return label


def add(tx: Transaction, account_id: AccountId, label: str) -> tuple[AppPassword, str]:
    """A fresh app password, and its secret: the only time that anybody sees it.

    Raises :class:`LabelMalformed`, :class:`NotForThisBox`, :class:`TooManyAppPasswords`.
    """
    label = normal_label(label)
    kind = tx.sql("SELECT box_type FROM people WHERE account_id = ?", (account_id,)).first()
    if kind is None or kind[0] == "PAT":
        raise NotForThisBox("app passwords are for professionals, services and applications")
    if _count_active(tx, account_id) >= ACTIVE_LIMIT:
        raise TooManyAppPasswords(f"{ACTIVE_LIMIT} app passwords work already: revoke one")
    secret = _new_secret()
    sealed = tx.vault.account(tx, account_id).seal(json.dumps({"label": label}).encode(), _CONTEXT)
    row = tx.sql(
        "INSERT INTO app_passwords (account_id, secret_index, sealed, created_at)"
        " VALUES (?, ?, ?, ?) RETURNING app_password_id",
        (account_id, _index(tx, secret), sealed, tx.now),
    ).one()
    return AppPassword(row[0], account_id, label, tx.now, None, None), secret


def of_account(view: View, account_id: AccountId) -> list[AppPassword]:
    """All that an account ever had, the oldest first."""
    rows = view.sql(
        f"SELECT {_COLUMNS} FROM app_passwords WHERE account_id = ? ORDER BY app_password_id",
        (account_id,),
    ).fetchall()
    seal = view.vault.account(view, account_id)
    return [
        AppPassword(
            row[0],
            AccountId(row[1]),
            json.loads(seal.open(bytes(row[2]), _CONTEXT))["label"],
            *row[3:],
        )
        for row in rows
    ]


def shown(view: View, secret: str) -> Shown | None:
    """Whose app password this is; None for what is none, or works no more.

    Case, blanks and hyphens do not count: people copy it by hand. What has not the form of one
    costs no look-up.
    """
    normal = _normal(secret)
    if normal is None:
        return None
    row = view.sql(
        "SELECT app_password_id, account_id, last_used_at FROM app_passwords"
        " WHERE secret_index = ? AND revoked_at IS NULL",
        (_index(view, normal),),
    ).first()
    return None if row is None else Shown(row[0], AccountId(row[1]), row[2])


def has_any(view: View, account_id: AccountId) -> bool:
    """Whether the account has one that works."""
    return _count_active(view, account_id) > 0


def is_use_worth_noting(one: Shown, now: int) -> bool:
    """Whether the use at ``now`` (unix seconds) is told apart from the last one on record."""
    return one.last_used_at is None or now - one.last_used_at >= USE_SECONDS


def note_use(tx: Transaction, app_password_id: int, at: int) -> None:
    """Remember that it was used at ``at`` (unix seconds)."""
    tx.sql(
        "UPDATE app_passwords SET last_used_at = ? WHERE app_password_id = ?",
        (at, app_password_id),
    )


def revoke(tx: Transaction, account_id: AccountId, app_password_id: int) -> bool:
    """End one for the next sign-in; False when it had ended before.

    Raises :class:`AppPasswordUnknown` also for that of another account.
    """
    row = tx.sql(
        "SELECT revoked_at FROM app_passwords WHERE app_password_id = ? AND account_id = ?",
        (app_password_id, account_id),
    ).first()
    if row is None:
        raise AppPasswordUnknown(str(app_password_id))
    if row[0] is not None:
        return False
    tx.sql(
        "UPDATE app_passwords SET revoked_at = ? WHERE app_password_id = ?",
        (tx.now, app_password_id),
    )
    return True


def revoke_all(tx: Transaction, account_id: AccountId) -> int:
    """End all of an account's; how many that were."""
    ended = tx.sql(
        "UPDATE app_passwords SET revoked_at = ? WHERE account_id = ? AND revoked_at IS NULL"
        " RETURNING app_password_id",
        (tx.now, account_id),
    ).fetchall()
    return len(ended)


def _count_active(view: View, account_id: AccountId) -> int:
    row = view.sql(
        "SELECT COUNT(*) FROM app_passwords WHERE account_id = ? AND revoked_at IS NULL",
        (account_id,),
    ).one()
    return int(row[0])


def _new_secret() -> str:
    return "-".join(
        "".join(secrets.choice(_ALPHABET) for _ in range(_GROUP_LETTERS)) for _ in range(_GROUPS)
    )


def _normal(secret: str) -> str | None:
    """The letters alone; None for what cannot be an app password."""
    if len(secret) > 4 * _GROUPS * _GROUP_LETTERS:
        return None
    bare = "".join(secret.lower().replace("-", " ").split())
    if len(bare) != _GROUPS * _GROUP_LETTERS or not set(bare) <= set(_ALPHABET):
        return None
    return bare


def _index(view: View, secret: str) -> bytes:
    return view.vault.index.of("app password", secret.replace("-", ""))
