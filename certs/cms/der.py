"""DER: a strict reader, a writer, and a bounded pass that turns streamed BER into DER.

The reader takes what CMS needs (ITU-T X.690 §10): one-octet tags, definite lengths in their
shortest form, nothing left over. The pass is iterative, so that depth costs no stack, and copies
contents once.
"""

from datetime import UTC, datetime
from functools import lru_cache

from certs.errors import DerMalformed

MAX_OCTETS = 64 * 1024 * 1024
"""Largest blob read: a 25 MB message in base64 inside another fits."""

MAX_DEPTH = 32
"""Deepest nesting that the BER pass follows; openssl's own signed-data has 13 levels."""

MAX_ELEMENTS = 200_000
"""Most elements in a BER blob: 64 MiB streamed in pieces of 1 KiB has 65,536 of them."""

INTEGER, BIT_STRING, OCTET_STRING, NULL, OID = 0x02, 0x03, 0x04, 0x05, 0x06
UTC_TIME, GENERALIZED_TIME = 0x17, 0x18
SEQUENCE, SET = 0x30, 0x31
_CONSTRUCTED = 0x20
_CONSTRUCTED_OCTET_STRING = OCTET_STRING | _CONSTRUCTED
_CONSTRUCTED_TAG_0, _PRIMITIVE_TAG_0 = b"\xa0", b"\x80"

APART_OCTETS = 16 * 1024
"""From this size on, a [0] IMPLICIT OCTET STRING in parts can be left where it is."""


# --- writing -------------------------------------------------------------------------------------


def length(octets: int) -> bytes:
    """The length octets of a content of that size (ITU-T X.690 §10.1)."""
    if octets < 0x80:
        return bytes((octets,))
    digits = octets.to_bytes((octets.bit_length() + 7) // 8, "big")
    return bytes((0x80 | len(digits),)) + digits


def header(tag: int, octets: int) -> bytes:
    """The first octets of an element whose content has that size."""
    return bytes((tag,)) + length(octets)


def tlv(tag: int, *parts: bytes) -> bytes:
    """One element whose content is the concatenation of ``parts``."""
    content = b"".join(parts)
    return header(tag, len(content)) + content


def wrap(tag: int, pieces: list[bytes]) -> list[bytes]:
    """The pieces of an element around ``pieces``: nothing is copied until all are joined."""
    return [header(tag, sum(map(len, pieces))), *pieces]


def set_of(*elements: bytes, tag: int = SET) -> bytes:
    """A SET OF in the order that DER demands (ITU-T X.690 §11.6)."""
    return tlv(tag, *sorted(elements))


def integer(value: int) -> bytes:
    """A non-negative INTEGER."""
    return tlv(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))


@lru_cache(maxsize=512)
def oid(dotted: str) -> bytes:
    """An OBJECT IDENTIFIER from its dotted form; those of our tables are written once."""
    first, second, *rest = (int(arc) for arc in dotted.split("."))
    content = bytearray()
    for arc in (first * 40 + second, *rest):
        septets = [arc & 0x7F]
        while arc := arc >> 7:
            septets.append(0x80 | arc & 0x7F)
        content += bytes(reversed(septets))
    return tlv(OID, bytes(content))


def time(at: datetime) -> bytes:
    """A Time, to the second: UTCTime until 2049, GeneralizedTime after (RFC 5652 §11.3)."""
    at = at.astimezone(UTC)
    if 1950 <= at.year < 2050:
        return tlv(UTC_TIME, f"{at:%y%m%d%H%M%S}Z".encode())
    return tlv(GENERALIZED_TIME, f"{at.year:04}{at:%m%d%H%M%S}Z".encode())


# --- reading -------------------------------------------------------------------------------------


class Reader:
    """Walks the elements of one content, strictly. Every method raises :class:`DerMalformed`."""

    __slots__ = ("_buffer", "_end", "_position")

    def __init__(self, buffer: bytes, position: int = 0, end: int | None = None) -> None:
        self._buffer = buffer
        self._position = position
        self._end = len(buffer) if end is None else end

    def _header(self) -> tuple[int, int, int]:
        """(tag, where the content begins, where it ends); the position does not move."""
        buffer, position, end = self._buffer, self._position, self._end
        if position + 2 > end:
            raise DerMalformed("truncated")
        tag, size = buffer[position], buffer[position + 1]
        position += 2
        if tag & 0x1F == 0x1F:
            raise DerMalformed("long tag")
        if size >= 0x80:
            count = size & 0x7F
            if not 1 <= count <= 4 or position + count > end:
                raise DerMalformed("length")
            size = int.from_bytes(buffer[position : position + count], "big")
            if size < 0x80 or size >> 8 * (count - 1) == 0:
                raise DerMalformed("length not minimal")
            position += count
        if position + size > end:
            raise DerMalformed("truncated")
        return tag, position, position + size

    def peek(self) -> int:
        """The tag of the next element, or -1 at the end."""
        return self._buffer[self._position] if self._position < self._end else -1

    def enter(self, tag: int) -> "Reader":
        """Step over the next element, which must have ``tag``, and return its content to walk."""
        found, start, end = self._header()
        if found != tag:
            raise DerMalformed(f"tag {found:#x} where {tag:#x} was expected")
        self._position = end
        return Reader(self._buffer, start, end)

    def content(self, tag: int) -> bytes:
        """The content octets of the next element, which must have ``tag``."""
        found, start, end = self._header()
        if found != tag:
            raise DerMalformed(f"tag {found:#x} where {tag:#x} was expected")
        self._position = end
        return self._buffer[start:end]

    def view(self, tag: int) -> memoryview:
        """As :meth:`content`, without a copy."""
        found, start, end = self._header()
        if found != tag:
            raise DerMalformed(f"tag {found:#x} where {tag:#x} was expected")
        self._position = end
        return memoryview(self._buffer)[start:end]

    def element(self, tag: int | None = None) -> bytes:
        """The next element whole, header included."""
        found, _, end = self._header()
        if tag is not None and found != tag:
            raise DerMalformed(f"tag {found:#x} where {tag:#x} was expected")
        whole = self._buffer[self._position : end]
        self._position = end
        return whole

    def rest(self) -> bytes:
        """All octets that remain, unread."""
        remaining = self._buffer[self._position : self._end]
        self._position = self._end
        return remaining

    def small_integer(self) -> int:
        """An INTEGER between 0 and 32,767: versions and salt lengths."""
        value = self.content(INTEGER)
        number = int.from_bytes(value, "big", signed=True)
        if not 1 <= len(value) <= 2 or number < 0 or (len(value) == 2 and number < 0x80):
            raise DerMalformed("integer out of range")
        return number

    def finish(self) -> None:
        """Expect that nothing is left."""
        if self._position != self._end:
            raise DerMalformed("trailing octets")


def time_of(element: bytes) -> datetime:
    """The instant of a Time in its DER form: to the second, in UTC (RFC 5652 §11.3)."""
    reader = Reader(element)
    form = {UTC_TIME: 13, GENERALIZED_TIME: 15}.get(reader.peek())
    text = reader.content(reader.peek()).decode("latin-1") if form else ""
    digits = text[:-1]
    if len(text) != form or text[-1] != "Z" or not (digits.isascii() and digits.isdigit()):
        raise DerMalformed("time")
    if form == 13:
        digits = ("19" if digits >= "50" else "20") + digits
    month, day, hour, minute, second = (int(digits[at : at + 2]) for at in range(4, 14, 2))
    try:
        return datetime(int(digits[:4]), month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        raise DerMalformed("time") from None


# --- BER -----------------------------------------------------------------------------------------


class _Open:
    """A constructed element whose end was not reached yet.

    ``end`` is None when its length is indefinite; ``limit`` is where the nearest definite one ends.
    """

    __slots__ = ("end", "is_string", "limit", "pieces", "size", "strings", "tag")

    def __init__(self, tag: bytes, end: int | None, limit: int) -> None:
        self.tag = tag
        self.end = end
        self.limit = limit
        self.pieces: list[bytes | memoryview] = []
        self.size = 0
        self.is_string = tag == _CONSTRUCTED_TAG_0
        self.strings: list[bytes | memoryview] = []

    def add(self, tag: bytes, pieces: list[bytes | memoryview], size: int) -> None:
        """Put a finished element at the end; parts of a split OCTET STRING lose their headers."""
        if self.is_string:
            self.is_string = tag[0] == OCTET_STRING
            self.strings += pieces
        if self.tag[0] == _CONSTRUCTED_OCTET_STRING:
            if tag[0] != OCTET_STRING:
                raise DerMalformed("a part of an octet string is none")
        else:
            head = tag + length(size)
            self.pieces.append(head)
            self.size += len(head)
        self.pieces += pieces
        self.size += size


def to_der(
    blob: bytes,
    max_depth: int = MAX_DEPTH,
    max_size: int = MAX_OCTETS,
    apart: list[bytes | memoryview] | None = None,
) -> bytes:
    """The same value with definite, shortest lengths and whole octet strings.

    What streaming producers emit: indefinite lengths and OCTET STRINGs in parts (ITU-T X.690 §8).
    Other liberties of BER (split strings of other types, sets out of order) are left for the
    strict reader to refuse. With ``apart``, one [0] IMPLICIT OCTET STRING in parts, of at least
    ``APART_OCTETS`` together, is emptied, and its parts are put there without a copy. Raises
    :class:`DerMalformed`, also beyond ``max_depth``, ``max_size`` octets or ``MAX_ELEMENTS``.
    """
    if len(blob) > max_size:
        raise DerMalformed("too big")
    root = _Open(b"\x00", len(blob), len(blob))
    frames = [root]
    view = memoryview(blob)
    position = elements = 0
    while True:
        frame = frames[-1]
        if frame.end == position:
            if frame is root:
                break
            _close(frames, apart)
            continue
        if frame.end is None and blob[position : position + 2] == b"\x00\x00":
            position += 2
            if position > frame.limit:
                raise DerMalformed("truncated")
            _close(frames, apart)
            continue
        elements += 1
        if elements > MAX_ELEMENTS or (frame is root and root.pieces):
            raise DerMalformed("too many elements")
        tag, size, position = _ber_header(blob, position)
        end = None if size is None else position + size
        if (position if end is None else end) > frame.limit:
            raise DerMalformed("truncated")
        if tag[0] & _CONSTRUCTED:
            if len(frames) > max_depth:
                raise DerMalformed("too deep")
            frames.append(_Open(tag, end, frame.limit if end is None else end))
        elif end is None:
            raise DerMalformed("a primitive element without length")
        else:
            frame.add(tag, [view[position:end]], end - position)
            position = end
    if not root.pieces:
        raise DerMalformed("nothing")
    return b"".join(root.pieces)


def _close(frames: list[_Open], apart: list[bytes | memoryview] | None) -> None:
    done = frames.pop()
    if apart is not None and not apart and done.is_string and done.size >= APART_OCTETS:
        apart += done.strings
        frames[-1].add(_PRIMITIVE_TAG_0, [], 0)
        return
    tag = bytes((OCTET_STRING,)) if done.tag[0] == _CONSTRUCTED_OCTET_STRING else done.tag
    frames[-1].add(tag, done.pieces, done.size)


def _ber_header(blob: bytes, position: int) -> tuple[bytes, int | None, int]:
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
