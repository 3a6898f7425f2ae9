"""The pulse of the loop: late beats are seen, when they come and while they are awaited."""

import asyncio

from mss_gateway.observability.heartbeat import Heartbeat
from tests.support.smtp_site import until


class Clock:
    """Moves when the test says so."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


async def beats(count: int = 3) -> None:
    for _ in range(count):
        await asyncio.sleep(0.002)


async def test_a_loop_that_turns_is_not_late() -> None:
    heart = Heartbeat(clock := Clock(), 0.0)
    assert heart.lag == 0.0
    heart.start()
    await beats()
    assert heart.lag == 0.0
    assert clock.now == 100.0
    await heart.stop()


async def test_a_beat_that_does_not_come_is_late_already() -> None:
    heart = Heartbeat(clock := Clock(), 60.0)
    heart.start()
    await beats(1)
    clock.now += 60.0
    assert heart.lag == 0.0
    clock.now += 1.5
    assert heart.lag == 1.5
    await heart.stop()
    assert heart.lag == 0.0


class Watched(Heartbeat):
    """Keeps what was told after each beat: the next one may come before a test looks."""

    told: list[float]

    def __setattr__(self, name: str, value: object) -> None:
        super().__setattr__(name, value)
        if name == "_last" and "told" in vars(self):
            self.told.append(round(self.lag, 6))


async def test_a_beat_that_came_late_is_told_until_the_next_one() -> None:
    heart = Watched(clock := Clock(), 0.001)
    heart.told = []
    heart.start()
    await asyncio.sleep(0)
    clock.now += 2.001
    await until(lambda: len(heart.told) > 2)
    assert heart.told[:3] == [2.0, 0.0, 0.0]
    await heart.stop()


async def test_one_that_was_never_started_can_be_stopped() -> None:
    await Heartbeat().stop()
