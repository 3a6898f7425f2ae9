from concurrent.futures import ThreadPoolExecutor

import pytest

from certs.memory import Memory, remembered


def test_the_values_used_last_are_kept():
    memory = Memory(2)
    memory.keep("a", 1)
    memory.keep("b", 2)
    assert memory.get("a") == 1
    memory.keep("c", 3)
    assert (memory.get("a"), memory.get("b"), memory.get("c")) == (1, None, 3)
    memory.keep("c", 4)
    assert (memory.get("a"), memory.get("c"), len(memory)) == (1, 4, 2)


def test_many_threads_share_one():
    memory = Memory(8)

    def use(number):
        memory.keep(number % 16, number)
        return memory.get(number % 16)

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(use, range(4000)))
    assert len(memory) == 8
    assert all(each is None or each % 16 == at % 16 for at, each in enumerate(found))


def test_what_was_read_is_not_read_again():
    read = []

    @remembered(2, 3)
    def size(octets):
        """Its length."""
        read.append(octets)
        return len(octets)

    assert [size(each) for each in (b"a", b"bb", b"a")] == [1, 2, 1]
    assert read == [b"a", b"bb"]
    size(b"ccc")  # in the place of the one that was not used for longest
    size(b"bb")
    assert read == [b"a", b"bb", b"ccc", b"bb"]
    assert size.__doc__ == "Its length."


def test_long_octets_are_not_kept():
    read = []
    size = remembered(2, 3)(lambda octets: read.append(octets) or len(octets))
    assert [size(b"long"), size(b"long"), size(b"all"), size(b"all")] == [4, 4, 3, 3]
    assert read == [b"long", b"long", b"all"]


def test_a_failure_is_not_kept():
    read = []

    @remembered(2, 3)
    def fail(octets):
        read.append(octets)
        raise LookupError

    for _ in range(2):
        with pytest.raises(LookupError):
            fail(b"a")
    assert len(read) == 2
