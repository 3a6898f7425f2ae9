"""STORE and UID STORE, RFC 9051 §6.4.6."""

from dataclasses import dataclass

from mailbox_store import flags as store_flags
from mailbox_store import messages
from mailbox_store.database import MailboxId, Transaction
from mailbox_store.flags import EVERY_FLAG
from mss_gateway.failures import Failure, Refused
from mss_gateway.imap import access
from mss_gateway.imap.grammar.primitives import Flags
from mss_gateway.imap.grammar.sets import printed
from mss_gateway.imap.grammar.store import Operation, StoreRequest
from mss_gateway.imap.responses import Reply, Status, done, refused
from mss_gateway.imap.rights import OTHER_FLAGS, changeable
from mss_gateway.imap.selected import Selected, Spans, Telling
from mss_gateway.imap.state import Extension, Session


@dataclass(frozen=True, slots=True)
class _Stored:
    """What was done: ``(flags & keep) | add``, which messages changed, the keywords since.

    ``refused``: UIDs that changed after UNCHANGEDSINCE and were left as they are.
    """

    keep: int
    add: int
    changed: list[tuple[int, int, int]]
    keywords: dict[int, str]
    refused: list[int]


async def cmd_store(session: Session, request: StoreRequest) -> Reply:
    """All messages in one transaction; those that are gone are passed over, RFC 2180 §4.2.1.

    With UNCHANGEDSINCE, RFC 7162 §3.1.3, what was refused is named in the tagged line.
    """
    here = session.here
    if here.is_read_only:
        return refused(session.say, Failure.MAILBOX_READ_ONLY)
    if request.unchanged_since is not None:
        session.enable(Extension.CONDSTORE)
    spans = here.spans(request.numbers, request.is_uid)
    uids = here.uids_of(spans)
    stored = await session.commit(lambda tx: _store(tx, session, uids, request))
    lines: list[bytes] = []
    here.learn(lines, stored.keywords)
    told = _take_over(here, stored, request.is_silent)
    if told and len(told) == len(stored.changed):
        here.keep_up(here.modseqs[told[0]])  # one command has one MODSEQ
    if not request.is_silent:
        _tell(here, stored, spans, lines, session.telling)
    elif session.telling.has_condstore:
        lines += [_modseq_line(here, at) for at in told]
    for line in lines:
        session.send(line)
    if stored.refused:
        numbers = _numbers(here, stored.refused, request.is_uid)
        return Reply(Status.OK, session.say("imap.modifie_entre_temps"), b"MODIFIED " + numbers)
    return done("STORE")


def _store(tx: Transaction, session: Session, uids: list[int], request: StoreRequest) -> _Stored:
    mailbox_id = session.here.mailbox_id
    permitted = changeable(access.selected(tx, session.someone, "STORE", mailbox_id))
    flags = _permitted(request.flags, permitted)
    refused: list[int] = []
    if request.unchanged_since is not None:
        refused = messages.changed_since(tx, mailbox_id, uids, request.unchanged_since)
        uids = sorted(set(uids) - set(refused))
    keep, add = _arithmetic(tx, mailbox_id, request.operation, flags)
    keep |= ~permitted
    viewer = session.viewer
    changed = messages.set_flags(tx, mailbox_id, uids, keep, add, viewer) if uids else []
    return _Stored(keep, add, changed, store_flags.keywords(tx, mailbox_id), refused)


def _permitted(flags: Flags, permitted: int) -> Flags:
    """Those of the named flags that may be changed; raises ``Refused`` where none is.

    RFC 4314 §4: mail programs do not take NO for an answer to STORE.
    """
    if permitted == EVERY_FLAG:
        return flags
    may_change_others = bool(permitted & OTHER_FLAGS)
    kept = Flags(flags.system & permitted, flags.keywords if may_change_others else ())
    if flags != Flags() and kept == Flags():
        raise Refused(Failure.NOT_ALLOWED, "STORE")
    return kept


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


def _take_over(here: Selected, stored: _Stored, is_silent: bool) -> list[int]:
    """Remember the new flags as told; the positions that the client now knows right.

    A silent STORE tells nothing, so flags that another session changed meanwhile stay unknown to
    the client here, and the next look at the change feed tells them.
    """
    told: list[int] = []
    for uid, flags, modseq in stored.changed:
        at = here.position(uid)
        if at is None:
            continue
        if not is_silent or (here.told[at] & stored.keep) | stored.add == flags:
            here.set_flags(at, flags, modseq)
            told.append(at)
    return told


def _tell(
    here: Selected, stored: _Stored, spans: Spans, lines: list[bytes], telling: Telling
) -> None:
    """One FETCH each, also where nothing changed; where the client is behind, the feed tells.

    A message that went before its flags were read has MODSEQ 0, which nobody may be told.
    """
    refused = set(stored.refused)
    for start, end in spans:
        for at in range(start, end):
            told = here.told[at]
            if here.uids[at] in refused or not here.modseqs[at]:
                continue
            if (told & stored.keep) | stored.add == told:
                lines.append(here.flags_line(at, telling))
            else:
                here.doubt(at)


def _modseq_line(here: Selected, at: int) -> bytes:
    """A silent STORE tells the new MODSEQ all the same, RFC 7162 §3.1.3."""
    return b"* %d FETCH (UID %d MODSEQ (%d))\r\n" % (at + 1, here.uids[at], here.modseqs[at])


def _numbers(here: Selected, uids: list[int], is_uid: bool) -> bytes:
    if is_uid:
        return printed(uids)
    places = (here.position(uid) for uid in uids)
    return printed(at + 1 for at in places if at is not None)
