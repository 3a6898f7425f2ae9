"""LIST, LSUB, NAMESPACE, STATUS: mailboxes by name, and their counters."""

from dataclasses import dataclass, replace

from mailbox_store import mailboxes, personal, subscriptions
from mailbox_store.database import MailboxId, View
from mailbox_store.mailboxes import Mailbox
from mailbox_store.vault import AccountId
from mss_gateway.imap import access, counters
from mss_gateway.imap.grammar.listing import ListRequest, StatusRequest
from mss_gateway.imap.listed import Listed, line, listed, subscribed_only, wants_subscriptions
from mss_gateway.imap.responses import Reply, Status, done
from mss_gateway.imap.state import Extension, Holder, Session


@dataclass(frozen=True, slots=True)
class Reader:
    """Who asks: ``viewer`` is set for who has a \\Seen of their own; the limit is in octets."""

    holder: Holder
    viewer: AccountId | None
    append_limit: int

    @classmethod
    def of(cls, session: Session) -> "Reader":
        """Who asks in this session."""
        return cls(session.someone, session.viewer, session.settings.message_octets)


async def cmd_list(session: Session, request: ListRequest) -> Reply:
    """RFC 9051 §6.3.9, with the special uses of RFC 6154 §2 and the children of RFC 3348 §3.

    A STATUS response follows the LIST response of each mailbox that meets the selection options
    itself, RFC 5819 §2; all of them come from one view.
    """
    if request.patterns == ("",) and not request.is_extended:
        session.send(b'* LIST (\\Noselect) "/" ""\r\n')
        return done("LIST")
    if _is_unknown(session, request.status):
        return _bad(session)
    for one, values in await session.read(_answers, Reader.of(session), request):
        printed = session.printed(one.name)
        told = line(b"LIST", one, printed)
        await session.send_much(told if values is None else told + counters.line(printed, values))
    return done("LIST")


async def cmd_lsub(session: Session, request: ListRequest) -> Reply:
    """RFC 3501 §6.3.9; a name stays subscribed when its mailbox is gone.

    A member is told of names alone that they may see: of others, not whether there is a mailbox.
    """

    def read(view: View) -> list[Listed]:
        subscribed = subscriptions.names(view, session.account_id)
        if not access.is_owner(session.someone):
            subscribed &= {box.name for box in _visible(view, Reader.of(session))[0]}
        return subscribed_only(request, subscribed)

    for one in await session.read(read):
        await session.send_much(line(b"LSUB", one, session.printed(one.name)))
    return done("LSUB")


async def cmd_namespace(session: Session, _: None) -> Reply:
    """RFC 9051 §6.3.10: personal mailboxes only."""
    session.send(b'* NAMESPACE (("" "/")) NIL NIL\r\n')
    return done("NAMESPACE")


async def cmd_status(session: Session, request: StatusRequest) -> Reply:
    """RFC 9051 §6.3.11: of any mailbox, the selected one too."""
    if _is_unknown(session, request.items):
        return _bad(session)

    def read(view: View) -> tuple[str, bytes]:
        box, _ = access.named(view, session.someone, "STATUS", request.name)
        return box.name, _counted(view, Reader.of(session), box, request.items)

    name, values = await session.read(read)
    session.send(counters.line(session.printed(name), values))
    return done("STATUS")


def _answers(view: View, reader: Reader, request: ListRequest) -> list[tuple[Listed, bytes | None]]:
    """What LIST tells, on a pool thread: names are opened and matched there.

    Of a mailbox that may be seen and not read there is no STATUS, RFC 5819 §2.
    """
    boxes, readable = _visible(view, reader)
    subscribed: set[str] = set()
    if wants_subscriptions(request):
        subscribed = subscriptions.names(view, reader.holder.account_id)
        if not access.is_owner(reader.holder):
            subscribed &= {box.name for box in boxes}
    found: list[tuple[Listed, bytes | None]] = []
    for one in listed(request, boxes, subscribed):
        box, values = one.mailbox, None
        if request.status and one.is_selected and box and box.mailbox_id in readable:
            values = _counted(view, reader, box, request.status)
        found.append((one, values))
    return found


def _visible(view: View, reader: Reader) -> tuple[list[Mailbox], set[MailboxId]]:
    """The mailboxes that they may see, and which of them they may read."""
    boxes = mailboxes.list_mailboxes(view, reader.holder.account_id)
    letters = access.on_each(view, reader.holder, boxes)
    readable = {mailbox_id for mailbox_id, rights in letters.items() if "r" in rights}
    return [box for box in boxes if "l" in letters[box.mailbox_id]], readable


def _counted(view: View, reader: Reader, box: Mailbox, items: tuple[bytes, ...]) -> bytes:
    """STATUS; UNSEEN is one's own where \\Seen is, and then costs a walk over what was seen."""
    if reader.viewer is not None and b"UNSEEN" in items:
        seen = personal.count(view, reader.viewer, box.mailbox_id)
        box = replace(box, unseen=box.messages - seen)
    return counters.values(view, box, items, reader.append_limit)


def _is_unknown(session: Session, items: tuple[bytes, ...]) -> bool:
    """RECENT is no item of RFC 9051; HIGHESTMODSEQ makes a client one of CONDSTORE's.

    RFC 7162 §3.1.
    """
    if session.is_rev2 and b"RECENT" in items:
        return True
    if b"HIGHESTMODSEQ" in items:
        session.enable(Extension.CONDSTORE)
    return False


def _bad(session: Session) -> Reply:
    session.bad_commands += 1
    return Reply(Status.BAD, f"{session.say('imap.syntaxe')} (status-att)")
