"""Arguments of LIST, LSUB, STATUS and CREATE: RFC 9051 §6.3, RFC 5819 §4, RFC 6154 §6."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final, TypeVar

from mss_gateway.imap.grammar.cursor import Cursor, Malformed
from mss_gateway.imap.grammar.primitives import list_mailbox, mailbox

MAX_PATTERNS: Final = 64
MAX_PATTERN: Final = 512
"""Characters of all patterns of a LIST, the reference before each; a name has at most 255."""

MAX_OPTIONS: Final = 32
"""Options of a list in parentheses; one said twice counts twice here, and once in what it does."""

STATUS_ITEMS: Final = frozenset(
    {
        b"MESSAGES",
        b"RECENT",
        b"UIDNEXT",
        b"UIDVALIDITY",
        b"UNSEEN",
        b"DELETED",
        b"DELETED-STORAGE",
        b"SIZE",
        b"HIGHESTMODSEQ",
        b"MAILBOXID",
        b"APPENDLIMIT",
    }
)

_OPTION = re.compile(rb"[A-Za-z][A-Za-z-]{0,31}")
_USE = re.compile(rb"\\[A-Za-z][A-Za-z0-9-]{0,31}")
_RETURN = re.compile(rb" RETURN ", re.IGNORECASE)
_STATUS = re.compile(rb"STATUS ", re.IGNORECASE)


class Selection(Enum):
    """Which names LIST looks for. REMOTE changes nothing: there are no remote mailboxes."""

    SUBSCRIBED = b"SUBSCRIBED"
    REMOTE = b"REMOTE"
    RECURSIVEMATCH = b"RECURSIVEMATCH"
    SPECIAL_USE = b"SPECIAL-USE"


class Returned(Enum):
    """What LIST tells of each name; the last two are told in any case."""

    SUBSCRIBED = b"SUBSCRIBED"
    CHILDREN = b"CHILDREN"
    SPECIAL_USE = b"SPECIAL-USE"


_SELECTION: Final[Mapping[bytes, Selection]] = {one.value: one for one in Selection}
_RETURNED: Final[Mapping[bytes, Returned]] = {one.value: one for one in Returned}

_POINTLESS: Final = (
    frozenset({Selection.RECURSIVEMATCH}),
    frozenset({Selection.RECURSIVEMATCH, Selection.REMOTE}),
)

T = TypeVar("T", Selection, Returned)


@dataclass(frozen=True, slots=True)
class ListRequest:
    """LIST and LSUB. ``status`` are the items that RETURN (STATUS …) asks for, in upper case.

    ``is_extended``: written in the extended syntax, so its client reads extended responses.
    """

    reference: str
    patterns: tuple[str, ...]
    is_extended: bool = False
    selection: frozenset[Selection] = frozenset()
    returned: frozenset[Returned] = frozenset()
    status: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class StatusRequest:
    """STATUS: the items in upper case."""

    name: str
    items: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class CreateRequest:
    """CREATE; ``uses`` as the client wrote them."""

    name: str
    uses: tuple[str, ...] = ()


def listing(cursor: Cursor) -> ListRequest:
    """LIST in both syntaxes, RFC 9051 §6.3.9.

    RECURSIVEMATCH needs a criterion beside it: alone or with REMOTE it is malformed.
    """
    cursor.space()
    selection = None
    if cursor.take_byte(b"("):
        selection = frozenset(_options(cursor, _SELECTION))
        cursor.space()
    if selection in _POINTLESS:
        raise Malformed("list-select-base-opt")
    reference = mailbox(cursor)
    cursor.space()
    has_several = cursor.take_byte(b"(")
    patterns = _patterns(cursor) if has_several else (list_mailbox(cursor),)
    _check_length(reference, patterns)
    returned: frozenset[Returned] | None = None
    status: tuple[bytes, ...] = ()
    if cursor.take(_RETURN):
        cursor.expect_byte(b"(")
        returned, status = _return_options(cursor)
    is_extended = has_several or selection is not None or returned is not None
    return ListRequest(
        reference,
        patterns,
        is_extended,
        selection or frozenset(),
        returned or frozenset(),
        status,
    )


def lsub(cursor: Cursor) -> ListRequest:
    """LSUB, RFC 3501 §6.3.9: the basic syntax alone."""
    cursor.space()
    reference = mailbox(cursor)
    cursor.space()
    patterns = (list_mailbox(cursor),)
    _check_length(reference, patterns)
    return ListRequest(reference, patterns)


def status(cursor: Cursor) -> StatusRequest:
    """RFC 9051 §6.3.11; an item asked twice is answered once."""
    cursor.space()
    name = mailbox(cursor)
    cursor.space()
    return StatusRequest(name, _status_items(cursor))


def create(cursor: Cursor) -> CreateRequest:
    """RFC 9051 §6.3.4; its one parameter is USE, RFC 6154 §3."""
    cursor.space()
    name = mailbox(cursor)
    if not cursor.take_byte(b" "):
        return CreateRequest(name)
    cursor.expect_byte(b"(")
    if cursor.expect(_OPTION, "create-param")[0].upper() != b"USE":
        raise Malformed("create-param")
    cursor.space()
    cursor.expect_byte(b"(")
    uses = () if cursor.take_byte(b")") else _uses(cursor)
    cursor.expect_byte(b")")
    return CreateRequest(name, uses)


def _uses(cursor: Cursor) -> tuple[str, ...]:
    uses: dict[str, None] = {}
    for _ in range(MAX_OPTIONS):
        uses[cursor.expect(_USE, "use-attr")[0].decode("ascii")] = None
        if not cursor.take_byte(b" "):
            cursor.expect_byte(b")")
            return tuple(uses)
    raise Malformed("use-attr")


def _patterns(cursor: Cursor) -> tuple[str, ...]:
    found = []
    for _ in range(MAX_PATTERNS):
        found.append(list_mailbox(cursor))
        if not cursor.take_byte(b" "):
            cursor.expect_byte(b")")
            return tuple(found)
    raise Malformed("patterns")


def _check_length(reference: str, patterns: tuple[str, ...]) -> None:
    if sum(len(reference) + len(pattern) for pattern in patterns) > MAX_PATTERN:
        raise Malformed("list-mailbox")


def _options(cursor: Cursor, known: Mapping[bytes, T]) -> set[T]:
    """Options after their ``(``; what is not known is malformed, RFC 9051 §6.3.9."""
    found: set[T] = set()
    if cursor.take_byte(b")"):
        return found
    for _ in range(MAX_OPTIONS):
        found.add(_option(cursor, known))
        if not cursor.take_byte(b" "):
            cursor.expect_byte(b")")
            return found
    raise Malformed("list-select-opts")


def _option(cursor: Cursor, known: Mapping[bytes, T]) -> T:
    option = known.get(cursor.expect(_OPTION, "option")[0].upper())
    if option is None:
        raise Malformed("option")
    return option


def _return_options(cursor: Cursor) -> tuple[frozenset[Returned], tuple[bytes, ...]]:
    found: set[Returned] = set()
    items: dict[bytes, None] = {}
    if cursor.take_byte(b")"):
        return frozenset(), ()
    for _ in range(MAX_OPTIONS):
        if cursor.take(_STATUS):
            items |= dict.fromkeys(_status_items(cursor))
        else:
            found.add(_option(cursor, _RETURNED))
        if not cursor.take_byte(b" "):
            cursor.expect_byte(b")")
            return frozenset(found), tuple(items)
    raise Malformed("list-return-opts")


def _status_items(cursor: Cursor) -> tuple[bytes, ...]:
    cursor.expect_byte(b"(")
    items: dict[bytes, None] = {}
    for _ in range(MAX_OPTIONS):
        item = cursor.expect(_OPTION, "status-att")[0].upper()
        if item not in STATUS_ITEMS:
            raise Malformed("status-att")
        items[item] = None
        if not cursor.take_byte(b" "):
            cursor.expect_byte(b")")
            return tuple(items)
    raise Malformed("status-att")
