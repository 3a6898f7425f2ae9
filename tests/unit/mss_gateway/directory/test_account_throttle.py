"""Waits of an account: a right sign-in forgives its own network, and strangers keep nobody out."""

import pytest

from mss_gateway.directory import account_throttle
from mss_gateway.directory.account_throttle import (
    FAMILIAR_SECONDS,
    PLACE_SECONDS,
    AccountThrottle,
)
from tests.unit.mss_gateway.directory.conftest import Clock

WINDOW = 900.0
WHO, HOME, STRANGER = "claire.martin@mss.example", "192.0.2.1", "198.51.100.7"


@pytest.fixture
def five(clock: Clock) -> AccountThrottle:
    return AccountThrottle(5, WINDOW, clock)


def fail(one: AccountThrottle, times: int, peer: str, account: str = WHO) -> None:
    for _ in range(times):
        one.failed(account, peer)


def test_strangers_wait_together_however_many_addresses_they_have(five: AccountThrottle) -> None:
    for number in range(5):
        five.failed(WHO, f"198.51.100.{number}")
    assert five.wait(WHO, "198.51.100.99") == 1.0
    assert five.wait("paul.bernard@mss.example", "198.51.100.99") == 0.0


def test_a_right_sign_in_gives_who_guesses_elsewhere_no_new_tries(
    five: AccountThrottle, clock: Clock
) -> None:
    heard = 0
    for _ in range(900):
        five.succeeded(WHO, HOME)  # the holder's mail program, once a second
        if five.wait(WHO, STRANGER) == 0.0:
            heard += 1
            five.failed(WHO, STRANGER)
        clock.now += 1
    assert heard <= 16
    fail(five, 1, STRANGER)
    assert five.wait(WHO, STRANGER) > 0.0


def test_strangers_keep_nobody_out_who_signed_in_from_there_before(five: AccountThrottle) -> None:
    five.succeeded(WHO, HOME)
    fail(five, 10_000, STRANGER)
    assert five.wait(WHO, HOME) == 0.0
    assert five.wait(WHO, STRANGER) == 300.0


def test_a_familiar_network_waits_for_its_own_failures_until_it_signs_in(
    five: AccountThrottle, clock: Clock
) -> None:
    five.succeeded(WHO, HOME)
    fail(five, 4, HOME)
    assert five.wait(WHO, HOME) == 0.0
    fail(five, 1, HOME)
    assert five.wait(WHO, HOME) == 1.0
    assert five.wait(WHO, STRANGER) == 0.0
    clock.now += 1
    five.succeeded(WHO, HOME)
    fail(five, 4, HOME)
    assert five.wait(WHO, HOME) == 0.0


def test_an_address_of_the_same_subscriber_is_as_familiar(five: AccountThrottle) -> None:
    five.succeeded(WHO, "2001:db8:1:2::1")
    fail(five, 9, STRANGER)
    assert five.wait(WHO, "2001:db8:1:2:ffff::9") == 0.0
    assert five.wait(WHO, "2001:db8:1:3::1") > 0.0


@pytest.mark.parametrize(("passed", "is_familiar"), [(0.0, True), (1.0, False)])
def test_a_network_is_familiar_for_so_long(
    five: AccountThrottle, clock: Clock, passed: float, is_familiar: bool
) -> None:
    five.succeeded(WHO, HOME)
    clock.now += FAMILIAR_SECONDS + passed
    fail(five, 9, STRANGER)
    assert (five.wait(WHO, HOME) == 0.0) is is_familiar


def test_memory_is_bounded_and_the_newest_stay(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account_throttle, "FAMILIAR_LIMIT", 3)
    one = AccountThrottle(1, WINDOW, clock)
    for number in (1, 2, 3, 1, 4):
        one.succeeded(WHO, f"192.0.2.{number}")
    one.failed(WHO, STRANGER)
    free = [one.wait(WHO, f"192.0.2.{number}") == 0.0 for number in (1, 2, 3, 4)]
    assert free == [True, False, True, True]
    assert len(one._seen) == 3


def test_a_stranger_who_was_told_to_wait_has_a_place_that_nobody_pushes_back(
    five: AccountThrottle, clock: Clock
) -> None:
    fail(five, 20, STRANGER)
    assert five.wait(WHO, HOME) == PLACE_SECONDS
    for _ in range(int(PLACE_SECONDS)):
        clock.now += 1
        fail(five, 1, STRANGER)
    assert five.wait(WHO, HOME) == 0.0
    fail(five, 1, HOME)  # a place is for one try
    assert five.wait(WHO, HOME) == PLACE_SECONDS


@pytest.mark.parametrize(("passed", "is_free"), [(0.0, True), (1.0, False)])
def test_a_place_that_is_not_taken_is_given_up(
    five: AccountThrottle, clock: Clock, passed: float, is_free: bool
) -> None:
    fail(five, 20, STRANGER)
    five.wait(WHO, HOME)
    clock.now += 2 * PLACE_SECONDS + passed
    fail(five, 20, STRANGER)
    assert (five.wait(WHO, HOME) == 0.0) is is_free


def test_a_known_browser_is_counted_alone(five: AccountThrottle) -> None:
    fail(five, 100, STRANGER)
    assert five.wait(WHO, "browser a", is_known=True) == 0.0
    for _ in range(5):
        five.failed(WHO, "browser a", is_known=True)
    assert five.wait(WHO, "browser a", is_known=True) == 1.0
    assert five.wait(WHO, "browser b", is_known=True) == 0.0


def test_places_are_bounded(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account_throttle, "PLACES_LIMIT", 2)
    one = AccountThrottle(1, WINDOW, clock)
    fail(one, 20, STRANGER)
    for number in range(5):
        one.wait(WHO, f"192.0.2.{number}")
    assert len(one._places) == 2
