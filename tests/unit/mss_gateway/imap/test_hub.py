"""Wake-ups from another thread to those who watch."""

import asyncio
import threading

from mailbox_store.database import MailboxId
from mss_gateway.imap.hub import Hub

ONE, OTHER = MailboxId(1), MailboxId(2)


def announce_from_elsewhere(hub: Hub, *changed: MailboxId) -> None:
    """As the store's writer does."""
    thread = threading.Thread(target=hub.announce, args=(frozenset(changed),))
    thread.start()
    thread.join()


async def test_only_those_who_watch_the_mailbox_wake() -> None:
    hub = Hub(asyncio.get_running_loop())
    woken, other = asyncio.Event(), asyncio.Event()
    hub.watch(ONE, woken.set)
    hub.watch(OTHER, other.set)
    announce_from_elsewhere(hub, ONE)
    await asyncio.wait_for(woken.wait(), 5)
    assert not other.is_set()


async def test_nobody_wakes_who_stopped_watching() -> None:
    hub = Hub(asyncio.get_running_loop())
    gone, kept = asyncio.Event(), asyncio.Event()
    hub.watch(ONE, gone.set)
    hub.watch(ONE, kept.set)
    hub.unwatch(ONE, gone.set)
    hub.unwatch(ONE, gone.set)
    hub.unwatch(OTHER, gone.set)
    announce_from_elsewhere(hub, ONE, OTHER)
    await asyncio.wait_for(kept.wait(), 5)
    assert not gone.is_set()


def test_an_announcement_after_the_end_is_lost_in_peace() -> None:
    loop = asyncio.new_event_loop()
    hub = Hub(loop)
    loop.close()
    hub.announce({ONE})
