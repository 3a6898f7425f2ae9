"""Arguments of APPEND, RFC 9051 §6.3.12: one message or several (RFC 3502 §6.3.11)."""

import re
from dataclasses import dataclass
from typing import Final

from mss_gateway.imap.grammar import dates
from mss_gateway.imap.grammar.arguments import name
from mss_gateway.imap.grammar.cursor import Cursor, Malformed, Purpose
from mss_gateway.imap.grammar.primitives import Flags, flag_list

MAX_MESSAGES: Final = 50
"""Messages of one APPEND: a command is read again from its start for each of its literals."""

_UTF8 = re.compile(rb"UTF8 \(~", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Appended:
    """One message; ``moment`` in unix seconds, None for the time of arrival."""

    flags: Flags
    moment: int | None
    message: bytes


@dataclass(frozen=True, slots=True)
class AppendRequest:
    """APPEND: all of the messages or none of them."""

    name: str
    messages: tuple[Appended, ...]


def append(cursor: Cursor) -> AppendRequest:
    """The mailbox, then messages; each is a literal with a size limit of its own."""
    box = name(cursor)
    messages: list[Appended] = []
    while not cursor.is_at_end:
        if len(messages) >= MAX_MESSAGES:
            raise Malformed("append-message")
        cursor.space()
        messages.append(_message(cursor))
    if not messages:
        raise Malformed("SP")
    return AppendRequest(box, tuple(messages))


def _message(cursor: Cursor) -> Appended:
    flags = Flags()
    if cursor.line.startswith(b"(", cursor.position):
        flags = flag_list(cursor)
        cursor.space()
    moment = None
    if dates.starts_moment(cursor):
        moment = dates.moment(cursor)
        cursor.space()
    return Appended(flags, moment, _octets(cursor))


def _octets(cursor: Cursor) -> bytes:
    """A literal, a literal8 (RFC 9051 §4.3.1), or one marked as UTF-8 (RFC 6855 §4)."""
    is_marked = cursor.take(_UTF8) is not None
    if not is_marked:
        cursor.take_byte(b"~")
    octets = cursor.literal(Purpose.MESSAGE)
    if octets is None:
        raise Malformed("literal")
    if is_marked:
        cursor.expect_byte(b")")
    return octets
