"""Summary: what a mailbox asks of a message, computed once at delivery and kept as bytes.

``summarise`` writes it, ``Summary`` reads it lazily: a fixed head with the length of every piece,
then the pieces, so that reading one costs one slice. IMAP gets ready wire bytes; SEARCH, threads
and the webmail's lists get decoded text. The raw message is not needed again.
"""

import re
import struct

from mss_gateway.message.address import AddressMalformed, Mailbox, parse_mailboxes
from mss_gateway.message.dates import parse_date
from mss_gateway.message.header import Header, field_text
from mss_gateway.message.part import Message, Part, is_attachment
from mss_gateway.message.preview import preview
from mss_gateway.message.structure import envelope, structures
from mss_gateway.message.words import decode_words, display_safe, unfold

VERSION = 2
"""The first release wrote version 1, without the preview: still read."""

_PIECES = (
    "envelope", "body", "bodystructure", "numbers", "places",
    "from", "to", "cc", "bcc", "subject", "author_name", "author", "message_id", "in_reply_to",
    "references", "preview",
)  # fmt: skip
_HEAD = struct.Struct(f"<BB2xqiII{len(_PIECES)}I")
_HEADS = {1: struct.Struct(f"<BB2xqiII{len(_PIECES) - 1}I"), VERSION: _HEAD}
_PLACE = struct.Struct("<4I")
_IDENTIFIER = re.compile(rb'<\s*((?:"(?:[^"\\]|\\.)*"|[^<>"\s])+)\s*>')
_NO_DATE = -(1 << 63)
_HAS_ATTACHMENT = 1


def summarise(message: Message) -> bytes:
    """The summary of a scanned message; about 1 kB and 2 bytes of it per byte of header."""
    header, raw = message.header, message.raw
    parts = list(message.root.walk())
    body, bodystructure = structures(parts, raw)
    numbers, places = _places(parts)
    author = _author(header)
    sent = parse_date(header.unfolded("date"))
    pieces = (
        envelope(header),
        body,
        bodystructure,
        numbers,
        places,
        _text(header, "from").lower().encode("utf-8"),
        _text(header, "to").lower().encode("utf-8"),
        _text(header, "cc").lower().encode("utf-8"),
        _text(header, "bcc").lower().encode("utf-8"),
        _text(header, "subject").encode("utf-8"),
        b"" if author is None else author.display_name.encode("utf-8"),
        b"" if author is None else str(author.address).encode("ascii"),
        _identifiers(header, "message-id"),
        _identifiers(header, "in-reply-to"),
        _identifiers(header, "references"),
        preview(message).encode("utf-8"),
    )
    attached = any(is_attachment(part) for part in message.root.walk(into_messages=False))
    return b"".join(
        (
            _HEAD.pack(
                VERSION,
                _HAS_ATTACHMENT if attached else 0,
                _NO_DATE if sent is None else sent[0],
                0 if sent is None else sent[1],
                len(raw),
                message.root.body_start,
                *map(len, pieces),
            ),
            *pieces,
        )
    )


def _text(header: Header, name: str) -> str:
    values = header.all(name)
    if not values:
        return ""
    return display_safe(
        " ".join([decode_words(unfold(field_text(value))) for value in values]), limit=1 << 16
    )


def _author(header: Header) -> Mailbox | None:
    try:
        authors = parse_mailboxes(header.unfolded("from"))
    except AddressMalformed:
        return None
    return authors[0] if authors else None


def _identifiers(header: Header, name: str) -> bytes:
    """The ``<…>`` identifiers of a field, one space between them (RFC 5322 §3.6.4)."""
    value = header.first(name)
    if value is None:
        return b""
    return b" ".join(b"<%b>" % found for found in _IDENTIFIER.findall(value))


def _places(parts: list[Part]) -> tuple[bytes, bytes]:
    """The part numbers that IMAP knows, and for each four offsets (RFC 9051 §6.4.5)."""
    numbers: list[str] = []
    places: list[bytes] = []
    roots = {id(parts[0]), *[id(part.message) for part in parts if part.message is not None]}
    for part in parts:
        if id(part) in roots and part.children:
            continue  # the multipart of a message is the message's own text
        numbers.append(part.number or "1")
        inner = 0 if part.message is None else part.message.body_start
        places.append(_PLACE.pack(part.header_start, part.body_start, part.body_end, inner))
    return " ".join(numbers).encode("ascii"), b"".join(places)


_LENGTHS = _HEAD.size - 4 * len(_PIECES)
_FIRST_LENGTHS = struct.Struct("<3I")


def envelope_of(octets: bytes) -> bytes:
    """ENVELOPE of a summary, ready for the wire; on the path of every listing, so without a reader.

    Raises ValueError for a summary of another version.
    """
    start = _start(octets)
    return octets[start : start + _FIRST_LENGTHS.unpack_from(octets, _LENGTHS)[0]]


def bodystructure_of(octets: bytes) -> bytes:
    """BODYSTRUCTURE of a summary; as :func:`envelope_of`."""
    envelope, body, bodystructure = _FIRST_LENGTHS.unpack_from(octets, _LENGTHS)
    start = _start(octets) + envelope + body
    return octets[start : start + bodystructure]


def _start(octets: bytes) -> int:
    """Where the pieces begin."""
    layout = _HEADS.get(octets[0])
    if layout is None:
        raise ValueError("a summary of another version")
    return layout.size


class Summary:
    """A lazy reader of what ``summarise`` wrote; offsets and lengths are octets of the message."""

    __slots__ = ("_ends", "_octets", "_start", "has_attachment", "header_size", "sent_date",
                 "sent_zone", "size")  # fmt: skip

    size: int
    """Octets of the message (RFC822.SIZE)."""
    header_size: int
    """Octets of its header, the empty line included."""
    sent_date: int | None
    """The Date field in Unix seconds, None if absent or unreadable."""
    sent_zone: int
    """The zone of that Date, minutes east of UTC."""
    has_attachment: bool

    def __init__(self, octets: bytes) -> None:
        layout = _HEADS.get(octets[0])
        if layout is None:
            raise ValueError("a summary of another version")
        head = layout.unpack_from(octets)
        self._start = layout.size
        self.has_attachment = bool(head[1] & _HAS_ATTACHMENT)
        self.sent_date = None if head[2] == _NO_DATE else head[2]
        self.sent_zone = head[3]
        self.size = head[4]
        self.header_size = head[5]
        self._octets = octets
        self._ends: tuple[int, ...] = head[6:]

    def _piece(self, index: int) -> bytes:
        start = self._start + sum(self._ends[:index])
        return self._octets[start : start + self._ends[index]]

    @property
    def envelope(self) -> bytes:
        """ENVELOPE, ready for the wire."""
        return self._piece(0)

    @property
    def body(self) -> bytes:
        """BODY, the structure without extension fields, ready for the wire."""
        return self._piece(1)

    @property
    def bodystructure(self) -> bytes:
        """BODYSTRUCTURE, ready for the wire."""
        return self._piece(2)

    @property
    def from_text(self) -> str:
        """From: decoded and lower-cased, for SEARCH."""
        return self._piece(5).decode("utf-8")

    @property
    def to_text(self) -> str:
        """To: decoded and lower-cased, for SEARCH."""
        return self._piece(6).decode("utf-8")

    @property
    def cc_text(self) -> str:
        """Cc: decoded and lower-cased, for SEARCH."""
        return self._piece(7).decode("utf-8")

    @property
    def bcc_text(self) -> str:
        """Bcc: decoded and lower-cased, for SEARCH."""
        return self._piece(8).decode("utf-8")

    @property
    def subject(self) -> str:
        """Subject: decoded, safe to show; lower-case it to search in it."""
        return self._piece(9).decode("utf-8")

    @property
    def first_display_name(self) -> str:
        """The name of the first author, safe to show; empty if it has none."""
        return self._piece(10).decode("utf-8")

    @property
    def author(self) -> str:
        """The address of the first author in its normal form; empty if From is unreadable."""
        return self._piece(11).decode("ascii")

    @property
    def message_id(self) -> str:
        """Message-ID with its angle brackets; empty if absent."""
        return self._piece(12).decode("utf-8", "replace")

    @property
    def in_reply_to(self) -> tuple[str, ...]:
        """The identifiers of In-Reply-To, with their angle brackets."""
        return tuple(self._piece(13).decode("utf-8", "replace").split())

    @property
    def references(self) -> tuple[str, ...]:
        """The identifiers of References, oldest first."""
        return tuple(self._piece(14).decode("utf-8", "replace").split())

    @property
    def preview(self) -> str | None:
        """The first words of the text, safe to show; None where the summary is an older one."""
        return self._piece(15).decode("utf-8") if len(self._ends) > 15 else None

    @property
    def sent_day(self) -> int | None:
        """The day written in Date, in days since 1970-01-01, whatever its zone.

        SENTBEFORE, SENTON and SENTSINCE disregard time and zone (RFC 9051 §6.4.4).
        """
        if self.sent_date is None:
            return None
        return (self.sent_date + self.sent_zone * 60) // 86_400

    @property
    def header_fields(self) -> tuple[int, int]:
        """Where the header stands, (start, length), for HEADER.FIELDS and HEADER.FIELDS.NOT."""
        return 0, self.header_size

    def section(self, spec: bytes) -> tuple[int, int] | None:
        """(start, length) of a BODY section, None for one that the message does not have.

        ``spec`` in any case: empty, ``HEADER``, ``TEXT``, ``1.2``, ``1.2.MIME``, ``2.HEADER``,
        ``2.TEXT`` (RFC 9051 §6.4.5).
        """
        spec = spec.upper()
        if spec == b"":
            return 0, self.size
        if spec == b"HEADER":
            return 0, self.header_size
        if spec == b"TEXT":
            return self.header_size, self.size - self.header_size
        number, word = spec, b""
        if not spec[-1:].isdigit():
            number, _, word = spec.rpartition(b".")
            if not word:
                return None
        numbers = self._piece(3).split(b" ")
        if number not in numbers:
            return None
        place = _PLACE.unpack_from(self._piece(4), numbers.index(number) * _PLACE.size)
        return _within(place, word)


def _within(place: tuple[int, ...], word: bytes) -> tuple[int, int] | None:
    header_start, body_start, body_end, inner = place
    if word == b"":
        return body_start, body_end - body_start
    if word == b"MIME":
        return header_start, body_start - header_start
    if inner and word == b"HEADER":
        return body_start, inner - body_start
    if inner and word == b"TEXT":
        return inner, body_end - inner
    return None


def filter_header(header: bytes, names: frozenset[bytes], invert: bool) -> bytes:
    """The fields of those names, or all the others, in order and folded as they are.

    HEADER.FIELDS and HEADER.FIELDS.NOT of RFC 9051 §6.4.5: names in any case, the closing empty
    line is always there.
    """
    wanted = {name.lower() for name in names}
    kept: list[bytes] = []
    keeping = False
    for line in header.split(b"\r\n"):
        if line == b"":
            break
        if line[:1] not in (b" ", b"\t"):
            keeping = (line.partition(b":")[0].lower() in wanted) is not invert
        if keeping:
            kept.append(line)
    kept.append(b"")
    kept.append(b"")
    return b"\r\n".join(kept) if len(kept) > 2 else b"\r\n"
