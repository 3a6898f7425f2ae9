"""Mailbox names: their one form, and how they are kept: sealed, found by a keyed digest.

A folder called after a diagnosis is health information. The separator is ``/``, INBOX is
case-insensitive.
"""

import re

from mailbox_store.database import View
from mailbox_store.errors import MailboxNameRefused
from mailbox_store.vault import AccountId

SEPARATOR = "/"
NAME_LIMIT = 255
"""Characters of a mailbox name at most."""

_NOT_IN_NAMES = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


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


def name_index(view: View, account_id: AccountId, name: str) -> bytes:
    """The keyed digest by which a name (in its normal form) is found."""
    return view.vault.index.of("mailbox-name", f"{account_id}/{name}")


def seal_name(view: View, account_id: AccountId, name: str, index: bytes) -> bytes:
    """The name sealed, bound to its index: one moved to another row does not open."""
    return view.vault.account(view, account_id).seal(name.encode(), _context(index))


def open_name(view: View, account_id: AccountId, sealed: bytes, index: bytes) -> str:
    """The name that ``seal_name`` sealed."""
    return view.vault.account(view, account_id).open(sealed, _context(index)).decode()


def _context(index: bytes) -> bytes:
    return b"mailbox-name " + index
