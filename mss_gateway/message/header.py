"""Header: the fields of one header, in order, as they stand (RFC 5322 §2.2).

Every line is a field or the continuation of one; a header with any other line, a space before a
colon or a stray CR or LF is refused, because readers differ on what it says.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from mss_gateway.message.charsets import decode_text
from mss_gateway.message.limits import LIMITS, Limits, header_malformed
from mss_gateway.message.words import decode_words, display_safe, unfold

_FIELD = re.compile(rb"(?:(?<=\r\n)|\A)([!-9;-~]++):([^\r\n]*+(?:\r\n[ \t][^\r\n]*+)*+)(?:\r\n|\Z)")
_REMEMBERED_OCTETS = 8_192
_AROUND_VALUE = 3  # the colon before it and CRLF after it
_NAMES = {
    name.encode("ascii"): name.lower()
    for name in (
        "Return-Path", "Received", "From", "Sender", "Reply-To", "To", "Cc", "Subject", "Date",
        "Message-ID", "Message-Id", "In-Reply-To", "References", "User-Agent", "X-Mailer",
        "MIME-Version", "Content-Type", "Content-Transfer-Encoding", "Content-Disposition",
        "Content-Language", "Content-ID",
    )
}  # fmt: skip

Field = tuple[str, bytes]
"""A field: its name in lower case, its value as it stands, folds included, colon excluded."""

_Fields = tuple[tuple[Field, ...], Mapping[str, bytes]]


@dataclass(frozen=True, slots=True)
class Header:
    """The fields of ``raw[start:end]``, in order; they are asked for in lower case."""

    fields: tuple[Field, ...]
    start: int
    end: int
    index: Mapping[str, bytes] = field(compare=False, repr=False)
    """The first value of each name."""

    def first(self, name: str) -> bytes | None:
        """The value of the first field of that name, folded, as it stands; None if absent."""
        return self.index.get(name)

    def all(self, name: str) -> list[bytes]:
        """The values of every field of that name, in order."""
        return [value for key, value in self.fields if key == name]

    def places(self) -> Iterator[tuple[str, int, int]]:
        """Each field's name, and where it begins and ends in the raw message, CRLF included."""
        position = self.start
        for name, value in self.fields:
            following = min(position + len(name) + len(value) + _AROUND_VALUE, self.end)
            yield name, position, following
            position = following

    def unfolded(self, name: str) -> str:
        """The first value as one line, encoded words kept; empty if absent.

        This is what ``address.parse_mailboxes`` reads. Raw 8-bit text is UTF-8 (RFC 6532 §3.2),
        or failing that Windows-1252.
        """
        value = self.first(name)
        return "" if value is None else unfold(field_text(value))

    def text(self, name: str) -> str:
        """The first value as a person may read it: unfolded, decoded, safe to show."""
        return display_safe(decode_words(self.unfolded(name)), limit=LIMITS.field_octets)


def field_text(value: bytes) -> str:
    """A field value as text, whatever its bytes."""
    return value.decode("ascii") if value.isascii() else decode_text(value, "utf-8")


def parse_header(raw: bytes, start: int, end: int, limits: Limits = LIMITS) -> Header:
    """The fields of ``raw[start:end]``, a block without its closing empty line.

    Raises MessageMalformed (HEADER_MALFORMED) for a line that is no field, or above a limit.
    """
    if end - start > limits.header_octets:
        raise header_malformed("header too long")
    if end - start <= _REMEMBERED_OCTETS and limits is LIMITS:
        fields, index = _remembered(raw[start:end])
    else:
        fields, index = _fields(raw[start:end], limits)
    return Header(fields, start, end, index)


@lru_cache(maxsize=128)
def _remembered(block: bytes) -> _Fields:
    # until a message is signed and stored, each of its headers is read about three times
    return _fields(block, LIMITS)


def _fields(block: bytes, limits: Limits) -> _Fields:
    found = _FIELD.findall(block)
    if len(found) > limits.fields:
        raise header_malformed("too many fields")
    position, end = 0, len(block)
    for name, value in found:
        length = len(name) + len(value) + _AROUND_VALUE
        if length > limits.field_octets:
            raise header_malformed("field too long")
        position += length
    if position != end and position != end + 2:  # the last field of a cut message has no CRLF
        raise header_malformed("a line of the header is no field")
    fields = [(_NAMES.get(name) or name.decode("ascii").lower(), value) for name, value in found]
    return tuple(fields), dict(reversed(fields))


def header_end(raw: bytes, start: int, end: int) -> tuple[int, int]:
    """Where the header of ``raw[start:end]`` ends and where its body begins.

    The first is after the CRLF of the last field, the second after the empty line. Without an
    empty line everything is header (RFC 5322 §2.1: the body is optional).
    """
    if raw.startswith(b"\r\n", start, end):
        return start, start + 2
    blank = raw.find(b"\r\n\r\n", start, end)
    return (end, end) if blank < 0 else (blank + 2, blank + 4)
