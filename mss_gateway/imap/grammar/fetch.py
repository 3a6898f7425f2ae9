"""What FETCH may ask for: RFC 9051 §6.4.5, with the RFC822 forms of RFC 3501 §6.4.5."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from mss_gateway.imap.grammar.cursor import Cursor, Malformed
from mss_gateway.imap.grammar.primitives import astring, modseq, nonzero, number
from mss_gateway.imap.grammar.sets import NumberSet, number_set

MAX_ITEMS: Final = 64
MAX_FIELDS: Final = 128
MAX_PART_DEPTH: Final = 32


class Attribute(Enum):
    """Items that are one word; the value is how the answer spells it."""

    UID = b"UID"
    FLAGS = b"FLAGS"
    INTERNALDATE = b"INTERNALDATE"
    SIZE = b"RFC822.SIZE"
    ENVELOPE = b"ENVELOPE"
    BODY = b"BODY"
    BODYSTRUCTURE = b"BODYSTRUCTURE"
    MODSEQ = b"MODSEQ"
    EMAILID = b"EMAILID"
    THREADID = b"THREADID"
    SAVEDATE = b"SAVEDATE"
    PREVIEW = b"PREVIEW"


class Portion(Enum):
    """Which bytes of a part a section names, RFC 9051 §6.4.5.1."""

    WHOLE = ""
    HEADER = "HEADER"
    FIELDS = "HEADER.FIELDS"
    FIELDS_NOT = "HEADER.FIELDS.NOT"
    TEXT = "TEXT"
    MIME = "MIME"


@dataclass(frozen=True, slots=True)
class Section:
    """A section: part number (empty for the message), portion, field names of HEADER.FIELDS."""

    part: tuple[int, ...] = ()
    portion: Portion = Portion.WHOLE
    fields: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Content:
    """Octets asked for: ``label`` as the answer spells it, ``partial`` as (origin, most octets)."""

    label: bytes
    section: Section
    partial: tuple[int, int] | None
    sets_seen: bool


@dataclass(frozen=True, slots=True)
class Binary:
    """A part without its transfer encoding, RFC 9051 §6.4.5: its octets, or only their number."""

    label: bytes
    part: tuple[int, ...]
    partial: tuple[int, int] | None = None
    sets_seen: bool = False
    is_size: bool = False


Item = Attribute | Content | Binary


@dataclass(frozen=True, slots=True)
class FetchRequest:
    """FETCH and UID FETCH; ``changed_since`` is a MODSEQ (RFC 7162 §3.1.4)."""

    numbers: NumberSet
    items: tuple[Item, ...]
    is_uid: bool
    changed_since: int | None = None
    wants_vanished: bool = False


_FAST: Final = (Attribute.FLAGS, Attribute.INTERNALDATE, Attribute.SIZE)
_MACROS: Final[dict[bytes, tuple[Item, ...]]] = {
    b"FAST": _FAST,
    b"ALL": (*_FAST, Attribute.ENVELOPE),
    b"FULL": (*_FAST, Attribute.ENVELOPE, Attribute.BODY),
}
_WORDS: Final[dict[bytes, Item]] = {
    **{attribute.value: attribute for attribute in Attribute},
    b"RFC822": Content(b"RFC822", Section(), None, True),
    b"RFC822.HEADER": Content(b"RFC822.HEADER", Section((), Portion.HEADER), None, False),
    b"RFC822.TEXT": Content(b"RFC822.TEXT", Section((), Portion.TEXT), None, True),
}
_WORD = re.compile(rb"[A-Za-z0-9.]+")
_BINARY: Final = {b"BINARY", b"BINARY.PEEK", b"BINARY.SIZE"}
_MODIFIER = re.compile(rb"(CHANGEDSINCE|VANISHED)(?=[ )])", re.IGNORECASE)
_LAZY = re.compile(rb" \(LAZY\)", re.IGNORECASE)
_PORTION = re.compile(rb"HEADER\.FIELDS\.NOT|HEADER\.FIELDS|HEADER|TEXT|MIME(?=\])", re.IGNORECASE)
_PLAIN_FIELD = re.compile(rb"[!#$&-'+-9;-Z^-z|}~]+")


def items(cursor: Cursor) -> tuple[Item, ...]:
    """The items of a FETCH: a macro, one item, or a list in parentheses; repeats count once."""
    if not cursor.take_byte(b"("):
        word = cursor.expect(_WORD, "fetch-att")[0].upper()
        return _MACROS.get(word) or (_item(cursor, word),)
    found: dict[Item, None] = {}
    for _ in range(MAX_ITEMS):
        found[_item(cursor, cursor.expect(_WORD, "fetch-att")[0].upper())] = None
        if not cursor.take_byte(b" "):
            cursor.expect_byte(b")")
            return tuple(found)
    raise Malformed("fetch-att")


def _item(cursor: Cursor, word: bytes) -> Item:
    if word in (b"BODY", b"BODY.PEEK") and cursor.take_byte(b"["):
        return _content(cursor, sets_seen=word == b"BODY")
    if word in _BINARY:
        cursor.expect_byte(b"[")
        return _binary(cursor, word)
    known = _WORDS.get(word)
    if known is Attribute.PREVIEW:
        cursor.take(_LAZY)  # RFC 8970 §3.1: ours is quick, so the hint changes nothing
    if known is None:
        raise Malformed("fetch-att")
    return known


def _content(cursor: Cursor, sets_seen: bool) -> Content:
    section = _section(cursor)
    cursor.expect_byte(b"]")
    label = b"BODY[" + _spelled(section) + b"]"
    partial = _partial(cursor)
    if partial is None:
        return Content(label, section, None, sets_seen)
    return Content(b"%s<%d>" % (label, partial[0]), section, partial, sets_seen)


def _binary(cursor: Cursor, word: bytes) -> Binary:
    part = _part(cursor)
    cursor.expect_byte(b"]")
    spelled = b"[" + b".".join(b"%d" % number for number in part) + b"]"
    if word == b"BINARY.SIZE":
        return Binary(word + spelled, part, is_size=True)
    label, sets_seen = b"BINARY" + spelled, word == b"BINARY"
    partial = _partial(cursor)
    if partial is None:
        return Binary(label, part, None, sets_seen)
    return Binary(b"%s<%d>" % (label, partial[0]), part, partial, sets_seen)


def _part(cursor: Cursor) -> tuple[int, ...]:
    part: list[int] = []
    while cursor.line[cursor.position : cursor.position + 1].isdigit():
        if len(part) >= MAX_PART_DEPTH:
            raise Malformed("section-part")
        part.append(nonzero(cursor))
        if not cursor.take_byte(b"."):
            return tuple(part)
    if part:
        raise Malformed("section-part")
    return ()


def _partial(cursor: Cursor) -> tuple[int, int] | None:
    """``<origin.length>``."""
    if not cursor.take_byte(b"<"):
        return None
    origin = number(cursor)
    cursor.expect_byte(b".")
    length = nonzero(cursor)
    cursor.expect_byte(b">")
    return origin, length


def _section(cursor: Cursor) -> Section:
    part: list[int] = []
    while cursor.line[cursor.position : cursor.position + 1].isdigit():
        if len(part) >= MAX_PART_DEPTH:
            raise Malformed("section-part")
        part.append(nonzero(cursor))
        if not cursor.take_byte(b"."):
            return Section(tuple(part))
    word = cursor.take(_PORTION)
    if word is None:
        if part:
            raise Malformed("section-text")
        return Section()
    portion = Portion(word[0].decode("ascii").upper())
    if portion is Portion.MIME and not part:
        raise Malformed("section-msgtext")
    fields: tuple[bytes, ...] = ()
    if portion in (Portion.FIELDS, Portion.FIELDS_NOT):
        fields = _fields(cursor)
    return Section(tuple(part), portion, fields)


def _fields(cursor: Cursor) -> tuple[bytes, ...]:
    cursor.space()
    cursor.expect_byte(b"(")
    names: list[bytes] = []
    for _ in range(MAX_FIELDS):
        name = astring(cursor, "header-fld-name")
        if not _PLAIN_FIELD.fullmatch(name):
            raise Malformed("header-fld-name")
        names.append(name)
        if not cursor.take_byte(b" "):
            cursor.expect_byte(b")")
            return tuple(names)
    raise Malformed("header-list")


def _spelled(section: Section) -> bytes:
    """The section as the answer repeats it; field names are plain, so they need no quotes."""
    words = [b"%d" % number for number in section.part]
    if section.portion is not Portion.WHOLE:
        words.append(section.portion.value.encode("ascii"))
    spelled = b".".join(words)
    return spelled + b" (" + b" ".join(section.fields) + b")" if section.fields else spelled


def fetching(is_uid: bool) -> Callable[[Cursor], FetchRequest]:
    """RFC 9051 §6.4.5."""

    def parse(cursor: Cursor) -> FetchRequest:
        cursor.space()
        numbers = number_set(cursor)
        cursor.space()
        asked = items(cursor)
        since, wants_vanished = _modifiers(cursor)
        if wants_vanished and not is_uid:
            raise Malformed("fetch-modifier")
        if since is not None and Attribute.MODSEQ not in asked:
            asked = (*asked, Attribute.MODSEQ)
        return FetchRequest(numbers, asked, is_uid, since, wants_vanished)

    return parse


def _modifiers(cursor: Cursor) -> tuple[int | None, bool]:
    """CHANGEDSINCE and VANISHED, RFC 7162 §3.1.4 and §3.2.6; VANISHED says nothing by itself."""
    if cursor.is_at_end:
        return None, False
    cursor.space()
    cursor.expect_byte(b"(")
    since, wants_vanished = None, False
    while True:
        word = cursor.expect(_MODIFIER, "fetch-modifier")[1].upper()
        if word == b"VANISHED":
            wants_vanished = True
        else:
            cursor.space()
            since = modseq(cursor)
        if not cursor.take_byte(b" "):
            break
    cursor.expect_byte(b")")
    if wants_vanished and since is None:
        raise Malformed("fetch-modifier")
    return since, wants_vanished
