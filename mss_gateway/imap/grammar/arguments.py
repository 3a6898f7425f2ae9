"""The arguments of each command as values: RFC 9051 §6 and RFC 3501 §6, one parser per command."""

import base64
import binascii
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from mss_gateway.imap.grammar.cursor import Cursor, Malformed
from mss_gateway.imap.grammar.primitives import (
    astring,
    atom,
    mailbox,
    nstring,
    string,
)
from mss_gateway.imap.grammar.sets import NumberSet, number_set

MAX_ID_PAIRS: Final = 30

_NIL = re.compile(rb"NIL", re.IGNORECASE)
_BASE64 = re.compile(rb"[A-Za-z0-9+/]*={0,2}")


@dataclass(frozen=True, slots=True)
class LoginRequest:
    """LOGIN: octets as sent; the handler reads them as UTF-8."""

    login: bytes
    password: bytes


@dataclass(frozen=True, slots=True)
class AuthenticateRequest:
    """AUTHENTICATE: ``initial`` is the decoded initial response of RFC 4959, if there was one."""

    mechanism: bytes
    initial: bytes | None


@dataclass(frozen=True, slots=True)
class RenameRequest:
    """RENAME."""

    name: str
    new_name: str


@dataclass(frozen=True, slots=True)
class CopyRequest:
    """COPY, MOVE and their UID forms."""

    numbers: NumberSet
    name: str
    is_uid: bool


def nothing(cursor: Cursor) -> None:
    """A command without arguments."""


def login(cursor: Cursor) -> LoginRequest:
    """RFC 9051 §6.2.3."""
    cursor.space()
    name = astring(cursor, "userid")
    cursor.space()
    return LoginRequest(name, astring(cursor, "password"))


def authenticate(cursor: Cursor) -> AuthenticateRequest:
    """RFC 9051 §6.2.2; the initial response ``=`` stands for no octets."""
    cursor.space()
    mechanism = atom(cursor, "auth-type").upper()
    if not cursor.take_byte(b" "):
        return AuthenticateRequest(mechanism, None)
    if cursor.take_byte(b"="):
        return AuthenticateRequest(mechanism, b"")
    return AuthenticateRequest(mechanism, sasl_octets(cursor.expect(_BASE64, "base64")[0]))


def sasl_octets(encoded: bytes) -> bytes:
    """The octets of a base64 SASL response."""
    try:
        return base64.b64decode(encoded, validate=True)
    except binascii.Error:
        raise Malformed("base64") from None


def identification(cursor: Cursor) -> None:
    """ID, RFC 2971 §3.1: read for its syntax; who the client says it is decides nothing."""
    cursor.space()
    if cursor.take(_NIL):
        return
    cursor.expect_byte(b"(")
    cursor.take_byte(b" ")  # clients in use put blanks inside the parentheses
    for _ in range(MAX_ID_PAIRS):
        if cursor.take_byte(b")"):
            return
        string(cursor)
        cursor.space()
        nstring(cursor)
        if not cursor.take_byte(b" "):
            cursor.expect_byte(b")")
            return
    raise Malformed("id-params-list")


def name(cursor: Cursor) -> str:
    """A command whose only argument is a mailbox."""
    cursor.space()
    return mailbox(cursor)


def rename(cursor: Cursor) -> RenameRequest:
    """RFC 9051 §6.3.6."""
    old = name(cursor)
    return RenameRequest(old, name(cursor))


def copying(is_uid: bool) -> Callable[[Cursor], CopyRequest]:
    """COPY, RFC 9051 §6.4.7, and MOVE, §6.4.8."""

    def parse(cursor: Cursor) -> CopyRequest:
        cursor.space()
        numbers = number_set(cursor)
        return CopyRequest(numbers, name(cursor), is_uid)

    return parse


def uids(cursor: Cursor) -> NumberSet:
    """UID EXPUNGE, RFC 9051 §6.4.9."""
    cursor.space()
    return number_set(cursor)
