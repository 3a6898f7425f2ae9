"""The arguments of SORT and THREAD."""

from collections.abc import Callable

import pytest

from mss_gateway.imap.grammar import sort
from mss_gateway.imap.grammar.cursor import BadCharset, Cursor, Malformed
from mss_gateway.imap.grammar.search import Every, HasFlag, InField, Returned, SearchRequest
from mss_gateway.imap.grammar.sort import (
    Algorithm,
    Criterion,
    SortCommand,
    SortKey,
    ThreadCommand,
)

At = Callable[..., Cursor]
ALL = SearchRequest(Every((Every(),)))


def criteria(*keys: str) -> tuple[Criterion, ...]:
    return tuple(Criterion(SortKey[key.removeprefix("-")], key[0] == "-") for key in keys)


@pytest.mark.parametrize("key", list(SortKey))
def test_every_key_is_read(at: At, key: SortKey) -> None:
    cursor = at(b" (%b) UTF-8 ALL" % key.value)
    assert sort.sorting(False)(cursor) == SortCommand((Criterion(key, False),), ALL, False)
    assert cursor.is_at_end


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (b"(SUBJECT REVERSE DATE)", criteria("SUBJECT", "-DATE")),
        (b"(reverse size Reverse from)", criteria("-SIZE", "-FROM")),
        (b"(DATE REVERSE DATE TO DATE)", criteria("DATE", "TO")),
        (b"(REVERSE DATE DATE)", criteria("-DATE")),
        (b"(" + b" ".join([b"CC"] * 1_000) + b")", criteria("CC")),
    ],
)
def test_criteria_are_kept_once_in_their_order(
    at: At, written: bytes, read: tuple[Criterion, ...]
) -> None:
    assert sort.sorting(True)(at(b" %b US-ASCII ALL" % written)).criteria == read


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_every_algorithm_is_read(at: At, algorithm: Algorithm) -> None:
    cursor = at(b" %b utf-8 ALL" % algorithm.value.lower())
    assert sort.threading(True)(cursor) == ThreadCommand(algorithm, ALL, True)


@pytest.mark.parametrize("begin", [b" (SUBJECT)", b" REFERENCES"])
def test_the_charset_may_be_quoted_and_rules_the_keys(at: At, begin: bytes) -> None:
    parse = sort.sorting(False) if begin[1:2] == b"(" else sort.threading(False)
    cursor = at(begin + b' "utf-8" UNSEEN SUBJECT {6}', "santé".encode(), b"")
    assert parse(cursor).request.key.keys[1:] == (InField("subject", "santé"),)
    with pytest.raises(Malformed, match="astring"):
        parse(at(begin + b" US-ASCII SUBJECT {6}", "santé".encode(), b""))
    with pytest.raises(BadCharset):
        parse(at(begin + b" ISO-8859-1 ALL"))


def test_options_of_return_are_those_of_search_but_save(at: At) -> None:
    parse = sort.sorting(True)
    plain = b"(DATE) UTF-8 SEEN"
    asked = SearchRequest(Every((HasFlag(1),)), frozenset({Returned.MIN, Returned.COUNT}))
    assert parse(at(b" RETURN (MIN COUNT) " + plain)).request == asked
    assert parse(at(b" return () " + plain)).request.returns == {Returned.ALL}
    assert parse(at(b" " + plain)).request.returns is None
    with pytest.raises(Malformed, match="sort-return-opt"):
        parse(at(b" RETURN (COUNT SAVE) " + plain))


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        (b"", "SP"),
        (b" SUBJECT UTF-8 ALL", "'\\('"),
        (b" () UTF-8 ALL", "sort-key"),
        (b" (REVERSE) UTF-8 ALL", "sort-key"),
        (b" (REVERSE REVERSE DATE) UTF-8 ALL", "sort-key"),
        (b" (THREAD) UTF-8 ALL", "sort-key"),
        (b" (DATE ) UTF-8 ALL", "sort-key"),
        (b" (DATE  SIZE) UTF-8 ALL", "sort-key"),
        (b" (DATE-X) UTF-8 ALL", "'\\)'"),
        (b" (DATE)", "SP"),
        (b" (DATE) UTF-8", "SP"),
        (b" (DATE) UTF-8 ", "search-key"),
        (b" RETURN MIN (DATE) UTF-8 ALL", "'\\('"),
    ],
)
def test_what_is_no_sort_is_refused_by_the_name_of_what_is_missing(
    at: At, line: bytes, wanted: str
) -> None:
    with pytest.raises(Malformed, match=wanted):
        sort.sorting(False)(at(line))


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        (b" UTF-8 ALL", "thread-alg"),
        (b" REFS UTF-8 ALL", "thread-alg"),
        (b" REFERENCES2 UTF-8 ALL", "SP"),
        (b" REFERENCES", "SP"),
        (b" REFERENCES UTF-8", "SP"),
        (b" REFERENCES UTF-8 FOO", "search-key"),
        (b" RETURN (MIN) REFERENCES UTF-8 ALL", "thread-alg"),
    ],
)
def test_what_is_no_thread_is_refused_alike(at: At, line: bytes, wanted: str) -> None:
    with pytest.raises(Malformed, match=wanted):
        sort.threading(False)(at(line))
