"""The arguments of LIST, LSUB, STATUS and CREATE."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mss_gateway.imap.grammar import listing
from mss_gateway.imap.grammar.cursor import CommandText, Cursor, LiteralNeeded, Malformed
from mss_gateway.imap.grammar.listing import (
    MAX_OPTIONS,
    MAX_PATTERN,
    MAX_PATTERNS,
    CreateRequest,
    ListRequest,
    Returned,
    Selection,
    StatusRequest,
)

At = Callable[..., Cursor]
SUBSCRIBED = Selection.SUBSCRIBED


def extended(*patterns: str, **fields: object) -> ListRequest:
    """A request in the extended syntax."""
    return ListRequest("", patterns, True, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("line", "request_"),
    [
        (b' "" %', ListRequest("", ("%",))),
        (b" a/ b*", ListRequest("a/", ("b*",))),
        (b' "" ""', ListRequest("", ("",))),
        (b' () "" *', extended("*")),
        (b' "" (* "a b" inbox)', extended("*", "a b", "INBOX")),
        (b' "" * RETURN ()', extended("*")),
        (
            b' (Subscribed REMOTE subscribed) "" *',
            extended("*", selection=frozenset({SUBSCRIBED, Selection.REMOTE})),
        ),
        (
            b' (RECURSIVEMATCH SPECIAL-USE) "" *',
            extended("*", selection=frozenset({Selection.RECURSIVEMATCH, Selection.SPECIAL_USE})),
        ),
        (
            b' "" * return (children STATUS (messages SIZE messages) SUBSCRIBED)',
            extended(
                "*",
                returned=frozenset({Returned.CHILDREN, Returned.SUBSCRIBED}),
                status=(b"MESSAGES", b"SIZE"),
            ),
        ),
        (
            b' "" * RETURN (STATUS (SIZE) STATUS (UIDNEXT))',
            extended("*", status=(b"SIZE", b"UIDNEXT")),
        ),
    ],
)
def test_list_is_read_in_both_syntaxes(at: At, line: bytes, request_: ListRequest) -> None:
    cursor = at(line)
    assert listing.listing(cursor) == request_
    cursor.end()


@pytest.mark.parametrize(
    "line",
    [
        b" a",
        b'  "" *',
        b' "" ()',
        b' "" (a b',
        b' "" (a  b)',
        b' (SUBSCRIBED "" *',
        b' (SUBSCRIBED,REMOTE) "" *',
        b' (COLOUR) "" *',
        b' (CHILDREN) "" *',
        b' (RECURSIVEMATCH) "" *',
        b' (RECURSIVEMATCH RECURSIVEMATCH) "" *',
        b' (REMOTE RECURSIVEMATCH) "" *',
        b' "" * RETURN',
        b' "" * RETURN SUBSCRIBED',
        b' "" * RETURN (REMOTE)',
        b' "" * RETURN (MYRIGHTS)',
        b' "" * RETURN (STATUS)',
        b' "" * RETURN (STATUS ())',
        b' "" * RETURN (STATUS (COLOUR))',
        b' "" * RETURN () x',
        b' "" * x',
    ],
)
def test_a_list_that_does_not_fit_is_refused(at: At, line: bytes) -> None:
    cursor = at(line)
    with pytest.raises(Malformed):
        parse_whole(listing.listing, cursor)


def test_lsub_knows_the_basic_syntax_alone(at: At) -> None:
    assert listing.lsub(at(b' "" %')) == ListRequest("", ("%",))
    for line in (b' () "" *', b' "" (*)', b' "" * RETURN ()', b' ""'):
        with pytest.raises(Malformed):
            parse_whole(listing.lsub, at(line))


@pytest.mark.parametrize(
    ("line", "items"),
    [
        (b" INBOX (messages UNSEEN MESSAGES)", (b"MESSAGES", b"UNSEEN")),
        (
            b" INBOX (HIGHESTMODSEQ SIZE deleted-storage MAILBOXID APPENDLIMIT DELETED)",
            (
                *(b"HIGHESTMODSEQ", b"SIZE", b"DELETED-STORAGE"),
                *(b"MAILBOXID", b"APPENDLIMIT", b"DELETED"),
            ),
        ),
    ],
)
def test_status_items_are_read_once_each(at: At, line: bytes, items: tuple[bytes, ...]) -> None:
    assert listing.status(at(line)) == StatusRequest("INBOX", items)


@pytest.mark.parametrize(
    "line", [b" INBOX ()", b" INBOX (COLOUR)", b" INBOX MESSAGES", b" INBOX (MESSAGES"]
)
def test_a_status_that_does_not_fit_is_refused(at: At, line: bytes) -> None:
    with pytest.raises(Malformed):
        parse_whole(listing.status, at(line))


@pytest.mark.parametrize(
    ("line", "request_"),
    [
        (b" a", CreateRequest("a")),
        (b" a/ (USE ())", CreateRequest("a/")),
        (b" a (use (\\Sent \\junk \\Sent))", CreateRequest("a", ("\\Sent", "\\junk"))),
        (b" a (USE (\\Unheard-of))", CreateRequest("a", ("\\Unheard-of",))),
    ],
)
def test_create_is_read_with_its_uses(at: At, line: bytes, request_: CreateRequest) -> None:
    cursor = at(line)
    assert listing.create(cursor) == request_
    cursor.end()


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b" a ",
        b" a ()",
        b" a (USE)",
        b" a (USE (Sent))",
        b" a (USE (\\))",
        b" a (USE (\\Sent)",
        b" a (USE (\\Sent) USE (\\Junk))",
        b" a (COLOUR (red))",
    ],
)
def test_a_create_that_does_not_fit_is_refused(at: At, line: bytes) -> None:
    with pytest.raises(Malformed):
        parse_whole(listing.create, at(line))


def test_what_is_asked_is_bounded_at_its_edges(at: At) -> None:
    def several(count: int, each: bytes) -> bytes:
        return b" (" + b" ".join([each] * count) + b")"

    def lists(line: bytes) -> bool:
        try:
            parse_whole(listing.listing, at(line))
        except Malformed:
            return False
        return True

    assert lists(b' "" ' + b"x" * MAX_PATTERN)
    assert not lists(b' "" ' + b"x" * (MAX_PATTERN + 1))
    assert lists(b" xx" + several(MAX_PATTERN // 8, b"xxxxxx"))  # the reference counts each time
    assert not lists(b" xxx" + several(MAX_PATTERN // 8, b"xxxxxx"))
    assert lists(b' ""' + several(MAX_PATTERNS, b"*"))
    assert not lists(b' ""' + several(MAX_PATTERNS + 1, b"*"))
    assert lists(several(MAX_OPTIONS, b"SUBSCRIBED") + b' "" *')
    assert not lists(several(MAX_OPTIONS + 1, b"SUBSCRIBED") + b' "" *')
    assert lists(b' "" * RETURN' + several(MAX_OPTIONS, b"CHILDREN"))
    assert not lists(b' "" * RETURN' + several(MAX_OPTIONS + 1, b"CHILDREN"))
    assert listing.status(at(b" a" + several(MAX_OPTIONS, b"SIZE")))
    with pytest.raises(Malformed):
        listing.status(at(b" a" + several(MAX_OPTIONS + 1, b"SIZE")))
    assert listing.create(at(b" a (USE" + several(MAX_OPTIONS, b"\\Sent") + b")"))
    with pytest.raises(Malformed):
        listing.create(at(b" a (USE" + several(MAX_OPTIONS + 1, b"\\Sent") + b")"))


WORDS = st.sampled_from(
    [
        *(b"", b"(", b")", b" ", b'""', b"*", b"SUBSCRIBED", b"RECURSIVEMATCH", b"RETURN"),
        *(b"STATUS", b"(SIZE)", b"{1}", b"\\Sent", b"USE", b"\xff", b"&AOk-"),
    ]
)


@given(st.lists(WORDS, max_size=12), st.sampled_from([listing.listing, listing.create]))
def test_whatever_is_written_is_read_or_malformed(
    words: list[bytes], parse: Callable[[Cursor], object]
) -> None:
    try:
        parse_whole(parse, Cursor(CommandText((b" " + b"".join(words),))))
    except (Malformed, LiteralNeeded):
        return


def parse_whole(parse: Callable[[Cursor], object], cursor: Cursor) -> None:
    parse(cursor)
    cursor.end()
