"""Flags as one integer per message: five system flags, then the mailbox's own keywords.

A mailbox has at most 58 keywords (bits 5 to 62), which keeps a flag change one arithmetic UPDATE.
RFC 9051 §2.3.2; keyword names are compared without regard to case.
"""

from collections.abc import Iterable

from mailbox_store.database import MailboxId, Transaction, View
from mailbox_store.errors import TooManyKeywords

SEEN, ANSWERED, FLAGGED, DELETED, DRAFT = 1, 2, 4, 8, 16

SYSTEM_FLAGS = {
    "\\Seen": SEEN,
    "\\Answered": ANSWERED,
    "\\Flagged": FLAGGED,
    "\\Deleted": DELETED,
    "\\Draft": DRAFT,
}

FIRST_KEYWORD_BIT = 5
LAST_KEYWORD_BIT = 62

_SYSTEM_BY_LOWER = {name.lower(): bit for name, bit in SYSTEM_FLAGS.items()}


def keywords(view: View, mailbox_id: MailboxId) -> dict[int, str]:
    """The mailbox's keywords: mask → name, in the order in which they were first used."""
    rows = view.sql(
        "SELECT bit, name FROM keywords WHERE mailbox_id = ? ORDER BY bit", (mailbox_id,)
    )
    return {1 << row[0]: row[1] for row in rows}


def mask(tx: Transaction, mailbox_id: MailboxId, names: Iterable[str]) -> int:
    """The integer for these flag names; new keywords get a bit, until none is left."""
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
    tx.sql("INSERT INTO keywords (mailbox_id, bit, name) VALUES (?, ?, ?)", (mailbox_id, bit, name))
    return 1 << bit
