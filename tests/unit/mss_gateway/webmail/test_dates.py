"""Moments in the time of Paris, in French."""

from datetime import UTC, datetime

import pytest

from mss_gateway.webmail import dates


def at(text: str) -> float:
    """A moment written in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("utc", "day", "hour"),
    [
        ("2026-11-22T09:05:00", "22 novembre 2026", "10 h 05"),
        ("2026-07-01T22:30:00", "2 juillet 2026", "0 h 30"),
        ("2026-03-29T00:59:59", "29 mars 2026", "1 h 59"),
        ("2026-03-29T01:00:00", "29 mars 2026", "3 h 00"),
        ("2026-10-25T00:59:59", "25 octobre 2026", "2 h 59"),
        ("2026-10-25T01:00:00", "25 octobre 2026", "2 h 00"),
        ("2025-12-31T23:00:00", "1er janvier 2026", "0 h 00"),
        ("1946-02-11T12:00:00", "11 février 1946", "13 h 00"),
    ],
)
def test_the_hour_of_paris(utc: str, day: str, hour: str) -> None:
    assert dates.day(at(utc)) == day
    assert dates.hour(at(utc)).replace("\u00a0", " ") == hour


def test_days_are_counted_by_midnights_of_paris() -> None:
    now = at("2026-11-22T23:30:00")  # 23 November, 0:30 in Paris
    assert dates.days_before(at("2026-11-22T23:00:00"), now) == 0
    assert dates.days_before(at("2026-11-22T22:59:59"), now) == 1


def test_machines_read_the_offset() -> None:
    assert dates.iso(at("2026-07-01T10:00:00")) == "2026-07-01T12:00:00+02:00"
