"""THREAD, RFC 5256 §3: messages into trees, by ORDEREDSUBJECT and by REFERENCES.

Messages are numbers from 0 in the order of the mailbox; numbers from their count on are dummies,
which stand for a parent that is not there. Nothing recurses and no step costs more than a sort,
so that neither a chain of 100,000 replies nor a hostile mailbox is dearer than as many ordinary
messages.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from mss_gateway.imap.ordering.forest import NONE
from mss_gateway.imap.ordering.lineage import Lineage


@dataclass(frozen=True, slots=True)
class Letter:
    """What threads ask of a message: the key of its base subject, and when it was sent."""

    subject: str
    is_reply: bool
    sent: int


@dataclass(frozen=True, slots=True)
class Threads:
    """``tops`` in their order, and in ``below`` what is under a node, in order, if anything is.

    Only a top may be a dummy (a number not below ``count``); it has at least two under it.
    """

    count: int
    tops: list[int]
    below: dict[int, list[int]]


def by_subject(letters: Sequence[Letter]) -> Threads:
    """ORDEREDSUBJECT: a thread for each base subject, its first message above all the others."""
    ranks = _ranks(letters)
    subjects = [letter.subject for letter in letters]
    order = sorted(sorted(range(len(letters)), key=ranks.__getitem__), key=subjects.__getitem__)
    threads = [list(alike) for _, alike in groupby(order, key=subjects.__getitem__)]
    return Threads(
        len(letters),
        sorted([thread[0] for thread in threads], key=ranks.__getitem__),
        {thread[0]: thread[1:] for thread in threads if len(thread) > 1},
    )


def by_references(letters: Sequence[Letter], lineage: Lineage) -> Threads:
    """REFERENCES, steps 2 to 6; ``lineage`` is its step 1 for the same messages."""
    ranks = _ranks(letters)
    threads = _pruned(lineage, len(letters))
    _sort(threads, ranks)  # step 4
    threads = _gathered(threads, letters)
    _sort(threads, ranks)  # step 6
    return threads


def _ranks(letters: Sequence[Letter]) -> list[int]:
    """Where each message stands by sent date, then by its place in the mailbox, RFC 5256 §2.2."""
    ranks = [0] * len(letters)
    for rank, number in enumerate(sorted(range(len(letters)), key=lambda n: letters[n].sent)):
        ranks[number] = rank
    return ranks


def _sort(threads: Threads, ranks: Sequence[int]) -> None:
    """Siblings by rank; a dummy, which only a top can be, has that of its first child."""
    for siblings in threads.below.values():
        siblings.sort(key=ranks.__getitem__)
    threads.tops.sort(key=lambda top: ranks[_first(threads, top)])


def _first(threads: Threads, top: int) -> int:
    return top if top < threads.count else threads.below[top][0]


def _pruned(lineage: Lineage, count: int) -> Threads:
    """Steps 2 and 3: who is not there goes, and what was below goes to who is next above.

    At the top a dummy stays, if it holds several together.
    """
    parents, members = lineage.forest.parents, lineage.members
    tops: list[int] = []
    below: dict[int, list[int]] = {}
    anchors: dict[int, int] = {}

    def anchor(node: int) -> int:
        """The number of the message or of the dummy at the top that ``node`` comes down to."""
        passed: list[int] = []
        while members[node] == Lineage.ABSENT and parents[node] != NONE and node not in anchors:
            passed.append(node)
            node = parents[node]
        here = count + node if members[node] == Lineage.ABSENT else members[node]
        found = anchors.get(node, here)
        anchors.update(dict.fromkeys(passed, found))
        return found

    for node, member in enumerate(members):
        if member != Lineage.ABSENT:
            parent = parents[node]
            siblings = tops if parent == NONE else below.setdefault(anchor(parent), [])
            siblings.append(member)
    for dummy in [number for number in below if number >= count]:
        tops.append(dummy if len(below[dummy]) > 1 else below.pop(dummy)[0])
    return Threads(count, tops, below)


def _gathered(threads: Threads, letters: Sequence[Letter]) -> Threads:
    """Step 5: threads of the same base subject become one."""
    count, below = threads.count, threads.below
    subjects = [letters[_first(threads, top)].subject for top in threads.tops]
    table = _subject_table(threads, subjects, letters)
    tops: list[int] = []
    made: dict[int, int] = {}
    dummies = max((count, *(top + 1 for top in threads.tops)))
    for top, subject in zip(threads.tops, subjects, strict=True):  # step 5.C
        holder = table.get(subject, top)
        if holder == top:
            tops.append(top)
        elif holder >= count:
            below[holder] += below.pop(top) if top >= count else [top]
        elif letters[top].is_reply and not letters[holder].is_reply:
            below.setdefault(holder, []).append(top)
        else:
            made[holder] = table[subject] = dummies
            below[dummies] = [holder, top]
            dummies += 1
    return Threads(count, [made.get(top, top) for top in tops], below)


def _subject_table(
    threads: Threads, subjects: Sequence[str], letters: Sequence[Letter]
) -> dict[str, int]:
    """Steps 5.A and 5.B: the thread that takes in the others of each subject but the empty one.

    It is the first, unless a later one is a dummy, or is no reply where the first is one.
    """
    count = threads.count
    table: dict[str, int] = {}
    for top, subject in zip(threads.tops, subjects, strict=True):
        if not subject:
            continue
        holder = table.setdefault(subject, top)
        is_better = top >= count or (
            holder < count and letters[holder].is_reply and not letters[top].is_reply
        )
        if holder < count and is_better:
            table[subject] = top
    return table
