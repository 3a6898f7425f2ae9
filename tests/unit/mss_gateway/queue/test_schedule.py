"""When an attempt is tried again, and when no more."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mss_gateway.queue.schedule import CERTIFICATE_SECONDS, EXPIRY_SECONDS, next_attempt

NOW = 1_795_000_000


@pytest.mark.parametrize(
    ("attempts", "delay"),
    [
        (0, 0),
        (1, 5),
        (2, 30),
        (3, 120),
        (4, 600),
        (7, 7200),
        (8, 14_400),
        (9, 14_400),
        (99, 14_400),
    ],
)
def test_the_delay_grows_to_four_hours(attempts: int, delay: int) -> None:
    assert next_attempt(attempts, NOW, NOW, 0.0) == NOW + delay


@pytest.mark.parametrize(
    ("age", "is_tried"),
    [(0, True), (EXPIRY_SECONDS - 1, True), (EXPIRY_SECONDS, False), (EXPIRY_SECONDS * 9, False)],
)
def test_an_item_is_given_up_after_five_days(age: int, is_tried: bool) -> None:
    assert (next_attempt(3, NOW - age, NOW, 0.5) is not None) is is_tried


def test_five_days_are_what_rfc_5321_asks_for() -> None:
    assert EXPIRY_SECONDS == 432_000


@pytest.mark.parametrize(
    ("age", "is_tried"), [(0, True), (CERTIFICATE_SECONDS - 1, True), (CERTIFICATE_SECONDS, False)]
)
def test_what_waits_for_a_certificate_is_given_up_after_a_day(age: int, is_tried: bool) -> None:
    again = next_attempt(3, NOW - age, NOW, 0.5, CERTIFICATE_SECONDS)
    assert (again is not None) is is_tried
    assert CERTIFICATE_SECONDS == 86_400


@given(st.integers(1, 50), st.floats(0, 1, exclude_max=True))
def test_the_spread_delays_by_a_fifth_at_most(attempts: int, spread: float) -> None:
    plain, spread_out = (next_attempt(attempts, NOW, NOW, one) for one in (0.0, spread))
    assert plain is not None
    assert spread_out is not None
    assert 0 <= spread_out - plain <= (plain - NOW) / 5


def test_a_clock_that_was_set_back_gives_nothing_up() -> None:
    assert next_attempt(1, NOW + 3600, NOW, 0.0) == NOW + 5


def test_the_whole_schedule_has_a_bounded_number_of_attempts() -> None:
    moment, attempts = NOW, 0
    while (again := next_attempt(attempts, NOW, moment, 0.0)) is not None:
        moment, attempts = again, attempts + 1
    assert attempts == 38
    assert moment - NOW >= EXPIRY_SECONDS
