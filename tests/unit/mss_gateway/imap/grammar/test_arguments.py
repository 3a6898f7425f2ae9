"""The arguments of each command."""

from collections.abc import Callable

import pytest

from mss_gateway.imap.grammar import arguments
from mss_gateway.imap.grammar.arguments import (
    MAX_ID_PAIRS,
    AuthenticateRequest,
    CopyRequest,
    LoginRequest,
    RenameRequest,
)
from mss_gateway.imap.grammar.cursor import Cursor, Malformed
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
        (arguments.copying(True), b" 1 Sent", CopyRequest(ONE, "Sent", True)),
        (arguments.uids, b" 1", ONE),
        (arguments.identification, b" NIL", None),
        (arguments.identification, b" ()", None),
        (arguments.identification, b' ( "name" "x" )', None),
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
        (arguments.copying(False), b" 0 x"),
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


def test_identifications_are_bounded_at_their_edge(at: At) -> None:
    def pairs(count: int) -> bytes:
        return b" (" + b" ".join([b'"a" "b"'] * count) + b")"

    arguments.identification(at(pairs(MAX_ID_PAIRS)))
    with pytest.raises(Malformed):
        arguments.identification(at(pairs(MAX_ID_PAIRS + 1)))
