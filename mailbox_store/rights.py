"""What one mailbox grants a person otherwise than the rest of its account does.

Rights are letters of RFC 4314 §2.1; what they mean, and who is a member of an account at all, is
decided by whoever asks. A row counts in place of the membership's rights, also an empty one.
"""

from mailbox_store.database import MailboxId, Transaction, View
from mailbox_store.vault import AccountId


def of(view: View, mailbox_id: MailboxId, person: AccountId) -> str | None:
    """What the mailbox grants this person; None where it says nothing of its own."""
    found = view.sql(
        "SELECT rights FROM mailbox_rights WHERE mailbox_id = ? AND person_account = ?",
        (mailbox_id, person),
    ).scalar()
    return None if found is None else str(found)


def of_mailbox(view: View, mailbox_id: MailboxId) -> dict[AccountId, str]:
    """What the mailbox grants, by person."""
    rows = view.sql(
        "SELECT person_account, rights FROM mailbox_rights WHERE mailbox_id = ?", (mailbox_id,)
    )
    return {AccountId(person): rights for person, rights in rows.fetchall()}


def of_person(view: View, account_id: AccountId, person: AccountId) -> dict[MailboxId, str]:
    """What single mailboxes of an account grant this person."""
    rows = view.sql(
        "SELECT m.mailbox_id, r.rights FROM mailboxes m JOIN mailbox_rights r"
        " ON r.mailbox_id = m.mailbox_id AND r.person_account = ? WHERE m.account_id = ?",
        (person, account_id),
    )
    return {MailboxId(mailbox_id): rights for mailbox_id, rights in rows.fetchall()}


def put(tx: Transaction, mailbox_id: MailboxId, person: AccountId, rights: str) -> None:
    """Grant exactly these rights on the mailbox; the empty text grants none."""
    tx.sql(
        "INSERT INTO mailbox_rights (mailbox_id, person_account, rights) VALUES (?, ?, ?)"
        " ON CONFLICT (mailbox_id, person_account) DO UPDATE SET rights = excluded.rights",
        (mailbox_id, person, rights),
    )


def inherit(tx: Transaction, source: MailboxId, target: MailboxId) -> None:
    """Give a mailbox that was just made the rights of another one, RFC 4314 §4."""
    tx.sql(
        "INSERT INTO mailbox_rights (mailbox_id, person_account, rights)"
        " SELECT ?, person_account, rights FROM mailbox_rights WHERE mailbox_id = ?",
        (target, source),
    )


def forget_person(tx: Transaction, account_id: AccountId, person: AccountId) -> None:
    """From now on this person has the same rights on every mailbox of the account."""
    tx.sql(
        "DELETE FROM mailbox_rights WHERE person_account = ? AND mailbox_id IN"
        " (SELECT mailbox_id FROM mailboxes WHERE account_id = ?)",
        (person, account_id),
    )
