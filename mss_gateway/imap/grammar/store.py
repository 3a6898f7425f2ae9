"""Arguments of STORE: RFC 9051 §6.4.6, and the modifier of RFC 7162 §3.1.3."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from mss_gateway.imap.grammar.cursor import Cursor
from mss_gateway.imap.grammar.primitives import Flags, flags_of_store, modseq
from mss_gateway.imap.grammar.sets import NumberSet, number_set

_OPERATION = re.compile(rb"([+-]?)FLAGS(\.SILENT)?", re.IGNORECASE)
_UNCHANGEDSINCE = re.compile(rb"\(UNCHANGEDSINCE ", re.IGNORECASE)


class Operation(Enum):
    """What STORE does with the flags."""

    REPLACE = b""
    ADD = b"+"
    REMOVE = b"-"


@dataclass(frozen=True, slots=True)
class StoreRequest:
    """STORE and UID STORE; messages changed after ``unchanged_since`` are left as they are."""

    numbers: NumberSet
    operation: Operation
    flags: Flags
    is_silent: bool
    is_uid: bool
    unchanged_since: int | None = None


def storing(is_uid: bool) -> Callable[[Cursor], StoreRequest]:
    """RFC 9051 §6.4.6."""

    def parse(cursor: Cursor) -> StoreRequest:
        cursor.space()
        numbers = number_set(cursor)
        cursor.space()
        since = _unchanged_since(cursor)
        written = cursor.expect(_OPERATION, "store-att-flags")
        cursor.space()
        flags = flags_of_store(cursor)
        operation, is_silent = Operation(written[1]), bool(written[2])
        return StoreRequest(numbers, operation, flags, is_silent, is_uid, since)

    return parse


def _unchanged_since(cursor: Cursor) -> int | None:
    if not cursor.take(_UNCHANGEDSINCE):
        return None
    value = modseq(cursor)
    cursor.expect_byte(b")")
    cursor.space()
    return value
