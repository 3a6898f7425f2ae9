"""The Date field read and written: RFC 5322 §3.3, and §4.3 for what older programs write."""

import re
from datetime import UTC, datetime, timedelta, timezone

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_ZONES = {"EST": -300, "EDT": -240, "CST": -360, "CDT": -300}
_ZONES |= {"MST": -420, "MDT": -360, "PST": -480, "PDT": -420}
_DATE = re.compile(
    r"\s*(?:[A-Za-z]{3}\s*,)?\s*([0-9]{1,2})\s+([A-Za-z]{3})\s+([0-9]{2,4})"
    r"\s+([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?(?:\s+([+-][0-9]{4}|[A-Za-z]{1,5}))?(?![0-9A-Za-z])",
    re.ASCII,
)


def parse_date(text: str) -> tuple[int, int] | None:
    """Unix seconds and the zone in minutes east of UTC; None for what is no date.

    An unknown zone name counts as UTC (RFC 5322 §4.3), a leap second as the second before.
    """
    found = _DATE.match(text)
    if found is None or found[2].lower() not in _MONTHS:
        return None
    year = int(found[3])
    if len(found[3]) < 4:
        year += 2000 if year < 50 and len(found[3]) == 2 else 1900
    zone = _zone_minutes(found[7] or "")
    try:
        moment = datetime(
            year,
            _MONTHS.index(found[2].lower()) + 1,
            int(found[1]),
            int(found[4]),
            int(found[5]),
            min(int(found[6] or 0), 59),
            tzinfo=UTC,
        )
    except ValueError:
        return None
    return int(moment.timestamp()) - zone * 60, zone


def _zone_minutes(zone: str) -> int:
    if zone[:1] not in ("+", "-"):
        return _ZONES.get(zone.upper(), 0)
    minutes = int(zone[1:3]) * 60 + int(zone[3:])
    return -minutes if zone[0] == "-" else minutes


def date_field(moment: datetime) -> str:
    """A Date as RFC 5322 §3.3 writes it, whatever the locale. ``moment`` must know its zone."""
    offset = moment.utcoffset()
    if offset is None:
        raise ValueError("a moment without its zone")
    minutes = round(offset / timedelta(minutes=1))
    moment = moment.astimezone(timezone(timedelta(minutes=minutes)))
    sign = "-" if minutes < 0 else "+"
    day = f"{_DAYS[moment.weekday()]}, {moment.day:02d} {_MONTHS[moment.month - 1].capitalize()}"
    clock = f"{moment.hour:02d}:{moment.minute:02d}:{moment.second:02d}"
    zone = f"{sign}{abs(minutes) // 60:02d}{abs(minutes) % 60:02d}"
    return f"{day} {moment.year:04d} {clock} {zone}"
