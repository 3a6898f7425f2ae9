"""Keeping a session true: its numbers are read once, then only what changed."""

from typing import Final

from mailbox_store import changes
from mailbox_store.changes import Changes
from mailbox_store.database import NEWEST, View
from mailbox_store.errors import MailboxNotFound
from mss_gateway.imap.access import is_reading
from mss_gateway.imap.images import Image
from mss_gateway.imap.state import MailboxGone, Session

NOTHING: Final = Changes(0, [], [], [], {})
"""No change at all."""


async def load(session: Session) -> None:
    """Give the selected mailbox its numbers, if it has none yet; raises ``MailboxGone``."""
    here, viewer = session.here, session.viewer
    if here.is_loaded:
        return

    def read(view: View) -> tuple[Image, Changes]:
        image = session.images.current(view, here.mailbox_id, viewer)
        if image.modseq == here.modseq:
            return image, NOTHING
        since = changes.changes_since(view, here.mailbox_id, here.modseq, here.uidnext, viewer)
        return image, since

    try:
        image, since = await session.read(read)
    except MailboxNotFound:
        raise MailboxGone from None
    here.load(image, since)


async def sync(session: Session, may_expunge: bool) -> None:
    """Tell the client what changed in the selected mailbox; raises ``MailboxGone``.

    Without a wake-up since the last look, and soon after it, there is nothing to read, unless a
    client waits for flags that another process changed. A member who may not read it any more is
    told nothing.
    """
    if session.selected is None:
        return
    here = session.selected
    now = session.wire.time()
    is_trusted = now - session.looked_at < session.settings.trust_seconds
    is_fresh = is_trusted and not (session.is_stale or here.is_doubtful)
    if is_fresh and not (may_expunge and here.has_untold_expunges):
        session.send(here.withheld(session.telling))
        return
    session.noticed, session.looked_at = 0, now

    def since(view: View) -> Changes | None:
        if changes.highest_modseq(view, here.mailbox_id) is None:
            return None
        if not is_reading(view, session.someone, here.mailbox_id):
            return NOTHING
        viewer = session.viewer
        return changes.changes_since(view, here.mailbox_id, here.modseq, here.uidnext, viewer)

    try:
        found = await session.read(since)
    except Exception:
        session.noticed = NEWEST
        raise
    if found is None:
        raise MailboxGone
    if found is NOTHING:
        session.noticed = NEWEST  # to be told if they may read again
        return
    if here.needs_numbers(found):
        await load(session)
    for line in here.absorb(found, may_expunge, session.telling):
        session.send(line)
    session.send(here.withheld(session.telling))
