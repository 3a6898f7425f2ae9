"""BER made DER: a bounded pass over what streaming producers emit (ITU-T X.690 §8).

Indefinite lengths become definite and shortest, OCTET STRINGs in parts become whole. Other
liberties of BER (split strings of other types, sets out of order) are left for the strict reader to
refuse. The pass is iterative, so that depth costs no stack; it copies contents once, and the one
long content of a message not at all.
"""

from dataclasses import dataclass
from typing import Final

from certs.cms.der import MAX_OCTETS, OCTET_STRING, length
from certs.errors import DerMalformed

MAX_DEPTH: Final = 32
"""Deepest nesting followed; openssl's own signed-data has 13 levels."""

MAX_ELEMENTS: Final = 200_000
"""Most elements of a blob: 64 MiB streamed in pieces of 1 KiB has 65,536 of them."""

Parts = list[bytes | memoryview]
"""A content in pieces, in order, none of them copied."""

_CONSTRUCTED: Final = 0x20
_END: Final = b"\x00\x00"
_WHOLE: Final = b""


@dataclass(frozen=True, slots=True)
class Apart:
    """A value without its content: ``der``, where it is empty, and its ``parts``.

    These are None when the value has no string at the place where it was sought.
    """

    der: bytes
    parts: Parts | None


def to_der(blob: bytes, max_size: int = MAX_OCTETS) -> bytes:
    """The same value with definite, shortest lengths and whole octet strings.

    Raises :class:`DerMalformed`, also beyond ``max_size`` octets, ``MAX_DEPTH`` or
    ``MAX_ELEMENTS``.
    """
    return taken_apart(blob, _WHOLE, max_size).der


def taken_apart(blob: bytes, place: bytes, max_size: int = MAX_OCTETS) -> Apart:
    """As :func:`to_der`, but the octets of the OCTET STRING at ``place`` stay where they are.

    A place is the tag of each element around the string, outermost first, then the string's own, as
    DER has it. Nothing that stands elsewhere is set apart: no other octets can pass for the
    content. Raises as :func:`to_der` does, and when two strings are in that place.
    """
    if len(blob) > max_size:
        raise DerMalformed("too big")
    walk = _Walk(blob, place)
    walk.through()
    if not walk.root.pieces:
        raise DerMalformed("nothing")
    return Apart(b"".join(walk.root.pieces), walk.parts)


class _Open:
    """A constructed element whose end was not reached yet, under the tag that it has in DER.

    ``end`` is None when its length is indefinite; ``limit`` is where the nearest definite one ends.
    ``is_string``: it is an OCTET STRING, and its elements are parts of that.
    """

    __slots__ = ("end", "is_string", "limit", "pieces", "size", "tag")

    def __init__(self, tag: bytes, end: int | None, limit: int, *, is_string: bool) -> None:
        self.tag = tag
        self.end = end
        self.limit = limit
        self.is_string = is_string
        self.pieces: Parts = []
        self.size = 0

    def add(self, tag: bytes, pieces: Parts, size: int) -> None:
        """Put a finished element at the end; the parts of a string lose their headers."""
        if self.is_string:
            if tag[0] != OCTET_STRING:
                raise DerMalformed("a part of an octet string is none")
        else:
            head = tag + length(size)
            self.pieces.append(head)
            self.size += len(head)
        self.pieces += pieces
        self.size += size


class _Walk:
    """One pass over a blob: the elements that are open, innermost last."""

    __slots__ = ("blob", "frames", "parts", "place", "root")

    def __init__(self, blob: bytes, place: bytes) -> None:
        self.blob = blob
        self.place = place
        self.parts: Parts | None = None
        self.root = _Open(b"\x00", len(blob), len(blob), is_string=False)
        self.frames = [self.root]

    def through(self) -> None:
        """To the end of the blob, which is the end of its one value."""
        blob, frames, root = self.blob, self.frames, self.root
        view = memoryview(blob)
        position = elements = 0
        while True:
            frame = frames[-1]
            if frame.end == position:
                if frame is root:
                    return
                self._close()
                continue
            if frame.end is None and blob[position : position + 2] == _END:
                position += 2
                if position > frame.limit:
                    raise DerMalformed("truncated")
                self._close()
                continue
            elements += 1
            if elements > MAX_ELEMENTS or (frame is root and root.pieces):
                raise DerMalformed("too many elements")
            tag, size, position = _header(blob, position)
            end = None if size is None else position + size
            if (position if end is None else end) > frame.limit:
                raise DerMalformed("truncated")
            if tag[0] & _CONSTRUCTED:
                self._open(tag, end)
            elif end is None:
                raise DerMalformed("a primitive element without length")
            else:
                self._add(tag, [view[position:end]], end - position)
                position = end

    def _open(self, tag: bytes, end: int | None) -> None:
        if len(self.frames) > MAX_DEPTH:
            raise DerMalformed("too deep")
        limit = self.frames[-1].limit if end is None else end
        primitive = bytes((tag[0] & ~_CONSTRUCTED,))
        is_string = primitive[0] == OCTET_STRING or self._is_in_place(primitive)
        tag = primitive if is_string else tag
        self.frames.append(_Open(tag, end, limit, is_string=is_string))

    def _close(self) -> None:
        done = self.frames.pop()
        self._add(done.tag, done.pieces, done.size)

    def _add(self, tag: bytes, pieces: Parts, size: int) -> None:
        """Put a finished element into the one around it, or apart."""
        if self._is_in_place(tag):
            if self.parts is not None:
                raise DerMalformed("content twice")
            self.parts, pieces, size = pieces, [], 0
        self.frames[-1].add(tag, pieces, size)

    def _is_in_place(self, tag: bytes) -> bool:
        """Whether an element of that tag, in the innermost one that is open, is the one sought."""
        frames, place = self.frames, self.place
        return (
            len(frames) == len(place)
            and tag[0] == place[-1]
            and all(each.tag[0] == outer for each, outer in zip(frames[1:], place, strict=False))
        )


def _header(blob: bytes, position: int) -> tuple[bytes, int | None, int]:
    """(tag octets, length or None when indefinite, where the content begins)."""
    start = position
    try:
        if blob[position] & 0x1F == 0x1F:
            position += 1
            while blob[position] & 0x80:
                position += 1
        position += 1
        tag = blob[start:position]
        size: int | None = blob[position]
    except IndexError:
        raise DerMalformed("truncated") from None
    if len(tag) > 4 or tag[0] == 0:
        raise DerMalformed("tag")
    position += 1
    assert size is not None
    if size == 0x80:
        return tag, None, position
    if size > 0x80:
        count = size & 0x7F
        if count > 8 or position + count > len(blob):
            raise DerMalformed("length")
        size = int.from_bytes(blob[position : position + count], "big")
        position += count
    return tag, size, position
