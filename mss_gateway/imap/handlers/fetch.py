"""FETCH and UID FETCH, RFC 9051 §6.4.5: batches read on a pool thread, sent with back pressure."""

from collections.abc import Iterator
from itertools import islice
from typing import Final

from mailbox_store import changes, messages
from mailbox_store.errors import StoreError
from mailbox_store.flags import SEEN
from mss_gateway.imap.grammar.arguments import FetchRequest
from mss_gateway.imap.grammar.fetch import Attribute
from mss_gateway.imap.rendering import Batch, Pieces, Plan, Remote, plan_for, render
from mss_gateway.imap.responses import Reply, Status, done
from mss_gateway.imap.selected import Selected, Spans
from mss_gateway.imap.state import Session
from mss_gateway.imap.wire import ConnectionGone

BATCH_MESSAGES: Final = 200
BATCH_FLAGS: Final = 2_000
REMOTE_OCTETS: Final = 524_288
"""How much of a large message is in memory at a time; a whole number of sealed chunks."""


async def cmd_fetch(session: Session, request: FetchRequest) -> Reply:
    """Messages that are gone meanwhile are left out and said to be, RFC 5530 §3 EXPUNGEISSUED."""
    here = session.here
    spans = here.spans(request.numbers, request.is_uid)
    plan = plan_for(request.items, request.is_uid)
    if plan.words is not None:
        await _send_flags(session, spans, plan.words)
        return done("FETCH")
    newly_seen: frozenset[int] = frozenset()
    if plan.sets_seen and not here.is_read_only:
        newly_seen = await _set_seen(session, spans)
    missing = 0
    for positions in _batches(spans, BATCH_MESSAGES):
        missing += await _send_batch(session, plan, positions, newly_seen)
    if missing:
        return Reply(Status.OK, session.say("imap.messages_disparus"), b"EXPUNGEISSUED")
    return done("FETCH")


async def _send_flags(session: Session, spans: Spans, words: tuple[Attribute, ...]) -> None:
    """UID and FLAGS alone: from the arrays, without the store."""
    here = session.here
    for positions in _batches(spans, BATCH_FLAGS):
        await session.send_much(_flag_lines(here, positions, words))


def _flag_lines(here: Selected, positions: list[int], words: tuple[Attribute, ...]) -> bytes:
    uids, told, printed = here.uids, here.told, here.printer
    if words == (Attribute.UID, Attribute.FLAGS):
        line = b"* %d FETCH (UID %d FLAGS %s)\r\n"
        return b"".join([line % (at + 1, uids[at], printed(told[at])) for at in positions])
    if words == (Attribute.FLAGS,):
        return b"".join(
            [b"* %d FETCH (FLAGS %s)\r\n" % (p + 1, printed(told[p])) for p in positions]
        )
    if words == (Attribute.UID,):
        return b"".join([b"* %d FETCH (UID %d)\r\n" % (at + 1, uids[at]) for at in positions])
    line = b"* %d FETCH (FLAGS %s UID %d)\r\n"
    return b"".join([line % (at + 1, printed(told[at]), uids[at]) for at in positions])


async def _set_seen(session: Session, spans: Spans) -> frozenset[int]:
    """\\Seen for all that is about to be read, in one transaction; the positions that changed."""
    here = session.here
    unseen = [
        here.uids[at]
        for start, end in spans
        for at in range(start, end)
        if not here.told[at] & SEEN
    ]
    if not unseen:
        return frozenset()
    changed = await session.commit(
        lambda tx: messages.set_flags(tx, here.mailbox_id, unseen, -1, SEEN)
    )
    found: set[int] = set()
    for uid, flags, _ in changed:
        at = here.position(uid)
        if at is not None:
            here.told[at] |= flags & SEEN
            found.add(at)
    return frozenset(found)


async def _send_batch(
    session: Session, plan: Plan, positions: list[int], newly_seen: frozenset[int]
) -> int:
    """Send these messages; how many of them are gone."""
    here, account_id = session.here, session.account_id
    missing = 0
    while positions:
        batch = Batch(account_id, here, positions, newly_seen)
        answer = await session.read(render, plan, batch)
        await _send_pieces(session, answer.pieces)
        missing += answer.missing
        positions = positions[answer.handled :]
    return missing


async def _send_pieces(session: Session, pieces: Pieces) -> None:
    for piece in pieces:
        if isinstance(piece, bytes):
            await session.send_much(piece)
        else:
            await _send_remote(session, piece)


async def _send_remote(session: Session, remote: Remote) -> None:
    """A large section, a stretch at a time.

    Its length is promised already: a message that goes meanwhile can only end the connection.
    """
    account_id = session.account_id
    start, end = remote.start, remote.start + remote.length
    while start < end:
        length = min(end, (start // REMOTE_OCTETS + 1) * REMOTE_OCTETS) - start
        try:
            octets = await session.read(
                changes.read_body, account_id, remote.message_id, start, length
            )
        except StoreError as error:
            session.services.report("FETCH", error)
            session.wire.abort()
            raise ConnectionGone from None
        await session.send_much(octets)
        start += length


def _batches(spans: Spans, size: int) -> Iterator[list[int]]:
    """Positions of ``spans`` by ``size`` at a time, never all of them in memory."""
    positions = (at for start, end in spans for at in range(start, end))
    while batch := list(islice(positions, size)):
        yield batch
