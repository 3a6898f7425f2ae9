"""Refused recipients of a peer: free at first, then slower and slower, within an hour."""

from mss_gateway.smtp.tarpit import FIRST_WAIT, REFUSED_PER_HOUR, WINDOW_SECONDS, Tarpit


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_first_twenty_of_an_hour_cost_nothing_and_then_each_costs_more() -> None:
    tarpit = Tarpit(Clock(), longest=1.0)
    assert [tarpit.refused("a") for _ in range(REFUSED_PER_HOUR)] == [0.0] * REFUSED_PER_HOUR
    assert [tarpit.refused("a") for _ in range(4)] == [FIRST_WAIT, 0.5, 1.0, 1.0]


def test_nobody_pays_for_another() -> None:
    tarpit = Tarpit(Clock(), longest=1.0)
    for _ in range(REFUSED_PER_HOUR + 1):
        tarpit.refused("a")
    assert tarpit.refused("b") == 0.0


def test_what_is_an_hour_ago_is_forgotten() -> None:
    clock = Clock()
    tarpit = Tarpit(clock, longest=1.0)
    for _ in range(REFUSED_PER_HOUR):
        tarpit.refused("a")
    clock.now = WINDOW_SECONDS
    assert tarpit.refused("a") == FIRST_WAIT
    clock.now = 2 * WINDOW_SECONDS + 0.001
    assert tarpit.refused("a") == 0.0


def test_a_peer_that_never_stops_takes_no_more_memory() -> None:
    tarpit = Tarpit(Clock(), longest=5.0)
    for _ in range(1_000):
        assert tarpit.refused("a") <= 5.0
    assert len(tarpit._refused["a"]) == 4 * REFUSED_PER_HOUR
