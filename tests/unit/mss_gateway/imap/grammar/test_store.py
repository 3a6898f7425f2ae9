"""The arguments of STORE."""

from collections.abc import Callable

import pytest

from mss_gateway.imap.grammar.cursor import Cursor, Malformed
from mss_gateway.imap.grammar.primitives import MAX_MODSEQ, Flags
from mss_gateway.imap.grammar.sets import NumberSet
from mss_gateway.imap.grammar.store import Operation, StoreRequest, storing

At = Callable[..., Cursor]
ONE = NumberSet(((1, 1),))


@pytest.mark.parametrize(
    ("line", "value"),
    [
        (b" 1 +flags.silent (\\Seen)", StoreRequest(ONE, Operation.ADD, Flags(1), True, False)),
        (
            b" 1 FLAGS \\Seen x",
            StoreRequest(ONE, Operation.REPLACE, Flags(1, ("x",)), False, False),
        ),
        (b" 1 -FLAGS ()", StoreRequest(ONE, Operation.REMOVE, Flags(), False, False)),
        (
            b" 1 (unchangedsince %d) FLAGS ()" % MAX_MODSEQ,
            StoreRequest(ONE, Operation.REPLACE, Flags(), False, False, MAX_MODSEQ),
        ),
        (
            b" 1 (UNCHANGEDSINCE 0) FLAGS ()",
            StoreRequest(ONE, Operation.REPLACE, Flags(), False, False, 0),
        ),
    ],
)
def test_arguments_are_read(at: At, line: bytes, value: StoreRequest) -> None:
    cursor = at(line)
    assert storing(False)(cursor) == value
    cursor.end()


@pytest.mark.parametrize(
    "line",
    [
        b" 1 FLAG (x)",
        b" 1 FLAGS",
        b" 1 (UNCHANGEDSINCE) FLAGS ()",
        b" 1 (UNCHANGEDSINCE -1) FLAGS ()",
        b" 1 (UNCHANGEDSINCE %d) FLAGS ()" % (MAX_MODSEQ + 1),
        b" 1 (UNCHANGEDSINCE 1 CONDSTORE) FLAGS ()",
        b" 1 (CHANGEDSINCE 1) FLAGS ()",
        b" 1 () FLAGS ()",
    ],
)
def test_what_does_not_fit_is_refused(at: At, line: bytes) -> None:
    with pytest.raises(Malformed):
        storing(True)(at(line))
