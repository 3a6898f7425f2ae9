"""What any stranger can cause is on record once a minute, and none of it is lost from the count."""

from mss_gateway.observability.sparing import SECONDS, Sparing


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_the_first_is_written_and_the_next_only_after_a_minute() -> None:
    clock = Clock()
    sparing = Sparing(clock)
    assert sparing.due("peer_unproved") == 1
    clock.now += SECONDS - 1
    assert [sparing.due("peer_unproved") for _ in range(3)] == [0, 0, 0]
    clock.now += 1
    assert sparing.due("peer_unproved") == 4
    assert sparing.due("peer_unproved") == 0


def test_another_act_has_its_own_minute() -> None:
    sparing = Sparing(Clock())
    assert sparing.due("peer_unproved") == 1
    assert sparing.due("peer_unchecked") == 1
