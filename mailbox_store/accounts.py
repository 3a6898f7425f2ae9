"""Accounts: a person's or a service's set of mailboxes, and the key that seals them."""

from dataclasses import dataclass

from mailbox_store.database import Transaction, View
from mailbox_store.vault import AccountId


@dataclass(frozen=True, slots=True)
class Account:
    """One account: ``kind`` is the caller's word (professional, patient, spool…)."""

    account_id: AccountId
    kind: str
    created_at: int


def create(tx: Transaction, kind: str) -> AccountId:
    """Make an account with its own key, wrapped under a slot key drawn at random."""
    row = tx.sql(
        "INSERT INTO accounts (kind, slot, wrapped_key, last_uidvalidity, created_at)"
        " VALUES (?, 0, NULL, 0, ?) RETURNING account_id",
        (kind, tx.now),
    ).scalar_one()
    account_id = AccountId(row)
    slot, wrapped = tx.vault.new_account(tx, account_id)
    tx.sql(
        "UPDATE accounts SET slot = ?, wrapped_key = ? WHERE account_id = ?",
        (slot, wrapped, account_id),
    )
    return account_id


def of_kind(view: View, kind: str) -> list[Account]:
    """Every account of a kind, oldest first."""
    rows = view.sql(
        "SELECT account_id, kind, created_at FROM accounts WHERE kind = ? ORDER BY account_id",
        (kind,),
    )
    return [Account(AccountId(row[0]), row[1], row[2]) for row in rows]
