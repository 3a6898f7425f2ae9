"""IMAP mailboxes of an account: names, special uses, UIDVALIDITY (RFC 9051 §2.3.1, RFC 6154).

Names are sealed: a folder called after a diagnosis is health information. The separator is ``/``,
INBOX is case-insensitive, and a UIDVALIDITY never returns, so a deleted and re-made name is new.
"""

import re
from dataclasses import dataclass
from typing import Any

from mailbox_store import messages
from mailbox_store.database import MailboxId, Transaction, View
from mailbox_store.errors import (
    MailboxExists,
    MailboxHasChildren,
    MailboxNameRefused,
    MailboxNotFound,
    MailboxProtected,
)
from mailbox_store.vault import AccountId

SEPARATOR = "/"
NAME_LIMIT = 255
"""Characters of a mailbox name at most."""

_NOT_IN_NAMES = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


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
    is_subscribed: bool


_COLUMNS = (
    "mailbox_id, account_id, name_sealed, name_index, special_use, uidvalidity, uidnext,"
    " highestmodseq, messages, unseen, octets, subscribed"
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
        (account_id, _index(view, account_id, normal_name(name))),
    ).first()
    if row is None:
        raise MailboxNotFound(account_id)
    return _mailbox(view, row)


def find_special(view: View, account_id: AccountId, special_use: str) -> Mailbox | None:
    """The account's mailbox for ``special_use`` (RFC 6154 §2), the oldest if it has several."""
    row = view.sql(
        f"SELECT {_COLUMNS} FROM mailboxes WHERE account_id = ? AND special_use = ?"
        " ORDER BY mailbox_id LIMIT 1",
        (account_id, special_use),
    ).first()
    return None if row is None else _mailbox(view, row)


def by_id(view: View, mailbox_id: MailboxId) -> Mailbox:
    """The mailbox with this id; raises :class:`MailboxNotFound` once it is deleted."""
    row = view.sql(f"SELECT {_COLUMNS} FROM mailboxes WHERE mailbox_id = ?", (mailbox_id,)).first()
    if row is None:
        raise MailboxNotFound(mailbox_id)
    return _mailbox(view, row)


def create(
    tx: Transaction, account_id: AccountId, name: str, special_use: str | None = None
) -> Mailbox:
    """Make a mailbox; superior levels that do not exist are not made (RFC 9051 §6.3.4)."""
    name = normal_name(name)
    if _exists(tx, account_id, name):
        raise MailboxExists(account_id)
    uidvalidity = tx.sql(
        "UPDATE accounts SET last_uidvalidity = max(last_uidvalidity + 1, ?)"
        " WHERE account_id = ? RETURNING last_uidvalidity",
        (tx.now, account_id),
    ).scalar_one()
    index = _index(tx, account_id, name)
    mailbox_id = tx.sql(
        "INSERT INTO mailboxes (account_id, name_sealed, name_index, special_use, uidvalidity,"
        " uidnext, highestmodseq, messages, unseen, octets, subscribed)"
        " VALUES (?, ?, ?, ?, ?, 1, 1, 0, 0, 0, 1) RETURNING mailbox_id",
        (
            account_id,
            _sealed_name(tx, account_id, name, index),
            index,
            special_use,
            uidvalidity,
        ),
    ).scalar_one()
    return by_id(tx, MailboxId(mailbox_id))


def delete(tx: Transaction, account_id: AccountId, name: str) -> MailboxId:
    """Remove a mailbox and its messages; INBOX stays, and so does one with inferior names."""
    mailbox = find(tx, account_id, name)
    if mailbox.name == "INBOX":
        raise MailboxProtected(account_id)
    prefix = mailbox.name + SEPARATOR
    if any(other.name.startswith(prefix) for other in list_mailboxes(tx, account_id)):
        raise MailboxHasChildren(account_id)
    messages.clear(tx, mailbox.mailbox_id)
    tx.sql("DELETE FROM expunged WHERE mailbox_id = ?", (mailbox.mailbox_id,))
    tx.sql("DELETE FROM keywords WHERE mailbox_id = ?", (mailbox.mailbox_id,))
    tx.sql("DELETE FROM mailboxes WHERE mailbox_id = ?", (mailbox.mailbox_id,))
    tx.changed(mailbox.mailbox_id)
    return mailbox.mailbox_id


def rename(tx: Transaction, account_id: AccountId, name: str, new_name: str) -> None:
    """Rename with all inferior names; INBOX hands its messages over and stays (RFC 9051 §6.3.6).

    Raises MailboxNotFound, MailboxExists (also when an inferior would take a name in use), and
    MailboxNameRefused (also for a name below its own, which would be its own superior).
    """
    mailbox, new_name = find(tx, account_id, name), normal_name(new_name)
    if _exists(tx, account_id, new_name):
        raise MailboxExists(account_id)
    if mailbox.name == "INBOX":
        target = create(tx, account_id, new_name)
        messages.move(tx, mailbox.mailbox_id, messages.all_uids(tx, mailbox.mailbox_id), target)
        return
    prefix = mailbox.name + SEPARATOR
    if new_name.startswith(prefix):
        raise MailboxNameRefused(len(new_name))
    everyone = list_mailboxes(tx, account_id)
    moving = [one for one in everyone if one.name == mailbox.name or one.name.startswith(prefix)]
    taken = {one.name for one in everyone} - {one.name for one in moving}
    # the shortest first: a name that one of them leaves is free before another one takes it
    for one in sorted(moving, key=lambda one: len(one.name)):
        new = normal_name(new_name + one.name[len(mailbox.name) :])
        if new in taken:
            raise MailboxExists(account_id)
        _set_name(tx, one, new)


def set_subscribed(tx: Transaction, account_id: AccountId, name: str, subscribed: bool) -> None:
    """Subscribe or unsubscribe an existing mailbox (RFC 9051 §6.3.7)."""
    mailbox = find(tx, account_id, name)
    tx.sql(
        "UPDATE mailboxes SET subscribed = ? WHERE mailbox_id = ?",
        (int(subscribed), mailbox.mailbox_id),
    )


def normal_name(name: str) -> str:
    """One form per mailbox: INBOX in capitals, no trailing separator.

    Raises :class:`MailboxNameRefused`: empty, too long, an empty level, a control character
    (RFC 5198 §2), or half a surrogate pair.
    """
    name = name.removesuffix(SEPARATOR)
    first, separator, rest = name.partition(SEPARATOR)
    if first.upper() == "INBOX":
        name = "INBOX" + separator + rest
    is_whole = all(name.split(SEPARATOR))
    if len(name) > NAME_LIMIT or not is_whole or _NOT_IN_NAMES.search(name):
        raise MailboxNameRefused(len(name))
    return name


def _set_name(tx: Transaction, mailbox: Mailbox, name: str) -> None:
    index = _index(tx, mailbox.account_id, name)
    tx.sql(
        "UPDATE mailboxes SET name_sealed = ?, name_index = ? WHERE mailbox_id = ?",
        (_sealed_name(tx, mailbox.account_id, name, index), index, mailbox.mailbox_id),
    )


def _exists(view: View, account_id: AccountId, name: str) -> bool:
    return (
        view.sql(
            "SELECT 1 FROM mailboxes WHERE account_id = ? AND name_index = ?",
            (account_id, _index(view, account_id, name)),
        ).first()
        is not None
    )


def _index(view: View, account_id: AccountId, name: str) -> bytes:
    return view.vault.index.of("mailbox-name", f"{account_id}/{name}")


def _sealed_name(view: View, account_id: AccountId, name: str, index: bytes) -> bytes:
    return view.vault.account(view, account_id).seal(name.encode(), _context(index))


def _context(index: bytes) -> bytes:
    """What binds a sealed name to its index: one moved to another row does not open."""
    return b"mailbox-name " + index


def _mailbox(view: View, row: Any) -> Mailbox:
    mailbox_id, account_id, name_sealed, name_index, special_use = row[:5]
    uidvalidity, uidnext, highestmodseq, messages, unseen, octets, subscribed = row[5:]
    seal = view.vault.account(view, account_id)
    return Mailbox(
        mailbox_id,
        account_id,
        seal.open(name_sealed, _context(name_index)).decode(),
        special_use,
        uidvalidity,
        uidnext,
        highestmodseq,
        messages,
        unseen,
        octets,
        bool(subscribed),
    )
