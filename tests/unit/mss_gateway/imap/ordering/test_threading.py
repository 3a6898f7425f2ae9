"""THREAD: ORDEREDSUBJECT and REFERENCES against a judge that does what the RFC words."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mss_gateway.imap.ordering.lineage import Lineage
from mss_gateway.imap.ordering.threading import Letter, Threads, by_references, by_subject
from tests.unit.mss_gateway.imap.ordering.plain_threads import Tree, Written, threaded


def trees(threads: Threads) -> tuple[Tree, ...]:
    """As the judge writes them."""

    def tree(node: int) -> Tree:
        number = node if node < threads.count else None
        return number, tuple(tree(child) for child in threads.below.get(node, []))

    return tuple(tree(top) for top in threads.tops)


def ours(messages: list[Written]) -> tuple[Tree, ...]:
    lineage = Lineage()
    for message in messages:
        own = "" if message.identifier is None else f"<{message.identifier}@x>"
        lineage.add(own, [f"<{each}@x>" for each in message.references], [])
    letters = [Letter(each.subject, each.is_reply, each.sent) for each in messages]
    return trees(by_references(letters, lineage))


def post(
    identifier: str | None = None,
    references: str = "",
    subject: str = "",
    sent: int = 0,
    is_reply: bool = False,
) -> Written:
    return Written(identifier, tuple(references.split()), subject, is_reply, sent)


def leaf(number: int) -> Tree:
    return number, ()


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        ([], ()),
        ([post("a")], (leaf(0),)),
        # an answer, and an answer to it whose references were cut short
        ([post("a"), post("b", "a"), post("c", "b")], ((0, ((1, (leaf(2),)),)),)),
        # a parent that is not there holds two together, and says nothing for one
        ([post("b", "a"), post("c", "a")], ((None, (leaf(0), leaf(1))),)),
        ([post("b", "a")], (leaf(0),)),
        ([post("c", "a b")], (leaf(0),)),
        # absent below absent: the children come up to the one at the top
        ([post("c", "a b"), post("d", "a b"), post("e", "a")],
         ((None, (leaf(0), leaf(1), leaf(2))),)),
        # absent below a message: the children are the message's
        ([post("a"), post("c", "a b"), post("d", "a b")], ((0, (leaf(1), leaf(2))),)),
        # a dummy that lost its only child is gone
        ([post("c", "z b"), post("b", "a"), post("a")], ((2, ((1, (leaf(0),)),)),)),
        # siblings by date, then by place
        ([post("a"), post("c", "a", sent=9), post("d", "a", sent=5), post("e", "a", sent=5)],
         ((0, (leaf(2), leaf(3), leaf(1))),)),
        # threads by the date of their head; a dummy has that of its first child
        ([post("a", sent=5), post("c", "b", sent=9), post("d", "b", sent=4)],
         ((None, (leaf(2), leaf(1))), leaf(0))),
        # the same subject: a reply goes below what is none, whichever came first
        ([post("a", subject="s"), post("b", subject="s", is_reply=True, sent=1)],
         ((0, (leaf(1),)),)),
        ([post("a", subject="s", is_reply=True), post("b", subject="s", sent=1)],
         ((1, (leaf(0),)),)),
        # two of a kind become siblings
        ([post("a", subject="s"), post("b", subject="s", sent=1)], ((None, (leaf(0), leaf(1))),)),
        ([post("a", subject="s", is_reply=True), post("b", subject="s", is_reply=True, sent=1)],
         ((None, (leaf(0), leaf(1))),)),
        ([post(subject="s", sent=1), post(subject="s", sent=2), post(subject="s", is_reply=True)],
         ((None, ((0, (leaf(2),)), leaf(1))),)),
        # a dummy takes in messages and other dummies of its subject
        ([post("c", "a", "s"), post("d", "a", "t", 1), post("e", subject="s", sent=2)],
         ((None, (leaf(0), leaf(1), leaf(2))),)),
        ([post("c", "a", "s"), post("d", "a", "t", 1),
          post("g", "f", "s", 2), post("h", "f", "u", 3)],
         ((None, (leaf(0), leaf(1), leaf(2), leaf(3))),)),
        # no subject gathers nothing
        ([post("a"), post("b", sent=1)], (leaf(0), leaf(1))),
        # who has a parent is not gathered
        ([post("a", subject="x"), post("b", "a", "s", 1), post("c", subject="s", sent=2)],
         ((0, (leaf(1),)), leaf(2))),
    ],
)  # fmt: skip
def test_threads_by_references(messages: list[Written], expected: tuple[Tree, ...]) -> None:
    assert threaded(messages) == expected, "the judge"
    assert ours(messages) == expected


IDENTIFIERS = st.sampled_from("abcdefghij")
POSTS = st.builds(
    Written,
    st.one_of(st.none(), IDENTIFIERS),
    st.lists(IDENTIFIERS, max_size=4).map(tuple),
    st.sampled_from(["", "s", "t", "u"]),
    st.booleans(),
    st.integers(0, 5),
)


@given(st.lists(POSTS, max_size=14))
def test_whatever_messages_say_the_threads_are_those_of_the_judge(messages: list[Written]) -> None:
    assert ours(messages) == threaded(messages)


def numbers(forest: tuple[Tree, ...]) -> list[int]:
    found: list[int] = []
    for number, below in forest:
        found += ([] if number is None else [number]) + numbers(below)
    return found


@given(st.lists(POSTS, max_size=40))
def test_every_message_stands_once_and_dummies_hold_two_at_the_top(messages: list[Written]) -> None:
    found = ours(messages)
    assert sorted(numbers(found)) == list(range(len(messages)))

    def check(tree: Tree, is_top: bool) -> None:
        number, below = tree
        assert number is not None or (is_top and len(below) > 1)
        for each in below:
            check(each, False)

    for tree in found:
        check(tree, True)


@st.composite
def honest_mailboxes(draw: st.DrawFn) -> list[Written]:
    """Messages that name their true ancestors, the last few of them, some of which are away."""
    count = draw(st.integers(1, 12))
    lines: list[tuple[str, ...]] = []
    for number in range(count):
        above = draw(st.integers(-1, number - 1))
        lines.append((*lines[above], str(above)) if above >= 0 else ())
    kept = draw(st.lists(st.integers(0, count - 1), min_size=1, unique=True))
    return [
        Written(str(n), lines[n][-draw(st.integers(1, 4)) :], "", False, n) for n in sorted(kept)
    ]


@given(honest_mailboxes(), st.randoms())
def test_where_messages_agree_their_order_in_the_mailbox_says_nothing(
    messages: list[Written], odd: random.Random
) -> None:
    order = list(range(len(messages)))
    odd.shuffle(order)

    def renamed(tree: Tree) -> Tree:
        number, below = tree
        name = None if number is None else order[number]
        return name, tuple(renamed(each) for each in below)

    shuffled = tuple(renamed(tree) for tree in ours([messages[number] for number in order]))
    assert shuffled == ours(messages)


@pytest.mark.parametrize(
    ("letters", "expected"),
    [
        ([], ()),
        ([Letter("s", False, 0)], (leaf(0),)),
        ([Letter("s", False, 2), Letter("s", True, 1)], ((1, (leaf(0),)),)),
        ([Letter("s", False, 1), Letter("s", False, 1), Letter("s", True, 0)],
         ((2, (leaf(0), leaf(1))),)),
        # threads by the date of their first message, not by subject
        ([Letter("a", False, 5), Letter("b", False, 3), Letter("a", False, 9)],
         (leaf(1), (0, (leaf(2),)))),
        # no subject is a subject here
        ([Letter("", False, 1), Letter("x", False, 2), Letter("", False, 3)],
         ((0, (leaf(2),)), leaf(1))),
    ],
)  # fmt: skip
def test_threads_by_subject(letters: list[Letter], expected: tuple[Tree, ...]) -> None:
    assert trees(by_subject(letters)) == expected


def straight(count: int, *, is_backwards: bool = False) -> Threads:
    """A chain of answers, each naming the one before it."""
    lineage = Lineage()
    for number in reversed(range(count)) if is_backwards else range(count):
        lineage.add(f"<{number}@x>", [f"<{number - 1}@x>"] if number else [], [])
    return by_references([Letter("s", True, 0)] * count, lineage)


@pytest.mark.parametrize("is_backwards", [False, True])
def test_a_chain_of_a_hundred_thousand_answers_is_one_thread(is_backwards: bool) -> None:
    count = 100_000
    threads = straight(count, is_backwards=is_backwards)
    assert len(threads.tops) == 1
    assert [len(below) for below in threads.below.values()] == [1] * (count - 1)


def test_children_of_a_chain_of_absent_parents_move_once() -> None:
    count, depth = 20_000, 5_000
    lineage = Lineage()
    line = [f"<absent.{n}@x>" for n in range(depth)]
    lineage.add("<a@x>", line, [])
    for number in range(count):
        lineage.add(f"<{number}@x>", line[-1:], [])
    threads = by_references([Letter("", False, 0)] * (count + 1), lineage)
    assert len(threads.tops) == 1
    assert len(threads.below[threads.tops[0]]) == count + 1
