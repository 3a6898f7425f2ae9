"""Atoms, strings, numbers, flags and mailbox names: RFC 9051 §4 and §9."""

import re
from dataclasses import dataclass
from typing import Final

from mss_gateway.imap.grammar import names
from mss_gateway.imap.grammar.cursor import Cursor, Malformed

SYSTEM_FLAGS: Final = {
    b"\\seen": 1,
    b"\\answered": 2,
    b"\\flagged": 4,
    b"\\deleted": 8,
    b"\\draft": 16,
}
"""RFC 9051 §2.3.2; the bits are those of ``mailbox_store.messages``."""

MAX_KEYWORD: Final = 64
MAX_FLAGS: Final = 64
MAX_STRING: Final = 8_192
"""Octets of a quoted string, as of a literal that is no message."""

MAX_NUMBER: Final = 2**32 - 1
MAX_MODSEQ: Final = 2**63 - 1

_ATOM_CHARS = rb"[^\x00-\x20\x7f-\xff(){%*\"\\\]]"
_TAG = re.compile(rb"[^\x00-\x20\x7f-\xff(){%*\"\\+]{1,64}")
_ATOM = re.compile(_ATOM_CHARS + rb"+")
_ASTRING_ATOM = re.compile(rb"[^\x00-\x20\x7f-\xff(){%*\"\\]+")
_LIST_ATOM = re.compile(rb"[^\x00-\x20\x7f-\xff(){\"\\]+")
# possessive: an alternation that could go back would keep a state for every octet
_QUOTED = re.compile(rb'"((?:[^"\\\r\n\x00]++|\\["\\])*+)"')
_ESCAPED = re.compile(rb'\\(["\\])')
_NUMBER = re.compile(rb"[0-9]{1,10}")
_MODSEQ = re.compile(rb"[0-9]{1,19}")
_FLAG = re.compile(rb"\\?" + _ATOM_CHARS + rb"+")
_NIL = re.compile(rb"NIL", re.IGNORECASE)


def tag(cursor: Cursor) -> bytes:
    """``tag``: up to 64 octets here, which no client comes near."""
    return cursor.expect(_TAG, "tag")[0]


def atom(cursor: Cursor, wanted: str = "atom") -> bytes:
    """``atom``."""
    return cursor.expect(_ATOM, wanted)[0]


def number(cursor: Cursor) -> int:
    """``number``: below 2^32."""
    value = int(cursor.expect(_NUMBER, "number")[0])
    if value > MAX_NUMBER:
        raise Malformed("number")
    return value


def nonzero(cursor: Cursor) -> int:
    """``nz-number``."""
    value = number(cursor)
    if value == 0:
        raise Malformed("nz-number")
    return value


def modseq(cursor: Cursor) -> int:
    """``mod-sequence-valzer``: below 2^63, zero included (RFC 7162 §7)."""
    value = int(cursor.expect(_MODSEQ, "mod-sequence-valzer")[0])
    if value > MAX_MODSEQ:
        raise Malformed("mod-sequence-valzer")
    return value


def _quoted(cursor: Cursor) -> bytes | None:
    found = cursor.take(_QUOTED)
    if found is None:
        return None
    inner = found[1]
    if len(inner) > MAX_STRING:
        raise Malformed("quoted")
    return _ESCAPED.sub(rb"\1", inner) if b"\\" in inner else inner


def _quoted_or_literal(cursor: Cursor) -> bytes | None:
    octets = _quoted(cursor)
    if octets is None:
        octets = cursor.literal()
    if octets is not None and b"\x00" in octets:
        raise Malformed("string")
    return octets


def string(cursor: Cursor) -> bytes:
    """``string``: quoted or literal, without NUL."""
    octets = _quoted_or_literal(cursor)
    if octets is None:
        raise Malformed("string")
    return octets


def astring(cursor: Cursor, wanted: str = "astring") -> bytes:
    """``astring``: an atom that may hold ``]``, or a string."""
    found = cursor.take(_ASTRING_ATOM)
    if found is not None:
        return found[0]
    octets = _quoted_or_literal(cursor)
    if octets is None:
        raise Malformed(wanted)
    return octets


def nstring(cursor: Cursor) -> bytes | None:
    """``nstring``: NIL or a string."""
    if cursor.take(_NIL):
        return None
    return string(cursor)


def mailbox(cursor: Cursor) -> str:
    """``mailbox``: as ``names`` reads it in the cursor's mode; INBOX in any case is INBOX."""
    return _decoded(cursor, astring(cursor, "mailbox"))


def list_mailbox(cursor: Cursor) -> str:
    """``list-mailbox``: as a mailbox name, with the wildcards ``%`` and ``*``."""
    found = cursor.take(_LIST_ATOM)
    octets = found[0] if found is not None else _quoted_or_literal(cursor)
    if octets is None:
        raise Malformed("list-mailbox")
    return _decoded(cursor, octets)


def _decoded(cursor: Cursor, octets: bytes) -> str:
    try:
        name = names.decode_utf8(octets) if cursor.is_utf8 else names.decode(octets)
    except names.NotCanonical:
        raise Malformed("mailbox") from None
    return "INBOX" if name.upper() == "INBOX" else name


@dataclass(frozen=True, slots=True)
class Flags:
    """A set of flags as the client wrote it: bits of the system flags, names of the keywords."""

    system: int = 0
    keywords: tuple[str, ...] = ()


def flag_list(cursor: Cursor) -> Flags:
    """``flag-list``: in parentheses, possibly empty."""
    cursor.expect_byte(b"(")
    if cursor.take_byte(b")"):
        return Flags()
    flags = _flags(cursor)
    cursor.expect_byte(b")")
    return flags


def flags_of_store(cursor: Cursor) -> Flags:
    """``store-att-flags``: a flag-list, or flags without parentheses."""
    if cursor.line.startswith(b"(", cursor.position):
        return flag_list(cursor)
    return _flags(cursor)


def _flags(cursor: Cursor) -> Flags:
    system, keywords = 0, dict[str, None]()
    for _ in range(MAX_FLAGS):
        word = cursor.expect(_FLAG, "flag")[0]
        if word.startswith(b"\\"):
            system |= _system_flag(word)
        elif len(word) > MAX_KEYWORD:
            raise Malformed("flag-keyword")
        else:
            keywords[word.decode("ascii")] = None
        if not cursor.take_byte(b" "):
            return Flags(system, tuple(keywords))
    raise Malformed("flag-list")


def _system_flag(word: bytes) -> int:
    """Old clients send ``\\Recent`` back; it cannot be set, so it counts for nothing."""
    known = SYSTEM_FLAGS.get(word.lower())
    if known is None and word.lower() != b"\\recent":
        raise Malformed("flag")
    return known or 0
