"""DER: a strict reader and a writer.

The reader takes what CMS needs (ITU-T X.690 §10): one-octet tags, definite lengths in their
shortest form, nothing left over. What streaming producers emit goes through ``certs.cms.ber``.
"""

from datetime import UTC, datetime
from functools import lru_cache

from certs.errors import DerMalformed

MAX_OCTETS = 64 * 1024 * 1024
"""Largest blob read: a 25 MB message in base64 inside another fits."""

INTEGER, BIT_STRING, OCTET_STRING, NULL, OID = 0x02, 0x03, 0x04, 0x05, 0x06
UTC_TIME, GENERALIZED_TIME = 0x17, 0x18
SEQUENCE, SET = 0x30, 0x31


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

    def _step(self, tag: int | None) -> tuple[int, int]:
        """Step over the next element, of that tag if one is given; where its content stands."""
        buffer, start, limit = self._buffer, self._position + 2, self._end
        if start > limit:
            raise DerMalformed("truncated")
        found, size = buffer[start - 2], buffer[start - 1]
        if found & 0x1F == 0x1F:
            raise DerMalformed("long tag")
        if size >= 0x80:
            start, size = self._long_length(start, size & 0x7F)
        end = start + size
        if end > limit:
            raise DerMalformed("truncated")
        if found != tag and tag is not None:
            raise DerMalformed(f"tag {found:#x} where {tag:#x} was expected")
        self._position = end
        return start, end

    def _long_length(self, position: int, count: int) -> tuple[int, int]:
        """(where the content begins, its length) for a length in ``count`` octets."""
        end = position + count
        if not 1 <= count <= 4 or end > self._end:
            raise DerMalformed("length")
        size = int.from_bytes(self._buffer[position:end], "big")
        if size < 0x80 or size >> 8 * (count - 1) == 0:
            raise DerMalformed("length not minimal")
        return end, size

    def peek(self) -> int:
        """The tag of the next element, or -1 at the end."""
        return self._buffer[self._position] if self._position < self._end else -1

    def enter(self, tag: int) -> "Reader":
        """Step over the next element, which must have ``tag``, and return its content to walk."""
        start, end = self._step(tag)
        return Reader(self._buffer, start, end)

    def content(self, tag: int) -> bytes:
        """The content octets of the next element, which must have ``tag``."""
        start, end = self._step(tag)
        return self._buffer[start:end]

    def view(self, tag: int) -> memoryview:
        """As :meth:`content`, without a copy."""
        start, end = self._step(tag)
        return memoryview(self._buffer)[start:end]

    def element(self, tag: int | None = None) -> bytes:
        """The next element whole, header included."""
        position = self._position
        _, end = self._step(tag)
        return self._buffer[position:end]

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


_TIME_OCTETS = {UTC_TIME: 13, GENERALIZED_TIME: 15}


def time_of(element: bytes) -> datetime:
    """The instant of a Time in its DER form: to the second, in UTC (RFC 5652 §11.3)."""
    reader = Reader(element)
    form = _TIME_OCTETS.get(reader.peek())
    text = reader.content(reader.peek()).decode("latin-1") if form else ""
    digits = text[:-1]
    if len(text) != form or text[-1] != "Z" or not (digits.isascii() and digits.isdigit()):
        raise DerMalformed("time")
    if form == 13:
        digits = ("19" if digits >= "50" else "20") + digits
    year, month, day = int(digits[:4]), int(digits[4:6]), int(digits[6:8])
    hour, minute, second = int(digits[8:10]), int(digits[10:12]), int(digits[12:])
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        raise DerMalformed("time") from None
