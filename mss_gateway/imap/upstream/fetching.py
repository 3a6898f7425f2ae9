"""Messages of one folder, portion by portion: sizes first, then bodies in bounded groups."""

from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass
from typing import Final

from mss_gateway.imap.upstream import spans
from mss_gateway.imap.upstream.errors import CommandRefused, RemoteLost
from mss_gateway.imap.upstream.remote import Remote
from mss_gateway.imap.upstream.responses import Fetched
from mss_gateway.imap.upstream.spans import Ranges
from mss_gateway.imap.upstream.tally import FolderTally

PORTION_MESSAGES: Final = 50
PORTION_OCTETS: Final = 2 * 1024 * 1024
"""What is fetched with one command and committed at once, unless a single message is larger. The
server that runs beside waits for the COMMIT: some tens of milliseconds."""

MARKS: Final = 500
"""Messages whose flags, date and size are asked for with one command."""

ANSWER_SLACK: Final = 65_536
"""Octets of an answer that are not the message."""

BREAKS: Final = 3
"""Connections that may break on one message before it is left to another run."""

Portion = list[tuple[Fetched, bytes]]
"""Messages with what is known of them, and their octets."""


@dataclass(slots=True)
class Fetcher:
    """Reads the folder that ``remote`` has examined; what cannot come is noted in ``folder``.

    ``breaks`` counts by UID how often the connection broke while a message was fetched; it lives
    as long as the run, so that one message cannot stop all that come after it. ``limit`` is the
    largest message, in octets.
    """

    remote: Remote
    folder: FolderTally
    limit: int
    skips_deleted: bool
    breaks: dict[int, int]

    async def portions(self, uids: Ranges) -> AsyncGenerator[Portion, None]:
        """Every message of ``uids`` that can be had, in the order of the UIDs."""
        for asked in spans.portions(uids, MARKS):
            expected = {uid for first, last in asked for uid in range(first, last + 1)}
            marks = [one for one in await self.remote.marks(asked) if one.uid in expected]
            self.folder.gone |= expected - {one.uid for one in marks}
            for group in self._groups([one for one in marks if self._is_wanted(one)]):
                portion = await self._bodies(group)
                if portion:
                    yield portion

    def _is_wanted(self, marks: Fetched) -> bool:
        """Not too large, not deleted when these stay, and not what broke the connection before."""
        if self.skips_deleted and "\\deleted" in map(str.lower, marks.flags or ()):
            self.folder.deleted.add(marks.uid)
        elif (marks.size or 0) > self.limit:
            self.folder.too_large.add(marks.uid)
        elif self.breaks.get(marks.uid, 0) >= BREAKS:
            self.folder.unreadable.add(marks.uid)
        else:
            return True
        return False

    def _groups(self, marks: list[Fetched]) -> Iterator[list[Fetched]]:
        """What goes into one command; a message on which a connection broke goes alone."""
        group: list[Fetched] = []
        octets = 0
        for one in marks:
            is_suspect = one.uid in self.breaks
            is_full = len(group) == PORTION_MESSAGES or octets + (one.size or 0) > PORTION_OCTETS
            if group and (is_full or is_suspect):
                yield group
                group, octets = [], 0
            group.append(one)
            octets += one.size or 0
            if is_suspect:
                yield group
                group, octets = [], 0
        if group:
            yield group

    async def _bodies(self, group: list[Fetched]) -> Portion:
        """The bodies of a group; those that did not come are asked for alone, then noted."""
        uids = [one.uid for one in group]
        try:
            answers = await self.remote.bodies(uids, self.limit + ANSWER_SLACK)
        except CommandRefused:
            if len(group) == 1:
                self.folder.unreadable.add(uids[0])
                return []
            answers = {}
        except RemoteLost:
            for uid in uids:
                self.breaks[uid] = self.breaks.get(uid, 0) + 1
            raise
        portion: Portion = []
        for one in group:
            answer = answers.get(one.uid)
            if answer is not None and answer.body is not None and len(answer.body) <= self.limit:
                portion.append((one, answer.body))
            elif len(group) > 1:
                portion += await self._bodies([one])
            else:
                self._note(one.uid, answer)
        return portion

    def _note(self, uid: int, answer: Fetched | None) -> None:
        if answer is None:
            self.folder.gone.add(uid)
        elif answer.is_too_large or answer.body is not None:
            self.folder.too_large.add(uid)
        else:
            self.folder.unreadable.add(uid)
