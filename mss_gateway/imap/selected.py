"""The selected mailbox as the client was told it is, and the one place that tells it more.

``uids``, ``told`` and ``modseqs`` are parallel arrays: message ``n`` of the client is
``uids[n - 1]`` and, as far as the client knows, has the flags ``told[n - 1]``. A message that
another session expunged keeps its number until an EXPUNGE may be sent, RFC 9051 §7.5.1.

The arrays come with the first command that speaks of messages (``load``), and belong to the shared
image until the session has something of its own to write into them.
"""

from array import array
from bisect import bisect_left, bisect_right
from dataclasses import dataclass

from mailbox_store.changes import Changes
from mailbox_store.database import MailboxId
from mailbox_store.flags import EVERY_FLAG
from mailbox_store.mailboxes import Mailbox
from mss_gateway.imap.grammar.sets import NumberSet, merged, printed
from mss_gateway.imap.images import Image
from mss_gateway.imap.responses import FlagPrinter

Spans = list[tuple[int, int]]
"""Ascending disjoint half-open ranges of positions in ``uids``."""

_FEW = 32
"""Up to so many expunged messages are cut out one by one; more rebuild the arrays in one pass."""


class NumberAbsent(Exception):
    """A sequence number above EXISTS: the answer is BAD, RFC 9051 §6.4.8."""


class MessagesGone(Exception):
    """Messages that the client still counts went meanwhile: NO with EXPUNGEISSUED, RFC 5530 §3."""


@dataclass(frozen=True, slots=True)
class Telling:
    """How this client is told: MODSEQ with every FETCH, VANISHED in place of EXPUNGE (RFC 7162)."""

    has_condstore: bool = False
    has_qresync: bool = False


class Selected:
    """One session's view of its selected mailbox."""

    __slots__ = (
        "_doomed",
        "_is_shared",
        "_safe",
        "_untold",
        "changeable",
        "count",
        "is_doubtful",
        "is_loaded",
        "is_read_only",
        "mailbox_id",
        "modseq",
        "modseqs",
        "name",
        "printer",
        "saved",
        "told",
        "uidnext",
        "uids",
        "uidvalidity",
    )

    uids: "array[int]"
    told: "array[int]"
    modseqs: "array[int]"

    def __init__(
        self,
        mailbox: Mailbox,
        keywords: dict[int, str],
        is_read_only: bool,
        changeable: int = EVERY_FLAG,
    ) -> None:
        self.mailbox_id: MailboxId = mailbox.mailbox_id
        self.name = mailbox.name
        self.uidvalidity = mailbox.uidvalidity
        self.uidnext = mailbox.uidnext
        self.modseq = mailbox.highestmodseq
        self.count = mailbox.messages
        self.is_read_only = is_read_only
        self.changeable = changeable  # a mask of flags, as the client was told
        self.printer = FlagPrinter(keywords)
        self.saved: array[int] = array("Q")  # UIDs, RFC 5182 §2.1
        self.is_loaded = False
        self._is_shared = True
        self._doomed: set[int] = set()
        self._untold: set[int] = set()
        self.is_doubtful = False
        self._safe: int | None = None

    def load(self, image: Image, since: Changes) -> None:
        """Take the arrays of ``image``, which may be newer than what the client was told.

        ``since``: what happened between the two. Messages that appeared are left out again, those
        that were expunged keep their number, with MODSEQ 0 because nobody knows their flags any
        more; both are told like any other change, and so are flags that changed.
        """
        uids, told, modseqs = image.uids, image.flags, image.modseqs
        end = bisect_left(uids, self.uidnext)
        if end < len(uids) or since.expunged:
            uids, told, modseqs = uids[:end], told[:end], modseqs[:end]
            self._is_shared = False
        for uid in since.expunged:
            at = bisect_left(uids, uid)
            uids.insert(at, uid)
            told.insert(at, 0)
            modseqs.insert(at, 0)
        self._doomed.update(since.expunged)
        # a client that kept the mailbox as it was at SELECT knows other flags than the image has
        self._untold.update(uid for uid, _, _ in since.changed)
        self.uids, self.told, self.modseqs = uids, told, modseqs
        self.is_loaded = True

    @property
    def has_untold_expunges(self) -> bool:
        """Whether messages are gone that the client still counts."""
        return bool(self._doomed)

    def position(self, uid: int) -> int | None:
        """Where ``uid`` stands, None if the client does not know it."""
        at = bisect_left(self.uids, uid)
        return at if at < len(self.uids) and self.uids[at] == uid else None

    def spans(self, numbers: NumberSet, is_uid: bool) -> Spans:
        """The positions that ``numbers`` name; UIDs that do not exist name nothing.

        Raises ``NumberAbsent`` for sequence numbers above EXISTS, and for any when it is zero.
        """
        if numbers.is_saved:
            places = [at for at in map(self.position, self.saved) if at is not None]
            return [(low, high + 1) for low, high in merged((at, at) for at in places)]
        count = len(self.uids)
        if is_uid:
            largest = self.uids[-1] if count else 0
            ends = (
                (bisect_left(self.uids, low), bisect_right(self.uids, high))
                for low, high in numbers.resolve(largest)
            )
            return [(start, end) for start, end in ends if start < end]
        ranges = numbers.resolve(count)
        if not count or ranges[-1][1] > count:
            raise NumberAbsent
        return [(low - 1, high) for low, high in ranges]

    def uids_of(self, spans: Spans) -> list[int]:
        """The UIDs at ``spans``, ascending."""
        return [uid for start, end in spans for uid in self.uids[start:end]]

    def needs_numbers(self, changes: Changes) -> bool:
        """Whether telling ``changes`` takes sequence numbers, so that ``load`` must come first."""
        return not self.is_loaded and bool(changes.changed or changes.expunged)

    def absorb(self, changes: Changes, may_expunge: bool, telling: Telling) -> list[bytes]:
        """Take over what happened; the untagged responses that tell the client.

        Order: keywords, EXPUNGE from the highest number down (each number is then still right),
        EXISTS when there are new messages, FETCH for flags that differ from what was told.
        """
        lines: list[bytes] = []
        told = self.modseq
        self.learn(lines, changes.keywords)
        self._doomed.update(changes.expunged)
        if may_expunge and self._doomed:
            self._expunge(lines, telling)
            self._safe = None
        elif self._doomed and self._safe is None:
            self._safe = told
        if self._add(changes.appeared):
            lines.append(b"* %d EXISTS\r\n" % self.count)
        for uid, flags, modseq in changes.changed:
            self._tell(lines, uid, flags, modseq, telling)
        self.modseq = max(self.modseq, changes.highestmodseq)
        self.is_doubtful = False
        return lines

    def keep_up(self, modseq: int) -> None:
        """The client was told all of a change that gave the mailbox this MODSEQ.

        If nothing else happened since, there is nothing left to read: the next look can be spared.
        """
        if self.modseq + 1 == modseq:
            self.modseq = modseq

    def withheld(self, telling: Telling) -> bytes:
        """What a client of QRESYNC must hear while an expunge waits, RFC 7162 §3.2.10.2.

        It was told MODSEQs above that of the expunge; were it cut off now, it would come back with
        those and never hear of it.
        """
        if not self._doomed or not telling.has_qresync:
            return b""
        safe = self.modseq if self._safe is None else self._safe
        return b"* OK [HIGHESTMODSEQ %d] .\r\n" % safe

    def learn(self, lines: list[bytes], keywords: dict[int, str]) -> None:
        """Announce keywords that came into use."""
        if keywords and self.printer.learn(keywords):
            lines.append(self.announced())

    def announced(self) -> bytes:
        """FLAGS and PERMANENTFLAGS, as they stand."""
        return self.printer.announced(self.is_read_only, self.changeable)

    def permit(self, changeable: int) -> list[bytes]:
        """Other flags may be changed from now on: what tells the client, if it is news to it."""
        if changeable == self.changeable:
            return []
        self.changeable = changeable
        return [] if self.is_read_only else [self.announced()]

    def set_flags(self, position: int, flags: int, modseq: int) -> None:
        """The client is being told these flags, or takes them for granted."""
        self._own()
        self.told[position], self.modseqs[position] = flags, modseq

    def doubt(self, position: int) -> None:
        """The client waits for the flags of this message: the feed tells them in any case.

        Who changed them may be another process, of which nobody was woken yet: it is read now.
        """
        self._untold.add(self.uids[position])
        self.is_doubtful = True

    def flags_line(self, position: int, telling: Telling) -> bytes:
        """``* n FETCH (UID u FLAGS (…))`` with the flags as told, and MODSEQ where wanted."""
        uid, flags = self.uids[position], self.printer(self.told[position])
        if not telling.has_condstore:
            return b"* %d FETCH (UID %d FLAGS %s)\r\n" % (position + 1, uid, flags)
        modseq = self.modseqs[position]
        return b"* %d FETCH (UID %d FLAGS %s MODSEQ (%d))\r\n" % (position + 1, uid, flags, modseq)

    def _tell(
        self, lines: list[bytes], uid: int, flags: int, modseq: int, telling: Telling
    ) -> None:
        """A FETCH response if this is not what the client knows."""
        at = self.position(uid)
        if at is None:
            return
        is_known = self.told[at] == flags and uid not in self._untold
        self._untold.discard(uid)
        if is_known and self.modseqs[at] == modseq:
            return
        self.set_flags(at, flags, modseq)
        if is_known and not telling.has_condstore:
            return  # the client counts no MODSEQs yet, and may begin to
        lines.append(self.flags_line(at, telling))

    def _add(self, appeared: list[tuple[int, int, int]]) -> bool:
        before = self.count
        for uid, flags, modseq in appeared:
            if uid < self.uidnext:
                continue
            if self.is_loaded:
                self._own()
                self.uids.append(uid)
                self.told.append(flags)
                self.modseqs.append(modseq)
            self.uidnext = uid + 1
            self.count += 1
        return self.count > before

    def _expunge(self, lines: list[bytes], telling: Telling) -> None:
        found = (self.position(uid) for uid in self._doomed)
        positions = sorted((at for at in found if at is not None), reverse=True)
        self._doomed.clear()
        if not positions:
            return
        if telling.has_qresync:
            gone = printed(self.uids[at] for at in reversed(positions))
            lines.append(b"* VANISHED %s\r\n" % gone)
        else:
            lines.extend(b"* %d EXPUNGE\r\n" % (at + 1) for at in positions)
        self._own()
        if len(positions) <= _FEW:
            for at in positions:
                del self.uids[at], self.told[at], self.modseqs[at]
        else:
            self._cut(merged((at, at) for at in positions))
        self.count = len(self.uids)

    def _cut(self, gone: list[tuple[int, int]]) -> None:
        kept = tuple(array("Q") for _ in range(3))
        start = 0
        for low, high in (*gone, (len(self.uids), 0)):
            for new, old in zip(kept, (self.uids, self.told, self.modseqs), strict=True):
                new.extend(old[start:low])
            start = high + 1
        self.uids, self.told, self.modseqs = kept

    def _own(self) -> None:
        """Copy the arrays of the image before the first write."""
        if self._is_shared:
            self.uids, self.told, self.modseqs = self.uids[:], self.told[:], self.modseqs[:]
            self._is_shared = False
