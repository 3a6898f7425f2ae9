"""The selected mailbox as the client was told it is, and the one place that tells it more.

``uids`` and ``told`` are parallel arrays: message ``n`` of the client is ``uids[n - 1]`` and, as
far as the client knows, has the flags ``told[n - 1]``. A message that another session expunged
keeps its number until an EXPUNGE may be sent, RFC 9051 §7.5.1.
"""

from array import array
from bisect import bisect_left, bisect_right

from mailbox_store.changes import Changes, Snapshot
from mailbox_store.database import MailboxId
from mss_gateway.imap.grammar.sets import NumberSet, merged
from mss_gateway.imap.responses import FlagPrinter

Spans = list[tuple[int, int]]
"""Ascending disjoint half-open ranges of positions in ``uids``."""

_FEW = 32
"""Up to so many expunged messages are cut out one by one; more rebuild the arrays in one pass."""


class NumberAbsent(Exception):
    """A sequence number above EXISTS: the answer is BAD, RFC 9051 §6.4.8."""


class Selected:
    """One session's view of its selected mailbox."""

    __slots__ = (
        "_doomed",
        "is_read_only",
        "mailbox_id",
        "modseq",
        "name",
        "printer",
        "told",
        "uidnext",
        "uids",
        "uidvalidity",
    )

    def __init__(self, snapshot: Snapshot, is_read_only: bool) -> None:
        self.mailbox_id: MailboxId = snapshot.mailbox.mailbox_id
        self.name = snapshot.mailbox.name
        self.uidvalidity = snapshot.mailbox.uidvalidity
        self.uidnext = snapshot.mailbox.uidnext
        self.modseq = snapshot.mailbox.highestmodseq
        self.is_read_only = is_read_only
        self.uids: array[int] = snapshot.uids
        self.told: array[int] = snapshot.flags
        self.printer = FlagPrinter(snapshot.keywords)
        self._doomed: set[int] = set()

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
        count = len(self.uids)
        if is_uid:
            largest = self.uids[-1] if count else 0
            found = (
                (bisect_left(self.uids, low), bisect_right(self.uids, high))
                for low, high in numbers.resolve(largest)
            )
            return [(start, end) for start, end in found if start < end]
        ranges = numbers.resolve(count)
        if not count or ranges[-1][1] > count:
            raise NumberAbsent
        return [(low - 1, high) for low, high in ranges]

    def uids_of(self, spans: Spans) -> list[int]:
        """The UIDs at ``spans``, ascending."""
        return [uid for start, end in spans for uid in self.uids[start:end]]

    def absorb(self, changes: Changes, may_expunge: bool) -> list[bytes]:
        """Take over what happened; the untagged responses that tell the client.

        Order: keywords, EXPUNGE from the highest number down (each number is then still right),
        EXISTS when there are new messages, FETCH for flags that differ from what was told.
        """
        lines: list[bytes] = []
        self.learn(lines, changes)
        self._doomed.update(changes.expunged)
        if may_expunge and self._doomed:
            self._expunge(lines)
        if self._add(changes.appeared):
            lines.append(b"* %d EXISTS\r\n" % len(self.uids))
        for uid, flags, _ in changes.changed:
            self.tell_flags(lines, uid, flags)
        self.modseq = max(self.modseq, changes.highestmodseq)
        return lines

    def learn(self, lines: list[bytes], changes: Changes) -> None:
        """Announce keywords that came into use."""
        if changes.keywords and self.printer.learn(changes.keywords):
            lines.append(self.printer.announced(self.is_read_only))

    def tell_flags(self, lines: list[bytes], uid: int, flags: int) -> None:
        """A FETCH response if ``flags`` are not what the client knows."""
        at = self.position(uid)
        if at is not None and self.told[at] != flags:
            self.told[at] = flags
            lines.append(self.flags_line(at))

    def flags_line(self, position: int) -> bytes:
        """``* n FETCH (UID u FLAGS (…))`` with the flags as told."""
        return b"* %d FETCH (UID %d FLAGS %s)\r\n" % (
            position + 1,
            self.uids[position],
            self.printer(self.told[position]),
        )

    def _add(self, appeared: list[tuple[int, int, int]]) -> bool:
        count = len(self.uids)
        for uid, flags, _ in appeared:
            if uid >= self.uidnext:
                self.uids.append(uid)
                self.told.append(flags)
                self.uidnext = uid + 1
        return len(self.uids) > count

    def _expunge(self, lines: list[bytes]) -> None:
        found = (self.position(uid) for uid in self._doomed)
        positions = sorted((at for at in found if at is not None), reverse=True)
        self._doomed.clear()
        lines.extend(b"* %d EXPUNGE\r\n" % (at + 1) for at in positions)
        if len(positions) <= _FEW:
            for at in positions:
                del self.uids[at]
                del self.told[at]
            return
        gone = merged((at, at) for at in positions)
        uids, told, start = array("Q"), array("Q"), 0
        for low, high in gone:
            uids.extend(self.uids[start:low])
            told.extend(self.told[start:low])
            start = high + 1
        uids.extend(self.uids[start:])
        told.extend(self.told[start:])
        self.uids, self.told = uids, told
