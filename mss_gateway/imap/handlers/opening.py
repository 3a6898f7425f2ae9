"""SELECT and EXAMINE."""

from mailbox_store import mailboxes
from mailbox_store.changes import Snapshot, snapshot
from mailbox_store.database import View
from mailbox_store.flags import SEEN
from mss_gateway.imap.responses import Reply, done, untagged_ok
from mss_gateway.imap.selected import Selected
from mss_gateway.imap.state import Session


async def cmd_select(session: Session, name: str) -> Reply:
    """RFC 9051 §6.3.2."""
    return await _open(session, name, is_read_only=False)


async def cmd_examine(session: Session, name: str) -> Reply:
    """RFC 9051 §6.3.3."""
    return await _open(session, name, is_read_only=True)


async def _open(session: Session, name: str, is_read_only: bool) -> Reply:
    """A failed SELECT leaves nothing selected. \\Recent is never set, RFC 9051 §E."""
    session.deselect()
    account_id = session.account_id

    def read(view: View) -> Snapshot:
        return snapshot(view, mailboxes.find(view, account_id, name).mailbox_id)

    here = Selected(await session.read(read), is_read_only)
    session.select(here)
    session.send(here.printer.announced(is_read_only))
    session.send(b"* %d EXISTS\r\n* 0 RECENT\r\n" % len(here.uids))
    unseen = next((at for at, flags in enumerate(here.told, 1) if not flags & SEEN), None)
    if unseen is not None:
        session.send(untagged_ok(b"UNSEEN %d" % unseen, "."))
    session.send(untagged_ok(b"UIDVALIDITY %d" % here.uidvalidity, "."))
    session.send(untagged_ok(b"UIDNEXT %d" % here.uidnext, "."))
    return done("SELECT", b"READ-ONLY" if is_read_only else b"READ-WRITE")
