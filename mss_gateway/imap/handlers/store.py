"""STORE and UID STORE, RFC 9051 §6.4.6."""

from dataclasses import dataclass

from mailbox_store import flags as store_flags
from mailbox_store import messages
from mailbox_store.changes import Changes
from mailbox_store.database import MailboxId, Transaction
from mss_gateway.failures import Failure
from mss_gateway.imap.grammar.arguments import Operation, StoreRequest
from mss_gateway.imap.grammar.primitives import Flags
from mss_gateway.imap.responses import Reply, done, refused
from mss_gateway.imap.selected import Selected, Spans
from mss_gateway.imap.state import Session


@dataclass(frozen=True, slots=True)
class _Stored:
    """What was done: ``(flags & keep) | add``, which messages changed, the keywords since."""

    keep: int
    add: int
    changed: list[tuple[int, int, int]]
    keywords: dict[int, str]


async def cmd_store(session: Session, request: StoreRequest) -> Reply:
    """All messages in one transaction; those that are gone are passed over, RFC 2180 §4.2.1."""
    here = session.here
    if here.is_read_only:
        return refused(session.say, Failure.MAILBOX_READ_ONLY)
    spans = here.spans(request.numbers, request.is_uid)
    uids = here.uids_of(spans)
    stored = await session.commit(lambda tx: _store(tx, here.mailbox_id, uids, request))
    lines: list[bytes] = []
    here.learn(lines, Changes(here.modseq, [], [], [], stored.keywords))
    _take_over(here, stored, request.is_silent)
    if not request.is_silent:
        _tell(here, stored, spans, lines)
    for line in lines:
        session.send(line)
    return done("STORE")


def _store(
    tx: Transaction, mailbox_id: MailboxId, uids: list[int], request: StoreRequest
) -> _Stored:
    keep, add = _arithmetic(tx, mailbox_id, request.operation, request.flags)
    changed = messages.set_flags(tx, mailbox_id, uids, keep, add) if uids else []
    return _Stored(keep, add, changed, store_flags.keywords(tx, mailbox_id))


def _arithmetic(
    tx: Transaction, mailbox_id: MailboxId, operation: Operation, flags: Flags
) -> tuple[int, int]:
    """The masks of the change; removing a keyword that no message ever had must not make it."""
    if operation is Operation.REMOVE:
        known = {name.lower(): bit for bit, name in store_flags.keywords(tx, mailbox_id).items()}
        removed = flags.system
        for name in flags.keywords:
            removed |= known.get(name.lower(), 0)
        return ~removed, 0
    added = flags.system | store_flags.mask(tx, mailbox_id, flags.keywords)
    return (0 if operation is Operation.REPLACE else -1), added


def _take_over(here: Selected, stored: _Stored, is_silent: bool) -> None:
    """Remember the new flags as told.

    A silent STORE tells nothing, so flags that another session changed meanwhile stay unknown to
    the client here, and the next look at the change feed tells them.
    """
    for uid, flags, _ in stored.changed:
        at = here.position(uid)
        if at is None:
            continue
        if not is_silent or (here.told[at] & stored.keep) | stored.add == flags:
            here.told[at] = flags


def _tell(here: Selected, stored: _Stored, spans: Spans, lines: list[bytes]) -> None:
    """One FETCH each, also where nothing changed; what is told stale is told by the feed."""
    for start, end in spans:
        for at in range(start, end):
            told = here.told[at]
            if (told & stored.keep) | stored.add == told:
                lines.append(here.flags_line(at))
