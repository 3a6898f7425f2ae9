"""Dates of SEARCH and APPEND, and INTERNALDATE: RFC 9051 §9 ``date`` and ``date-time``."""

import re
import time
from datetime import date, datetime, timedelta, timezone
from functools import lru_cache
from typing import Final

from mss_gateway.imap.grammar.cursor import Cursor, Malformed

MONTHS: Final = (
    b"Jan",
    b"Feb",
    b"Mar",
    b"Apr",
    b"May",
    b"Jun",
    b"Jul",
    b"Aug",
    b"Sep",
    b"Oct",
    b"Nov",
    b"Dec",
)
_NUMBER_OF = {name.lower(): number for number, name in enumerate(MONTHS, 1)}
_MONTH = rb"(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"
_DATE = re.compile(rb'("?)([0-9]{1,2})-' + _MONTH + rb"-([0-9]{4})\1", re.IGNORECASE)
_DATE_TIME = re.compile(
    rb'"([ 0-9][0-9])-' + _MONTH + rb"-([0-9]{4}) ([0-9]{2}):([0-9]{2}):([0-9]{2})"
    rb' ([+-])([0-9]{2})([0-9]{2})"',
    re.IGNORECASE,
)


def day(cursor: Cursor) -> date:
    """``date``: ``1-Feb-1994``, with or without quotes."""
    found = cursor.expect(_DATE, "date")
    try:
        return date(int(found[4]), _NUMBER_OF[found[3].lower()], int(found[2]))
    except ValueError:
        raise Malformed("date") from None


def moment(cursor: Cursor) -> int:
    """``date-time`` in quotes, as unix seconds."""
    found = cursor.expect(_DATE_TIME, "date-time")
    month = _NUMBER_OF[found[2].lower()]
    offset = timedelta(hours=int(found[8]), minutes=int(found[9]))
    try:
        zone = timezone(-offset if found[7] == b"-" else offset)
        written = datetime(
            int(found[3]),
            month,
            int(found[1]),
            int(found[4]),
            int(found[5]),
            int(found[6]),
            tzinfo=zone,
        )
        return int(written.timestamp())
    except (ValueError, OverflowError):
        raise Malformed("date-time") from None


def starts_moment(cursor: Cursor) -> bool:
    """Whether a quoted date-time, and not a literal, begins here."""
    return cursor.line.startswith(b'"', cursor.position)


def printed_moment(seconds: int) -> bytes:
    """``date-time`` in UTC, quoted: what INTERNALDATE answers."""
    days, rest = divmod(seconds, 86_400)
    minutes, second = divmod(rest, 60)
    return b'"%s %02d:%02d:%02d +0000"' % (_printed_day(days), minutes // 60, minutes % 60, second)


@lru_cache(maxsize=4_096)
def _printed_day(days: int) -> bytes:
    """The date of a day since 1970: a list of messages falls on few of them."""
    day = time.gmtime(days * 86_400)
    return b"%2d-%s-%04d" % (day.tm_mday, MONTHS[day.tm_mon - 1], day.tm_year)
