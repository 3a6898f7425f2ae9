"""FETCH and UID FETCH, RFC 9051 §6.4.5: batches read on a pool thread, sent with back pressure."""

import asyncio
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Final

from mailbox_store import changes, messages
from mailbox_store import flags as flags_of
from mailbox_store.database import Transaction
from mailbox_store.flags import SEEN
from mss_gateway.imap import access
from mss_gateway.imap.contents import Encoded, Pieces, Remote
from mss_gateway.imap.grammar.fetch import Attribute, FetchRequest
from mss_gateway.imap.grammar.sets import NumberSet, is_within, merged, printed
from mss_gateway.imap.rendering import Batch, Plan, plan_for, render
from mss_gateway.imap.responses import Reply, Status, done, literal8_head
from mss_gateway.imap.selected import Selected, Spans
from mss_gateway.imap.state import Extension, Session
from mss_gateway.imap.wire import ConnectionGone

BATCH_MESSAGES: Final = 200
BATCH_FLAGS: Final = 2_000
TURN_SECONDS: Final = 0.05
"""Between two looks whether there is memory for a large part."""

REMOTE_OCTETS: Final = 524_288
"""How much of a large message is in memory at a time; a whole number of sealed chunks."""


async def cmd_fetch(session: Session, request: FetchRequest) -> Reply:
    """Messages that are gone meanwhile are left out and said to be, RFC 5530 §3 EXPUNGEISSUED."""
    here = session.here
    if request.wants_vanished and not session.has_qresync:
        return Reply(Status.BAD, session.say("imap.qresync_absent"))
    spans = here.spans(request.numbers, request.is_uid)
    if Attribute.MODSEQ in request.items:
        session.enable(Extension.CONDSTORE)
    if request.changed_since is not None:
        if request.wants_vanished:
            await _send_vanished(session, request.numbers, request.changed_since)
        spans = _changed(here, spans, request.changed_since)
    plan = plan_for(request.items, request.is_uid)
    newly_seen: frozenset[int] = frozenset()
    missing = 0
    if plan.is_in_memory:
        spans, missing = _known(here, spans)
        await _send_flags(session, spans, plan.words)
        spans = []
    if plan.sets_seen and not here.is_read_only and here.changeable & SEEN:
        newly_seen = await _set_seen(session, spans)
    for positions in _batches(spans, BATCH_MESSAGES):
        missing += await _send_batch(session, plan, positions, newly_seen)
    if missing:
        return Reply(Status.OK, session.say("imap.messages_disparus"), b"EXPUNGEISSUED")
    return done("FETCH")


_IN_MEMORY: Final[dict[Attribute, Callable[[Selected, int], bytes]]] = {
    Attribute.UID: lambda here, at: b"UID %d" % here.uids[at],
    Attribute.FLAGS: lambda here, at: b"FLAGS " + here.printer(here.told[at]),
    Attribute.MODSEQ: lambda here, at: b"MODSEQ (%d)" % here.modseqs[at],
}
"""What is told without a look into the store."""


async def _send_flags(session: Session, spans: Spans, words: tuple[Attribute, ...]) -> None:
    """UID, FLAGS and MODSEQ alone: from the arrays, without the store."""
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
    words_of = [_IN_MEMORY[word] for word in words]
    return b"".join(
        [
            b"* %d FETCH (%s)\r\n" % (at + 1, b" ".join([word(here, at) for word in words_of]))
            for at in positions
        ]
    )


def _known(here: Selected, spans: Spans) -> tuple[Spans, int]:
    """``spans`` without messages that went before their flags were read, and how many went."""
    if not here.has_untold_expunges:
        return spans, 0
    places = [at for start, end in spans for at in range(start, end)]
    known = [at for at in places if here.modseqs[at]]
    merge = merged((at, at) for at in known)
    return [(low, high + 1) for low, high in merge], len(places) - len(known)


def _changed(here: Selected, spans: Spans, modseq: int) -> Spans:
    """Of ``spans``, what changed after ``modseq``."""
    changed = [at for start, end in spans for at in range(start, end) if here.modseqs[at] > modseq]
    return [(low, high + 1) for low, high in merged((at, at) for at in changed)]


async def _send_vanished(session: Session, numbers: NumberSet, modseq: int) -> None:
    """What went of the named UIDs since ``modseq``, RFC 7162 §3.2.6."""
    here = session.here
    gone = await session.read(changes.vanished_since, here.mailbox_id, modseq)
    if numbers.is_saved:
        return  # a saved result names messages that are there
    ranges = numbers.resolve(max(here.uidnext - 1, 1))
    named = [uid for uid in gone if is_within(ranges, uid)]
    if named:
        session.send(b"* VANISHED (EARLIER) %s\r\n" % printed(named))


async def _set_seen(session: Session, spans: Spans) -> frozenset[int]:
    """\\Seen for all that is about to be read, in one transaction; the positions that changed.

    Nothing is changed for who may not, RFC 4314 §4.
    """
    here, viewer = session.here, session.viewer
    unseen = [
        here.uids[at]
        for start, end in spans
        for at in range(start, end)
        if not here.told[at] & SEEN
    ]
    if not unseen:
        return frozenset()

    def work(tx: Transaction) -> tuple[list[tuple[int, int, int]], dict[int, str]]:
        may = "s" in access.selected(tx, session.someone, "FETCH", here.mailbox_id)
        changed = messages.set_flags(tx, here.mailbox_id, unseen, -1, SEEN, viewer) if may else []
        return changed, flags_of.keywords(tx, here.mailbox_id)

    changed, keywords = await session.commit(work)
    lines: list[bytes] = []
    here.learn(lines, keywords)
    for line in lines:
        session.send(line)
    found: set[int] = set()
    for uid, flags, modseq in changed:
        at = here.position(uid)
        if at is not None:
            # all of them: a MODSEQ is told with the flags that it stands for
            here.set_flags(at, flags, modseq)
            found.add(at)
    return frozenset(found)


async def _send_batch(
    session: Session, plan: Plan, positions: list[int], newly_seen: frozenset[int]
) -> int:
    """Send these messages; how many of them are gone."""
    here, account_id = session.here, session.account_id
    missing = 0
    while positions:
        batch = Batch(account_id, here, positions, newly_seen, session.telling.has_condstore)
        answer = await session.read(render, plan, batch)
        await _send_pieces(session, answer.pieces)
        missing += answer.missing
        positions = positions[answer.handled :]
    return missing


async def _send_pieces(session: Session, pieces: Pieces) -> None:
    """From the first of them on the client counts octets.

    Whatever else were said then would be read as the message: a failure ends the connection.
    """
    try:
        for piece in pieces:
            if isinstance(piece, bytes):
                await session.send_much(piece)
            elif isinstance(piece, Remote):
                await _send_remote(session, piece)
            else:
                await _send_encoded(session, piece)
    except ConnectionGone:
        raise
    except BaseException as error:
        session.wire.abort()
        if not isinstance(error, Exception):
            raise
        session.services.report("FETCH", error)
        raise ConnectionGone from None


async def _send_remote(session: Session, remote: Remote) -> None:
    """A large section, a stretch at a time."""
    account_id = session.account_id
    start, end = remote.start, remote.start + remote.length
    while start < end:
        length = min(end, (start // REMOTE_OCTETS + 1) * REMOTE_OCTETS) - start
        octets = await session.read(changes.read_body, account_id, remote.message_id, start, length)
        await session.send_much(octets)
        start += length


async def _send_encoded(session: Session, piece: Encoded) -> None:
    """A large part is decoded whole, so its memory is counted like that of a message coming in."""
    octets = piece.remote.length
    while not session.reserve(octets):
        if session.wire.is_lost:
            raise ConnectionGone
        await asyncio.sleep(TURN_SECONDS)
    try:
        decoded = await session.read(piece.decoded, session.account_id)
        session.send(literal8_head(decoded))
        for start in range(0, len(decoded), REMOTE_OCTETS):
            await session.send_much(decoded[start : start + REMOTE_OCTETS])
        await session.flush()
    finally:
        session.release(octets)


def _batches(spans: Spans, size: int) -> Iterator[list[int]]:
    """Positions of ``spans`` by ``size`` at a time, never all of them in memory."""
    positions = (at for start, end in spans for at in range(start, end))
    while batch := list(islice(positions, size)):
        yield batch
