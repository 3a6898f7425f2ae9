"""SEARCH keys: RFC 9051 §6.4.4 and the \\Recent keys of RFC 3501 §6.4.4."""

import re
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Final

from mss_gateway.imap.grammar.cursor import BadCharset, Cursor, Malformed
from mss_gateway.imap.grammar.dates import day
from mss_gateway.imap.grammar.primitives import MAX_KEYWORD, SYSTEM_FLAGS, astring, atom, number
from mss_gateway.imap.grammar.sets import NumberSet, number_set, starts_set


class Timing(Enum):
    """How a message's day stands to the key's day."""

    BEFORE = "BEFORE"
    ON = "ON"
    SINCE = "SINCE"


@dataclass(frozen=True, slots=True)
class Every:
    """All of the keys; without any key, every message."""

    keys: tuple["Key", ...] = ()


@dataclass(frozen=True, slots=True)
class Either:
    """OR."""

    one: "Key"
    other: "Key"


@dataclass(frozen=True, slots=True)
class Not:
    """NOT."""

    key: "Key"


@dataclass(frozen=True, slots=True)
class HasFlag:
    """A system flag, by its bit."""

    bit: int


@dataclass(frozen=True, slots=True)
class HasKeyword:
    """A keyword, compared without case."""

    name: str


@dataclass(frozen=True, slots=True)
class Numbered:
    """Sequence numbers, or UIDs."""

    numbers: NumberSet
    is_uid: bool


@dataclass(frozen=True, slots=True)
class Dated:
    """INTERNALDATE, or the Date field where ``is_sent``."""

    timing: Timing
    day: date
    is_sent: bool


@dataclass(frozen=True, slots=True)
class Sized:
    """Strictly larger, or strictly smaller, than ``octets``."""

    octets: int
    is_larger: bool


@dataclass(frozen=True, slots=True)
class InField:
    """``text`` within a header field (lower-case name); an empty text asks for its presence."""

    field: str
    text: str


@dataclass(frozen=True, slots=True)
class InText:
    """``text`` within the body, or within header and body."""

    text: str
    with_header: bool


Key = Every | Either | Not | HasFlag | HasKeyword | Numbered | Dated | Sized | InField | InText


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """One SEARCH: what a message must fulfil."""

    key: Every


_NOTHING: Final = Not(Every())
_PLAIN: Final[dict[bytes, Key]] = {
    b"ALL": Every(),
    b"NEW": _NOTHING,  # \Recent is never set here, RFC 9051 §E
    b"OLD": Every(),
    b"RECENT": _NOTHING,
    **{flag[1:].upper(): HasFlag(bit) for flag, bit in SYSTEM_FLAGS.items()},
    **{b"UN" + flag[1:].upper(): Not(HasFlag(bit)) for flag, bit in SYSTEM_FLAGS.items()},
}
_FIELDS: Final = {b"FROM", b"TO", b"CC", b"BCC", b"SUBJECT"}
_WORD = re.compile(rb"[A-Za-z]+")
_CHARSET = re.compile(rb"CHARSET ", re.IGNORECASE)
_CODECS: Final = {b"US-ASCII": "ascii", b"UTF-8": "utf-8"}


def search_request(cursor: Cursor) -> SearchRequest:
    """Arguments of SEARCH; raises ``BadCharset`` for a charset other than US-ASCII and UTF-8.

    Without CHARSET a string may be UTF-8, as RFC 9051 §6.4.4 has it and clients send it.
    """
    codec = "utf-8"
    if cursor.take(_CHARSET):
        known = _CODECS.get(astring(cursor, "charset").upper())
        if known is None:
            raise BadCharset("charset")
        codec = known
        cursor.space()
    keys = [_key(cursor, codec)]
    while cursor.take_byte(b" "):
        keys.append(_key(cursor, codec))
    return SearchRequest(Every(tuple(keys)))


def _key(cursor: Cursor, codec: str) -> Key:
    with cursor.nested():
        if cursor.take_byte(b"("):
            return _group(cursor, codec)
        if starts_set(cursor):
            return Numbered(number_set(cursor), is_uid=False)
        word = cursor.expect(_WORD, "search-key")[0].upper()
        plain = _PLAIN.get(word)
        return plain if plain is not None else _with_arguments(cursor, word, codec)


def _group(cursor: Cursor, codec: str) -> Key:
    keys = [_key(cursor, codec)]
    while cursor.take_byte(b" "):
        keys.append(_key(cursor, codec))
    cursor.expect_byte(b")")
    return Every(tuple(keys))


def _with_arguments(cursor: Cursor, word: bytes, codec: str) -> Key:
    if word in _FIELDS:
        cursor.space()
        return InField(word.decode("ascii").lower(), _text(cursor, codec))
    match word:
        case b"NOT":
            cursor.space()
            return Not(_key(cursor, codec))
        case b"OR":
            cursor.space()
            one = _key(cursor, codec)
            cursor.space()
            return Either(one, _key(cursor, codec))
        case b"HEADER":
            return _header(cursor, codec)
        case b"BODY" | b"TEXT":
            cursor.space()
            return InText(_text(cursor, codec), with_header=word == b"TEXT")
        case _:
            return _with_value(cursor, word)


def _with_value(cursor: Cursor, word: bytes) -> Key:
    match word:
        case b"KEYWORD" | b"UNKEYWORD":
            cursor.space()
            name = atom(cursor, "flag-keyword")
            if len(name) > MAX_KEYWORD:
                raise Malformed("flag-keyword")
            key = HasKeyword(name.decode("ascii"))
            return key if word == b"KEYWORD" else Not(key)
        case b"UID":
            cursor.space()
            return Numbered(number_set(cursor), is_uid=True)
        case b"LARGER" | b"SMALLER":
            cursor.space()
            return Sized(number(cursor), is_larger=word == b"LARGER")
        case b"BEFORE" | b"ON" | b"SINCE" | b"SENTBEFORE" | b"SENTON" | b"SENTSINCE":
            cursor.space()
            timing = Timing(word.removeprefix(b"SENT").decode("ascii"))
            return Dated(timing, day(cursor), is_sent=word.startswith(b"SENT"))
        case _:
            raise Malformed("search-key")


def _header(cursor: Cursor, codec: str) -> Key:
    cursor.space()
    field = astring(cursor, "header-fld-name")
    if not field.isascii() or not field:
        raise Malformed("header-fld-name")
    cursor.space()
    return InField(field.decode("ascii").lower(), _text(cursor, codec))


def _text(cursor: Cursor, codec: str) -> str:
    try:
        return astring(cursor).decode(codec)
    except UnicodeDecodeError:
        raise Malformed("astring") from None
