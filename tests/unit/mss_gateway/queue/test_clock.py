"""Queue time: whatever the wall clock does, patience is measured evenly."""

from dataclasses import dataclass

import pytest

from mailbox_store.database import Database
from mss_gateway.queue import clock as clocks
from mss_gateway.queue.clock import REST_SECONDS, QueueClock
from tests.unit.mss_gateway.queue.conftest import NOW

DAY = 86_400


@dataclass
class Hands:
    """A wall clock and a monotonic one, moved apart from each other."""

    wall: float = float(NOW)
    steady: float = 50.0


@pytest.fixture
def hands() -> Hands:
    return Hands()


def begun(database: Database, hands: Hands) -> QueueClock:
    with database.read() as view:
        return QueueClock(view, lambda: hands.wall, lambda: hands.steady)


def test_it_begins_as_unix_time_and_goes_on_evenly(database: Database, hands: Hands) -> None:
    clock = begun(database, hands)
    assert clock.now() == NOW
    hands.steady += 90.9
    assert clock.now() == NOW + 90


@pytest.mark.parametrize("jump", [-7200, 7200, 400 * DAY])
def test_a_wall_clock_that_jumps_changes_nothing(
    database: Database, hands: Hands, jump: int
) -> None:
    clock = begun(database, hands)
    hands.wall += jump
    hands.steady += 5
    assert clock.now() == NOW + 5
    database.write(clock.keep)
    with database.read() as view:
        assert clocks.kept(view, 0) == NOW + 5


@pytest.mark.parametrize(
    ("stopped", "counted"),
    [
        (30, 30),
        (REST_SECONDS, REST_SECONDS),
        (REST_SECONDS + 1, REST_SECONDS),
        (400 * DAY, REST_SECONDS),
        (-7200, 0),
    ],
)
def test_a_stop_counts_for_little(
    database: Database, hands: Hands, stopped: int, counted: int
) -> None:
    clock = begun(database, hands)
    hands.steady += 1000
    database.write(clock.keep)
    hands.wall += stopped
    hands.steady = 0.0  # a machine that was started anew
    assert begun(database, hands).now() == NOW + 1000 + counted


def test_what_is_kept_never_goes_back(database: Database, hands: Hands) -> None:
    clock = begun(database, hands)
    hands.steady += 500
    database.write(clock.keep)
    hands.steady -= 400
    database.write(clock.keep)
    with database.read() as view:
        assert clocks.kept(view, 0) == NOW + 500


def test_before_the_first_start_another_time_serves(database: Database) -> None:
    with database.read() as view:
        assert clocks.kept(view, 12) == 12
