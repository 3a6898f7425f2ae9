"""Codes that an operator gives, on paper or across a desk, to whoever has no way in yet or lost it.

One account has one at most; it stands for some days, until it has done what it is for, or until
another one replaces it. What it opens is its purpose, and no more. The hash lies with the other
credentials, sealed; a wrong code costs a hash like a wrong password.
"""

from dataclasses import dataclass
from enum import Enum

from sqlalchemy import Column, ForeignKey, Integer, Table, Text

from mailbox_store.database import Transaction, View
from mailbox_store.tables import metadata
from mailbox_store.vault import AccountId
from mss_gateway.directory import passwords

access_codes = Table(
    "access_codes",
    metadata,
    Column("account_id", ForeignKey("accounts.account_id"), primary_key=True, autoincrement=False),
    Column("purpose", Text, nullable=False),
    Column("created_at", Integer, nullable=False),
    Column("expires_at", Integer, nullable=False),
)


class Purpose(Enum):
    """What a code is for."""

    ACTIVATION = "activation"
    PASSWORD = "password"  # noqa: S105 - the word, not one
    SECOND_FACTOR = "second-factor"
    EVERYTHING = "everything"

    @property
    def sets_password(self) -> bool:
        """Whether its holder chooses a password; else they give the one they have."""
        return self is not Purpose.SECOND_FACTOR

    @property
    def enrols(self) -> bool:
        """Whether its holder enrols a second factor; else they give the one they have."""
        return self is not Purpose.PASSWORD

    @property
    def is_recovery(self) -> bool:
        """Whether somebody had means of access before, which this one replaces."""
        return self is not Purpose.ACTIVATION


@dataclass(frozen=True, slots=True)
class Grant:
    """A code that stands; times in unix seconds."""

    purpose: Purpose
    created_at: int
    expires_at: int


def grant(
    tx: Transaction, account_id: AccountId, purpose: Purpose, code_hash: str, seconds: int
) -> Grant:
    """Put a fresh code in force; the one before it works no more."""
    withdraw(tx, account_id)
    passwords.set_access_code(tx, account_id, code_hash)
    tx.sql(
        "INSERT INTO access_codes (account_id, purpose, created_at, expires_at)"
        " VALUES (?, ?, ?, ?)",
        (account_id, purpose.value, tx.now, tx.now + seconds),
    )
    return Grant(purpose, tx.now, tx.now + seconds)


def standing(view: View, account_id: AccountId, now: float) -> Grant | None:
    """The code of an account while it stands."""
    row = view.sql(
        "SELECT purpose, created_at, expires_at FROM access_codes WHERE account_id = ?",
        (account_id,),
    ).first()
    if row is None or now >= row[2]:
        return None
    return Grant(Purpose(row[0]), row[1], row[2])


def withdraw(tx: Transaction, account_id: AccountId) -> bool:
    """End the code of an account, used or not; whether there was one."""
    passwords.forget_access_code(tx, account_id)
    gone = tx.sql(
        "DELETE FROM access_codes WHERE account_id = ? RETURNING account_id", (account_id,)
    ).first()
    return gone is not None
