"""The arguments of SORT and THREAD: RFC 5256 §5, with RFC 5957 §5 and RFC 5267 §3."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from mss_gateway.imap.grammar.cursor import Cursor, Malformed
from mss_gateway.imap.grammar.search import (
    Returned,
    SearchRequest,
    charset,
    return_options,
    search_keys,
)


class SortKey(Enum):
    """What messages are sorted by, RFC 5256 §3 and RFC 5957 §4."""

    ARRIVAL = b"ARRIVAL"
    CC = b"CC"
    DATE = b"DATE"
    DISPLAYFROM = b"DISPLAYFROM"
    DISPLAYTO = b"DISPLAYTO"
    FROM = b"FROM"
    SIZE = b"SIZE"
    SUBJECT = b"SUBJECT"
    TO = b"TO"


class Algorithm(Enum):
    """How messages are put into threads, RFC 5256 §3."""

    ORDEREDSUBJECT = b"ORDEREDSUBJECT"
    REFERENCES = b"REFERENCES"


@dataclass(frozen=True, slots=True)
class Criterion:
    """One sort key, and whether its order is turned round."""

    key: SortKey
    is_reversed: bool


@dataclass(frozen=True, slots=True)
class SortCommand:
    """SORT and UID SORT: ``criteria`` by priority, each key at most once."""

    criteria: tuple[Criterion, ...]
    request: SearchRequest
    is_uid: bool


@dataclass(frozen=True, slots=True)
class ThreadCommand:
    """THREAD and UID THREAD."""

    algorithm: Algorithm
    request: SearchRequest
    is_uid: bool


_WORD: Final = re.compile(rb"[A-Za-z]{1,32}")
_REVERSE: Final = re.compile(rb"REVERSE ", re.IGNORECASE)
_SORT_KEYS: Final = {key.value: key for key in SortKey}
_ALGORITHMS: Final = {algorithm.value: algorithm for algorithm in Algorithm}


def sorting(is_uid: bool) -> Callable[[Cursor], SortCommand]:
    """Arguments of SORT, RFC 5256 §3, with RETURN of RFC 5267 §3.1.

    Raises ``BadCharset`` as SEARCH does. Results are saved by SEARCH alone, RFC 5182 §2.
    """

    def parse(cursor: Cursor) -> SortCommand:
        cursor.space()
        returns = return_options(cursor)
        if returns is not None and Returned.SAVE in returns:
            raise Malformed("sort-return-opt")
        criteria = _criteria(cursor)
        return SortCommand(criteria, _search_criteria(cursor, returns), is_uid)

    return parse


def threading(is_uid: bool) -> Callable[[Cursor], ThreadCommand]:
    """Arguments of THREAD, RFC 5256 §3; raises ``BadCharset`` as SEARCH does."""

    def parse(cursor: Cursor) -> ThreadCommand:
        cursor.space()
        algorithm = _ALGORITHMS.get(cursor.expect(_WORD, "thread-alg")[0].upper())
        if algorithm is None:
            raise Malformed("thread-alg")
        return ThreadCommand(algorithm, _search_criteria(cursor, None), is_uid)

    return parse


def _criteria(cursor: Cursor) -> tuple[Criterion, ...]:
    """A key that comes again decides nothing: only messages equal by it are left to it."""
    cursor.expect_byte(b"(")
    found: dict[SortKey, Criterion] = {}
    while True:
        is_reversed = cursor.take(_REVERSE) is not None
        key = _SORT_KEYS.get(cursor.expect(_WORD, "sort-key")[0].upper())
        if key is None:
            raise Malformed("sort-key")
        found.setdefault(key, Criterion(key, is_reversed))
        if not cursor.take_byte(b" "):
            cursor.expect_byte(b")")
            return tuple(found.values())


def _search_criteria(cursor: Cursor, returns: frozenset[Returned] | None) -> SearchRequest:
    """``search-criteria``: here the charset must be named."""
    cursor.space()
    codec = charset(cursor)
    cursor.space()
    return SearchRequest(search_keys(cursor, codec), returns)
