"""A segment of the search index in the making: messages, or other segments, to octets."""

import sys
from array import array
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import accumulate
from typing import Final

from mailbox_store.segment_format import (
    BLOCK,
    EDGE,
    ENTRY,
    HEAD,
    MAGIC,
    SECTIONS_LIMIT,
    Segment,
    width_of,
)

Pace = Callable[[], None]
"""Called every few milliseconds of work: may sleep, or raise to give up."""

_TERMS_AT_ONCE: Final = 2_048

_FEW_OCTETS: Final = 16
"""Up to so many, setting bits in a number is the faster way."""


class Draft:
    """A segment in the making: of messages, or of other segments."""

    def __init__(self) -> None:
        self._message_ids: array[int] = array("Q")
        self._doubtful: set[int] = set()
        self._sections: defaultdict[str, defaultdict[bytes, list[int]]]
        self._sections = defaultdict(lambda: defaultdict(list))

    def __len__(self) -> int:
        return len(self._message_ids)

    def add(self, message_id: int, terms: Mapping[str, Iterable[bytes]] | None) -> None:
        """Add a message, whose id is above all before it.

        ``terms``: by section, each once, neither empty nor with a line end in it; None: doubtful.
        """
        ordinal = len(self._message_ids)
        self._message_ids.append(message_id)
        if terms is None:
            self._doubtful.add(ordinal)
            return
        for name, each in terms.items():
            section = self._sections[name]
            for term in each:
                section[term].append(ordinal)

    def absorb(self, segment: Segment, keeps: Collection[int], pace: Pace) -> None:
        """Add those messages of ``segment`` that are in ``keeps``; all are above those before."""
        first = len(self._message_ids)
        self._message_ids.extend(each for each in segment.message_ids if each in keeps)
        # one object for each ordinal, however many terms have it
        fresh = iter(range(first, len(self._message_ids)))
        moved = [next(fresh) if each in keeps else -1 for each in segment.message_ids]
        is_whole = -1 not in moved
        self._doubtful.update(moved[each] for each in segment.doubtful)
        self._doubtful.discard(-1)
        worked = 0
        for name in segment.names:
            mine, theirs = self._sections[name], segment.section(name)
            for term, ordinals in theirs.terms() if theirs is not None else ():
                new = list(map(moved.__getitem__, ordinals))
                kept = new if is_whole else [each for each in new if each >= 0]
                if kept:
                    mine[term] += kept
                worked += 1
                if worked % _TERMS_AT_ONCE == 0:
                    pace()

    def encode(self, pace: Pace = lambda: None) -> bytes:
        """The segment's octets."""
        self._give_up_rare_sections()
        messages = len(self._message_ids)
        entries, strings, arrays = list[bytes](), list[bytes](), list[bytes]()
        for name, terms in self._sections.items():
            if terms:
                named = name.encode("utf-8")
                string, counts, packed = _packed(terms, messages, pace)
                entries.append(ENTRY.pack(len(named), len(string), *counts) + named)
                strings.append(string)
                arrays.append(packed)
        head = HEAD.pack(MAGIC, messages, len(self._doubtful), len(entries))
        ids, doubtful = _octets(self._message_ids), _octets(array("H", sorted(self._doubtful)))
        return b"".join((head, ids, doubtful, *entries, *strings, *arrays))

    def _give_up_rare_sections(self) -> None:
        """With too many sections, the rarest are dropped: who is in them must be read."""
        excess = len(self._sections) - SECTIONS_LIMIT
        if excess > 0:
            held = {name: set().union(*terms.values()) for name, terms in self._sections.items()}
            for name in sorted(held, key=lambda name: len(held[name]))[:excess]:
                self._doubtful.update(held[name])
                del self._sections[name]


def _packed(
    terms: Mapping[bytes, Sequence[int]], messages: int, pace: Pace
) -> tuple[bytes, tuple[int, int, int, int], bytes]:
    """A section: its string, the counts of its entry, its arrays."""
    width = width_of(messages)
    with_bits, with_list, with_one = list[bytes](), list[bytes](), list[bytes]()
    for term, ordinals in terms.items():
        if len(ordinals) == 1:
            (with_bits if width <= 2 else with_one).append(term)
        else:
            (with_bits if width <= 2 * len(ordinals) + 4 else with_list).append(term)
    with_bits.sort(key=lambda term: -len(terms[term]))
    pace()
    string = EDGE + EDGE.join(with_bits + with_list + with_one) + EDGE
    counts = (string.count(EDGE, at, at + BLOCK) for at in range(0, len(string), BLOCK))
    lines = array("I", accumulate(counts, initial=0))[:-1]
    bits = list[bytes]()
    for number, term in enumerate(with_bits, 1):
        bits.append(_bits(terms[term], width))
        if number % (_TERMS_AT_ONCE // 32) == 0:
            pace()
    lists = array("H")
    for term in with_list:
        lists.extend(terms[term])
    offsets = array("I", accumulate((len(terms[term]) for term in with_list), initial=0))
    ones = array("H", [terms[term][0] for term in with_one])
    pace()
    arrays = b"".join((_octets(lines), *bits, _octets(offsets), _octets(lists), _octets(ones)))
    return string, (len(with_bits), len(with_list), len(with_one), len(lists)), arrays


def _bits(ordinals: Iterable[int], width: int) -> bytes:
    if width <= _FEW_OCTETS:
        value = 0
        for each in ordinals:
            value |= 1 << each
        return value.to_bytes(width, "little")
    digits = bytearray(b"0") * (8 * width)
    for each in ordinals:
        digits[-1 - each] = 0x31
    return int(digits, 2).to_bytes(width, "little")


def _octets(values: "array[int]") -> bytes:
    if sys.byteorder == "big":
        values = values[:]
        values.byteswap()
    return values.tobytes()
