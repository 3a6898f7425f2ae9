"""Which stretches of an account's index become one, and which are written anew: pure decisions.

Small stretches come all the time; :data:`FAN` neighbours of one level become one of the next, until
they are large enough. A message is so rewritten once per level, that is about three times, and an
account of 100,000 messages has a few tens of stretches.
"""

from collections.abc import Sequence
from typing import Final, Protocol, TypeVar

from mailbox_store.segment_format import MESSAGES_LIMIT

FAN: Final = 16
"""Neighbours of one level that are merged."""

OCTETS_LIMIT: Final = 3 * 1024 * 1024
"""Sealed octets of what is merged at once: bounds memory, and the time of the transaction."""

TOP_LEVEL: Final = 14

GONE_SHARE: Final = 4
"""A stretch is written anew when more than one in so many of its messages are gone."""


class Mergeable(Protocol):
    """A stretch of an index: of messages (``segments``), or of the documents of a record."""

    @property
    def level(self) -> int: ...
    @property
    def messages(self) -> int: ...
    @property
    def octets(self) -> int: ...


Stretch = TypeVar("Stretch", bound=Mergeable)


def level_of(messages: int) -> int:
    """The level of a new stretch of so many messages: as if it had been merged from single ones."""
    level = 0
    while messages >= FAN and level < TOP_LEVEL:
        messages //= FAN
        level += 1
    return level


def is_decayed(messages: int, left: int) -> bool:
    """Whether a stretch says too much about messages that are gone."""
    return (messages - left) * GONE_SHARE > messages


def merge(stretches: Sequence[Stretch]) -> list[Stretch]:
    """The next neighbours to become one stretch, in order; empty when all is well.

    ``stretches`` in the order of their messages. What lies between neighbours of a level, of lower
    levels, goes with them. A stretch of more than half the limit is left alone for good.
    """
    levels = sorted({stretch.level for stretch in stretches if stretch.level < TOP_LEVEL})
    for level in levels:
        run: list[Stretch] = []
        for stretch in stretches:
            if _is_full(stretch) or stretch.level > level:
                run = []
                continue
            run.append(stretch)
            if sum(each.level == level for each in run) == FAN:
                return _that_fit(run)
    return []


def _is_full(stretch: Mergeable) -> bool:
    return 2 * stretch.octets > OCTETS_LIMIT or 2 * stretch.messages > MESSAGES_LIMIT


def _that_fit(run: list[Stretch]) -> list[Stretch]:
    """As many from the first on as stay within the limits: two at least, as none is full."""
    octets = messages = 0
    for count, stretch in enumerate(run):
        octets, messages = octets + stretch.octets, messages + stretch.messages
        if octets > OCTETS_LIMIT or messages > MESSAGES_LIMIT:
            return run[:count]
    return run
