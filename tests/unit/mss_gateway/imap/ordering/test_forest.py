"""A forest that refuses loops: as a plain one does, and without walking deep trees."""

import math
import random
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mss_gateway.imap.ordering import forest
from mss_gateway.imap.ordering.forest import NONE, Forest


def is_below(parents: list[int], node: int, other: int) -> bool:
    """The plain way: walk up."""
    while node not in (other, NONE):
        node = parents[node]
    return node == other


STEPS = st.lists(st.tuples(st.booleans(), st.integers(0, 11), st.integers(0, 11)), max_size=80)


@pytest.mark.parametrize("near", [0, 2, 32])
@given(steps=STEPS)
def test_links_and_cuts_are_those_of_a_plain_forest(
    near: int, steps: list[tuple[bool, int, int]]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(forest, "_NEAR", near)
        ours, plain = Forest(), list[int]()
        for is_cut, one, other in steps:
            while max(one, other) >= len(plain):
                assert ours.add() == len(plain)
                plain.append(NONE)
            if is_cut:
                ours.cut(one)
                plain[one] = NONE
            elif plain[one] == NONE:
                is_allowed = not is_below(plain, other, one)
                assert ours.link(other, one) is is_allowed
                if is_allowed:
                    plain[one] = other
            assert ours.parents == plain


@pytest.fixture
def rotations(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """How many steps the link-cut tree took, as the only item."""
    counted = [0]
    rotate = forest._Paths._rotate

    def counting(paths: "forest._Paths", node: int) -> None:
        counted[0] += 1
        rotate(paths, node)

    monkeypatch.setattr(forest._Paths, "_rotate", counting)
    return counted


def chain(length: int) -> Forest:
    """Node 0 above 1 above 2 …"""
    made = Forest()
    for node in range(length):
        made.add()
        if node:
            assert made.link(node - 1, node)
    return made


def test_an_ordinary_forest_needs_no_paths(rotations: list[int]) -> None:
    deep = chain(50_000)
    for _ in range(1_000):
        assert deep.link(49_999, deep.add())
    assert rotations == [0]


def test_deep_loops_are_refused_in_logarithmic_steps(rotations: list[int]) -> None:
    length, asked = 50_000, 5_000
    deep = chain(length)
    for at in random.Random(1).sample(range(length // 2, length), asked):
        assert not deep.link(at, 0)
    assert rotations[0] < 4 * (length + asked) * math.log2(length)
    assert rotations[0] < asked * length / 50  # what walking would take, fifty times over


def test_deep_trees_are_cut_and_joined_in_logarithmic_steps(rotations: list[int]) -> None:
    length, moved = 50_000, 2_000
    deep = chain(length)
    odd = random.Random(2)
    for _ in range(moved):
        child = odd.randrange(1, length)
        deep.cut(child)
        parent = odd.randrange(length)
        if not deep.link(parent, child):
            assert deep.link(0, child)
    assert rotations[0] < 4 * (length + 3 * moved) * math.log2(length)
