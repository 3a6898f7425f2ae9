"""SELECT, EXAMINE and ENABLE, with the resynchronisation of RFC 7162 §3.2.5."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from mailbox_store import changes, flags
from mailbox_store.changes import Changes
from mailbox_store.database import View
from mailbox_store.mailboxes import Mailbox
from mss_gateway.imap import access, acts, identifiers
from mss_gateway.imap.grammar.opening import Known, OpenRequest
from mss_gateway.imap.grammar.sets import is_within, printed
from mss_gateway.imap.images import Image
from mss_gateway.imap.responses import Reply, Status, done, untagged_ok
from mss_gateway.imap.rights import changeable, is_writing
from mss_gateway.imap.selected import Selected
from mss_gateway.imap.state import Extension, Session
from mss_gateway.imap.syncing import NOTHING

SMALL_MAILBOX: Final = 1_000
"""Up to so many messages SELECT looks for the first unseen one, which rev1 clients like to be told;
in a larger mailbox only when its numbers are in memory already."""


@dataclass(frozen=True, slots=True)
class _Opened:
    mailbox: Mailbox
    rights: str
    keywords: dict[int, str]
    identifier: str
    image: Image | None
    since: Changes


async def cmd_select(session: Session, request: OpenRequest) -> Reply:
    """RFC 9051 §6.3.2."""
    return await _open(session, request, is_read_only=False)


async def cmd_examine(session: Session, request: OpenRequest) -> Reply:
    """RFC 9051 §6.3.3."""
    return await _open(session, request, is_read_only=True)


async def cmd_enable(session: Session, words: tuple[bytes, ...]) -> Reply:
    """RFC 9051 §6.3.1; RFC 9051 §6.3.1 lets a server accept it in the selected state too."""
    known = {extension.value: extension for extension in Extension}
    asked = dict.fromkeys(known[word] for word in words if word in known)
    turned_on = [extension.value for extension in asked if session.enable(extension)]
    session.send(b" ".join((b"* ENABLED", *turned_on)) + b"\r\n")
    return done("ENABLE")


async def _open(session: Session, request: OpenRequest, is_read_only: bool) -> Reply:
    """A failed SELECT leaves nothing selected. \\Recent is never set, RFC 9051 §E.

    A member who may change nothing there is told READ-ONLY, RFC 4314 §5.2.
    """
    if request.known is not None and not session.has_qresync:
        return Reply(Status.BAD, session.say("imap.qresync_absent"))
    if session.selected is not None:
        session.send(untagged_ok(b"CLOSED", "."))
    session.deselect()
    if request.wants_condstore or request.known is not None:
        session.enable(Extension.CONDSTORE)
    command = "EXAMINE" if is_read_only else "SELECT"
    opened = await session.read(_read, session, request, command)
    permitted = changeable(opened.rights)
    here = Selected(opened.mailbox, opened.keywords, is_read_only, permitted)
    if opened.image is not None:
        here.load(opened.image, NOTHING)
    session.select(here)
    for line in _described(session, here, opened):
        session.send(line)
    if request.known is not None:
        _resynchronise(session, here, opened.since, request.known)
    acts.record_opening(session, here.mailbox_id, "examined" if is_read_only else "opened")
    is_writer = is_writing(opened.rights) and not is_read_only
    return done(command, b"READ-WRITE" if is_writer else b"READ-ONLY")


def _read(view: View, session: Session, request: OpenRequest, command: str) -> _Opened:
    """One view for all that is told, so that it holds together."""
    mailbox, rights = access.named(view, session.someone, command, request.name)
    mailbox_id, known, viewer = mailbox.mailbox_id, request.known, session.viewer
    if viewer is not None:
        # how many this person has not seen is not counted: the first one is looked for in any case
        mailbox = replace(mailbox, unseen=mailbox.messages)
    since = NOTHING
    if known is not None and known.uidvalidity == mailbox.uidvalidity:
        since = changes.changes_since(view, mailbox_id, known.modseq, mailbox.uidnext, viewer)
    image = session.images.at(mailbox_id, mailbox.highestmodseq, viewer)
    is_asked = mailbox.unseen and not session.is_rev2 and mailbox.messages <= SMALL_MAILBOX
    if image is None and (since.changed or is_asked):
        image = session.images.current(view, mailbox_id, viewer)
    return _Opened(
        mailbox,
        rights,
        flags.keywords(view, mailbox_id),
        identifiers.mailbox_id(view, mailbox_id),
        image,
        since,
    )


def _described(session: Session, here: Selected, opened: _Opened) -> Iterator[bytes]:
    yield here.announced()
    yield b"* %d EXISTS\r\n" % here.count
    if session.is_rev2:
        yield b'* LIST () "/" %s\r\n' % session.printed(here.name)
    else:
        yield b"* 0 RECENT\r\n"
        unseen = opened.image.first_unseen() if opened.image and opened.mailbox.unseen else None
        if unseen is not None:
            yield untagged_ok(b"UNSEEN %d" % unseen, ".")
    yield untagged_ok(b"UIDVALIDITY %d" % here.uidvalidity, ".")
    yield untagged_ok(b"UIDNEXT %d" % here.uidnext, ".")
    yield untagged_ok(b"HIGHESTMODSEQ %d" % here.modseq, ".")
    yield untagged_ok(b"MAILBOXID (%s)" % opened.identifier.encode("ascii"), ".")


def _resynchronise(session: Session, here: Selected, since: Changes, known: Known) -> None:
    """Tell what went and what changed since the client was last here, RFC 7162 §3.2.5.1.

    Where it names the UIDs it knows, nothing is told of others: what is new shows in UIDNEXT.
    """
    ranges = None if known.uids is None else known.uids.resolve(here.uidnext)
    gone = [uid for uid in since.expunged if ranges is None or is_within(ranges, uid)]
    if gone:
        session.send(b"* VANISHED (EARLIER) %s\r\n" % printed(gone))
    for uid, _, _ in since.changed:
        at = here.position(uid)
        if at is not None and (ranges is None or is_within(ranges, uid)):
            session.send(here.flags_line(at, session.telling))
