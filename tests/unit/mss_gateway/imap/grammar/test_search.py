"""SEARCH keys."""

from collections.abc import Callable
from datetime import date

import pytest

from mss_gateway.imap.grammar import search
from mss_gateway.imap.grammar.cursor import MAX_DEPTH, BadCharset, Cursor, Malformed
from mss_gateway.imap.grammar.search import (
    Aged,
    Basis,
    Dated,
    Either,
    Every,
    HasFlag,
    HasKeyword,
    Identified,
    InField,
    InText,
    Key,
    ModifiedSince,
    Not,
    Numbered,
    Returned,
    SearchRequest,
    Sized,
    Timing,
)
from mss_gateway.imap.grammar.sets import NumberSet

At = Callable[..., Cursor]


@pytest.mark.parametrize(
    ("line", "key"),
    [
        (b"ALL", Every()),
        (b"seen", HasFlag(1)),
        (b"UNDELETED", Not(HasFlag(8))),
        (b"NEW", Not(Every())),
        (b"OLD", Every()),
        (b"KEYWORD $Label1", HasKeyword("$Label1")),
        (b"UNKEYWORD x", Not(HasKeyword("x"))),
        (b"1:3,*", Numbered(NumberSet(((1, 3), (0, 0))), False)),
        (b"UID 7", Numbered(NumberSet(((7, 7),)), True)),
        (b"BEFORE 1-Feb-2026", Dated(Timing.BEFORE, date(2026, 2, 1), Basis.ARRIVAL)),
        (b"SENTSINCE 1-Feb-2026", Dated(Timing.SINCE, date(2026, 2, 1), Basis.SENT)),
        (b"SENTON 1-Feb-2026", Dated(Timing.ON, date(2026, 2, 1), Basis.SENT)),
        (b"SAVEDSINCE 1-Feb-2026", Dated(Timing.SINCE, date(2026, 2, 1), Basis.SAVED)),
        (b"SAVEDATESUPPORTED", Every()),
        (b"OLDER 3600", Aged(3600, True)),
        (b"younger 1", Aged(1, False)),
        (b"MODSEQ 9", ModifiedSince(9)),
        (b'MODSEQ "/flags/x" shared 9', ModifiedSince(9)),
        (b"EMAILID M0a_-", Identified("M0a_-", False)),
        (b"THREADID T1", Identified("T1", True)),
        (b"$", Numbered(NumberSet((), is_saved=True), False)),
        (b"LARGER 10", Sized(10, True)),
        (b"SMALLER 10", Sized(10, False)),
        (b"FROM claire", InField("from", "claire")),
        (b'SUBJECT ""', InField("subject", "")),
        (b"HEADER X-Priority 1", InField("x-priority", "1")),
        (b"BODY x", InText("x", False)),
        (b"TEXT x", InText("x", True)),
        (b"NOT SEEN", Not(HasFlag(1))),
        (b"OR SEEN FLAGGED", Either(HasFlag(1), HasFlag(4))),
        (b"(SEEN (DRAFT))", Every((HasFlag(1), Every((HasFlag(16),))))),
    ],
)
def test_each_key_is_read(at: At, line: bytes, key: Key) -> None:
    cursor = at(line)
    assert search.search_request(cursor) == SearchRequest(Every((key,)))
    cursor.end()


@pytest.mark.parametrize(
    ("options", "returns"),
    [
        (b"", None),
        (b"RETURN () ", {Returned.ALL}),
        (b"return (min Max) ", {Returned.MIN, Returned.MAX}),
        (b"RETURN (SAVE COUNT SAVE) ", {Returned.SAVE, Returned.COUNT}),
    ],
)
def test_result_options_are_read(at: At, options: bytes, returns: set[Returned] | None) -> None:
    assert search.search_request(at(options + b"CHARSET UTF-8 ALL")).returns == returns


def test_a_search_knows_whether_modseq_is_asked(at: At) -> None:
    assert search.search_request(at(b"OR NOT (SEEN MODSEQ 4) ALL")).has_modseq
    assert not search.search_request(at(b"OR NOT SEEN ALL")).has_modseq


def test_keys_side_by_side_must_all_hold(at: At) -> None:
    request = search.search_request(at(b"SEEN 1 TEXT a"))
    assert len(request.key.keys) == 3


@pytest.mark.parametrize("charset", [b"UTF-8", b"utf-8", b'"UTF-8"'])
def test_utf8_is_known_and_also_the_default(at: At, charset: bytes) -> None:
    literal = "é".encode()
    expected = Every((InField("subject", "é"),))
    assert search.search_request(at(b"SUBJECT {2}", literal, b"")).key == expected
    line = b"CHARSET " + charset + b" SUBJECT {2}"
    assert search.search_request(at(line, literal, b"")).key == expected


def test_us_ascii_means_it(at: At) -> None:
    with pytest.raises(Malformed):
        search.search_request(at(b"CHARSET US-ASCII SUBJECT {2}", "é".encode(), b""))
    with pytest.raises(Malformed):
        search.search_request(at(b"SUBJECT {1}", b"\xe9", b""))


def test_another_charset_is_refused_as_such(at: At) -> None:
    with pytest.raises(BadCharset):
        search.search_request(at(b"CHARSET ISO-8859-1 ALL"))


@pytest.mark.parametrize(
    "line",
    [
        b"OLDER 0",
        b"YOUNGER",
        b"MODSEQ x",
        b"MODSEQ 9223372036854775808",
        b'MODSEQ "/flags/x" 9',
        b"EMAILID (x)",
        b"SENTSAVEDON 1-Feb-2026",
        b"RETURN ALL",
        b"RETURN (ALL)",
        b"RETURN (PARTIAL 1:2) ALL",
        b"RETURN (ALL,MIN) ALL",
        b"",
        b"FOO",
        b"NOT",
        b"OR SEEN",
        b"()",
        b"(SEEN",
        b"SEEN ",
        b"LARGER x",
        b"BEFORE yesterday",
        b"KEYWORD \\Seen",
        b"KEYWORD " + b"k" * 65,
        b"HEADER x",
        b"UID x",
        b"CHARSET",
        '(HEADER "é" x)'.encode(),
    ],
)
def test_what_is_no_key_is_refused(at: At, line: bytes) -> None:
    cursor = at(line)
    with pytest.raises(Malformed):
        search.search_request(cursor)


@pytest.mark.parametrize("opening", [b"(", b"NOT ", b"OR SEEN "])
def test_depth_is_bounded_at_its_edge(at: At, opening: bytes) -> None:
    def nested(levels: int) -> bytes:
        closing = b")" * levels if opening == b"(" else b""
        return opening * levels + b"SEEN" + closing

    assert search.search_request(at(nested(MAX_DEPTH - 1)))
    with pytest.raises(Malformed, match="depth"):
        search.search_request(at(nested(MAX_DEPTH)))


def test_a_hundred_thousand_ors_are_refused_without_recursion(at: At) -> None:
    with pytest.raises(Malformed, match="depth"):
        search.search_request(at(b"OR SEEN " * 100_000 + b"SEEN"))
