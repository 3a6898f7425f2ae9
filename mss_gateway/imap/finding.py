"""Which messages of the selected mailbox fulfil a search key: memory, queries, index, reading.

Each stage looks only at what the ones before left open.
"""

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Final

from mailbox_store import search, segments
from mailbox_store.database import View
from mailbox_store.errors import StoreUnavailable
from mailbox_store.search import Measure
from mailbox_store.segments import SegmentDamaged
from mailbox_store.vault import AccountId
from mss_gateway.imap.candidates import Candidate, Test, test_for
from mss_gateway.imap.grammar.search import Every
from mss_gateway.imap.lookup import SLICE_SECONDS, Lookup, positions
from mss_gateway.imap.rows import rows_at
from mss_gateway.imap.searching import (
    Cost,
    Known,
    Leaf,
    Positions,
    bounds,
    cost,
    in_memory,
    judge,
    leaves,
)
from mss_gateway.imap.selected import Selected
from mss_gateway.imap.state import Session
from mss_gateway.imap.wire import ConnectionGone

_BATCH: Final = {Cost.ROW: 2_000, Cost.SUMMARY: 500, Cost.HEADER: 100, Cost.TEXT: 10}
"""Messages per look into the store at most; it ends sooner when they take long."""


FEW_KEYS: Final = 16
MAX_POSITIONS: Final = 2_000_000
"""Keys times messages of one search, beyond a few keys: each key is a set of positions while the
search runs, about 60 octets for each message in it."""


class SearchTooBroad(Exception):
    """So many keys on so large a mailbox: NO with LIMIT, RFC 9051 §7.1."""


async def find(session: Session, key: Every) -> list[int]:
    """The positions that fulfil ``key``, ascending; a client that is gone ends the search.

    Raises ``NumberAbsent``, ``SearchTooBroad`` and ``ConnectionGone``.
    """
    here = session.here
    asked = list(dict.fromkeys(leaves(key)))
    if len(asked) > FEW_KEYS and len(asked) * len(here.uids) > MAX_POSITIONS:
        raise SearchTooBroad
    known, found = await session.services.bridge.run(_at_first, here, key, asked)
    for stage in (_by_queries, _by_index):
        if not found.open:
            break
        known |= await stage(session, asked, found.open)
        found = await session.services.bridge.run(judge, key, found.yes | found.open, known)
    if not found.open:
        return sorted(found.yes)
    return sorted([*found.yes, *await _by_reading(session, key, known, found.open)])


def _at_first(here: Selected, key: Every, asked: Sequence[Leaf]) -> tuple[dict[Leaf, Known], Known]:
    """What memory knows of the leaves, and so of the key; all the rest is open."""
    everywhere = frozenset(range(len(here.uids)))
    known = dict.fromkeys(asked, Known(open=everywhere)) | in_memory(here, asked)
    return known, judge(key, everywhere, known)


async def _by_queries(
    session: Session, asked: Sequence[Leaf], _places: Positions
) -> dict[Leaf, Known]:
    known: dict[Leaf, Known] = {}
    now = int(session.services.clock())
    for leaf in asked:
        if cost(leaf) is Cost.QUERY:
            _end_if_gone(session)
            known[leaf] = await session.read(_measured, session.here, bounds(leaf, now))
    return known


def _measured(view: View, here: Selected, asked: tuple[Measure, int, int]) -> Known:
    uids = search.uids_within(view, here.mailbox_id, *asked)
    return Known(positions(here, uids))


async def _by_index(
    session: Session, asked: Sequence[Leaf], places: Positions
) -> dict[Leaf, Known]:
    lookup = Lookup(session.account_id, session.here, asked)
    if not lookup.leaves:
        return {}
    await session.read(lookup.begin, places)
    while not await session.read(lookup.step):
        _end_if_gone(session)
    known: dict[Leaf, Known] = {}
    for leaf in lookup.leaves:
        _end_if_gone(session)
        known[leaf] = await session.read(lookup.resolve, leaf)
    for damaged in lookup.broken:
        await _have_made_again(session, damaged)
    return known


async def _have_made_again(session: Session, damaged: SegmentDamaged) -> None:
    """Report and mark it, once; should that fail, the next search finds it again."""
    session.services.report("SEARCH", damaged)
    with suppress(StoreUnavailable):
        await session.commit(partial(segments.mark_damaged, segment_id=damaged.segment_id))


async def _by_reading(
    session: Session, key: Every, known: Mapping[Leaf, Known], places: Positions
) -> list[int]:
    here, account_id = session.here, session.account_id
    needed = max(cost(leaf) for leaf, each in known.items() if not each.open.isdisjoint(places))
    test, ordered, found = test_for(key, known), sorted(places), list[int]()
    start = 0
    while start < len(ordered):
        _end_if_gone(session)
        batch = ordered[start : start + _BATCH[needed]]
        fulfilling, handled = await session.read(_tested, account_id, here, batch, test, needed)
        found += fulfilling
        start += handled
    return found


def _tested(
    view: View,
    account_id: AccountId,
    here: Selected,
    batch: list[int],
    test: Test,
    needed: Cost,
) -> tuple[list[int], int]:
    """Those of ``batch`` that fulfil the test, and how many were looked at."""
    until = time.perf_counter() + SLICE_SECONDS
    found: list[int] = []
    for at, row in rows_at(view, account_id, here, batch, needed >= Cost.SUMMARY):
        if test(Candidate(view, account_id, at, row)):
            found.append(at)
        if time.perf_counter() > until:
            return found, batch.index(at) + 1
    return found, len(batch)


def _end_if_gone(session: Session) -> None:
    if session.wire.is_lost:
        raise ConnectionGone
