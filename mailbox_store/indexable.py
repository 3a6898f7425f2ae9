"""Messages as the search index asks for them: by their ids, in whatever mailbox."""

import json
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from mailbox_store.database import View
from mailbox_store.errors import MessageNotFound
from mailbox_store.messages import MessageId, summary_context
from mailbox_store.segments import Stretch, progress
from mailbox_store.vault import AccountId


@dataclass(frozen=True, slots=True)
class Pending:
    """A message that is not in the index yet."""

    message_id: MessageId
    account_id: AccountId
    size: int


def count(view: View) -> int:
    """How many messages there are, in all accounts."""
    found: int = view.sql("SELECT count(*) FROM messages").scalar_one()
    return found


def pending(view: View, limit: int) -> list[Pending]:
    """The next messages that are not in the index yet, at most ``limit``."""
    rows = view.sql(
        "SELECT message_id, account_id, size FROM messages WHERE message_id > ?"
        " ORDER BY message_id LIMIT ?",
        (progress(view), limit),
    ).fetchall()
    return [Pending(MessageId(row[0]), AccountId(row[1]), row[2]) for row in rows]


def read_summary(view: View, account_id: AccountId, message_id: MessageId) -> bytes:
    """The opened summary of a message; raises ``MessageNotFound``."""
    found = view.sql(
        "SELECT message_ref, summary FROM messages WHERE message_id = ? AND account_id = ?",
        (message_id, account_id),
    ).first()
    if found is None:
        raise MessageNotFound(message_id)
    seal = view.vault.account(view, account_id)
    return seal.open(bytes(found[1]), summary_context(found[0]))


def messages_between(view: View, account_id: AccountId, first: int, last: int) -> list[MessageId]:
    """The messages of an account from ``first`` to ``last``, ascending."""
    rows = view.sql(
        "SELECT message_id FROM messages WHERE account_id = ? AND +message_id BETWEEN ? AND ?"
        " ORDER BY message_id",
        (account_id, first, last),
    ).fetchall()
    return [MessageId(row[0]) for row in rows]


def newest_between(
    view: View, account_id: AccountId, first: int, last: int, limit: int
) -> list[MessageId]:
    """The messages of an account from ``first`` to ``last``, the newest first, ``limit`` at most.

    Walks over what other accounts have there too: few where the index has not come to yet.
    """
    rows = view.sql(
        "SELECT message_id FROM messages WHERE +account_id = ? AND message_id BETWEEN ? AND ?"
        " ORDER BY message_id DESC LIMIT ?",
        (account_id, first, last, limit),
    ).fetchall()
    return [MessageId(row[0]) for row in rows]


def counts_left(view: View, account_id: AccountId, stretches: Iterable[Stretch]) -> list[int]:
    """How many messages of each stretch the account still has."""
    found = view.sql(
        "SELECT json_group_array(message_id) FROM messages WHERE account_id = ?", (account_id,)
    ).scalar_one()
    held = sorted(json.loads(found))
    return [bisect_right(held, each.last) - bisect_left(held, each.first) for each in stretches]


def existing(view: View, account_id: AccountId, message_ids: Collection[int]) -> set[int]:
    """Those of ``message_ids`` that the account still has."""
    rows = view.sql(
        # "+": one look per message, not a walk over all of the account's
        "SELECT message_id FROM messages WHERE +account_id = ?"
        " AND message_id IN (SELECT value FROM json_each(?))",
        (account_id, json.dumps(list(message_ids))),
    ).fetchall()
    return {row[0] for row in rows}
