"""Live update: what an open page is told of, and until when. Numbers only, never content.

Who is told waits on the event loop for free: one watch looks for all of them, and only when the
store was written to, by whatever process. A wake-up is never needed to be right: each look reads
the numbers anew, and a page that missed some is told the last ones. Nothing here counts as a visit:
a session that is only listened to is locked in its time, and what listened to it ends.
"""

import asyncio
import contextlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from mailbox_store.database import MailboxId, View
from mailbox_store.vault import AccountId
from mss_gateway.dossier import facets
from mss_gateway.life.gateway import Gateway
from mss_gateway.observability import log
from mss_gateway.webmail import sessions
from mss_gateway.webmail.sessions import Life, Session, State

LOOK_SECONDS: Final = 1.0
"""How often it is asked whether the store was written to, and whose session is over."""

ACCOUNT_STREAMS: Final = 3
"""Pages of one account that are told at the same time; the one that asked first gives way."""

STREAMS: Final = 500
"""Pages of all accounts: each holds a connection with its TLS, some 100 kB."""

TROUBLE_SECONDS: Final = 10.0
"""After a look that failed."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a page is told: unread messages, and documents in the record."""

    unseen: int
    documents: int

    def event(self) -> bytes:
        """As a server-sent event."""
        plain = json.dumps({"messages": self.unseen, "documents": self.documents})
        return f"data: {plain}\n\n".encode()


OVER: Final = b"event: fin\ndata:\n\n"
"""The last event: a page that gets it asks no more until it is looked at again."""


@dataclass(eq=False, slots=True)
class Stream:
    """One page that is told. It holds the latest numbers only, however slowly they are read."""

    session: Session
    inbox: MailboxId
    is_over: bool = False
    _latest: Told | None = field(default=None, init=False)
    _written: Told | None = field(default=None, init=False)
    _woken: asyncio.Event = field(default_factory=asyncio.Event, init=False)

    def tell(self, told: Told) -> None:
        """These are the numbers now."""
        self._latest = told
        if told != self._written:
            self._woken.set()

    def end(self) -> None:
        """Nothing is told any more."""
        self.is_over = True
        self._woken.set()

    async def due(self) -> bytes:
        """The next event, as soon as there is one."""
        while True:
            if self.is_over:
                return OVER
            if self._latest is not None and self._latest != self._written:
                self._written = self._latest
                return self._written.event()
            self._woken.clear()
            await self._woken.wait()


class Live:
    """Who is told, and the watch. All of it belongs to the event loop's thread."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._streams: dict[Stream, None] = {}  # in the order in which they came
        self._watch: asyncio.Task[None] | None = None
        self._came = asyncio.Event()

    @property
    def count(self) -> int:
        """How many pages are told."""
        return len(self._streams)

    def enter(self, session: Session, inbox: MailboxId) -> Stream | None:
        """From now on this page is told; None when there are too many."""
        own = [one for one in self._streams if one.session.account_id == session.account_id]
        for one in own[: max(0, len(own) + 1 - ACCOUNT_STREAMS)]:
            one.end()
            self._streams.pop(one)
        if len(self._streams) >= STREAMS:
            return None
        stream = Stream(session, inbox)
        self._streams[stream] = None
        if self._watch is None or self._watch.done():
            self._came = asyncio.Event()
            self._watch = asyncio.get_running_loop().create_task(self._look_for_ever())
        self._came.set()
        return stream

    def leave(self, stream: Stream) -> None:
        """Its page has gone. The last one to leave ends the watch."""
        self._streams.pop(stream, None)
        if not self._streams and self._watch is not None:
            self._watch.cancel()
            self._watch = None

    async def _look_for_ever(self) -> None:
        version = -1
        while True:
            is_asked = self._came.is_set()
            self._came.clear()
            try:
                self._end_idle()
                now = await self._gateway.bridge.run_page(self._gateway.database.version)
                if is_asked or now != version:
                    await self._look()
                    version = now
            except Exception as error:
                log.bug("webmail", error, channel="webmail")
                version = -1  # who came meanwhile was told nothing yet
                await asyncio.sleep(TROUBLE_SECONDS)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._came.wait()

    async def _look(self) -> None:
        asked = tuple(self._streams)
        accounts = {one.session.account_id for one in asked}
        inboxes = {one.inbox for one in asked}
        found = await self._gateway.bridge.run_page(_seen, self._gateway, accounts, inboxes)
        for one in asked:
            session = found.sessions.get(one.session.index)
            if session is None or session.state is not State.OPEN:
                one.end()
                continue
            one.session = session
            account_id = session.account_id
            one.tell(Told(found.unseen.get(one.inbox, 0), found.documents.get(account_id, 0)))
        self._end_idle()

    def _end_idle(self) -> None:
        """Time alone locks a session: no commit says so."""
        now, web = self._gateway.clock(), self._gateway.config.web
        for one in self._streams:
            if sessions.life(one.session, now, web) is not Life.STANDS:
                one.end()


@dataclass(frozen=True, slots=True)
class _Seen:
    sessions: Mapping[bytes, Session]
    unseen: Mapping[int, int]
    documents: Mapping[int, int]


def _seen(gateway: Gateway, accounts: Iterable[AccountId], inboxes: Iterable[MailboxId]) -> _Seen:
    """Three statements, however many are told."""
    with gateway.database.read() as view:
        return _Seen(
            {one.index: one for one in sessions.of_accounts(view, accounts)},
            unseen_in(view, inboxes),
            facets.totals(view, accounts),
        )


def unseen_in(view: View, inboxes: Iterable[MailboxId]) -> dict[int, int]:
    """Unread messages in each of these mailboxes, from their counters."""
    rows = view.sql(
        "SELECT mailbox_id, unseen FROM mailboxes"
        " WHERE mailbox_id IN (SELECT value FROM json_each(?))",
        (json.dumps(list(inboxes)),),
    )
    return {row[0]: row[1] for row in rows.fetchall()}
