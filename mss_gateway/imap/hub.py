"""Wake-ups: from a COMMIT to the sessions that watch a mailbox.

A wake-up says "look", never what happened, and may be lost: the session reads the change feed.
What this process commits wakes at once; what another process commits (the operator's commands, a
second server) is noticed by ``look_elsewhere``, which costs one read of a counter while nothing
happens.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from mailbox_store import changes
from mailbox_store.database import NEWEST, Database, MailboxId, View
from mss_gateway.bridge import Bridge

Wake = Callable[[int], None]
"""Called with the MODSEQ that the mailbox has now: who knows it already need not look."""

LOOK_SECONDS: Final = 0.25
"""How often the store is asked whether anybody else wrote."""


class Hub:
    """Who watches what. All methods but ``announce`` belong to the loop's thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._watchers: dict[MailboxId, set[Wake]] = {}

    def announce(self, changed: Mapping[MailboxId, int]) -> None:
        """Wake the watchers of ``changed``; from any thread, after COMMIT."""
        try:
            self._loop.call_soon_threadsafe(self.wake, dict(changed))
        except RuntimeError:
            return  # the loop is closed: nobody watches any more

    def watch(self, mailbox_id: MailboxId, wake: Wake) -> None:
        """Call ``wake`` on the loop's thread whenever ``mailbox_id`` changed."""
        self._watchers.setdefault(mailbox_id, set()).add(wake)

    def unwatch(self, mailbox_id: MailboxId, wake: Wake) -> None:
        """Stop doing so; asking twice does no harm."""
        watchers = self._watchers.get(mailbox_id)
        if watchers is None:
            return
        watchers.discard(wake)
        if not watchers:
            del self._watchers[mailbox_id]

    @property
    def watched(self) -> frozenset[MailboxId]:
        """The mailboxes that somebody watches."""
        return frozenset(self._watchers)

    def wake(self, changed: Mapping[MailboxId, int]) -> None:
        """Wake the watchers of ``changed`` now; on the loop's thread."""
        for mailbox_id, modseq in changed.items():
            for wake in tuple(self._watchers.get(mailbox_id, ())):
                wake(modseq)


async def look_elsewhere(hub: Hub, database: Database, bridge: Bridge) -> None:
    """Wake the watchers of what anybody wrote, for as long as the server runs."""
    version = -1
    known: dict[MailboxId, int | None] = {}
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        watched = hub.watched
        known = {one: modseq for one, modseq in known.items() if one in watched}
        if not watched:
            continue
        now = await bridge.run(database.version)
        if now == version and known.keys() == watched:
            continue
        version = now
        changed = await bridge.run(_look, database, watched, known)
        known |= changed
        hub.wake({one: NEWEST if modseq is None else modseq for one, modseq in changed.items()})


def _look(
    database: Database, watched: frozenset[MailboxId], known: Mapping[MailboxId, int | None]
) -> dict[MailboxId, int | None]:
    with database.read() as view:
        return moved(view, watched, known)


def moved(
    view: View, watched: Iterable[MailboxId], known: Mapping[MailboxId, int | None]
) -> dict[MailboxId, int | None]:
    """Of ``watched``, the mailboxes whose MODSEQ is not as ``known``; None for one that is gone."""
    found = changes.highest_modseqs(view, watched)
    return {one: found.get(one) for one in watched if known.get(one, -1) != found.get(one)}
