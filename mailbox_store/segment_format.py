"""What a segment of the search index says: its octets, opened and searched. ``segments`` seals it.

A segment tells of some messages of one account. It has sections (``subject``, ``body``, a header
field…), and a section has terms with the messages that hold them. The terms of a section stand in
one string, a line each: a text that is part of some term is found by one search in C through that
string, and where it was found says which term it is.

The messages of a term are kept as whatever is shortest: a bit for each message of the segment, a
list of ordinals, or one ordinal. The terms of a section stand in this order, those with bits from
the most frequent on: a search that has found every message ends early.
"""

import struct
import sys
from array import array
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

VERSION: Final = 1

MESSAGES_LIMIT: Final = 65_535
"""Messages of one segment at most: an ordinal has 16 bits."""

SECTIONS_LIMIT: Final = 1_024
"""Sections of one segment at most: whoever invents names of fields does not make it grow."""

EDGE: Final = b"\n"
"""Between terms; at an end of a pattern it says that the term begins or ends there."""

HEAD: Final = struct.Struct("<4sIII")
"""Magic; how many messages, doubtful ordinals, sections. Then all of these, in this order."""

MAGIC: Final = b"mss%c" % VERSION

ENTRY: Final = struct.Struct("<H5I")
"""Of a section: octets of its name and of its string; terms with bits, with a list, with one
ordinal; ordinals in lists. Its name follows. After the entries all strings, then all arrays."""


BLOCK: Final = 256
"""Octets of a section's string for which the number of lines before them is kept."""

_BITS_OF: Final = tuple(tuple(bit for bit in range(8) if octet >> bit & 1) for octet in range(256))


class SegmentMalformed(ValueError):
    """Not a segment of this version."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a section lies: its string, its arrays, and how many terms are kept in which way."""

    start: int
    end: int
    arrays: int
    with_bits: int
    with_list: int
    with_one: int
    listed: int

    @property
    def bits(self) -> int:
        return self.arrays + 4 * blocks_of(self.end - self.start)

    def lists(self, width: int) -> int:
        return self.bits + width * self.with_bits

    def arrays_end(self, width: int) -> int:
        lists = 4 * (self.with_list + 1) + 2 * self.listed
        return self.lists(width) + lists + 2 * self.with_one


class Section:
    """The terms of one section of an opened segment."""

    __slots__ = ("_lines", "_lists", "_messages", "_octets", "_offsets", "_ones", "_place",
                 "_width")  # fmt: skip

    def __init__(self, octets: bytes, place: _Place, messages: int) -> None:
        self._octets = octets
        self._place = place
        self._messages = messages
        self._width = width_of(messages)
        self._lines = _numbers("I", octets, place.arrays, place.bits)
        lists = place.lists(self._width)
        listed = lists + 4 * (place.with_list + 1)
        ones = listed + 2 * place.listed
        self._offsets = _numbers("I", octets, lists, listed)
        self._lists = _numbers("H", octets, listed, ones)
        self._ones = _numbers("H", octets, ones, ones + 2 * place.with_one)

    def holding(self, pattern: bytes) -> set[int]:
        """Ordinals of the messages that hold a term with ``pattern``, not empty, in it.

        ``EDGE`` at its beginning or end stands for the beginning or end of the term.
        """
        octets, start, end = self._octets, self._place.start, self._place.end
        skip = 1 if pattern[:1] == EDGE else 0
        bits, ordinals = 0, set[int]()
        at = octets.find(pattern, start, end)
        while at >= 0:
            term = self._term_at(at + skip)
            if term < self._place.with_bits:
                bits |= int.from_bytes(self._bits(term), "little")
                if bits.bit_count() == self._messages:
                    return set(range(self._messages))
            else:
                ordinals.update(self._ordinals(term))
            at = octets.find(pattern, octets.find(EDGE, at + 1, end), end)
        return (
            ordinals.union(_positions(bits.to_bytes(self._width, "little"))) if bits else ordinals
        )

    def where(self, fulfils: Callable[[bytes], bool]) -> set[int]:
        """Ordinals of the messages that hold a term for which ``fulfils`` is true."""
        found = set[int]()
        for term, ordinals in self.terms():
            if fulfils(term):
                found.update(ordinals)
        return found

    def terms(self) -> Iterator[tuple[bytes, Sequence[int]]]:
        """Every term with its ordinals, ascending."""
        joined = self._octets[self._place.start + 1 : self._place.end - 1]
        for number, term in enumerate(joined.split(EDGE)):
            if number < self._place.with_bits:
                yield term, _positions(self._bits(number))
            else:
                yield term, self._ordinals(number)

    def _term_at(self, at: int) -> int:
        """The number of the term that has an octet of its own at ``at``."""
        block = (at - self._place.start) // BLOCK
        first = self._place.start + block * BLOCK
        return self._lines[block] + self._octets.count(EDGE, first, at) - 1

    def _bits(self, term: int) -> bytes:
        at = self._place.bits + term * self._width
        return self._octets[at : at + self._width]

    def _ordinals(self, term: int) -> Sequence[int]:
        listed = term - self._place.with_bits
        alone = listed - self._place.with_list
        if alone >= 0:
            return self._ones[alone : alone + 1]
        return self._lists[self._offsets[listed] : self._offsets[listed + 1]]


class Segment:
    """An opened segment; raises :class:`SegmentMalformed` for octets that are none.

    ``message_ids``: the messages it tells of, ascending; an ordinal is a place in there.
    ``doubtful``: ordinals of messages of which it does not know everything; they must be read.
    """

    __slots__ = ("_octets", "_places", "_strings", "doubtful", "message_ids")

    def __init__(self, octets: bytes) -> None:
        self._octets = octets
        self._places: dict[str, _Place] = {}
        try:
            magic, messages, doubtful, sections = HEAD.unpack_from(octets)
            if magic != MAGIC or messages > MESSAGES_LIMIT:
                raise SegmentMalformed("a segment of another version")
            ids, at = HEAD.size, HEAD.size + 8 * messages
            self.message_ids = _numbers("Q", octets, ids, at)
            self.doubtful = _numbers("H", octets, at, at + 2 * doubtful)
            end = self._read_sections(at + 2 * doubtful, sections, width_of(messages))
        except (struct.error, UnicodeDecodeError, TypeError) as error:
            raise SegmentMalformed("not a segment") from error
        if end != len(octets):
            raise SegmentMalformed("a segment of another length")

    def _read_sections(self, at: int, count: int, width: int) -> int:
        """Find every section; where the last one ends."""
        entries: list[tuple[str, int, list[int]]] = []
        for _ in range(count):
            named, length, *counts = ENTRY.unpack_from(self._octets, at)
            at += ENTRY.size + named
            entries.append((self._octets[at - named : at].decode("utf-8"), length, counts))
        arrays = at + sum(length for _, length, _ in entries)
        self._strings = at, arrays
        for name, length, counts in entries:
            place = _Place(at, at + length, arrays, *counts)
            self._places[name] = place
            at, arrays = place.end, place.arrays_end(width)
        return arrays

    @property
    def names(self) -> Collection[str]:
        """The names of its sections."""
        return self._places.keys()

    def section(self, name: str) -> Section | None:
        """The section of that name, if any of the messages has a term in it."""
        place = self._places.get(name)
        return None if place is None else Section(self._octets, place, len(self.message_ids))

    def holding(self, pattern: bytes) -> set[int]:
        """The same as for a section, in all of them."""
        found = set[int]()
        if self._octets.find(pattern, *self._strings) >= 0:
            for place in self._places.values():
                if self._octets.find(pattern, place.start, place.end) >= 0:
                    section = Section(self._octets, place, len(self.message_ids))
                    found |= section.holding(pattern)
                    if len(found) == len(self.message_ids):
                        break
        return found


def width_of(messages: int) -> int:
    """Octets of a bit for each message."""
    return (messages + 7) // 8


def blocks_of(length: int) -> int:
    """How many line counts a string of ``length`` octets has."""
    return -(-length // BLOCK)


def _positions(bits: bytes) -> list[int]:
    """Which bits are set, ascending."""
    octets = zip(range(0, 8 * len(bits), 8), bits, strict=True)
    return [first + bit for first, octet in octets if octet for bit in _BITS_OF[octet]]


def _numbers(kind: Literal["H", "I", "Q"], octets: bytes, start: int, end: int) -> Sequence[int]:
    """Numbers of an opened segment, without a copy where the processor has their order."""
    if sys.byteorder == "little":
        return memoryview(octets)[start:end].cast(kind)
    values = array(kind, octets[start:end])
    values.byteswap()
    return values
