"""One question at a time: answers are shared, kept for a while, and nobody waits too long."""

import asyncio
from dataclasses import dataclass, field

import pytest

from mss_gateway.compose.asking import Asking


@dataclass
class Store:
    """Answers when it is let; counts how often it is asked."""

    asked: int = 0
    now: float = 0.0
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def ask(self) -> int:
        self.asked += 1
        await self.gate.wait()
        return self.asked

    def clock(self) -> float:
        return self.now


async def test_an_answer_is_kept_for_its_time_and_not_longer() -> None:
    store = Store()
    store.gate.set()
    asking = Asking(store.ask, 10.0, store.clock)
    assert await asking.within(1.0) == 1
    store.now = 9.9
    assert await asking.within(1.0) == 1
    store.now = 10.0
    assert await asking.within(1.0) == 2


async def test_a_store_that_hangs_is_asked_once_however_often_somebody_comes() -> None:
    store = Store()
    asking = Asking(store.ask, 0.0)
    for _ in range(3):
        with pytest.raises(TimeoutError):
            await asking.within(0.001)
    assert store.asked == 1
    store.gate.set()
    assert await asking.within(1.0) == 1
    assert await asking.within(1.0) == 2


async def test_who_comes_together_hears_the_same() -> None:
    store = Store()
    store.gate.set()
    asking = Asking(store.ask, 0.0)
    assert await asyncio.gather(asking.within(1.0), asking.within(1.0)) == [1, 1]


async def test_what_is_raised_is_raised_and_not_kept() -> None:
    answers = iter([RuntimeError("no"), None])

    async def ask() -> str:
        error = next(answers)
        if error is not None:
            raise error
        return "yes"

    asking = Asking(ask, 10.0)
    with pytest.raises(RuntimeError):
        await asking.within(1.0)
    assert await asking.within(1.0) == "yes"


async def test_closing_waits_for_no_answer() -> None:
    store = Store()
    asking = Asking(store.ask, 0.0)
    with pytest.raises(TimeoutError):
        await asking.within(0.001)
    await asking.close()
    await asking.close()
