"""Waits that grow, end, and lock nobody out."""

import pytest

from mss_gateway.directory import throttle
from mss_gateway.directory.throttle import LONGEST_WAIT, Throttle
from tests.unit.mss_gateway.directory.conftest import Clock

WINDOW = 900.0


@pytest.fixture
def five(clock: Clock) -> Throttle:
    return Throttle(5, WINDOW, clock)


def fail(one: Throttle, times: int, key: str = "k") -> None:
    for _ in range(times):
        one.failed(key)


@pytest.mark.parametrize(
    ("failures", "wait"),
    [(0, 0), (4, 0), (5, 1), (6, 2), (7, 4), (12, 128), (13, 256), (14, 300), (40, 300)],
)
def test_the_wait_doubles_up_to_its_bound(five: Throttle, failures: int, wait: float) -> None:
    fail(five, failures)
    assert five.wait("k") == wait
    assert five.wait("another") == 0.0


def test_the_wait_runs_out_with_time(five: Throttle, clock: Clock) -> None:
    fail(five, 7)
    for passed, left in ((1, 3.0), (2.5, 0.5), (0.5, 0.0), (100, 0.0)):
        clock.now += passed
        assert five.wait("k") == left


@pytest.mark.parametrize(("passed", "wait"), [(WINDOW, 1.0), (WINDOW + 1, 0.0)])
def test_failures_count_within_the_window(
    five: Throttle, clock: Clock, passed: float, wait: float
) -> None:
    fail(five, 4)
    clock.now += passed
    fail(five, 1)
    assert five.wait("k") == wait


def test_success_forgets_the_failures(five: Throttle) -> None:
    fail(five, 8)
    five.succeeded("k")
    five.succeeded("never failed")
    assert five.wait("k") == 0.0
    fail(five, 4)
    assert five.wait("k") == 0.0


def test_nobody_is_locked_out_longer_than_the_longest_wait(five: Throttle, clock: Clock) -> None:
    fail(five, 10_000)
    clock.now += LONGEST_WAIT
    assert five.wait("k") == 0.0


def test_a_patient_attacker_gets_few_tries(five: Throttle, clock: Clock) -> None:
    """Reliability T9: of 10,000 attempts in 120 s at most 40 are heard."""
    heard, end = 0, clock.now + 120
    while clock.now < end:
        if five.wait("k") == 0.0:
            heard += 1
            five.failed("k")
        clock.now += 0.012
    assert heard <= 12


def test_memory_is_bounded_and_the_newest_failures_stay(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttle, "KEYS_LIMIT", 20)
    one = Throttle(1, WINDOW, clock)
    for number in range(100):
        one.failed(f"k{number}")
        assert len(one._records) <= 20
    assert [one.wait(f"k{number}") > 0 for number in (0, 50, 85, 99)] == [False, False, True, True]


def test_what_is_over_makes_room_first(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttle, "KEYS_LIMIT", 4)
    one = Throttle(1, WINDOW, clock)
    for key in ("old", "older", "oldest"):
        one.failed(key)
    clock.now += WINDOW + 1
    for key in ("a", "b", "c"):
        one.failed(key)
    assert set(one._records) == {"a", "b", "c"}


@pytest.mark.parametrize(
    ("tried", "asked", "is_one"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("fe80::1%eth0", "fe80::2%eth1", True),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("192.0.2.1", "192.0.2.2", False),
        ("testclient", "testclient", True),
        ("", "unknown", False),
    ],
)
def test_whoever_has_a_network_to_choose_from_is_counted_once(
    tried: str, asked: str, is_one: bool, clock: Clock
) -> None:
    """2^64 addresses with 29 free guesses each would be no throttle at all (threat T9)."""
    one = Throttle(5, WINDOW, clock, throttle.network)
    fail(one, 5, tried)
    assert (one.wait(asked) > 0.0) is is_one
    one.succeeded(asked)
    assert (one.wait(tried) > 0.0) is not is_one
