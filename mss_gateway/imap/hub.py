"""Wake-ups: from a COMMIT on the store's writer thread to the sessions that watch a mailbox.

A wake-up says "look", never what happened, and may be lost: the session reads the change feed.
"""

import asyncio
from collections.abc import Callable, Iterable

from mailbox_store.database import MailboxId

Wake = Callable[[], None]


class Hub:
    """Who watches what. All methods but ``announce`` belong to the loop's thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._watchers: dict[MailboxId, set[Wake]] = {}

    def announce(self, changed: Iterable[MailboxId]) -> None:
        """Wake the watchers of ``changed``; from any thread, after COMMIT."""
        try:
            self._loop.call_soon_threadsafe(self.wake, tuple(changed))
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

    def wake(self, changed: Iterable[MailboxId]) -> None:
        """Wake the watchers of ``changed`` now; on the loop's thread."""
        for mailbox_id in changed:
            for wake in tuple(self._watchers.get(mailbox_id, ())):
                wake()
