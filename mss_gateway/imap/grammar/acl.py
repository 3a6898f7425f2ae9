"""Arguments of the ACL commands, RFC 4314 §7."""

from dataclasses import dataclass
from typing import Final

from mss_gateway.imap.grammar.cursor import Cursor, Malformed
from mss_gateway.imap.grammar.primitives import astring, mailbox
from mss_gateway.imap.grammar.store import Operation
from mss_gateway.imap.rights import RightUnknown, normal

MAX_IDENTIFIER: Final = 320
"""Characters; an address has at most 254."""


@dataclass(frozen=True, slots=True)
class RightsOf:
    """DELETEACL and LISTRIGHTS: the identifier as the client wrote it."""

    name: str
    identifier: str


@dataclass(frozen=True, slots=True)
class SetRights:
    """SETACL: ``letters`` replace, join or leave what the identifier has; in their normal form."""

    name: str
    identifier: str
    operation: Operation
    letters: str


def rights_of(cursor: Cursor) -> RightsOf:
    """DELETEACL and LISTRIGHTS."""
    cursor.space()
    name = mailbox(cursor)
    cursor.space()
    return RightsOf(name, _identifier(cursor))


def set_rights(cursor: Cursor) -> SetRights:
    """SETACL; a right that is unknown makes it malformed, RFC 4314 §3.1."""
    whose = rights_of(cursor)
    cursor.space()
    written = astring(cursor, "mod-rights")
    sign = written[:1] if written[:1] in (b"+", b"-") else b""
    try:
        letters = normal(written[len(sign) :].decode("ascii"))
    except (RightUnknown, UnicodeDecodeError):
        raise Malformed("mod-rights") from None
    return SetRights(whose.name, whose.identifier, Operation(sign), letters)


def _identifier(cursor: Cursor) -> str:
    """UTF-8 that can be printed: what has no prepared form is malformed, RFC 4314 §3."""
    try:
        identifier = astring(cursor, "identifier").decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed("identifier") from None
    if not identifier or len(identifier) > MAX_IDENTIFIER or not identifier.isprintable():
        raise Malformed("identifier")
    return identifier
