"""Moments as a reader expects them, in French or in English, in the time of Paris.

The rule of European summer time is written here (directive 2000/84/EC: from the last Sunday of
March to the last Sunday of October, changing at 01:00 UTC), so that a machine without a time-zone
database shows the same hour. Before 1996 autumn came a month earlier: a day read here is still
right but for one hour of the night.
"""

from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache

from mss_gateway.texts import Language

_MONTHS = {
    Language.FRENCH: (
        "janvier", "février", "mars", "avril", "mai", "juin",
        "juillet", "août", "septembre", "octobre", "novembre", "décembre",
    ),
    Language.ENGLISH: (
        "January", "February", "March", "April", "May", "June",
        "July", "August", "September", "October", "November", "December",
    ),
}  # fmt: skip
_SHORT = {
    Language.FRENCH: (
        "janv.", "févr.", "mars", "avr.", "mai", "juin",
        "juil.", "août", "sept.", "oct.", "nov.", "déc.",
    ),
    Language.ENGLISH: (
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ),
}  # fmt: skip
_WINTER, _SUMMER = timezone(timedelta(hours=1)), timezone(timedelta(hours=2))


def year_begins(year: int) -> int:
    """The first second of a year of Paris, unix seconds."""
    return int(datetime(year, 1, 1, tzinfo=_WINTER).timestamp())


def in_paris(moment: float) -> datetime:
    """Unix seconds as an aware datetime of Paris."""
    utc = datetime.fromtimestamp(moment, UTC)
    is_summer = _last_sunday(utc.year, 3) <= utc < _last_sunday(utc.year, 10)
    return utc.astimezone(_SUMMER if is_summer else _WINTER)


@lru_cache(maxsize=256)
def _last_sunday(year: int, month: int) -> datetime:
    last = datetime(year, month, 31, 1, tzinfo=UTC)
    return last - timedelta(days=(last.weekday() + 1) % 7)


def day(moment: float, language: Language = Language.FRENCH) -> str:
    """« 22 novembre 2026 », « 22 November 2026 »; in French the first of a month is « 1er »."""
    local = in_paris(moment)
    is_first = local.day == 1 and language is Language.FRENCH
    number = "1er" if is_first else str(local.day)
    return f"{number} {_MONTHS[language][local.month - 1]} {local.year}"


def short_day(moment: float, now: float, language: Language = Language.FRENCH) -> str:
    """« 22 nov. », with its year when it is not that of ``now``; in one piece."""
    local = in_paris(moment)
    shown = f"{local.day}\u00a0{_SHORT[language][local.month - 1]}"
    return shown if local.year == in_paris(now).year else f"{shown}\u00a0{local.year}"


def hour(moment: float, language: Language = Language.FRENCH) -> str:
    """« 9 h 05 », « 9:05 », in one piece."""
    local = in_paris(moment)
    between = "\u00a0h\u00a0" if language is Language.FRENCH else ":"
    return f"{local.hour}{between}{local.minute:02d}"


def days_before(moment: float, now: float) -> int:
    """How many midnights of Paris lie between ``moment`` and ``now``."""
    return (in_paris(now).date() - in_paris(moment).date()).days


def iso(moment: float) -> str:
    """For ``<time datetime>``."""
    return in_paris(moment).isoformat()
