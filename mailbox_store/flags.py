"""Flags as one integer per message: five system flags, then the mailbox's own keywords.

A mailbox has at most 58 keywords (bits 5 to 62), which keeps a flag change one arithmetic UPDATE.
RFC 9051 §2.3.2; keyword names are compared without regard to case. They are sealed: a client makes
them of the labels that its owner typed, and a label may be a diagnosis.
"""

from collections.abc import Iterable

from mailbox_store.database import MailboxId, Transaction, View
from mailbox_store.errors import MailboxNotFound, TooManyKeywords
from mailbox_store.vault import AccountId, AccountSeal

SEEN, ANSWERED, FLAGGED, DELETED, DRAFT = 1, 2, 4, 8, 16

EVERY_FLAG = -1
"""A mask that lets everything through, keywords yet to come among it."""

SYSTEM_FLAGS = {
    "\\Seen": SEEN,
    "\\Answered": ANSWERED,
    "\\Flagged": FLAGGED,
    "\\Deleted": DELETED,
    "\\Draft": DRAFT,
}

FIRST_KEYWORD_BIT = 5
LAST_KEYWORD_BIT = 62

_CONTEXT = b"keyword"
_SYSTEM_BY_LOWER = {name.lower(): bit for name, bit in SYSTEM_FLAGS.items()}


def keywords(view: View, mailbox_id: MailboxId) -> dict[int, str]:
    """The mailbox's keywords: mask → name, in the order in which they were first used."""
    rows = view.sql(
        "SELECT k.bit, k.sealed, m.account_id FROM keywords k"
        " JOIN mailboxes m ON m.mailbox_id = k.mailbox_id WHERE k.mailbox_id = ? ORDER BY k.bit",
        (mailbox_id,),
    ).fetchall()
    if not rows:
        return {}
    seal = view.vault.account(view, AccountId(rows[0][2]))
    return {1 << bit: seal.open(sealed, _CONTEXT).decode() for bit, sealed, _ in rows}


def mask(tx: Transaction, mailbox_id: MailboxId, names: Iterable[str]) -> int:
    """The integer for these flag names; new keywords get a bit.

    Raises :class:`TooManyKeywords` when none is left, :class:`MailboxNotFound`.
    """
    known = {name.lower(): bit for bit, name in keywords(tx, mailbox_id).items()}
    result = 0
    for name in names:
        lower = name.lower()
        bit = _SYSTEM_BY_LOWER.get(lower) or known.get(lower)
        if bit is None:
            bit = known[lower] = _new_keyword(tx, mailbox_id, name, len(known))
        result |= bit
    return result


def names(value: int, known: dict[int, str]) -> list[str]:
    """The flag names of an integer, system flags first."""
    found = [name for name, bit in SYSTEM_FLAGS.items() if value & bit]
    return found + [name for bit, name in known.items() if value & bit]


def _new_keyword(tx: Transaction, mailbox_id: MailboxId, name: str, used: int) -> int:
    bit = FIRST_KEYWORD_BIT + used
    if bit > LAST_KEYWORD_BIT:
        raise TooManyKeywords(mailbox_id)
    tx.sql(
        "INSERT INTO keywords (mailbox_id, bit, sealed) VALUES (?, ?, ?)",
        (mailbox_id, bit, _seal(tx, mailbox_id).seal(name.encode(), _CONTEXT)),
    )
    return 1 << bit


def _seal(view: View, mailbox_id: MailboxId) -> AccountSeal:
    owner = view.sql(
        "SELECT account_id FROM mailboxes WHERE mailbox_id = ?", (mailbox_id,)
    ).scalar()
    if owner is None:
        raise MailboxNotFound(mailbox_id)
    return view.vault.account(view, AccountId(owner))
