"""The arguments of each command as values: RFC 9051 §6 and RFC 3501 §6, one parser per command."""

import base64
import binascii
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from mss_gateway.imap.grammar import dates, fetch, search
from mss_gateway.imap.grammar.cursor import Cursor, Malformed, Purpose
from mss_gateway.imap.grammar.fetch import Item
from mss_gateway.imap.grammar.primitives import (
    Flags,
    astring,
    atom,
    flag_list,
    flags_of_store,
    list_mailbox,
    mailbox,
    nstring,
    string,
)
from mss_gateway.imap.grammar.search import SearchRequest
from mss_gateway.imap.grammar.sets import NumberSet, number_set

MAX_PATTERN: Final = 512
"""Characters of a LIST pattern; a mailbox name has at most 255."""

MAX_ID_PAIRS: Final = 30
STATUS_ITEMS: Final = frozenset({b"MESSAGES", b"RECENT", b"UIDNEXT", b"UIDVALIDITY", b"UNSEEN"})

_NIL = re.compile(rb"NIL", re.IGNORECASE)
_STATUS_ITEM = re.compile(rb"[A-Za-z]+")
_BASE64 = re.compile(rb"[A-Za-z0-9+/]*={0,2}")
_OPERATION = re.compile(rb"([+-]?)FLAGS(\.SILENT)?", re.IGNORECASE)


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
class ListRequest:
    """LIST and LSUB; several patterns come with LIST-EXTENDED."""

    reference: str
    patterns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StatusRequest:
    """STATUS: the items in upper case."""

    name: str
    items: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class AppendRequest:
    """APPEND: ``moment`` in unix seconds, None for the time of arrival."""

    name: str
    flags: Flags
    moment: int | None
    message: bytes


@dataclass(frozen=True, slots=True)
class FetchRequest:
    """FETCH and UID FETCH."""

    numbers: NumberSet
    items: tuple[Item, ...]
    is_uid: bool


class Operation(Enum):
    """What STORE does with the flags."""

    REPLACE = b""
    ADD = b"+"
    REMOVE = b"-"


@dataclass(frozen=True, slots=True)
class StoreRequest:
    """STORE and UID STORE."""

    numbers: NumberSet
    operation: Operation
    flags: Flags
    is_silent: bool
    is_uid: bool


@dataclass(frozen=True, slots=True)
class CopyRequest:
    """COPY, MOVE and their UID forms."""

    numbers: NumberSet
    name: str
    is_uid: bool


@dataclass(frozen=True, slots=True)
class SearchCommand:
    """SEARCH and UID SEARCH."""

    request: SearchRequest
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
    if cursor.take_byte(b")"):
        return
    for _ in range(MAX_ID_PAIRS):
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


def listing(cursor: Cursor) -> ListRequest:
    """RFC 3501 §6.3.8, §6.3.9."""
    reference = name(cursor)
    cursor.space()
    pattern = list_mailbox(cursor)
    if len(reference) + len(pattern) > MAX_PATTERN:
        raise Malformed("list-mailbox")
    return ListRequest(reference, (pattern,))


def status(cursor: Cursor) -> StatusRequest:
    """RFC 9051 §6.3.11; an item asked twice is answered once."""
    box = name(cursor)
    cursor.space()
    cursor.expect_byte(b"(")
    items: dict[bytes, None] = {}
    while True:
        item = cursor.expect(_STATUS_ITEM, "status-att")[0].upper()
        if item not in STATUS_ITEMS:
            raise Malformed("status-att")
        items[item] = None
        if not cursor.take_byte(b" "):
            cursor.expect_byte(b")")
            return StatusRequest(box, tuple(items))


def append(cursor: Cursor) -> AppendRequest:
    """RFC 9051 §6.3.12; the message is a literal of its own size limit."""
    box = name(cursor)
    cursor.space()
    flags = Flags()
    if cursor.line.startswith(b"(", cursor.position):
        flags = flag_list(cursor)
        cursor.space()
    moment = None
    if dates.starts_moment(cursor):
        moment = dates.moment(cursor)
        cursor.space()
    message = cursor.literal(Purpose.MESSAGE)
    if message is None:
        raise Malformed("literal")
    return AppendRequest(box, flags, moment, message)


def fetching(is_uid: bool) -> Callable[[Cursor], FetchRequest]:
    """RFC 9051 §6.4.5."""

    def parse(cursor: Cursor) -> FetchRequest:
        cursor.space()
        numbers = number_set(cursor)
        cursor.space()
        return FetchRequest(numbers, fetch.items(cursor), is_uid)

    return parse


def storing(is_uid: bool) -> Callable[[Cursor], StoreRequest]:
    """RFC 9051 §6.4.6."""

    def parse(cursor: Cursor) -> StoreRequest:
        cursor.space()
        numbers = number_set(cursor)
        cursor.space()
        written = cursor.expect(_OPERATION, "store-att-flags")
        cursor.space()
        flags = flags_of_store(cursor)
        return StoreRequest(numbers, Operation(written[1]), flags, bool(written[2]), is_uid)

    return parse


def copying(is_uid: bool) -> Callable[[Cursor], CopyRequest]:
    """COPY, RFC 9051 §6.4.7, and MOVE, §6.4.8."""

    def parse(cursor: Cursor) -> CopyRequest:
        cursor.space()
        numbers = number_set(cursor)
        return CopyRequest(numbers, name(cursor), is_uid)

    return parse


def searching(is_uid: bool) -> Callable[[Cursor], SearchCommand]:
    """RFC 9051 §6.4.4."""

    def parse(cursor: Cursor) -> SearchCommand:
        cursor.space()
        return SearchCommand(search.search_request(cursor), is_uid)

    return parse


def uids(cursor: Cursor) -> NumberSet:
    """UID EXPUNGE, RFC 9051 §6.4.9."""
    cursor.space()
    return number_set(cursor)
