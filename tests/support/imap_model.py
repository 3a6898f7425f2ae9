"""A selected mailbox exactly as one client was told it is; a response that cannot be is a fault.

The rules are those that let a client keep its numbers right without asking again: RFC 9051 §7.5.1
for EXPUNGE, §2.3.1 for UIDs, RFC 7162 §3.1 and §3.2 for MODSEQ and VANISHED.
"""

from dataclasses import dataclass, field
from typing import Any

from tests.support.imap_lines import Response, numbers
from tests.support.imap_witness import Contradiction, Flags, Place, Witness, need

SYSTEM = frozenset({b"\\Answered", b"\\Flagged", b"\\Deleted", b"\\Seen", b"\\Draft"})
MESSAGE_ID = b"BODY[HEADER.FIELDS (MESSAGE-ID)]"


@dataclass(slots=True, eq=False)
class Message:
    """One message as far as this client knows it."""

    uid: int | None = None
    flags: Flags | None = None
    modseq: int | None = None


@dataclass(slots=True)
class Told:
    """What one command brought, beside its tagged line."""

    fetched: list[tuple[Message, frozenset[bytes]]] = field(default_factory=list)
    found: list[int] | None = None
    strange: list[int] = field(default_factory=list)
    statuses: list[tuple[bytes, dict[bytes, int]]] = field(default_factory=list)
    codes: list[tuple[Any, ...]] = field(default_factory=list)
    vanished_earlier: list[int] = field(default_factory=list)
    lists: int = 0


@dataclass(frozen=True, slots=True)
class Saved:
    """What a client that goes away keeps of a mailbox: all that was told up to a MODSEQ."""

    name: bytes
    uidvalidity: int
    until: int
    messages: dict[int, tuple[Flags | None, int | None]]


@dataclass(slots=True)
class View:
    """The mailbox of one SELECT; ``since`` is the witness's clock when the command was sent."""

    witness: Witness
    name: bytes
    since: int
    uses_modseq: bool
    uses_vanished: bool
    messages: list[Message] = field(default_factory=list)
    uidvalidity: int = 0
    uidnext: int = 0
    known_until: int = 0
    keywords: Flags = frozenset()
    is_open: bool = False
    told_until: int = 0
    saved: "Saved | None" = None
    _by_uid: dict[int, Message] = field(default_factory=dict)
    _old: int = -1

    # questions

    def place(self, uid: int) -> Place:
        """Where a UID of this mailbox is, for the witness."""
        return self.uidvalidity, uid

    def message(self, uid: int) -> Message | None:
        """The message with this UID, if it was told."""
        return self._by_uid.get(uid)

    def admits(self, uid: int) -> bool:
        """Whether the UID is, or may be, one of the messages of this view."""
        return uid in self._by_uid or self._nameless_slot(uid) is not None

    def uids(self) -> list[int | None]:
        """UIDs by sequence number, None where none was told yet."""
        return [one.uid for one in self.messages]

    # what is told

    def exists(self, count: int) -> None:
        """EXISTS only grows; EXPUNGE and VANISHED shrink."""
        need(count >= len(self.messages), "EXISTS shrank", count, len(self.messages))
        if self._old < 0:
            self._old = count  # the first EXISTS of SELECT goes with its UIDNEXT
        self.messages += [Message() for _ in range(count - len(self.messages))]

    def opened(self) -> None:
        """SELECT is done: what is there now is older than UIDNEXT, what comes is newer."""
        need(self.uidvalidity > 0 and self.uidnext > 0, "SELECT without its numbers", self.name)
        self.witness.is_called(self.name, self.uidvalidity, self.since)
        seen = self.witness.uid_before(self.uidvalidity, self.since)
        need(self.uidnext > seen, "UIDNEXT is not above a UID that was told", self.uidnext, seen)
        if self.known_until:
            reached = self.witness.modseq_before(self.uidvalidity, self.since)
            need(self.known_until >= reached, "HIGHESTMODSEQ fell", self.known_until, reached)
            self.witness.reached(self.uidvalidity, self.known_until)
        self.is_open = True
        for at, one in enumerate(self.messages):
            is_old = one.uid is None or one.uid < self.uidnext
            need(is_old or at >= self._old, "SELECT told a UID not below UIDNEXT", one.uid)

    def resume(self, saved: "Saved", vanished: list[int], *, is_whole: bool) -> None:
        """After a SELECT with QRESYNC: what was known, less what vanished, with what was told.

        RFC 7162 §3.2.5: nothing else may be needed to know the whole mailbox, unless the client
        named the UIDs that it wants to hear of; then what is new may be left out.
        """
        survivors = sorted(set(saved.messages) - set(vanished))
        need(len(survivors) <= self._old, "an expunge was not told", self.name, survivors)
        for at, uid in enumerate(survivors):  # whatever is new stands behind them
            one = self.messages[at]
            self._name(at, one, uid)
            if one.flags is None:
                one.flags, one.modseq = saved.messages[uid]
        unknown = [at for at, one in enumerate(self.messages[: self._old]) if one.uid is None]
        need(not (unknown and is_whole), "a new message was not told", self.name, unknown)

    def remember(self) -> None:
        """The picture is complete if every message is known: what a client keeps for later."""
        if all(one.uid is not None and one.flags is not None for one in self.messages):
            known = {one.uid: (one.flags, one.modseq) for one in self.messages if one.uid}
            until = max(self.known_until, self.told_until)
            self.saved = Saved(self.name, self.uidvalidity, until, known)

    def expunge(self, number: int) -> None:
        """``* n EXPUNGE``."""
        need(not self.uses_vanished, "EXPUNGE after ENABLE QRESYNC")
        need(1 <= number <= len(self.messages), "EXPUNGE of a number beyond EXISTS", number)
        self._remove(number - 1)

    def vanish(self, uids: list[int]) -> None:
        """``* VANISHED set``: every UID was a message of this view."""
        need(self.uses_vanished, "VANISHED without ENABLE QRESYNC")
        for uid in sorted(uids, reverse=True):
            known = self._by_uid.get(uid)
            at = self.messages.index(known) if known is not None else self._nameless_slot(uid)
            need(at is not None, "VANISHED of a UID that is not in the mailbox", uid)
            assert at is not None
            self.messages[at].uid = uid
            self._remove(at)

    def fetch(self, number: int, pairs: list[Any], is_asked: bool) -> tuple[Message, Flags]:
        """``* n FETCH (…)``; the message, and the names of what was told of it."""
        need(1 <= number <= len(self.messages), "FETCH of a number beyond EXISTS", number)
        told = {bytes(key).upper(): value for key, value in pairs_of(pairs)}
        one = self.messages[number - 1]
        if b"UID" in told:
            need(self.uidvalidity > 0, "a UID before UIDVALIDITY", pairs)
            self._name(number - 1, one, int(told[b"UID"]))
        elif self.uses_vanished:
            raise Contradiction("FETCH without UID after ENABLE QRESYNC", number, pairs)
        if b"MODSEQ" in told:
            self._take_modseq(one, told[b"MODSEQ"])
        elif self.uses_modseq and not is_asked:
            raise Contradiction("FETCH without MODSEQ in a CONDSTORE session", number, pairs)
        if b"FLAGS" in told:
            self._take_flags(one, told[b"FLAGS"], one.modseq if b"MODSEQ" in told else None)
        if MESSAGE_ID in told and one.uid is not None:
            token = bytes(told[MESSAGE_ID]).partition(b":")[2].strip()
            self.witness.is_message(self.place(one.uid), token)
        return one, frozenset(told)

    def flags_announced(self, flags: list[bytes]) -> None:
        """``* FLAGS (…)``: the flags that FETCH may tell from now on."""
        self.keywords = frozenset(flags)

    # inside

    def _take_modseq(self, one: Message, value: Any) -> None:
        need(isinstance(value, list) and len(value) == 1, "MODSEQ is no list of one", value)
        modseq = int(value[0])
        need(modseq >= (one.modseq or 1), "MODSEQ fell", one, modseq)
        one.modseq = modseq
        self.told_until = max(self.told_until, modseq)
        if one.uid is not None:
            self.witness.has_modseq(self.place(one.uid), modseq)

    def _take_flags(self, one: Message, value: Any, modseq: int | None) -> None:
        flags = frozenset(bytes(flag) for flag in value)
        need(len(flags) == len(value), "a flag twice", value)
        unknown = flags - self.keywords - SYSTEM - {b"\\Recent"}
        need(not unknown, "a keyword that FLAGS did not announce", unknown)
        one.flags = flags - {b"\\Recent"}
        if one.uid is not None:
            self.witness.has_flags(self.place(one.uid), one.flags, modseq)

    def _name(self, at: int, one: Message, uid: int) -> None:
        need(one.uid in (None, uid), "another UID than before", at + 1, one, uid)
        if one.uid is not None:
            return
        need(uid not in self._by_uid, "one UID at two numbers", at + 1, uid)
        low, high = self._bounds(at)
        need(low < uid < high, "UIDs do not ascend", at + 1, low, uid, high)
        place = self.place(uid)
        need(not self.witness.gone_before(place, self.since), "a UID came back", place)
        one.uid = uid
        self._by_uid[uid] = one
        self.witness.saw(place)

    def _bounds(self, at: int) -> tuple[int, int]:
        """The UIDs between which the message at this position must lie, both excluded."""
        low = next((one.uid for one in reversed(self.messages[:at]) if one.uid is not None), 0)
        high = next((one.uid for one in self.messages[at + 1 :] if one.uid is not None), 2**32)
        if self.is_open and at < self._old:
            high = min(high, self.uidnext)
        if self.is_open and at >= self._old:
            low = max(low, self.uidnext - 1)
        return low, high

    def _nameless_slot(self, uid: int) -> int | None:
        """A position without a UID at which this one may stand; such positions are alike."""
        for at, one in enumerate(self.messages):
            if one.uid is None:
                low, high = self._bounds(at)
                if low < uid < high:
                    return at
        return None

    def _remove(self, at: int) -> None:
        one = self.messages.pop(at)
        if at < self._old:
            self._old -= 1
        if one.uid is not None:
            self._by_uid.pop(one.uid, None)
            self.witness.has_gone(self.place(one.uid))


def pairs_of(values: list[Any]) -> list[tuple[Any, Any]]:
    """A list of names and values in turn."""
    need(len(values) % 2 == 0, "a name without a value", values)
    return list(zip(values[::2], values[1::2], strict=True))


def take_in(view: View | None, response: Response, told: Told, command: "Asked") -> None:
    """One untagged response while ``command`` is in progress."""
    name, values = response.name, response.values
    if name in (b"OK", b"NO", b"BAD"):
        told.codes.append(response.code)
        if view is not None:
            take_code(view, response.code, command)
    elif name == b"STATUS":
        items = {key.upper(): int(value) for key, value in pairs_of(values[1])}
        told.statuses.append((bytes(values[0]), items))
    elif name in (b"LIST", b"LSUB", b"CAPABILITY", b"ENABLED", b"ID", b"NAMESPACE"):
        told.lists += 1
    elif view is None:
        raise Contradiction("nothing is selected", response.raw)
    else:
        _take_of_mailbox(view, response, told, command)


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command in progress lets the server say."""

    name: bytes
    may_expunge: bool


def _take_of_mailbox(view: View, response: Response, told: Told, command: Asked) -> None:
    name, number, values = response.name, response.number, response.values
    if name in (b"SEARCH", b"ESEARCH"):
        told.found = _found(name, list(values))
        if command.name.startswith(b"UID"):
            told.strange = [uid for uid in told.found if not view.admits(uid)]
    elif name == b"FLAGS":
        view.flags_announced(values[0])
    elif name == b"VANISHED":
        if isinstance(values[0], list):
            need(values[0] == [b"EARLIER"], "VANISHED of an unknown kind", response.raw)
            need(command.name in (b"SELECT", b"UID FETCH"), "EARLIER unasked", response.raw)
            told.vanished_earlier += numbers(values[1])
        else:
            need(command.may_expunge, "VANISHED at a forbidden moment", command, response.raw)
            view.vanish(numbers(values[0]))
    elif number is None:
        raise Contradiction("an untagged response nobody knows", response.raw)
    elif name == b"EXISTS":
        view.exists(number)
    elif name == b"RECENT":
        need(number <= len(view.messages), "RECENT beyond EXISTS", response.raw)
    elif name == b"EXPUNGE":
        need(command.may_expunge, "EXPUNGE at a forbidden moment", command, response.raw)
        view.expunge(number)
    elif name == b"FETCH":
        is_asked = command.name in (b"FETCH", b"UID FETCH")
        told.fetched.append(view.fetch(number, values[0], is_asked))
    else:
        raise Contradiction("an untagged response nobody knows", response.raw)


def take_code(view: View, code: tuple[Any, ...], command: Asked) -> None:
    """The response code of a status response, tagged or not."""
    if not code:
        return
    if code[0] == b"UIDVALIDITY":
        need(view.uidvalidity in (0, int(code[1])), "UIDVALIDITY changed", code)
        view.uidvalidity = int(code[1])
    elif code[0] == b"UIDNEXT" and command.name == b"SELECT":
        view.uidnext = int(code[1])
    elif code[0] == b"HIGHESTMODSEQ":
        view.known_until = max(view.known_until, int(code[1]))


def _found(name: bytes, values: list[Any]) -> list[int]:
    """The numbers of SEARCH, or of ESEARCH with ALL (RFC 4731 §3.1)."""
    if name == b"SEARCH":
        if values and isinstance(values[-1], list):
            values.pop()  # (MODSEQ n)
        return [int(value) for value in values]
    if values and isinstance(values[0], list):
        values.pop(0)  # (TAG "t")
    if values and values[0] == b"UID":
        values.pop(0)
    results = dict(pairs_of(values))
    return numbers(results[b"ALL"]) if b"ALL" in results else []
