"""The import itself: what is missing is asked for in portions, and each portion committed whole.

While one portion is sealed and written the next one is being fetched; two are in memory at most.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import Final

from mailbox_store import imports, mailboxes
from mailbox_store.database import MailboxId
from mailbox_store.errors import MailboxNotFound, TooManyMailboxes
from mailbox_store.imports import Origin
from mss_gateway.directory.people import Person
from mss_gateway.imap.upstream import folders, placing, spans
from mss_gateway.imap.upstream.errors import CommandRefused, RemoteRefused
from mss_gateway.imap.upstream.fetching import Fetcher, Portion
from mss_gateway.imap.upstream.folders import SPECIAL_USES, Listing, Target, Wishes
from mss_gateway.imap.upstream.link import Link
from mss_gateway.imap.upstream.remote import Remote
from mss_gateway.imap.upstream.spans import Ranges
from mss_gateway.imap.upstream.tally import FolderTally, Tally
from mss_gateway.life.gateway import Gateway

RENUMBERED: Final = (
    "the remote server numbers this folder anew (UIDVALIDITY changed), so nobody can say which of"
    " its messages are here already; --again brings all of them, those that are here a second time"
)


class FolderRenumbered(Exception):
    """The UIDVALIDITY of a folder is not the one under which its messages were brought."""


@dataclass(frozen=True, slots=True)
class Choices:
    """What to bring, and what to do with it; ``since`` counts by the day of arrival."""

    wishes: Wishes = field(default_factory=Wishes)
    since: date | None = None
    skips_deleted: bool = False
    again: bool = False
    is_dry: bool = False


@dataclass(slots=True)
class Import:
    """One run. ``watch`` is called whenever ``tally`` has changed."""

    gateway: Gateway
    person: Person
    link: Link
    choices: Choices
    tally: Tally
    watch: Callable[[], None]

    async def run(self) -> None:
        """Survey, then bring; the tally says what became of it, also when this raises.

        Raises ``RemoteLost`` when the remote server cannot be reached any more, ``RemoteRefused``,
        ``FolderUnknown`` for a wish that fits nothing, OverQuota and other StoreErrors.
        """
        try:
            targets = await self._survey()
            if not self.choices.is_dry:
                await self._bring(targets)
        except BaseException:
            self.link.drop()
            raise
        await self.link.close()

    async def _survey(self) -> list[Target]:
        """The places of all folders, and how much is missing in each."""
        try:
            listing = await self.link.run(_listing)
        except CommandRefused as refusal:
            raise RemoteRefused(f"it does not tell its folders: {refusal}") from None
        specials = await self.gateway.bridge.run(self._specials)
        plan = folders.plan(listing, self.choices.wishes, specials)
        self.tally.left_out = plan.left_out
        for one in plan.targets:
            self.tally.folders.append(FolderTally(one.name, one.local, one.is_altered))
        for target, folder in zip(plan.targets, self.tally.folders, strict=True):
            await self._guarded(folder, partial(self._count, target, folder))
            self.watch()
        return list(plan.targets)

    def _specials(self) -> dict[str, str]:
        """Our account's folder for each special use."""
        found: dict[str, str] = {}
        with self.gateway.database.read() as view:
            for use in SPECIAL_USES.values():
                box = mailboxes.find_special(view, self.person.account_id, use)
                if box is not None:
                    found[use] = box.name
        return found

    async def _bring(self, targets: list[Target]) -> None:
        """Folder after folder, with the begin and the end on record."""
        folders_of = f"{len(targets)} folders"
        await self._note(f"import begun: {folders_of}, {self.tally.missing} messages to bring")
        verdict = "stopped"
        try:
            for target, folder in zip(targets, self.tally.folders, strict=True):
                if folder.state == "to do":
                    await self._bring_folder(target, folder)
                self.watch()
            verdict = "ended"
        finally:
            brought = f"{self.tally.brought} messages brought"
            await self._note(f"import {verdict}: {self.tally.finished} of {folders_of}, {brought}")

    async def _note(self, verdict: str) -> None:
        work = partial(placing.note, person=self.person, verdict=verdict)
        await self.gateway.bridge.committed(self.gateway.database.submit(work))

    async def _bring_folder(self, target: Target, folder: FolderTally) -> None:
        work = partial(placing.open_mailbox, person=self.person, target=target)
        try:
            box = await self.gateway.bridge.committed(self.gateway.database.submit(work))
        except TooManyMailboxes:
            folder.fail("failed", "this account has as many folders as one may have")
            return
        await self._guarded(folder, partial(self._fetch, target, folder, box, {}))
        if folder.state == "to do":
            folder.state = "done"

    async def _guarded(
        self, folder: FolderTally, work: Callable[[Remote], Awaitable[None]]
    ) -> None:
        """Run ``work``; what concerns this folder alone ends this folder alone."""
        try:
            await self.link.run(work)
        except FolderRenumbered:
            folder.fail("stopped", RENUMBERED)
        except CommandRefused as refusal:
            folder.fail("failed", f"the remote server refuses: {refusal}")
        except MailboxNotFound:
            folder.fail("failed", "its folder here was deleted meanwhile; run the command again")

    async def _count(self, target: Target, folder: FolderTally, remote: Remote) -> None:
        _, uids = await self._missing(remote, target, folder)
        folder.missing = spans.count(uids)

    async def _fetch(
        self,
        target: Target,
        folder: FolderTally,
        box: MailboxId,
        breaks: dict[int, int],
        remote: Remote,
    ) -> None:
        """Bring what is missing of a folder; may be begun again on another connection."""
        origin, uids = await self._missing(remote, target, folder)
        limit = self.gateway.config.limits.message_octets
        fetcher = Fetcher(remote, folder, limit, self.choices.skips_deleted, breaks)
        writing: asyncio.Task[None] | None = None
        async with aclosing(fetcher.portions(uids)) as portions:
            try:
                async for portion in portions:
                    if writing is not None:
                        await writing
                    writing = asyncio.create_task(self._place(box, origin, folder, portion))
            finally:
                if writing is not None:
                    await writing

    async def _missing(
        self, remote: Remote, target: Target, folder: FolderTally
    ) -> tuple[Origin, Ranges]:
        """The UIDs that are not here; raises ``FolderRenumbered``."""
        examined = await remote.examine(target.wire)
        source = remote.account.source(target.wire)
        origin, done, was_renumbered = await self.gateway.bridge.run(
            self._known, source, examined.uidvalidity
        )
        if was_renumbered and examined.messages and not self.choices.again:
            raise FolderRenumbered
        folder.there = examined.messages
        uids: Ranges = []
        wanted = spans.minus(spans.EVERYTHING, done)
        if examined.messages and wanted:
            asked = spans.askable(wanted)
            found = await remote.search(asked, self.choices.since, examined.messages)
            uids = spans.minus(found, done)
        return origin, uids

    def _known(self, source: str, uidvalidity: int) -> tuple[Origin, Ranges, bool]:
        with self.gateway.database.read() as view:
            origin = imports.origin(view, self.person.account_id, source, uidvalidity)
            return origin, imports.done(view, origin), imports.was_renumbered(view, origin)

    async def _place(
        self, box: MailboxId, origin: Origin, folder: FolderTally, portion: Portion
    ) -> None:
        """Seal a portion and commit it; only then is it counted."""
        bridge = self.gateway.bridge
        ready = [
            await bridge.run(placing.ready, self.gateway, self.person, marks, raw)
            for marks, raw in portion
        ]
        quota = self.gateway.config.limits.account_octets
        work = partial(
            placing.place, mailbox_id=box, origin=origin, portion=ready, quota_octets=quota
        )
        placed = await bridge.committed(self.gateway.database.submit(work))
        folder.settle(marks.uid for marks, _ in portion)
        folder.brought += placed.brought
        folder.octets += placed.octets
        folder.mended += placed.mended
        folder.wrapped += placed.wrapped
        folder.undated += placed.undated
        folder.keywords_dropped += placed.keywords_dropped
        self.link.progressed()
        self.watch()


async def _listing(remote: Remote) -> Listing:
    own, foreign = await remote.prefixes()
    listed = await remote.folders()
    return Listing(tuple(listed), await remote.subscribed(), own, foreign)
