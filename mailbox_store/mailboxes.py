"""IMAP mailboxes of an account: names, special uses, UIDVALIDITY (RFC 9051 §2.3.1, RFC 6154).

Names are sealed: a folder called after a diagnosis is health information. The separator is ``/``,
INBOX is case-insensitive, and a UIDVALIDITY never returns, so a deleted and re-made name is new.
"""

from dataclasses import dataclass
from typing import Any

from mailbox_store import copying, messages, subscriptions
from mailbox_store.database import MailboxId, Transaction, View
from mailbox_store.errors import (
    MailboxExists,
    MailboxHasChildren,
    MailboxNameRefused,
    MailboxNotFound,
    MailboxProtected,
    SpecialUseTaken,
    TooManyMailboxes,
)
from mailbox_store.flags import DELETED
from mailbox_store.names import SEPARATOR, name_index, normal_name, open_name, seal_name
from mailbox_store.vault import AccountId

SPECIAL_USES = ("\\Archive", "\\Drafts", "\\Junk", "\\Sent", "\\Trash")
"""RFC 6154 §2. Not \\All, \\Flagged: views of other mailboxes, which the store does not have."""

MAILBOX_LIMIT = 5_000
"""Mailboxes of one account: LIST opens the sealed name of every one."""


@dataclass(frozen=True, slots=True)
class Mailbox:
    """One mailbox as it stands in a view; ``messages`` is what IMAP calls EXISTS."""

    mailbox_id: MailboxId
    account_id: AccountId
    name: str
    special_use: str | None
    uidvalidity: int
    uidnext: int
    highestmodseq: int
    messages: int
    unseen: int
    octets: int
    deleted: int

    @property
    def special_uses(self) -> tuple[str, ...]:
        """What the mailbox is for: ``special_use`` is these words, a space between them."""
        return () if self.special_use is None else tuple(self.special_use.split(" "))


_COLUMNS = (
    "mailbox_id, account_id, name_sealed, name_index, special_use, uidvalidity, uidnext,"
    " highestmodseq, messages, unseen, octets, deleted"
)


def list_mailboxes(view: View, account_id: AccountId) -> list[Mailbox]:
    """Every mailbox of the account, INBOX first, then by name."""
    rows = view.sql(f"SELECT {_COLUMNS} FROM mailboxes WHERE account_id = ?", (account_id,))
    found = [_mailbox(view, row) for row in rows.fetchall()]
    return sorted(found, key=lambda mailbox: (mailbox.name != "INBOX", mailbox.name))


def find(view: View, account_id: AccountId, name: str) -> Mailbox:
    """The mailbox of that name; raises :class:`MailboxNotFound`."""
    row = view.sql(
        f"SELECT {_COLUMNS} FROM mailboxes WHERE account_id = ? AND name_index = ?",
        (account_id, name_index(view, account_id, normal_name(name))),
    ).first()
    if row is None:
        raise MailboxNotFound(account_id)
    return _mailbox(view, row)


def find_special(view: View, account_id: AccountId, special_use: str) -> Mailbox | None:
    """The account's mailbox for ``special_use`` (RFC 6154 §2); None when nobody made one."""
    rows = view.sql(
        f"SELECT {_COLUMNS} FROM mailboxes WHERE account_id = ? AND special_use IS NOT NULL"
        " ORDER BY mailbox_id",
        (account_id,),
    ).fetchall()
    for row in rows:
        if special_use in row[4].split(" "):
            return _mailbox(view, row)
    return None


def by_id(view: View, mailbox_id: MailboxId) -> Mailbox:
    """The mailbox with this id; raises :class:`MailboxNotFound` once it is deleted."""
    row = view.sql(f"SELECT {_COLUMNS} FROM mailboxes WHERE mailbox_id = ?", (mailbox_id,)).first()
    if row is None:
        raise MailboxNotFound(mailbox_id)
    return _mailbox(view, row)


def deleted_octets(view: View, mailbox: Mailbox) -> int:
    """Octets that an expunge would free, RFC 9208 §4.1.4.

    Of a mailbox that holds no message flagged \\Deleted nothing is read; else its entries are,
    until the last of them is found.
    """
    if not mailbox.deleted:
        return 0
    found = view.sql(
        "SELECT coalesce(sum(size), 0) FROM (SELECT size FROM entries"
        " WHERE mailbox_id = ? AND flags & ? <> 0 LIMIT ?) AS doomed",
        (mailbox.mailbox_id, DELETED, mailbox.deleted),
    )
    return int(found.scalar_one())


def create(
    tx: Transaction, account_id: AccountId, name: str, special_use: str | None = None
) -> Mailbox:
    """Make and subscribe a mailbox; superior levels that are missing are not made.

    RFC 9051 §6.3.4. ``special_use``: one of RFC 6154 §2, or several with a space between them.
    Raises MailboxExists, MailboxNameRefused, SpecialUseTaken (a use has one mailbox) and
    TooManyMailboxes.
    """
    name = normal_name(name)
    if _exists(tx, account_id, name):
        raise MailboxExists(account_id)
    for use in special_use.split(" ") if special_use else ():
        if find_special(tx, account_id, use) is not None:
            raise SpecialUseTaken(account_id)
    count = tx.sql("SELECT count(*) FROM mailboxes WHERE account_id = ?", (account_id,))
    if count.scalar_one() >= MAILBOX_LIMIT:
        raise TooManyMailboxes(account_id)
    uidvalidity = tx.sql(
        "UPDATE accounts SET last_uidvalidity = max(last_uidvalidity + 1, ?)"
        " WHERE account_id = ? RETURNING last_uidvalidity",
        (tx.now, account_id),
    ).scalar_one()
    index = name_index(tx, account_id, name)
    mailbox_id = tx.sql(
        "INSERT INTO mailboxes (account_id, name_sealed, name_index, special_use, uidvalidity,"
        " uidnext, highestmodseq, messages, unseen, octets, deleted)"
        " VALUES (?, ?, ?, ?, ?, 1, 1, 0, 0, 0, 0) RETURNING mailbox_id",
        (
            account_id,
            seal_name(tx, account_id, name, index),
            index,
            special_use,
            uidvalidity,
        ),
    ).scalar_one()
    subscriptions.add(tx, account_id, name)
    return by_id(tx, MailboxId(mailbox_id))


def delete(tx: Transaction, account_id: AccountId, name: str) -> MailboxId:
    """Remove a mailbox and its messages; INBOX stays, and so does one with inferior names.

    Its subscription stays too: RFC 9051 §6.3.7 lets no server end one by itself.
    """
    mailbox = find(tx, account_id, name)
    if mailbox.name == "INBOX":
        raise MailboxProtected(account_id)
    prefix = mailbox.name + SEPARATOR
    if any(other.name.startswith(prefix) for other in list_mailboxes(tx, account_id)):
        raise MailboxHasChildren(account_id)
    messages.clear(tx, mailbox.mailbox_id)
    for table in ("expunged", "keywords", "mailbox_rights", "personal_seen", "mailboxes"):
        tx.sql(f"DELETE FROM {table} WHERE mailbox_id = ?", (mailbox.mailbox_id,))
    tx.changed(mailbox.mailbox_id)
    return mailbox.mailbox_id


def rename(tx: Transaction, account_id: AccountId, name: str, new_name: str) -> None:
    """Rename with all inferior names; INBOX hands its messages over and stays (RFC 9051 §6.3.6).

    A subscribed name stays so, and the new one becomes so. Raises MailboxNotFound, MailboxExists
    (also when an inferior would take a name in use), and MailboxNameRefused (also for a name below
    its own, which would be its own superior).
    """
    mailbox, new_name = find(tx, account_id, name), normal_name(new_name)
    if _exists(tx, account_id, new_name):
        raise MailboxExists(account_id)
    if mailbox.name == "INBOX":
        target = create(tx, account_id, new_name)
        copying.move(tx, mailbox.mailbox_id, messages.all_uids(tx, mailbox.mailbox_id), target)
        return
    prefix = mailbox.name + SEPARATOR
    if new_name.startswith(prefix):
        raise MailboxNameRefused(len(new_name))
    everyone = list_mailboxes(tx, account_id)
    moving = [one for one in everyone if one.name == mailbox.name or one.name.startswith(prefix)]
    taken = {one.name for one in everyone} - {one.name for one in moving}
    subscribed = subscriptions.names(tx, account_id)
    # the shortest first: a name that one of them leaves is free before another one takes it
    for one in sorted(moving, key=lambda one: len(one.name)):
        new = normal_name(new_name + one.name[len(mailbox.name) :])
        if new in taken:
            raise MailboxExists(account_id)
        _set_name(tx, one, new)
        if one.name in subscribed:
            subscriptions.add(tx, account_id, new)


def _set_name(tx: Transaction, mailbox: Mailbox, name: str) -> None:
    index = name_index(tx, mailbox.account_id, name)
    tx.sql(
        "UPDATE mailboxes SET name_sealed = ?, name_index = ? WHERE mailbox_id = ?",
        (seal_name(tx, mailbox.account_id, name, index), index, mailbox.mailbox_id),
    )


def _exists(view: View, account_id: AccountId, name: str) -> bool:
    return (
        view.sql(
            "SELECT 1 FROM mailboxes WHERE account_id = ? AND name_index = ?",
            (account_id, name_index(view, account_id, name)),
        ).first()
        is not None
    )


def _mailbox(view: View, row: Any) -> Mailbox:
    mailbox_id, account_id, sealed, index, special_use = row[:5]
    uidvalidity, uidnext, highestmodseq, messages, unseen, octets, deleted = row[5:]
    return Mailbox(
        mailbox_id,
        account_id,
        open_name(view, account_id, sealed, index),
        special_use,
        uidvalidity,
        uidnext,
        highestmodseq,
        messages,
        unseen,
        octets,
        deleted,
    )
