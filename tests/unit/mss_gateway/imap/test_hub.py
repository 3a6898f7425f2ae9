"""Wake-ups from another thread to those who watch."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailbox_store import mailboxes
from mailbox_store.database import MailboxId
from mss_gateway.bridge import Bridge
from mss_gateway.imap.hub import LOOK_SECONDS, Hub, look_elsewhere, moved
from tests.protocol.imap_site import Site, open_site, plain

ONE, OTHER = MailboxId(1), MailboxId(2)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with open_site(tmp_path) as opened:
        yield opened


class Woken(asyncio.Event):
    """Somebody who watches, and the MODSEQ they were last told."""

    modseq = 0

    def __call__(self, modseq: int) -> None:
        self.modseq = modseq
        self.set()


def announce_from_elsewhere(hub: Hub, *changed: MailboxId) -> None:
    """As the store's writer does."""
    thread = threading.Thread(target=hub.announce, args=(dict.fromkeys(changed, 7),))
    thread.start()
    thread.join()


async def test_only_those_who_watch_the_mailbox_wake() -> None:
    hub = Hub(asyncio.get_running_loop())
    woken, other = Woken(), Woken()
    hub.watch(ONE, woken)
    hub.watch(OTHER, other)
    announce_from_elsewhere(hub, ONE)
    await asyncio.wait_for(woken.wait(), 5)
    assert woken.modseq == 7
    assert not other.is_set()


async def test_nobody_wakes_who_stopped_watching() -> None:
    hub = Hub(asyncio.get_running_loop())
    gone, kept = Woken(), Woken()
    hub.watch(ONE, gone)
    hub.watch(ONE, kept)
    hub.unwatch(ONE, gone)
    hub.unwatch(ONE, gone)
    hub.unwatch(OTHER, gone)
    announce_from_elsewhere(hub, ONE, OTHER)
    await asyncio.wait_for(kept.wait(), 5)
    assert not gone.is_set()


async def test_what_another_process_writes_wakes_too(site: Site) -> None:
    """Two views of one file stand for two processes: nothing is announced between them."""
    with site.database.read() as view:
        box = mailboxes.find(view, site.account_id, "INBOX")
        quiet = mailboxes.find(view, site.account_id, "Trash")
    hub, bridge = Hub(asyncio.get_running_loop()), Bridge(1)
    woken, other = Woken(), Woken()
    hub.watch(box.mailbox_id, woken)
    hub.watch(quiet.mailbox_id, other)
    looking = asyncio.create_task(look_elsewhere(hub, site.database, bridge))
    try:
        async with asyncio.timeout(10):
            await asyncio.gather(woken.wait(), other.wait())  # the first look knows nothing yet
            woken.clear()
            other.clear()
            await asyncio.to_thread(site.put, plain(1))
            await woken.wait()
        await asyncio.sleep(3 * LOOK_SECONDS)
        assert not other.is_set()
    finally:
        looking.cancel()
        bridge.close()


def test_a_mailbox_that_went_has_moved(site: Site) -> None:
    with site.database.read() as view:
        box = mailboxes.find(view, site.account_id, "INBOX")
        gone = MailboxId(9_999)
        both = frozenset({box.mailbox_id, gone})
        assert moved(view, both, {}) == {box.mailbox_id: box.highestmodseq, gone: None}
        assert moved(view, both, {box.mailbox_id: box.highestmodseq, gone: None}) == {}
        assert moved(view, both, {box.mailbox_id: 0, gone: 7}).keys() == both


def test_an_announcement_after_the_end_is_lost_in_peace() -> None:
    loop = asyncio.new_event_loop()
    hub = Hub(loop)
    loop.close()
    hub.announce({ONE: 1})
