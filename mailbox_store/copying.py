"""Messages copied and moved between the mailboxes of an account (RFC 9051 §6.4.7, RFC 6851)."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from mailbox_store import flags, messages, personal
from mailbox_store.database import MailboxId, Transaction
from mailbox_store.flags import EVERY_FLAG, SEEN
from mailbox_store.messages import Place, ranges
from mailbox_store.vault import AccountId

if TYPE_CHECKING:
    # mailboxes moves messages; here it is only the name of a type
    from mailbox_store.mailboxes import Mailbox


def copy(
    tx: Transaction,
    source: MailboxId,
    uids: Iterable[int],
    target: "Mailbox",
    allowed: int = EVERY_FLAG,
    viewer: AccountId | None = None,
) -> list[tuple[int, int]]:
    """Copy messages within an account: pairs of old and new UID, in UID order.

    Keywords follow by name; UIDs that do not exist are passed over (RFC 9051 §6.4.9). Flags that
    are not ``allowed`` stay behind; with a ``viewer``, \\Seen among these is theirs alone.
    """
    translate = _keyword_translation(tx, source, target.mailbox_id)
    shared = allowed if viewer is None else allowed | SEEN
    # all are found before the first is placed: a copy within one mailbox is not copied again
    found = [
        row
        for first, last in ranges(uids)
        for row in tx.sql(
            "SELECT e.uid, e.message_id, e.flags, e.internal_date, e.size,"
            " CASE m.thread_id WHEN 0 THEN NULL ELSE m.thread_id END FROM entries e"
            " JOIN messages m ON m.message_id = e.message_id"
            " WHERE e.mailbox_id = ? AND e.uid BETWEEN ? AND ? AND m.account_id = ?"
            " ORDER BY e.uid",
            (source, first, last, target.account_id),
        ).fetchall()
    ]
    if not found:
        return []
    places = [
        Place(message_id, translate(value & shared), internal_date, size, thread_id)
        for _, message_id, value, internal_date, size, thread_id in found
    ]
    first, _ = messages.place(tx, target.mailbox_id, target.account_id, places)
    pairs = [(row[0], new) for new, row in enumerate(found, first)]
    personal.carry(tx, source, target.mailbox_id, pairs, None if allowed & SEEN else viewer)
    return pairs


def move(
    tx: Transaction,
    source: MailboxId,
    uids: Iterable[int],
    target: "Mailbox",
    allowed: int = EVERY_FLAG,
    viewer: AccountId | None = None,
) -> list[tuple[int, int]]:
    """Copy, then remove from the source, in one transaction (RFC 6851 §3.3)."""
    pairs = copy(tx, source, uids, target, allowed, viewer)
    messages.remove(tx, source, [old for old, _ in pairs], is_placed_elsewhere=True)
    return pairs


def _keyword_translation(
    tx: Transaction, source: MailboxId, target: MailboxId
) -> Callable[[int], int]:
    known = flags.keywords(tx, source)
    seen: dict[int, int] = {}

    def translate(value: int) -> int:
        if value not in seen:
            seen[value] = flags.mask(tx, target, flags.names(value, known))
        return seen[value]

    return translate
