"""IDLE, RFC 2177 §3: tell what happens while the client only listens."""

from typing import Final

from mailbox_store.errors import StoreError
from mss_gateway.imap.access import confirm
from mss_gateway.imap.responses import Reply, Status, bye, done
from mss_gateway.imap.state import Session
from mss_gateway.imap.syncing import sync
from mss_gateway.imap.wire import LineTooLong

MAX_DONE: Final = 64


async def cmd_idle(session: Session, _: None) -> Reply:
    """A wake-up leads to the change feed; without one the feed is read every so often."""
    loop_time = session.wire.time
    ends = loop_time() + session.settings.idle_seconds
    session.send(b"+ idling\r\n")
    while True:
        await confirm(session, "IDLE")
        try:
            await sync(session, may_expunge=True)
        except StoreError as error:
            # an answer now would be taken for that to DONE; the next look may succeed
            session.services.report("IDLE", error)
        await session.flush()
        try:
            line = session.wire.take_line(MAX_DONE)
        except LineTooLong:
            session.is_leaving = True
            return Reply(Status.BAD, session.say("imap.commande_trop_longue"))
        if line is not None:
            if line.strip().upper() == b"DONE":
                return done("IDLE")
            session.bad_commands += 1
            return Reply(Status.BAD, f"{session.say('imap.syntaxe')} (DONE)")
        left = ends - loop_time()
        if left <= 0:
            session.send(bye(session.say("imap.inactif")))
            session.is_leaving = True
            return done("IDLE")
        await session.wire.pause(min(left, session.settings.recheck_seconds))
