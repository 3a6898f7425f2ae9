"""What all clients of one server together were told, and what no server may say after it.

Mailboxes are known here by their UIDVALIDITY, which one account never uses twice. The witness has
a clock of its own that ticks with every fact: "before this command was sent" is a number.
"""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import TypeVar

Place = tuple[int, int]
"""UIDVALIDITY and UID: one message in one mailbox, for ever."""

Flags = frozenset[bytes]

K = TypeVar("K", int, bytes)
Series = dict[K, tuple[list[int], list[int]]]
"""For each key the moments at which its highest value rose, and those values."""


class Contradiction(AssertionError):
    """The server said something that cannot be true together with what it said before."""


def need(holds: bool, *facts: object) -> None:
    """Raise :class:`Contradiction` with the facts unless they fit."""
    if not holds:
        raise Contradiction(" | ".join(str(fact) for fact in facts))


@dataclass(slots=True)
class Witness:
    """Facts by place; each is told by somebody, and holds for everybody."""

    tokens: dict[Place, bytes] = field(default_factory=dict)
    created: dict[Place, int] = field(default_factory=dict)
    gone: dict[Place, int] = field(default_factory=dict)
    may_go: set[Place] = field(default_factory=set)
    states: dict[tuple[Place, int], Flags] = field(default_factory=dict)
    modseqs: dict[Place, int] = field(default_factory=dict)
    _copies: list[tuple[Place, Place]] = field(default_factory=list)
    _uids: "Series[int]" = field(default_factory=dict)
    _highest: "Series[int]" = field(default_factory=dict)
    _validities: "Series[bytes]" = field(default_factory=dict)
    _clock: Iterator[int] = field(default_factory=lambda: count(1))

    def now(self) -> int:
        """A moment after everything told so far."""
        return next(self._clock)

    # what is told

    def saw(self, place: Place) -> None:
        """Somebody was told of this UID."""
        _rise(self._uids, place[0], place[1], self.now())

    def was_created(self, place: Place, token: bytes | None, since: int, *, may_go: bool) -> None:
        """A command that was sent at ``since`` made this message: its UID is above all earlier."""
        need(place not in self.created, "a UID was given twice", place)
        highest = self.uid_before(place[0], since)
        need(place[1] > highest, "a new UID is not above an older one", place, highest)
        self.created[place] = self.now()
        self.saw(place)
        if token is not None:
            self.is_message(place, token)
        if may_go:
            self.may_go.add(place)

    def was_copied(self, source: Place, target: Place, since: int) -> None:
        """As :meth:`was_created`; what is not known of the source yet is compared later."""
        self.was_created(target, None, since, may_go=False)
        self._copies.append((source, target))

    def is_message(self, place: Place, token: bytes) -> None:
        """The message at ``place`` is the one with this Message-ID."""
        known = self.tokens.setdefault(place, token)
        need(known == token, "a UID names another message than before", place, known, token)

    def has_flags(self, place: Place, flags: Flags, modseq: int | None) -> None:
        """A message with the same MODSEQ has the same flags, whoever asks."""
        if b"\\Deleted" in flags:
            self.may_go.add(place)
        if modseq is not None:
            self.has_modseq(place, modseq)
            known = self.states.setdefault((place, modseq), flags)
            need(known == flags, "one MODSEQ, two states", place, modseq, known, flags)

    def has_modseq(self, place: Place, modseq: int) -> None:
        """The newest MODSEQ told of a message."""
        self.modseqs[place] = max(modseq, self.modseqs.get(place, 0))
        self.reached(place[0], modseq)

    def reached(self, uidvalidity: int, modseq: int) -> None:
        """The mailbox has had this MODSEQ."""
        _rise(self._highest, uidvalidity, modseq, self.now())

    def has_gone(self, place: Place) -> None:
        """Somebody was told that the message is no more."""
        self.gone.setdefault(place, self.now())

    def is_called(self, name: bytes, uidvalidity: int, since: int) -> None:
        """A name that comes back after DELETE or RENAME never has a smaller UIDVALIDITY."""
        known = _at(self._validities, name, since)
        need(uidvalidity >= known, "UIDVALIDITY fell", name, known, uidvalidity)
        _rise(self._validities, name, uidvalidity, self.now())

    # what was known at a moment

    def uid_before(self, uidvalidity: int, moment: int) -> int:
        """The highest UID told before ``moment``, 0 if none was."""
        return _at(self._uids, uidvalidity, moment)

    def modseq_before(self, uidvalidity: int, moment: int) -> int:
        """The highest MODSEQ told before ``moment``, 0 if none was."""
        return _at(self._highest, uidvalidity, moment)

    def gone_before(self, place: Place, moment: int) -> bool:
        """Whether somebody had been told before ``moment`` that the message is no more."""
        return self.gone.get(place, moment) < moment

    def alive_before(self, uidvalidity: int, moment: int) -> list[int]:
        """UIDs made before ``moment`` that nobody may have removed since."""
        return [
            place[1]
            for place, made in self.created.items()
            if place[0] == uidvalidity and made < moment and place not in self.may_go
        ]

    # a checkpoint: nobody is doing anything

    def settle(self) -> None:
        """Copies are the messages they were made from; what could go with \\Deleted could."""
        for _ in range(len(self._copies)):  # as many passes as the longest chain of copies
            before = len(self.tokens), len(self.may_go)
            for source, target in self._copies:
                if source in self.may_go:
                    self.may_go.add(target)
                if source in self.tokens:
                    self.is_message(target, self.tokens[source])
            if before == (len(self.tokens), len(self.may_go)):
                break
        self._copies = [pair for pair in self._copies if pair[0] not in self.gone]

    def compare(self, uidvalidity: int, alive: list[int]) -> None:
        """What the store holds now is what was made and may not have gone, and nothing else."""
        held = {(uidvalidity, uid) for uid in alive}
        made = {place for place in self.created if place[0] == uidvalidity}
        need(held <= made, "the store holds what nobody made", held - made)
        lost = made - held - self.may_go
        need(not lost, "a message is lost that nobody removed", lost)
        undead = {place for place in held if place in self.gone}
        need(not undead, "a message was told gone and is there", undead)


def _rise(series: "Series[K]", key: K, value: int, now: int) -> None:
    moments, values = series.setdefault(key, ([], []))
    if not values or value > values[-1]:
        moments.append(now)
        values.append(value)


def _at(series: "Series[K]", key: K, moment: int) -> int:
    moments, values = series.get(key, ([], []))
    at = bisect_right(moments, moment)
    return values[at - 1] if at else 0
