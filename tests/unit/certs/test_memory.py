from concurrent.futures import ThreadPoolExecutor

from certs.memory import Memory


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
