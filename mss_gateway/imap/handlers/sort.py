"""SORT and THREAD, RFC 5256 §3, and SORT with RETURN, RFC 5267 §3."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeVar

from mailbox_store.changes import Row
from mailbox_store.database import View
from mailbox_store.vault import AccountId
from mss_gateway.imap.finding import find
from mss_gateway.imap.grammar.search import Returned, SearchRequest
from mss_gateway.imap.grammar.sort import Algorithm, SortCommand, ThreadCommand
from mss_gateway.imap.handlers.search import extended
from mss_gateway.imap.ordering.collation import collation_key
from mss_gateway.imap.ordering.lineage import Lineage
from mss_gateway.imap.ordering.sorting import ordered, ordered_set, sent_date, values, wants_summary
from mss_gateway.imap.ordering.subjects import base_subject
from mss_gateway.imap.ordering.thread_lists import thread_lists
from mss_gateway.imap.ordering.threading import Letter, by_references, by_subject
from mss_gateway.imap.responses import Reply, done
from mss_gateway.imap.rows import rows_at
from mss_gateway.imap.selected import Selected
from mss_gateway.imap.state import Extension, Session
from mss_gateway.imap.wire import ConnectionGone
from mss_gateway.message.summary import Summary

T = TypeVar("T")

_BATCH: Final = 500
"""Messages per look into the store, as for a search that reads summaries."""


async def cmd_sort(session: Session, command: SortCommand) -> Reply:
    """Numbers in the order asked for; a client that is gone ends it."""
    here, criteria, request = session.here, command.criteria, command.request
    found = await _found(session, request)
    read = await _read(session, found, wants_summary(criteria), lambda row: values(criteria, row))
    order = await session.services.bridge.run(ordered, criteria, read)
    numbers = _numbers(here, order, command.is_uid)
    if request.returns is None:
        modseq = _modseq(here, order, request)
        told = [b"%d" % number for number in numbers] + ([b"(%b)" % modseq] if modseq else [])
        session.send(b" ".join([b"* SORT", *told]) + b"\r\n")
    else:
        words = [*_returned(numbers, request.returns)]
        modseq = _modseq(here, _told(order, request.returns), request)
        session.send(extended(session.tag, [*words, modseq] if modseq else words, command.is_uid))
    return done("SORT")


async def cmd_thread(session: Session, command: ThreadCommand) -> Reply:
    """Trees of numbers; a client that is gone ends it."""
    here = session.here
    found = await _found(session, command.request)
    lineage = Lineage() if command.algorithm is Algorithm.REFERENCES else None

    def taken(row: Row) -> Letter:
        summary = Summary(row.summary)
        if lineage is not None:
            lineage.add(summary.message_id, summary.references, summary.in_reply_to)
        base = base_subject(summary.subject)
        return Letter(collation_key(base.text), base.is_reply, sent_date(row, summary))

    def told(read: list[tuple[int, Letter]]) -> bytes:
        letters = [letter for _, letter in read]
        threads = by_subject(letters) if lineage is None else by_references(letters, lineage)
        return thread_lists(threads, _numbers(here, [at for at, _ in read], command.is_uid))

    read = await _read(session, found, True, taken)
    lists = await session.services.bridge.run(told, read)
    session.send(b"* THREAD" + (b" " + lists if lists else b"") + b"\r\n")
    return done("THREAD")


async def _found(session: Session, request: SearchRequest) -> list[int]:
    """Asking for MODSEQ enables CONDSTORE, RFC 7162 §3.1."""
    if request.has_modseq:
        session.enable(Extension.CONDSTORE)
    return await find(session, request.key)


async def _read(
    session: Session, positions: list[int], want_summary: bool, take: Callable[[Row], T]
) -> list[tuple[int, T]]:
    """What ``take`` makes of each message that still exists, by ascending position."""
    here, account_id = session.here, session.account_id
    read: list[tuple[int, T]] = []
    for start in range(0, len(positions), _BATCH):
        if session.wire.is_lost:
            raise ConnectionGone
        batch = positions[start : start + _BATCH]
        read += await session.read(_taken, account_id, here, batch, want_summary, take)
    return read


def _taken(
    view: View,
    account_id: AccountId,
    here: Selected,
    positions: list[int],
    want_summary: bool,
    take: Callable[[Row], T],
) -> list[tuple[int, T]]:
    rows = rows_at(view, account_id, here, positions, want_summary)
    return [(at, take(row)) for at, row in rows]


def _returned(numbers: list[int], returns: frozenset[Returned]) -> Iterator[bytes]:
    """First, last, all in their order, count: RFC 5267 §3.1; nothing but the count of nothing."""
    if numbers and Returned.MIN in returns:
        yield b"MIN %d" % numbers[0]
    if numbers and Returned.MAX in returns:
        yield b"MAX %d" % numbers[-1]
    if numbers and Returned.ALL in returns:
        yield b"ALL " + ordered_set(numbers)
    if Returned.COUNT in returns:
        yield b"COUNT %d" % len(numbers)


def _told(order: list[int], returns: frozenset[Returned]) -> list[int]:
    """The messages that the answer speaks of, for its MODSEQ: RFC 7162 §3.1.10."""
    if returns & {Returned.ALL, Returned.COUNT}:
        return order
    first = order[:1] if Returned.MIN in returns else []
    return first + (order[-1:] if Returned.MAX in returns else [])


def _numbers(here: Selected, positions: Sequence[int], is_uid: bool) -> list[int]:
    return [here.uids[at] if is_uid else at + 1 for at in positions]


def _modseq(here: Selected, positions: Sequence[int], request: SearchRequest) -> bytes:
    """The highest MODSEQ of the messages told, where MODSEQ was asked of them, RFC 7162 §3.1.6."""
    if not request.has_modseq or not positions:
        return b""
    return b"MODSEQ %d" % max(here.modseqs[at] for at in positions)
