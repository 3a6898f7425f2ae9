"""What an IMAP server says, read strictly: bytes from a socket to responses (RFC 9051 §9).

Written apart from the product's grammar, so that one does not repeat the errors of the other.
One space between values, CRLF at the end, no octet that the grammar does not know: anything else
is :class:`ResponseMalformed`.
"""

import asyncio
import re
from dataclasses import dataclass
from typing import Any, Final

_NUMBERED: Final = re.compile(rb"[0-9]+\Z")
_LITERAL: Final = re.compile(rb"~?\{([0-9]+)\}\r\n\Z")
_ATOM: Final = re.compile(rb"[^\x00-\x20\x7f-\xff(){\"\[\]]+")
_ASTRING: Final = re.compile(rb"[^\x00-\x20\x7f-\xff(){\"]+")
_TEXT: Final = re.compile(rb"[^\x00\r\n\x80-\xff]*\Z")
_QUOTED: Final = re.compile(rb'"((?:[^\x00\r\n"\\]|\\["\\])*)"')
_MAY_BE_EMPTY: Final = frozenset(
    {b"SEARCH", b"SORT", b"THREAD", b"ENABLED", b"EXISTS", b"RECENT", b"EXPUNGE"}
)
_STATUS: Final = frozenset({b"OK", b"NO", b"BAD", b"BYE", b"PREAUTH"})


class ResponseMalformed(AssertionError):
    """The server said something that the grammar does not know."""


class ConnectionEnded(Exception):
    """The server closed the connection between two responses."""


class Text(bytes):
    """A quoted string or a literal; an atom is plain ``bytes``."""


@dataclass(frozen=True, slots=True)
class Response:
    """One response: ``* 3 FETCH (…)`` has the number 3, ``t OK [CODE 1 2] text`` has a code.

    ``values`` are atoms, :class:`Text`, lists and None for NIL; for the five status responses
    they are empty and ``text`` is what a person may read.
    """

    tag: bytes
    name: bytes
    number: int | None
    code: tuple[Any, ...]
    values: tuple[Any, ...]
    text: bytes
    raw: bytes

    @property
    def is_tagged(self) -> bool:
        """Whether it ends a command."""
        return self.tag not in (b"*", b"+")


async def read_response(reader: asyncio.StreamReader) -> Response:
    """The next response; raises ``ConnectionEnded`` and ``ResponseMalformed``."""
    line = await reader.readline()
    if not line:
        raise ConnectionEnded
    raw = line
    while found := _LITERAL.search(line):
        octets = await reader.readexactly(int(found[1]))
        line = await reader.readline()
        raw += octets + line
    if not raw.endswith(b"\r\n"):
        raise ConnectionEnded if reader.at_eof() else ResponseMalformed(raw[-100:])
    return parse(raw)


def parse(raw: bytes) -> Response:
    """One response with its literals and its CRLF; raises ``ResponseMalformed``."""
    tag, space, _ = raw.partition(b" ")
    if not space:
        raise ResponseMalformed(raw)
    position = len(tag) + 1
    if tag == b"+":
        return Response(tag, b"", None, (), (), raw[position:-2], raw)
    number = None
    word, position = _word(raw, position)
    if _NUMBERED.match(word):
        number = int(word)
        word, position = _word(raw, _space(raw, position))
    name = word.upper()
    if name in _STATUS:
        code, text = _status_text(raw, position)
        return Response(tag, name, number, code, (), text, raw)
    values: list[Any] = []
    if raw[position : position + 2] != b"\r\n":
        values, position = _sequence(raw, _space(raw, position), b"\r\n")
        position -= 2
        if not values:
            raise ResponseMalformed(raw[:200])
    elif name not in _MAY_BE_EMPTY:
        raise ResponseMalformed(raw[:200])
    if position + 2 != len(raw):
        raise ResponseMalformed(raw[:200])
    return Response(tag, name, number, (), tuple(values), b"", raw)


def _status_text(raw: bytes, position: int) -> tuple[tuple[Any, ...], bytes]:
    rest = raw[_space(raw, position) : -2]
    code: tuple[Any, ...] = ()
    if rest.startswith(b"["):
        words, at = _sequence(rest, 1, b"]")
        code = tuple(words)
        rest = rest[_space(rest, at) :]
    if not rest or not _TEXT.match(rest):
        raise ResponseMalformed(raw)
    return code, rest


def _word(raw: bytes, position: int) -> tuple[bytes, int]:
    found = _ATOM.match(raw, position)
    if found is None:
        raise ResponseMalformed(raw[:200])
    return found[0], found.end()


def _space(raw: bytes, position: int) -> int:
    if raw[position : position + 1] != b" ":
        raise ResponseMalformed(raw[:200])
    return position + 1


def _sequence(raw: bytes, position: int, closing: bytes) -> tuple[list[Any], int]:
    """Values up to ``closing``, which is passed over."""
    values: list[Any] = []
    while raw[position : position + len(closing)] != closing:
        if values and raw[position : position + 1] != b"(":  # body parts stand without a space
            position = _space(raw, position)
        elif values and raw[position - 1 : position] != b")":
            raise ResponseMalformed(raw[:200])
        value, position = _value(raw, position, _ATOM if closing == b"]" else _ASTRING)
        values.append(value)
    return values, position + len(closing)


def _value(raw: bytes, position: int, word: re.Pattern[bytes]) -> tuple[Any, int]:
    first = raw[position : position + 1]
    if first == b"(":
        return _sequence(raw, position + 1, b")")
    if first == b'"':
        quoted = _QUOTED.match(raw, position)
        if quoted is None:
            raise ResponseMalformed(raw[position : position + 200])
        return Text(re.sub(rb"\\(.)", rb"\1", quoted[1])), quoted.end()
    if first in (b"{", b"~"):
        announced = re.compile(rb"~?\{([0-9]+)\}\r\n").match(raw, position)
        if announced is None:
            raise ResponseMalformed(raw[position : position + 200])
        end = announced.end() + int(announced[1])
        return Text(raw[announced.end() : end]), end
    return _atom(raw, position, word)


def _atom(raw: bytes, position: int, pattern: re.Pattern[bytes]) -> tuple[bytes | None, int]:
    """An atom, ``BODY[HEADER.FIELDS (X)]<0>`` being one too; ``]`` is part of one outside codes."""
    word, end = _word(raw, position) if raw[position : position + 1] not in b"[]" else (b"", 0)
    if raw[end : end + 1] == b"[" and word in (b"BODY", b"BINARY", b"BINARY.SIZE"):
        _, after = _sequence(raw, end + 1, b"]")
        origin = re.compile(rb"<[0-9]+>").match(raw, after)
        end = after if origin is None else origin.end()
        word = raw[position:end]
    else:
        found = pattern.match(raw, position)
        if found is None:
            raise ResponseMalformed(raw[:200])
        word, end = found[0], found.end()
    return (None if word == b"NIL" else word), end


def numbers(printed: bytes) -> list[int]:
    """``1:3,7`` as numbers; ``*`` is no number here."""
    found: list[int] = []
    for piece in printed.split(b","):
        low, _, high = piece.partition(b":")
        found.extend(range(int(low), int(high or low) + 1))
    return found


def printed(values: list[int]) -> bytes:
    """Ascending numbers as a set; raises on none, which has no form."""
    assert values
    pieces: list[tuple[int, int]] = []
    for value in values:
        if pieces and pieces[-1][1] + 1 == value:
            pieces[-1] = (pieces[-1][0], value)
        else:
            pieces.append((value, value))
    return b",".join(b"%d" % low if low == high else b"%d:%d" % (low, high) for low, high in pieces)
