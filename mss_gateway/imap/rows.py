"""Rows of chosen messages, in few queries: neighbours are read together."""

from collections.abc import Iterator
from typing import Final

from mailbox_store import changes
from mailbox_store.changes import Row
from mailbox_store.database import View
from mailbox_store.vault import AccountId
from mss_gateway.imap.selected import Selected

_GAP: Final = 8
"""Unwanted rows between two wanted ones are read along when they are at most so many."""


def rows_at(
    view: View,
    account_id: AccountId,
    here: Selected,
    positions: list[int],
    want_summary: bool,
    want_body: bool = False,
) -> Iterator[tuple[int, Row]]:
    """Position and row of each of ``positions`` (ascending) that still exists."""
    wanted = {here.uids[at]: at for at in positions}
    for first, last in _stretches(list(wanted)):
        for row in changes.rows(
            view,
            account_id,
            here.mailbox_id,
            first,
            last,
            want_summary=want_summary,
            want_body=want_body,
        ):
            at = wanted.get(row.uid)
            if at is not None:
                yield at, row


def _stretches(uids: list[int]) -> Iterator[tuple[int, int]]:
    if not uids:
        return
    first = last = uids[0]
    for uid in uids:
        if uid - last > _GAP:
            yield first, last
            first = uid
        last = uid
    yield first, last
