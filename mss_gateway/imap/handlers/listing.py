"""LIST, LSUB, NAMESPACE, STATUS."""

from collections.abc import Iterator

from mailbox_store import mailboxes, subscriptions
from mss_gateway.imap import responses
from mss_gateway.imap.grammar.arguments import ListRequest, StatusRequest
from mss_gateway.imap.patterns import Match, listed
from mss_gateway.imap.responses import Reply, done
from mss_gateway.imap.state import Session


async def cmd_list(session: Session, request: ListRequest) -> Reply:
    """RFC 9051 §6.3.9, with the special uses of RFC 6154 §2 and the children of RFC 3348 §3."""
    if request.patterns == ("",):
        session.send(b'* LIST (\\Noselect) "/" ""\r\n')
        return done("LIST")
    account_id = session.account_id
    boxes = await session.read(lambda view: mailboxes.list_mailboxes(view, account_id))
    for pattern in request.patterns:
        for match in listed(boxes, request.reference + pattern):
            session.send(responses.listed(b"LIST", _attributes(match), match.name))
    return done("LIST")


async def cmd_lsub(session: Session, request: ListRequest) -> Reply:
    """RFC 3501 §6.3.9; a level without subscription above a subscribed one is \\Noselect."""
    account_id = session.account_id
    boxes = await session.read(lambda view: mailboxes.list_mailboxes(view, account_id))
    names = await session.read(lambda view: subscriptions.names(view, account_id))
    subscribed = [box for box in boxes if box.name in names]
    for pattern in request.patterns:
        for match in listed(subscribed, request.reference + pattern):
            if match.mailbox is not None:
                session.send(responses.listed(b"LSUB", (), match.name))
            elif "%" in pattern:
                session.send(responses.listed(b"LSUB", (b"\\Noselect",), match.name))
    return done("LSUB")


async def cmd_namespace(session: Session, _: None) -> Reply:
    """RFC 9051 §6.3.10: personal mailboxes only."""
    session.send(b'* NAMESPACE (("" "/")) NIL NIL\r\n')
    return done("NAMESPACE")


async def cmd_status(session: Session, request: StatusRequest) -> Reply:
    """RFC 9051 §6.3.11: from the mailbox's counters, whatever its size."""
    account_id = session.account_id
    box = await session.read(lambda view: mailboxes.find(view, account_id, request.name))
    session.send(responses.status(box.name, request.items, box))
    return done("STATUS")


def _attributes(match: Match) -> Iterator[bytes]:
    if match.mailbox is None:
        yield b"\\Noselect"
    elif match.mailbox.special_use is not None:
        yield match.mailbox.special_use.encode("ascii")
    yield b"\\HasChildren" if match.has_children else b"\\HasNoChildren"
