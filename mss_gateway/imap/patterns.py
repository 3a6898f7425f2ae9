"""LIST patterns against mailbox names, RFC 9051 §6.3.9: ``*`` anything, ``%`` one level."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from mailbox_store.names import SEPARATOR

_STARS = re.compile(r"[*%]*\*[*%]*")
_PERCENTS = re.compile(r"%%+")
_INBOX = "INBOX"


@dataclass(frozen=True, slots=True)
class Patterns:
    """Canonical patterns, and the signs in them that stand for themselves, the separator too."""

    texts: tuple[str, ...]
    signs: frozenset[str]


def canonical(reference: str, patterns: Iterable[str]) -> Patterns:
    """The patterns as they are matched: reference before each, a run of wildcards as one.

    An empty pattern stands for nothing, RFC 9051 §6.3.9.
    """
    whole = (reference + pattern for pattern in patterns if pattern)
    texts = tuple(_PERCENTS.sub("%", _STARS.sub("*", one)) for one in whole)
    return Patterns(texts, frozenset("".join(texts) + SEPARATOR) - frozenset("*%"))


def matches(patterns: Patterns, name: str) -> bool:
    """Whether ``name`` is of one of the patterns; INBOX in any case.

    Every position of the name that a pattern has reached is one bit of an integer, and each sign
    of the pattern moves all of them together: time is the length of the patterns, whatever the
    wildcards are.
    """
    where = {sign: _places(name, sign) for sign in patterns.signs}
    if name == _INBOX or name.startswith(_INBOX + SEPARATOR):
        for sign in patterns.signs:
            where[sign] |= _places(_INBOX, sign.upper()) if sign.isascii() else 0
    in_level = ((1 << len(name)) - 1) & ~where[SEPARATOR]
    return any(_is_reached(text, where, in_level, 1 << len(name)) for text in patterns.texts)


def _places(name: str, sign: str) -> int:
    """The positions of ``sign``, one bit each."""
    places, at = 0, name.find(sign)
    while at >= 0:
        places |= 1 << at
        at = name.find(sign, at + 1)
    return places


def _is_reached(pattern: str, where: dict[str, int], in_level: int, end: int) -> bool:
    reached = 1
    for sign in pattern:
        if sign == "*":
            lowest = reached & -reached
            reached = (end << 1) - lowest
        elif sign == "%":
            # the carry of an addition runs through a level, from its first position reached
            reached |= ((reached & in_level) + in_level) ^ in_level
        else:
            reached = (reached & where[sign]) << 1
        if not reached:
            return False
    return bool(reached & end)
