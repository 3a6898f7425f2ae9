"""How the tests of the grammar write a command."""

from collections.abc import Callable

import pytest

from mss_gateway.imap.grammar.cursor import CommandText, Cursor

At = Callable[..., Cursor]


@pytest.fixture
def at() -> At:
    """``at(b"line", b"literal", b"next line", …)``: a cursor at the beginning."""

    def make(*pieces: bytes) -> Cursor:
        return Cursor(CommandText(tuple(pieces[::2]), tuple(pieces[1::2])))

    return make
