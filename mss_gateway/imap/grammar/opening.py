"""Arguments of SELECT, EXAMINE and ENABLE: RFC 9051 §6.3.1, RFC 9051 §6.3.2, RFC 7162 §3.2.5."""

import re
from dataclasses import dataclass
from typing import Final

from mss_gateway.imap.grammar.arguments import name
from mss_gateway.imap.grammar.cursor import Cursor, Malformed
from mss_gateway.imap.grammar.primitives import atom, modseq, nonzero
from mss_gateway.imap.grammar.sets import NumberSet, number_set

MAX_CAPABILITIES: Final = 32
"""Words of one ENABLE."""

_PARAMETER = re.compile(rb"(CONDSTORE|QRESYNC)(?=[ )])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Known:
    """What the client keeps from an earlier session; ``uids`` None stands for all of them."""

    uidvalidity: int
    modseq: int
    uids: NumberSet | None


@dataclass(frozen=True, slots=True)
class OpenRequest:
    """SELECT and EXAMINE."""

    name: str
    wants_condstore: bool = False
    known: Known | None = None


def opening(cursor: Cursor) -> OpenRequest:
    """The mailbox, and parameters in parentheses; one that is not known is refused."""
    box = name(cursor)
    if cursor.is_at_end:
        return OpenRequest(box)
    cursor.space()
    cursor.expect_byte(b"(")
    has_condstore, known = False, None
    while True:
        word = cursor.expect(_PARAMETER, "select-param")[1].upper()
        if word == b"CONDSTORE":
            has_condstore = True
        elif known is not None:
            raise Malformed("select-param")
        else:
            known = _known(cursor)
        if not cursor.take_byte(b" "):
            cursor.expect_byte(b")")
            return OpenRequest(box, has_condstore, known)


def _known(cursor: Cursor) -> Known:
    """RFC 7162 §3.2.5.2: the sets that let a forgetful server guess are read and not needed."""
    cursor.space()
    cursor.expect_byte(b"(")
    uidvalidity = nonzero(cursor)
    cursor.space()
    since = modseq(cursor)
    uids = None
    if cursor.take_byte(b" "):
        if not cursor.line.startswith(b"(", cursor.position):
            uids = _plain_set(cursor)
            if cursor.take_byte(b" "):
                _matches(cursor)
        else:
            _matches(cursor)
    cursor.expect_byte(b")")
    return Known(uidvalidity, since, uids)


def _matches(cursor: Cursor) -> None:
    cursor.expect_byte(b"(")
    _plain_set(cursor)
    cursor.space()
    _plain_set(cursor)
    cursor.expect_byte(b")")


def _plain_set(cursor: Cursor) -> NumberSet:
    """``known-uids``: a set without ``*`` and ``$``, RFC 7162 §7."""
    numbers = number_set(cursor)
    if numbers.is_saved or any(0 in pair for pair in numbers.ranges):
        raise Malformed("known-uids")
    return numbers


def enable(cursor: Cursor) -> tuple[bytes, ...]:
    """The words of ENABLE, in upper case; those nobody knows are passed over by the handler."""
    words: list[bytes] = []
    for _ in range(MAX_CAPABILITIES):
        cursor.space()
        words.append(atom(cursor, "capability").upper())
        if cursor.is_at_end:
            return tuple(words)
    raise Malformed("enable")
