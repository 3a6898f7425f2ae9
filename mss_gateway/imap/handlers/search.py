"""SEARCH and UID SEARCH, RFC 9051 §6.4.4: cheap keys first, dear ones on what is left."""

from typing import Final

from mailbox_store.database import View
from mailbox_store.vault import AccountId
from mss_gateway.imap.grammar.arguments import SearchCommand
from mss_gateway.imap.grammar.search import Every, Key
from mss_gateway.imap.responses import Reply, done
from mss_gateway.imap.rows import rows_at
from mss_gateway.imap.searching import Candidate, Cost, Test, cost, test_for
from mss_gateway.imap.selected import Selected
from mss_gateway.imap.state import Session
from mss_gateway.imap.wire import ConnectionGone

_BATCH: Final = {Cost.ROW: 2_000, Cost.SUMMARY: 500, Cost.HEADER: 100, Cost.TEXT: 10}
"""Messages per look into the store: a search can be given up between two of them."""


async def cmd_search(session: Session, command: SearchCommand) -> Reply:
    """The numbers ascend; a client that is gone ends the search."""
    here, bridge = session.here, session.services.bridge
    key = command.request.key
    cheap = Every(tuple(each for each in key.keys if cost(each) is Cost.MEMORY))
    dear = Every(tuple(each for each in key.keys if cost(each) is not Cost.MEMORY))
    found = await bridge.run(_in_memory, here, cheap)
    if dear.keys:
        found = await _in_store(session, dear, found)
    numbers = (here.uids[at] if command.is_uid else at + 1 for at in found)
    session.send(b"* SEARCH" + b"".join(b" %d" % number for number in numbers) + b"\r\n")
    return done("SEARCH")


def _in_memory(here: Selected, key: Key) -> list[int]:
    test = test_for(key, here)
    candidates = map(Candidate, range(len(here.uids)), here.uids, here.told)
    return [candidate.position for candidate in candidates if test(candidate)]


async def _in_store(session: Session, key: Every, positions: list[int]) -> list[int]:
    here, account_id = session.here, session.account_id
    test, needed = test_for(key, here), cost(key)
    size = _BATCH[needed]
    found: list[int] = []
    for start in range(0, len(positions), size):
        if session.wire.is_lost:
            raise ConnectionGone
        batch = positions[start : start + size]
        found += await session.read(_tested, account_id, here, batch, test, needed)
    return found


def _tested(
    view: View,
    account_id: AccountId,
    here: Selected,
    positions: list[int],
    test: Test,
    needed: Cost,
) -> list[int]:
    rows = rows_at(view, account_id, here, positions, needed >= Cost.SUMMARY)
    return [
        at
        for at, row in rows
        if test(Candidate(at, row.uid, here.told[at]).shown(view, account_id, row))
    ]
