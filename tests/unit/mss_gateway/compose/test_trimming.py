"""Freed memory goes back to the system when there is enough of it, and nothing is tried in vain."""

import ctypes
import subprocess
import sys

import pytest

from mss_gateway.compose import trimming
from mss_gateway.compose.trimming import WORTH_OCTETS, Trimming

BASE = 1_000_000


class Heap:
    """Octets that are resident and not in use; some of them are pinned by what is."""

    def __init__(self) -> None:
        self.slack, self.pinned, self.trims = BASE, BASE, 0

    def tell(self) -> int:
        return self.slack

    def trim(self) -> None:
        self.trims += 1
        self.slack = self.pinned


@pytest.fixture
def heap() -> Heap:
    return Heap()


@pytest.mark.parametrize(("octets", "given"), [(WORTH_OCTETS - 1, 0), (WORTH_OCTETS, WORTH_OCTETS)])
def test_so_much_is_worth_it(heap: Heap, octets: int, given: int) -> None:
    looking = Trimming(heap.tell, heap.trim)
    heap.slack += octets
    assert looking.look() == given
    assert heap.trims == bool(given)


def test_what_cannot_be_given_back_is_tried_once(heap: Heap) -> None:
    looking = Trimming(heap.tell, heap.trim)
    heap.slack = heap.pinned = BASE + 10 * WORTH_OCTETS
    assert [looking.look() for _ in range(3)] == [0, 0, 0]
    assert heap.trims == 1
    heap.slack += WORTH_OCTETS
    assert looking.look() == WORTH_OCTETS


def test_memory_that_a_crowd_used_counts_from_what_was_in_use(heap: Heap) -> None:
    looking = Trimming(heap.tell, heap.trim)
    heap.slack = BASE - 5 * WORTH_OCTETS  # in use, and not touched yet: not resident either
    assert looking.look() == 0
    heap.slack = BASE
    assert looking.look() == 0 and heap.trims == 1


FRAGMENTED = """
import ctypes
from mss_gateway.compose import trimming
looking = trimming.of_glibc()
looking.look()
library = ctypes.CDLL(None)
library.malloc.restype, library.free.argtypes = ctypes.c_void_p, (ctypes.c_void_p,)
pieces, octets = [], 20_000
for _ in range(4 * trimming.WORTH_OCTETS // octets):
    piece = library.malloc(octets)
    ctypes.memset(piece, 1, octets)
    pieces.append(piece)
for number, piece in enumerate(pieces):
    if number % 100:
        library.free(piece)
print(looking.look(), looking.look())
"""


def test_a_process_gives_back_what_lies_between_pieces_in_use() -> None:
    if trimming.of_glibc() is None:
        pytest.skip("malloc_trim and mallinfo2 are calls of glibc 2.33 and later")
    # a process of its own: what a test runner did to its heap before is not asked about
    done = subprocess.run([sys.executable, "-c", FRAGMENTED], capture_output=True, check=True)
    given_back, again = map(int, done.stdout.split())
    assert given_back > 2 * WORTH_OCTETS
    assert again == 0


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def loaded(_name: None) -> object:
        return object()

    monkeypatch.setattr(ctypes, "CDLL", loaded)
    assert trimming.of_glibc() is None
