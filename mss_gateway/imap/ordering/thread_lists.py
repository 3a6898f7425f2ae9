"""The THREAD response: trees as nested lists of numbers, RFC 5256 §4."""

from collections.abc import Sequence
from typing import Final

from mss_gateway.imap.ordering.threading import Threads

MAX_NESTING: Final = 100
"""Lists within each other; clients read them by recursion.

Deviates: RFC 5256 §4 has no limit. What forks deeper is written as if each message answered the
one before it. Threads of people nest as often as a discussion forks on its way to one message.
"""

_CLOSE: Final = -1
_NOTHING: Final[list[int]] = []


def thread_lists(threads: Threads, numbers: Sequence[int]) -> bytes:
    """``1*thread-list``, or nothing; ``numbers[message]`` is what the client calls it."""
    out = bytearray()
    depth = 0
    pending = list(reversed(threads.tops))
    while pending:
        node = pending.pop()
        if node == _CLOSE:
            out += b")"
            depth -= 1
            continue
        members, forks = _straight(threads, node, depth)
        out += b"(" + b" ".join([b"%d" % numbers[member] for member in members])
        if members and forks:
            out += b" "
        pending.append(_CLOSE)
        pending.extend(reversed(forks))
        depth += 1
    return bytes(out)


def _straight(threads: Threads, node: int, depth: int) -> tuple[list[int], list[int]]:
    """The messages from ``node`` down to where the thread forks, and the forks."""
    members: list[int] = []
    waiting = [node]
    while waiting:
        node = waiting.pop()
        if node < threads.count:
            members.append(node)
        below = threads.below.get(node, _NOTHING)
        if len(below) > 1 and depth < MAX_NESTING - 1:
            return members, below
        waiting.extend(reversed(below))
    return members, []
