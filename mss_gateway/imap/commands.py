"""THE command table: name, states, grammar, handler, whether EXPUNGE may be told, its source.

A command that is not a row does not exist. EXPUNGE may not be told while FETCH, STORE or SEARCH are
answered by sequence number, RFC 9051 §7.5.1; the UID forms are other commands.
"""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final, TypeVar

from mss_gateway.imap.access import confirm
from mss_gateway.imap.grammar import acl as acl_grammar
from mss_gateway.imap.grammar import append as append_grammar
from mss_gateway.imap.grammar import arguments
from mss_gateway.imap.grammar import fetch as fetch_grammar
from mss_gateway.imap.grammar import listing as listing_grammar
from mss_gateway.imap.grammar import opening as opening_grammar
from mss_gateway.imap.grammar import quota as quota_grammar
from mss_gateway.imap.grammar import search as search_grammar
from mss_gateway.imap.grammar import sort as sort_grammar
from mss_gateway.imap.grammar import store as store_grammar
from mss_gateway.imap.grammar.cursor import (
    BadCharset,
    CommandText,
    Cursor,
    LiteralNeeded,
    Malformed,
)
from mss_gateway.imap.grammar.primitives import tag as parse_tag
from mss_gateway.imap.handlers import (
    acl,
    append,
    fetch,
    folders,
    idle,
    listing,
    notauth,
    opening,
    quota,
    search,
    selected,
    sort,
    store,
)
from mss_gateway.imap.handlers import (
    any as any_state,
)
from mss_gateway.imap.responses import Reply
from mss_gateway.imap.state import Session, State

A = TypeVar("A")
Call = Callable[[Session], Awaitable[Reply]]


@dataclass(frozen=True, slots=True)
class Command:
    """One row; ``prepare`` reads the arguments and binds them to the handler.

    ``needs_numbers``: the command speaks of messages, so the view of the mailbox is loaded first.
    """

    name: str
    states: frozenset[State]
    prepare: Callable[[Cursor], Call]
    handler: str
    may_expunge: bool
    rfc: str
    needs_numbers: bool


_ANY: Final = frozenset(State)
_NOT_YET: Final = frozenset({State.NOT_AUTHENTICATED})
_IN: Final = frozenset({State.AUTHENTICATED, State.SELECTED})
_HERE: Final = frozenset({State.SELECTED})


def _row(
    name: str,
    states: frozenset[State],
    grammar: Callable[[Cursor], A],
    handler: Callable[[Session, A], Awaitable[Reply]],
    may_expunge: bool,
    rfc: str,
    needs_numbers: bool | None = None,
) -> Command:
    """A row; commands that only the selected state knows need numbers unless they say not.

    Whether a member of a shared box may do this is asked before the handler runs.
    """

    def prepare(cursor: Cursor) -> Call:
        values = grammar(cursor)
        cursor.end()

        async def confirmed(session: Session) -> Reply:
            await confirm(session, name)
            return await handler(session, values)

        return confirmed

    if needs_numbers is None:
        needs_numbers = states == _HERE
    return Command(name, states, prepare, handler.__name__, may_expunge, rfc, needs_numbers)


# fmt: off
_ROWS: Final = (
    _row("CAPABILITY", _ANY, arguments.nothing, any_state.cmd_capability, True, "RFC 9051 §6.1.1"),
    _row("NOOP", _ANY, arguments.nothing, any_state.cmd_noop, True, "RFC 9051 §6.1.2"),
    _row("LOGOUT", _ANY, arguments.nothing, any_state.cmd_logout, True, "RFC 9051 §6.1.3"),
    _row("ID", _ANY, arguments.identification, any_state.cmd_id, True, "RFC 2971 §3.1"),
    _row("STARTTLS", _NOT_YET, arguments.nothing, notauth.cmd_starttls, False, "RFC 9051 §6.2.1"),
    _row("AUTHENTICATE", _NOT_YET, arguments.authenticate, notauth.cmd_authenticate, False,
         "RFC 9051 §6.2.2"),
    _row("LOGIN", _NOT_YET, arguments.login, notauth.cmd_login, False, "RFC 9051 §6.2.3"),
    _row("ENABLE", _IN, opening_grammar.enable, opening.cmd_enable, True, "RFC 9051 §6.3.1"),
    _row("SELECT", _IN, opening_grammar.opening, opening.cmd_select, False, "RFC 9051 §6.3.2"),
    _row("EXAMINE", _IN, opening_grammar.opening, opening.cmd_examine, False, "RFC 9051 §6.3.3"),
    _row("CREATE", _IN, listing_grammar.create, folders.cmd_create, True, "RFC 9051 §6.3.4"),
    _row("DELETE", _IN, arguments.name, folders.cmd_delete, True, "RFC 9051 §6.3.5"),
    _row("RENAME", _IN, arguments.rename, folders.cmd_rename, True, "RFC 9051 §6.3.6"),
    _row("SUBSCRIBE", _IN, arguments.name, folders.cmd_subscribe, True, "RFC 9051 §6.3.7"),
    _row("UNSUBSCRIBE", _IN, arguments.name, folders.cmd_unsubscribe, True, "RFC 9051 §6.3.8"),
    _row("LIST", _IN, listing_grammar.listing, listing.cmd_list, True, "RFC 9051 §6.3.9"),
    _row("LSUB", _IN, listing_grammar.lsub, listing.cmd_lsub, True, "RFC 3501 §6.3.9"),
    _row("NAMESPACE", _IN, arguments.nothing, listing.cmd_namespace, True, "RFC 9051 §6.3.10"),
    _row("STATUS", _IN, listing_grammar.status, listing.cmd_status, True, "RFC 9051 §6.3.11"),
    _row("GETQUOTA", _IN, quota_grammar.root, quota.cmd_getquota, True, "RFC 9208 §4.1.1"),
    _row("GETQUOTAROOT", _IN, arguments.name, quota.cmd_getquotaroot, True, "RFC 9208 §4.1.2"),
    _row("SETQUOTA", _IN, quota_grammar.setting, quota.cmd_setquota, True, "RFC 9208 §4.1.3"),
    _row("APPEND", _IN, append_grammar.append, append.cmd_append, True, "RFC 9051 §6.3.12"),
    _row("SETACL", _IN, acl_grammar.set_rights, acl.cmd_setacl, True, "RFC 4314 §3.1"),
    _row("DELETEACL", _IN, acl_grammar.rights_of, acl.cmd_deleteacl, True, "RFC 4314 §3.2"),
    _row("GETACL", _IN, arguments.name, acl.cmd_getacl, True, "RFC 4314 §3.3"),
    _row("LISTRIGHTS", _IN, acl_grammar.rights_of, acl.cmd_listrights, True, "RFC 4314 §3.4"),
    _row("MYRIGHTS", _IN, arguments.name, acl.cmd_myrights, True, "RFC 4314 §3.5"),
    _row("IDLE", _IN, arguments.nothing, idle.cmd_idle, True, "RFC 2177 §3"),
    _row("CHECK", _HERE, arguments.nothing, selected.cmd_check, True, "RFC 3501 §6.4.1", False),
    _row("CLOSE", _HERE, arguments.nothing, selected.cmd_close, False, "RFC 9051 §6.4.1", False),
    _row("UNSELECT", _HERE, arguments.nothing, selected.cmd_unselect, False,
         "RFC 9051 §6.4.2", False),
    _row("EXPUNGE", _HERE, arguments.nothing, selected.cmd_expunge, True, "RFC 9051 §6.4.3", False),
    _row("UID EXPUNGE", _HERE, arguments.uids, selected.cmd_uid_expunge, True, "RFC 9051 §6.4.9"),
    _row("SEARCH", _HERE, search_grammar.searching(False), search.cmd_search, False,
         "RFC 9051 §6.4.4"),
    _row("UID SEARCH", _HERE, search_grammar.searching(True), search.cmd_search, True,
         "RFC 9051 §6.4.9"),
    _row("FETCH", _HERE, fetch_grammar.fetching(False), fetch.cmd_fetch, False, "RFC 9051 §6.4.5"),
    _row("UID FETCH", _HERE, fetch_grammar.fetching(True), fetch.cmd_fetch, True,
         "RFC 9051 §6.4.9"),
    _row("STORE", _HERE, store_grammar.storing(False), store.cmd_store, False, "RFC 9051 §6.4.6"),
    _row("UID STORE", _HERE, store_grammar.storing(True), store.cmd_store, True, "RFC 9051 §6.4.9"),
    _row("COPY", _HERE, arguments.copying(False), selected.cmd_copy, True, "RFC 9051 §6.4.7"),
    _row("UID COPY", _HERE, arguments.copying(True), selected.cmd_copy, True, "RFC 9051 §6.4.9"),
    _row("MOVE", _HERE, arguments.copying(False), selected.cmd_move, True, "RFC 9051 §6.4.8"),
    _row("UID MOVE", _HERE, arguments.copying(True), selected.cmd_move, True, "RFC 9051 §6.4.9"),
    _row("SORT", _HERE, sort_grammar.sorting(False), sort.cmd_sort, False, "RFC 5256 §3"),
    _row("UID SORT", _HERE, sort_grammar.sorting(True), sort.cmd_sort, True, "RFC 5256 §3"),
    _row("THREAD", _HERE, sort_grammar.threading(False), sort.cmd_thread, False, "RFC 5256 §3"),
    _row("UID THREAD", _HERE, sort_grammar.threading(True), sort.cmd_thread, True, "RFC 5256 §3"),
)
# fmt: on

COMMANDS: Final = {command.name.encode("ascii"): command for command in _ROWS}
"""Every command this server knows, by name."""

_WORD = re.compile(rb"[A-Za-z]{1,32}")
_FORBIDDEN = re.compile(rb"[\x00\r]")


class Fault(Enum):
    """Why a line is not a command that may run now."""

    SYNTAX = "syntax"
    UNKNOWN = "unknown"
    STATE = "state"
    CHARSET = "charset"


class NotUnderstood(Exception):
    """The line is refused before anything ran; ``tag`` is ``*`` where none could be read."""

    def __init__(self, tag: bytes, fault: Fault, wanted: str = "") -> None:
        super().__init__(fault.value)
        self.tag = tag
        self.fault = fault
        self.wanted = wanted


class LiteralAwaited(Exception):
    """The command goes on with a literal that was not read yet."""

    def __init__(self, tag: bytes, needed: LiteralNeeded) -> None:
        super().__init__(needed.size)
        self.tag = tag
        self.needed = needed


@dataclass(frozen=True, slots=True)
class Request:
    """A command ready to run."""

    tag: bytes
    command: Command
    call: Call


def understand(text: CommandText, state: State, *, is_utf8: bool = False) -> Request:
    """Read one command; raises ``NotUnderstood`` or ``LiteralAwaited`` and nothing else.

    The state is checked before the arguments are read, so that nobody who has not logged in can
    announce a message.
    """
    tag = b"*"
    try:
        cursor = Cursor(text, is_utf8=is_utf8)
        tag = parse_tag(cursor)
        if any(_FORBIDDEN.search(line) for line in text.lines):
            raise Malformed("CRLF")
        cursor.space()
        command = _named(cursor, tag)
        if state not in command.states:
            raise NotUnderstood(tag, Fault.STATE)
        return Request(tag, command, command.prepare(cursor))
    except LiteralNeeded as needed:
        raise LiteralAwaited(tag, needed) from None
    except BadCharset:
        raise NotUnderstood(tag, Fault.CHARSET) from None
    except Malformed as malformed:
        raise NotUnderstood(tag, Fault.SYNTAX, malformed.wanted) from None


def _named(cursor: Cursor, tag: bytes) -> Command:
    word = cursor.expect(_WORD, "command")[0].upper()
    if word == b"UID":
        cursor.space()
        word += b" " + cursor.expect(_WORD, "command")[0].upper()
    command = COMMANDS.get(word)
    if command is None:
        raise NotUnderstood(tag, Fault.UNKNOWN)
    return command
