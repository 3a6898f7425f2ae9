"""The arguments of SELECT, EXAMINE and ENABLE."""

from collections.abc import Callable

import pytest

from mss_gateway.imap.grammar.cursor import Cursor, Malformed
from mss_gateway.imap.grammar.opening import (
    MAX_CAPABILITIES,
    Known,
    OpenRequest,
    enable,
    opening,
)
from mss_gateway.imap.grammar.sets import NumberSet

At = Callable[..., Cursor]
SET = NumberSet(((1, 3), (5, 5)))


@pytest.mark.parametrize(
    ("line", "value"),
    [
        (b" inbox", OpenRequest("INBOX")),
        (b" a (CONDSTORE)", OpenRequest("a", True)),
        (b" a (qresync (7 9))", OpenRequest("a", False, Known(7, 9, None))),
        (b" a (QRESYNC (7 9 1:3,5))", OpenRequest("a", False, Known(7, 9, SET))),
        (b" a (QRESYNC (7 9 1:3,5 (1 2)))", OpenRequest("a", False, Known(7, 9, SET))),
        (b" a (QRESYNC (7 9 (1 2)) CONDSTORE)", OpenRequest("a", True, Known(7, 9, None))),
    ],
)
def test_parameters_are_read(at: At, line: bytes, value: OpenRequest) -> None:
    cursor = at(line)
    assert opening(cursor) == value
    cursor.end()


@pytest.mark.parametrize(
    "line",
    [
        b" a ()",
        b" a (X)",
        b" a (CONDSTOREX)",
        b" a (QRESYNC)",
        b" a (QRESYNC (0 1))",
        b" a (QRESYNC (1))",
        b" a (QRESYNC (1 1 *))",
        b" a (QRESYNC (1 1 $))",
        b" a (QRESYNC (1 1 1 (1)))",
        b" a (QRESYNC (1 1) QRESYNC (1 1))",
        b" a (CONDSTORE",
        b" a CONDSTORE",
    ],
)
def test_parameters_that_do_not_fit_are_refused(at: At, line: bytes) -> None:
    with pytest.raises(Malformed):
        opening(at(line))


def test_words_of_enable_are_bounded_at_their_edge(at: At) -> None:
    assert enable(at(b" qresync X" + b" Y" * (MAX_CAPABILITIES - 2)))[:2] == (b"QRESYNC", b"X")
    with pytest.raises(Malformed):
        enable(at(b" Y" * (MAX_CAPABILITIES + 1)))
    with pytest.raises(Malformed):
        enable(at(b""))
