"""The arguments of each command."""

from collections.abc import Callable

import pytest

from mss_gateway.imap.grammar import arguments
from mss_gateway.imap.grammar.arguments import (
    MAX_ID_PAIRS,
    MAX_PATTERN,
    AppendRequest,
    AuthenticateRequest,
    CopyRequest,
    ListRequest,
    LoginRequest,
    Operation,
    RenameRequest,
    StatusRequest,
    StoreRequest,
)
from mss_gateway.imap.grammar.cursor import Cursor, LiteralNeeded, Malformed, Purpose
from mss_gateway.imap.grammar.primitives import Flags
from mss_gateway.imap.grammar.sets import NumberSet

At = Callable[..., Cursor]
ONE = NumberSet(((1, 1),))


@pytest.mark.parametrize(
    ("parse", "line", "value"),
    [
        (arguments.login, b' a "b c"', LoginRequest(b"a", b"b c")),
        (arguments.authenticate, b" plain", AuthenticateRequest(b"PLAIN", None)),
        (arguments.authenticate, b" PLAIN =", AuthenticateRequest(b"PLAIN", b"")),
        (arguments.authenticate, b" PLAIN AGEAYg==", AuthenticateRequest(b"PLAIN", b"\0a\0b")),
        (arguments.name, b' "A B"', "A B"),
        (arguments.rename, b" a b", RenameRequest("a", "b")),
        (arguments.listing, b' "" %', ListRequest("", ("%",))),
        (arguments.listing, b" a/ b*", ListRequest("a/", ("b*",))),
        (
            arguments.status,
            b" INBOX (messages UNSEEN MESSAGES)",
            StatusRequest("INBOX", (b"MESSAGES", b"UNSEEN")),
        ),
        (
            arguments.storing(False),
            b" 1 +flags.silent (\\Seen)",
            StoreRequest(ONE, Operation.ADD, Flags(1), True, False),
        ),
        (
            arguments.storing(True),
            b" 1 FLAGS \\Seen x",
            StoreRequest(ONE, Operation.REPLACE, Flags(1, ("x",)), False, True),
        ),
        (
            arguments.storing(False),
            b" 1 -FLAGS ()",
            StoreRequest(ONE, Operation.REMOVE, Flags(), False, False),
        ),
        (arguments.copying(True), b" 1 Sent", CopyRequest(ONE, "Sent", True)),
        (arguments.uids, b" 1", ONE),
        (arguments.identification, b" NIL", None),
        (arguments.identification, b" ()", None),
        (arguments.identification, b' ("name" "x" "version" NIL)', None),
    ],
)
def test_arguments_are_read(
    at: At, parse: Callable[[Cursor], object], line: bytes, value: object
) -> None:
    cursor = at(line)
    assert parse(cursor) == value
    cursor.end()


@pytest.mark.parametrize(
    ("parse", "line"),
    [
        (arguments.login, b" a"),
        (arguments.login, b"  a b"),
        (arguments.authenticate, b" PLAIN %%"),
        (arguments.authenticate, b" PLAIN A"),
        (arguments.rename, b" a"),
        (arguments.listing, b" a"),
        (arguments.status, b" INBOX ()"),
        (arguments.status, b" INBOX (HIGHESTMODSEQ)"),
        (arguments.status, b" INBOX MESSAGES"),
        (arguments.storing(False), b" 1 FLAG (x)"),
        (arguments.storing(False), b" 1 FLAGS"),
        (arguments.copying(False), b" 0 x"),
        (arguments.fetching(False), b" 1"),
        (arguments.searching(False), b""),
        (arguments.identification, b" (a b)"),
        (arguments.identification, b' ("name")'),
    ],
)
def test_what_does_not_fit_is_refused(
    at: At, parse: Callable[[Cursor], object], line: bytes
) -> None:
    def parse_all(cursor: Cursor) -> None:
        parse(cursor)
        cursor.end()

    cursor = at(line)
    with pytest.raises(Malformed):
        parse_all(cursor)


def test_append_reads_flags_date_and_message(at: At) -> None:
    line = b' Sent (\\Seen x) "17-Jul-1996 02:44:25 +0000" {3}'
    assert arguments.append(at(line, b"abc", b"")) == AppendRequest(
        "Sent", Flags(1, ("x",)), 837571465, b"abc"
    )
    assert arguments.append(at(b" Sent {0+}", b"", b"")) == AppendRequest(
        "Sent", Flags(), None, b""
    )


def test_append_asks_for_its_message_as_a_message(at: At) -> None:
    with pytest.raises(LiteralNeeded) as needed:
        arguments.append(at(b" {4}", b"Sent", b" {9}"))
    assert needed.value.purpose is Purpose.MESSAGE
    with pytest.raises(LiteralNeeded) as needed:
        arguments.append(at(b" {4}"))
    assert needed.value.purpose is Purpose.STRING


def test_a_message_is_a_literal_and_nothing_else(at: At) -> None:
    for line in (b' Sent "abc"', b" Sent abc", b" Sent ()", b" Sent"):
        with pytest.raises(Malformed):
            arguments.append(at(line))


def test_patterns_and_identifications_are_bounded_at_their_edges(at: At) -> None:
    assert arguments.listing(at(b' "" ' + b"x" * MAX_PATTERN))
    with pytest.raises(Malformed):
        arguments.listing(at(b' "" ' + b"x" * (MAX_PATTERN + 1)))

    def pairs(count: int) -> bytes:
        return b" (" + b" ".join([b'"a" "b"'] * count) + b")"

    arguments.identification(at(pairs(MAX_ID_PAIRS)))
    with pytest.raises(Malformed):
        arguments.identification(at(pairs(MAX_ID_PAIRS + 1)))
