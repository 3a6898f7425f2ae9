"""The THREAD response, read back."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mss_gateway.imap.ordering.thread_lists import MAX_NESTING, thread_lists
from mss_gateway.imap.ordering.threading import Threads

Parents = dict[int, int | None]


def read(octets: bytes) -> Parents:
    """The parent of each number, None at the top; fails on what is not 1*thread-list."""
    found: Parents = {}
    open_lists: list[int | None] = [None]
    current: int | None = None
    before = b""
    tokens = re.findall(rb"\d+|[() ]", octets)
    assert b"".join(tokens) == octets
    for token in tokens:
        if token == b"(":
            assert before in (b"", b"(", b" ", b")")
            open_lists.append(current)
        elif token == b")":
            assert before.isdigit() or before == b")"
            current = open_lists.pop()
        elif token == b" ":
            assert before.isdigit()
        else:
            assert before in (b"(", b" ")
            assert int(token) not in found
            found[int(token)] = current
            current = int(token)
        before = token
    assert open_lists == [None]
    return found


@pytest.mark.parametrize(
    ("threads", "numbers", "text"),
    [
        (Threads(0, [], {}), [], b""),
        (Threads(1, [0], {}), [7], b"(7)"),
        (Threads(2, [0], {0: [1]}), [166, 202], b"(166 202)"),
        # RFC 5256 §4
        (
            Threads(8, [0, 1], {1: [2], 2: [3, 4], 3: [5], 4: [6], 6: [7]}),
            [2, 3, 6, 4, 44, 23, 7, 96],
            b"(2)(3 6 (4 23)(44 7 96))",
        ),
        (Threads(2, [2], {2: [0, 1]}), [3, 5], b"((3)(5))"),
        (Threads(3, [3], {3: [0, 1], 1: [2]}), [1, 2, 3], b"((1)(2 3))"),
    ],
)
def test_trees_are_nested_lists(threads: Threads, numbers: list[int], text: bytes) -> None:
    assert thread_lists(threads, numbers) == text


@st.composite
def forests(draw: st.DrawFn) -> Threads:
    count = draw(st.integers(0, 30))
    tops: list[int] = []
    below: dict[int, list[int]] = {}
    for number in range(count):
        above = draw(st.integers(-1, number - 1))
        (tops if above < 0 else below.setdefault(above, [])).append(number)
    if len(tops) > 2 and draw(st.booleans()):
        below[count] = tops[1:]
        tops = [tops[0], count]
    return Threads(count, tops, below)


@given(forests())
def test_what_is_written_reads_back(threads: Threads) -> None:
    parents: Parents = dict.fromkeys(range(threads.count))
    for above, children in threads.below.items():
        if above < threads.count:
            parents.update(dict.fromkeys(children, above))
    expected = {n + 1: None if above is None else above + 1 for n, above in parents.items()}
    assert read(thread_lists(threads, range(1, threads.count + 1))) == expected


def comb(teeth: int) -> Threads:
    """Even messages answer each other, each has an odd one beside: it forks at every step."""
    below = {2 * n: [2 * n + 1, 2 * n + 2] for n in range(teeth)}
    return Threads(2 * teeth + 1, [0], below)


def depth(octets: bytes) -> int:
    deepest = level = 0
    for octet in octets:
        level += (octet == ord("(")) - (octet == ord(")"))
        deepest = max(deepest, level)
    return deepest


@pytest.mark.parametrize("teeth", [MAX_NESTING - 1, MAX_NESTING, 50_000])
def test_lists_nest_up_to_the_limit_and_no_message_is_lost(teeth: int) -> None:
    threads = comb(teeth)
    written = thread_lists(threads, range(1, threads.count + 1))
    assert depth(written) == MAX_NESTING
    parents = read(written)
    assert sorted(parents) == list(range(1, threads.count + 1))
    is_whole = all(parents[n + 1] == n - 1 + n % 2 for n in range(1, threads.count))
    assert is_whole is (teeth < MAX_NESTING)
