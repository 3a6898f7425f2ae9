"""SEARCH keys that a mailbox's rows answer: one statement each, its answer in one row.

The driver's hand-over of a row costs more than SQLite's work on it, so the UIDs come as one value.
"""

import json
from collections.abc import Collection
from enum import Enum
from typing import Final

from mailbox_store.database import MailboxId, View

_MANY: Final = 5
"""Finding one message takes as long as reading so many, measured."""

LARGEST: Final = (1 << 63) - 1
"""The largest value that a measure may have."""


class Measure(Enum):
    """What of a message in a mailbox is compared; the value is an expression on its row."""

    SIZE = "size"
    MODSEQ = "modseq"
    INTERNAL_DATE = "internal_date"
    SAVED_AT = "COALESCE(saved_at, internal_date)"
    """A message of unknown save date counts from its INTERNALDATE, RFC 8514 §4.3."""
    MESSAGE_ID = "message_id"


def uids_within(
    view: View, mailbox_id: MailboxId, measure: Measure, least: int, most: int = LARGEST
) -> list[int]:
    """UIDs of the messages whose measure is from ``least`` to ``most``, in any order."""
    found = view.sql(
        f"SELECT json_group_array(uid) FROM entries WHERE mailbox_id = ?"
        f" AND {measure.value} BETWEEN ? AND ?",
        (mailbox_id, least, most),
    ).scalar_one()
    return _uids(found)


def uids_of(view: View, mailbox_id: MailboxId, message_ids: Collection[int]) -> list[int]:
    """UIDs of these messages in a mailbox, in any order; one may stand there more than once."""
    messages = view.sql("SELECT messages FROM mailboxes WHERE mailbox_id = ?", (mailbox_id,))
    if not message_ids:
        return []
    if _MANY * len(message_ids) > (messages.scalar() or 0):
        return _sifted(view, mailbox_id, set(message_ids))
    found = view.sql(
        "SELECT json_group_array(uid) FROM entries WHERE mailbox_id = ?"
        " AND message_id IN (SELECT value FROM json_each(?))",
        (mailbox_id, json.dumps(list(message_ids))),
    ).scalar_one()
    return _uids(found)


def _sifted(view: View, mailbox_id: MailboxId, message_ids: set[int]) -> list[int]:
    """The same for so many that reading the whole mailbox costs less."""
    uids, held = view.sql(
        "SELECT json_group_array(uid), json_group_array(message_id) FROM entries"
        " WHERE mailbox_id = ?",
        (mailbox_id,),
    ).one()
    pairs = zip(_uids(uids), _uids(held), strict=True)
    return [uid for uid, message_id in pairs if message_id in message_ids]


def places_of(
    view: View, mailbox_ids: Collection[MailboxId], message_ids: Collection[int]
) -> dict[int, tuple[MailboxId, int]]:
    """Where these messages stand, as (mailbox, UID): each that stands in one of ``mailbox_ids``.

    Of several places the one in the mailbox that is named first counts.
    """
    # "+": one look per message, not a walk over a mailbox
    found = view.sql(
        "SELECT json_group_array(json_array(message_id, mailbox_id, uid)) FROM entries"
        " WHERE message_id IN (SELECT value FROM json_each(?))"
        " AND +mailbox_id IN (SELECT value FROM json_each(?))",
        (json.dumps(list(message_ids)), json.dumps(list(mailbox_ids))),
    ).scalar_one()
    rank = {mailbox_id: at for at, mailbox_id in enumerate(mailbox_ids)}
    rows = sorted(json.loads(found), key=lambda row: (rank[row[1]], row[2]), reverse=True)
    return {message_id: (MailboxId(mailbox_id), uid) for message_id, mailbox_id, uid in rows}


def message_range(view: View, mailbox_id: MailboxId, first: int, last: int) -> tuple[int, int]:
    """The lowest and the highest message id among UIDs ``first`` to ``last``; (0, -1) for none."""
    low, high = view.sql(
        "SELECT min(message_id), max(message_id) FROM entries"
        " WHERE mailbox_id = ? AND uid BETWEEN ? AND ?",
        (mailbox_id, first, last),
    ).one()
    return (0, -1) if low is None else (low, high)


def _uids(found: str) -> list[int]:
    uids: list[int] = json.loads(found)
    return uids
