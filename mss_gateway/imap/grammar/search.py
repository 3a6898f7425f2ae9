"""SEARCH keys: RFC 9051 §6.4.4, the \\Recent keys of RFC 3501 §6.4.4, and those of extensions."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Final

from mss_gateway.imap.grammar.cursor import BadCharset, Cursor, Malformed
from mss_gateway.imap.grammar.dates import day
from mss_gateway.imap.grammar.primitives import (
    MAX_KEYWORD,
    SYSTEM_FLAGS,
    astring,
    atom,
    modseq,
    nonzero,
    number,
    string,
)
from mss_gateway.imap.grammar.sets import NumberSet, number_set, starts_set


class Timing(Enum):
    """How a message's day stands to the key's day."""

    BEFORE = "BEFORE"
    ON = "ON"
    SINCE = "SINCE"


class Basis(Enum):
    """Which date of a message a key speaks of; the value is the prefix of the key's name."""

    ARRIVAL = ""
    SENT = "SENT"
    SAVED = "SAVED"


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
    """A day against INTERNALDATE, the Date field, or the save date (RFC 8514 §4.3)."""

    timing: Timing
    day: date
    basis: Basis


@dataclass(frozen=True, slots=True)
class Aged:
    """INTERNALDATE more, or less, than ``seconds`` ago: OLDER and YOUNGER, RFC 5032 §2."""

    seconds: int
    is_older: bool


@dataclass(frozen=True, slots=True)
class ModifiedSince:
    """MODSEQ of at least ``modseq``, RFC 7162 §3.1.5."""

    modseq: int


@dataclass(frozen=True, slots=True)
class Identified:
    """EMAILID or THREADID, RFC 8474 §5.3: the message has this identifier."""

    identifier: str
    is_thread: bool


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


Key = (
    Every
    | Either
    | Not
    | HasFlag
    | HasKeyword
    | Numbered
    | Dated
    | Aged
    | Sized
    | ModifiedSince
    | Identified
    | InField
    | InText
)


class Returned(Enum):
    """Result options, RFC 9051 §6.4.4 and RFC 5182 §2.1 (SAVE)."""

    MIN = b"MIN"
    MAX = b"MAX"
    ALL = b"ALL"
    COUNT = b"COUNT"
    SAVE = b"SAVE"


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """One SEARCH: what a message must fulfil, and what is told of those that do.

    ``returns`` None: the client did not say (no RETURN), RFC 9051 §6.4.4.
    """

    key: Every
    returns: frozenset[Returned] | None = None

    @property
    def has_modseq(self) -> bool:
        """Whether MODSEQ is asked of the messages, so that the answer tells the highest one."""
        return _has_modseq(self.key)


@dataclass(frozen=True, slots=True)
class SearchCommand:
    """SEARCH and UID SEARCH."""

    request: SearchRequest
    is_uid: bool


MAX_KEYS: Final = 256
"""Keys of one search, whatever their nesting: each is a test of every message."""

_NOTHING: Final = Not(Every())
_PLAIN: Final[dict[bytes, Key]] = {
    b"ALL": Every(),
    b"NEW": _NOTHING,  # \Recent is never set here, RFC 9051 §E
    b"OLD": Every(),
    b"RECENT": _NOTHING,
    b"SAVEDATESUPPORTED": Every(),
    **{flag[1:].upper(): HasFlag(bit) for flag, bit in SYSTEM_FLAGS.items()},
    **{b"UN" + flag[1:].upper(): Not(HasFlag(bit)) for flag, bit in SYSTEM_FLAGS.items()},
}
_FIELDS: Final = {b"FROM", b"TO", b"CC", b"BCC", b"SUBJECT"}
_WORD = re.compile(rb"[A-Za-z]+")
_DATED = re.compile(rb"(SENT|SAVED)?(BEFORE|ON|SINCE)")
_ENTRY_TYPE = re.compile(rb"priv|shared|all", re.IGNORECASE)
_OBJECT_ID = re.compile(rb"[A-Za-z0-9_-]{1,255}")
_RETURN = re.compile(rb"RETURN \(", re.IGNORECASE)
_OPTION = re.compile(rb"(MIN|MAX|ALL|COUNT|SAVE)(?=[ )])", re.IGNORECASE)
_CHARSET = re.compile(rb"CHARSET ", re.IGNORECASE)
_CODECS: Final = {b"US-ASCII": "ascii", b"UTF-8": "utf-8"}


def search_request(cursor: Cursor) -> SearchRequest:
    """Arguments of SEARCH; raises ``BadCharset`` for a charset other than US-ASCII and UTF-8.

    Without CHARSET a string may be UTF-8, as RFC 9051 §6.4.4 has it and clients send it.
    """
    returns = return_options(cursor)
    codec = "utf-8"
    if cursor.take(_CHARSET):
        codec = charset(cursor)
        cursor.space()
    return SearchRequest(search_keys(cursor, codec), returns)


def return_options(cursor: Cursor) -> frozenset[Returned] | None:
    """``RETURN (…) ``, None where there is none; an empty list asks for ALL."""
    if not cursor.take(_RETURN):
        return None
    found: set[Returned] = set()
    while not cursor.take_byte(b")"):
        if found:
            cursor.space()
        found.add(Returned(cursor.expect(_OPTION, "search-return-opt")[1].upper()))
    cursor.space()
    return frozenset(found or {Returned.ALL})


def charset(cursor: Cursor) -> str:
    """The codec of a charset's name; raises ``BadCharset``."""
    known = _CODECS.get(astring(cursor, "charset").upper())
    if known is None:
        raise BadCharset("charset")
    return known


def search_keys(cursor: Cursor, codec: str) -> Every:
    """One or more keys, all of which a message must fulfil."""
    keys = [_key(cursor, codec)]
    while cursor.take_byte(b" "):
        keys.append(_key(cursor, codec))
    return Every(tuple(keys))


def _has_modseq(key: Key) -> bool:
    match key:
        case Every(keys):
            return any(_has_modseq(each) for each in keys)
        case Either(one, other):
            return _has_modseq(one) or _has_modseq(other)
        case Not(inner):
            return _has_modseq(inner)
        case _:
            return isinstance(key, ModifiedSince)


def _key(cursor: Cursor, codec: str) -> Key:
    cursor.count(MAX_KEYS, "search-key")
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
        case b"OLDER" | b"YOUNGER":
            cursor.space()
            return Aged(nonzero(cursor), is_older=word == b"OLDER")
        case b"MODSEQ":
            return _modseq(cursor)
        case b"EMAILID" | b"THREADID":
            cursor.space()
            identifier = cursor.expect(_OBJECT_ID, "objectid")[0].decode("ascii")
            return Identified(identifier, is_thread=word == b"THREADID")
        case _:
            return _dated(cursor, word)


def _dated(cursor: Cursor, word: bytes) -> Key:
    found = _DATED.fullmatch(word)
    if found is None:
        raise Malformed("search-key")
    basis, timing = Basis((found[1] or b"").decode("ascii")), Timing(found[2].decode("ascii"))
    cursor.space()
    return Dated(timing, day(cursor), basis)


def _modseq(cursor: Cursor) -> Key:
    """RFC 7162 §3.1.5; the entry, which only says whose flags were meant, changes nothing here."""
    cursor.space()
    if cursor.line.startswith(b'"', cursor.position):
        string(cursor)
        cursor.space()
        cursor.expect(_ENTRY_TYPE, "entry-type-req")
        cursor.space()
    return ModifiedSince(modseq(cursor))


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


def searching(is_uid: bool) -> Callable[[Cursor], SearchCommand]:
    """RFC 9051 §6.4.4."""

    def parse(cursor: Cursor) -> SearchCommand:
        cursor.space()
        return SearchCommand(search_request(cursor), is_uid)

    return parse
