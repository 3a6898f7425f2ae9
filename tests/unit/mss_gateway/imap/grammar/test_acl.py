"""The arguments of the ACL commands."""

from collections.abc import Callable

import pytest

from mss_gateway.imap.grammar import acl
from mss_gateway.imap.grammar.acl import MAX_IDENTIFIER, RightsOf, SetRights
from mss_gateway.imap.grammar.cursor import Cursor, Malformed
from mss_gateway.imap.grammar.store import Operation

At = Callable[..., Cursor]
LONGEST = "x" * MAX_IDENTIFIER


@pytest.mark.parametrize(
    ("line", "value"),
    [
        (b" INBOX a@b.c lr", SetRights("INBOX", "a@b.c", Operation.REPLACE, "lr")),
        (b' inbox "a@b.c" "rl"', SetRights("INBOX", "a@b.c", Operation.REPLACE, "lr")),
        (b" A/B a@b.c +dd", SetRights("A/B", "a@b.c", Operation.ADD, "te")),
        (b" A a@b.c -c", SetRights("A", "a@b.c", Operation.REMOVE, "kx")),
        (b' A a@b.c ""', SetRights("A", "a@b.c", Operation.REPLACE, "")),
        (b" A a@b.c +", SetRights("A", "a@b.c", Operation.ADD, "")),
        (b' A -x "-"', SetRights("A", "-x", Operation.REMOVE, "")),
        (b" A %s lr" % LONGEST.encode(), SetRights("A", LONGEST, Operation.REPLACE, "lr")),
    ],
)
def test_rights_to_set_are_read(at: At, line: bytes, value: SetRights) -> None:
    cursor = at(line)
    assert acl.set_rights(cursor) == value
    cursor.end()


@pytest.mark.parametrize(
    "line",
    [
        b" A a@b.c",
        b" A lr",
        b" A a@b.c lrz",
        b" A a@b.c LR",
        b" A a@b.c l0",
        b" A a@b.c ++l",
        b" A a@b.c l+r",
        b' A a@b.c "l r"',
        b' A a@b.c "l\xc3\xa9"',
        b' A "" lr',
        b' A "a\x7fb" lr',
        b' A "a\xffb" lr',
        b' A "a\xe2\x80\xaeb" lr',
        b" A %s lr" % (LONGEST + "x").encode(),
    ],
)
def test_what_does_not_fit_is_refused(at: At, line: bytes) -> None:
    with pytest.raises(Malformed):
        acl.set_rights(at(line))


def test_an_identifier_is_kept_as_it_was_written(at: At) -> None:
    cursor = at(' INBOX "Zoé@MSS.example"'.encode())
    assert acl.rights_of(cursor) == RightsOf("INBOX", "Zoé@MSS.example")
    cursor.end()
