"""Arguments of the quota commands, RFC 9208 §7."""

import re
from dataclasses import dataclass
from typing import Final

from mss_gateway.imap.grammar.cursor import Cursor, Malformed
from mss_gateway.imap.grammar.primitives import astring, atom

MAX_RESOURCES: Final = 16

_NUMBER64 = re.compile(rb"[0-9]{1,19}")


@dataclass(frozen=True, slots=True)
class SetQuotaRequest:
    """SETQUOTA: limits by resource, in the resource's unit."""

    root: bytes
    limits: tuple[tuple[bytes, int], ...]


def root(cursor: Cursor) -> bytes:
    """GETQUOTA: the name of a quota root."""
    cursor.space()
    return astring(cursor, "quota-root-name")


def setting(cursor: Cursor) -> SetQuotaRequest:
    """SETQUOTA, RFC 9208 §4.1.3."""
    named = root(cursor)
    cursor.space()
    cursor.expect_byte(b"(")
    limits: list[tuple[bytes, int]] = []
    if cursor.take_byte(b")"):
        return SetQuotaRequest(named, ())
    for _ in range(MAX_RESOURCES):
        resource = atom(cursor, "resource-name").upper()
        cursor.space()
        limits.append((resource, int(cursor.expect(_NUMBER64, "number64")[0])))
        if not cursor.take_byte(b" "):
            cursor.expect_byte(b")")
            return SetQuotaRequest(named, tuple(limits))
    raise Malformed("setquota-list")
