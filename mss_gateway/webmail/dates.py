"""Moments as a French reader expects them, in the time of Paris.

The rule of European summer time is written here (directive 2000/84/EC: from the last Sunday of
March to the last Sunday of October, changing at 01:00 UTC), so that a machine without a time-zone
database shows the same hour. Before 1996 autumn came a month earlier: a day read here is still
right but for one hour of the night.
"""

from datetime import UTC, datetime, timedelta, timezone

_MONTHS = (
    "janvier", "février", "mars", "avril", "mai", "juin",
    "juillet", "août", "septembre", "octobre", "novembre", "décembre",
)  # fmt: skip
_WINTER, _SUMMER = timezone(timedelta(hours=1)), timezone(timedelta(hours=2))


def in_paris(moment: float) -> datetime:
    """Unix seconds as an aware datetime of Paris."""
    utc = datetime.fromtimestamp(moment, UTC)
    is_summer = _last_sunday(utc.year, 3) <= utc < _last_sunday(utc.year, 10)
    return utc.astimezone(_SUMMER if is_summer else _WINTER)


def _last_sunday(year: int, month: int) -> datetime:
    last = datetime(year, month, 31, 1, tzinfo=UTC)
    return last - timedelta(days=(last.weekday() + 1) % 7)


def day(moment: float) -> str:
    """« 22 novembre 2026 »; the first of a month is « 1er »."""
    local = in_paris(moment)
    number = "1er" if local.day == 1 else str(local.day)
    return f"{number} {_MONTHS[local.month - 1]} {local.year}"


def hour(moment: float) -> str:
    """« 9 h 05 », in one piece."""
    local = in_paris(moment)
    return f"{local.hour}\u00a0h\u00a0{local.minute:02d}"


def days_before(moment: float, now: float) -> int:
    """How many midnights of Paris lie between ``moment`` and ``now``."""
    return (in_paris(now).date() - in_paris(moment).date()).days


def iso(moment: float) -> str:
    """For ``<time datetime>``."""
    return in_paris(moment).isoformat()
