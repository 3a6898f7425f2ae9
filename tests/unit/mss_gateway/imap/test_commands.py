"""THE command table: total, and read before anything runs."""

import inspect
import re

import pytest

from mss_gateway.imap import handlers
from mss_gateway.imap.commands import (
    COMMANDS,
    Fault,
    LiteralAwaited,
    NotUnderstood,
    understand,
)
from mss_gateway.imap.grammar.cursor import CommandText, Purpose
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
from mss_gateway.imap.state import State

MODULES = (
    acl,
    any_state,
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

BUILT = [
    "APPEND",
    "AUTHENTICATE",
    "CAPABILITY",
    "CHECK",
    "CLOSE",
    "COPY",
    "CREATE",
    "DELETE",
    "DELETEACL",
    "ENABLE",
    "EXAMINE",
    "EXPUNGE",
    "FETCH",
    "GETACL",
    "GETQUOTA",
    "GETQUOTAROOT",
    "ID",
    "IDLE",
    "LIST",
    "LISTRIGHTS",
    "LOGIN",
    "LOGOUT",
    "LSUB",
    "MOVE",
    "MYRIGHTS",
    "NAMESPACE",
    "NOOP",
    "RENAME",
    "SEARCH",
    "SELECT",
    "SETACL",
    "SETQUOTA",
    "SORT",
    "STARTTLS",
    "STATUS",
    "STORE",
    "SUBSCRIBE",
    "THREAD",
    "UNSELECT",
    "UNSUBSCRIBE",
]
UID_VERBS = ("COPY", "EXPUNGE", "FETCH", "MOVE", "SEARCH", "SORT", "STORE", "THREAD")
UID_FORMS = ["UID " + verb for verb in UID_VERBS]


def test_the_table_holds_exactly_what_is_built() -> None:
    assert sorted(COMMANDS) == sorted(name.encode() for name in (*BUILT, *UID_FORMS))
    assert all(row.name.encode() == name for name, row in COMMANDS.items())


def test_every_handler_has_a_row_and_every_row_a_handler() -> None:
    written = {
        name
        for module in MODULES
        for name, found in inspect.getmembers(module, inspect.iscoroutinefunction)
        if name.startswith("cmd_") and found.__module__ == module.__name__
    }
    assert {row.handler for row in COMMANDS.values()} == written
    assert handlers.__doc__


def test_every_row_says_where_it_is_written_and_where_it_may_run() -> None:
    for row in COMMANDS.values():
        assert re.fullmatch(r"RFC \d+ §[\d.]+", row.rfc), row.name
        assert row.states
        assert row.states <= frozenset(State)


def test_expunge_is_never_told_where_sequence_numbers_are_in_use() -> None:
    """RFC 9051 §7.5.1; the UID forms are other commands."""
    assert {
        name
        for name in ("FETCH", "STORE", "SEARCH", "SORT", "THREAD")
        if COMMANDS[name.encode()].may_expunge
    } == set()
    assert all(COMMANDS[name.encode()].may_expunge for name in UID_FORMS)


@pytest.mark.parametrize("line", [b"a noop", b"a NoOp"])
def test_names_are_read_in_any_case(line: bytes) -> None:
    request = understand(CommandText((line,)), State.NOT_AUTHENTICATED)
    assert (request.tag, request.command.name) == (b"a", "NOOP")


@pytest.mark.parametrize(
    ("line", "state", "tag", "fault"),
    [
        (b"", State.SELECTED, b"*", Fault.SYNTAX),
        (b"a", State.SELECTED, b"a", Fault.SYNTAX),
        (b"a  NOOP", State.SELECTED, b"a", Fault.SYNTAX),
        (b"a NOOP ", State.SELECTED, b"a", Fault.SYNTAX),
        (b"a NO\0OP", State.SELECTED, b"a", Fault.SYNTAX),
        (b"a NOOP\r", State.SELECTED, b"a", Fault.SYNTAX),
        (b"a UID NOOP", State.SELECTED, b"a", Fault.UNKNOWN),
        (b"a XYZZY {5}", State.SELECTED, b"a", Fault.UNKNOWN),
        (b"a SELECT {5}", State.NOT_AUTHENTICATED, b"a", Fault.STATE),
        (b"a LOGIN {5}", State.AUTHENTICATED, b"a", Fault.STATE),
        (b"a FETCH 1 FLAGS", State.AUTHENTICATED, b"a", Fault.STATE),
        (b"a SEARCH CHARSET X ALL", State.SELECTED, b"a", Fault.CHARSET),
    ],
)
def test_what_may_not_run_is_refused_with_its_tag(
    line: bytes, state: State, tag: bytes, fault: Fault
) -> None:
    with pytest.raises(NotUnderstood) as refused:
        understand(CommandText((line,)), state)
    assert (refused.value.tag, refused.value.fault) == (tag, fault)


def test_a_literal_is_awaited_with_its_tag() -> None:
    with pytest.raises(LiteralAwaited) as awaited:
        understand(CommandText((b"x APPEND INBOX {7}",)), State.AUTHENTICATED)
    assert awaited.value.tag == b"x"
    assert (awaited.value.needed.size, awaited.value.needed.purpose) == (7, Purpose.MESSAGE)
