"""Work that nobody waits for rests longer than it takes, and gives up when told."""

import threading
import time

import pytest

from mss_gateway.life import pacing
from mss_gateway.life.pacing import Pace, Stopped


def test_it_rests_longer_than_it_worked(monkeypatch: pytest.MonkeyPatch) -> None:
    rests: list[float] = []
    moments = iter([100.0, 100.0004, 100.01, 200.0, 210.0, 300.0])
    monkeypatch.setattr(time, "sleep", rests.append)
    monkeypatch.setattr(time, "perf_counter", lambda: next(moments))
    pace = Pace(threading.Event())
    pace.begin()
    pace()
    assert rests == []
    pace()
    pace()
    assert rests == [pytest.approx(0.02), pacing.REST_SECONDS]


def test_it_gives_up_when_the_service_stops() -> None:
    stopping = threading.Event()
    pace = Pace(stopping)
    pace.begin()
    stopping.set()
    with pytest.raises(Stopped):
        pace()
