"""Accounts: a person's or a service's set of mailboxes, and the key that seals them."""

from dataclasses import dataclass

from mailbox_store.database import Transaction, View
from mailbox_store.errors import OverQuota
from mailbox_store.vault import AccountId


@dataclass(frozen=True, slots=True)
class Account:
    """One account: ``kind`` is the caller's word (professional, patient, spool…)."""

    account_id: AccountId
    kind: str
    created_at: int


@dataclass(frozen=True, slots=True)
class Quota:
    """What an account holds and what it may hold, in octets.

    The sum of its mailboxes: a message in two of them counts twice, although its body is stored
    once. Only so does what a client is told agree with what it can count.
    """

    used: int
    limit: int
    is_default: bool

    def has_room_for(self, octets: int) -> bool:
        """Whether so many octets more are within the limit."""
        return self.used + octets <= self.limit


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


def kind_of(view: View, account_id: AccountId) -> str | None:
    """The kind of an account; None once it is gone."""
    kind: str | None = view.sql(
        "SELECT kind FROM accounts WHERE account_id = ?", (account_id,)
    ).scalar()
    return kind


def of_kind(view: View, kind: str) -> list[Account]:
    """Every account of a kind, oldest first."""
    rows = view.sql(
        "SELECT account_id, kind, created_at FROM accounts WHERE kind = ? ORDER BY account_id",
        (kind,),
    )
    return [Account(AccountId(row[0]), row[1], row[2]) for row in rows]


def quota(view: View, account_id: AccountId, default_octets: int) -> Quota:
    """The account's quota: its own limit, or ``default_octets``. Costs its number of mailboxes."""
    own, used = view.sql(
        "SELECT quota_octets, (SELECT coalesce(sum(octets), 0) FROM mailboxes"
        " WHERE mailboxes.account_id = accounts.account_id) FROM accounts WHERE account_id = ?",
        (account_id,),
    ).one()
    return Quota(int(used), default_octets if own is None else int(own), own is None)


def check_quota(view: View, account_id: AccountId, added_octets: int, default_octets: int) -> None:
    """Raises :class:`OverQuota` when what is held and ``added_octets`` exceed the limit.

    Inside a unit of work the answer stands until its COMMIT: there is one writer.
    """
    if not quota(view, account_id, default_octets).has_room_for(added_octets):
        raise OverQuota(account_id)


def set_quota(tx: Transaction, account_id: AccountId, octets: int | None) -> None:
    """Give the account a limit of its own; None for the default again."""
    tx.sql("UPDATE accounts SET quota_octets = ? WHERE account_id = ?", (octets, account_id))
