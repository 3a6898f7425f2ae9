"""Dates as SEARCH and APPEND write them."""

from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest

from mss_gateway.imap.grammar import dates
from mss_gateway.imap.grammar.cursor import Cursor, Malformed

At = Callable[..., Cursor]


@pytest.mark.parametrize("line", [b"1-Feb-1994", b'"01-feb-1994"', b"01-FEB-1994"])
def test_a_day_is_read(at: At, line: bytes) -> None:
    cursor = at(line)
    assert dates.day(cursor) == date(1994, 2, 1)
    cursor.end()


@pytest.mark.parametrize(
    "line", [b"", b"31-Feb-2000", b"1-Foo-2000", b"1-Feb-20", b'"1-Feb-1994', b"0-Jan-2000"]
)
def test_what_is_no_day_is_refused(at: At, line: bytes) -> None:
    with pytest.raises(Malformed, match="date"):
        dates.day(at(line))


@pytest.mark.parametrize(
    ("line", "moment"),
    [
        (b'"17-Jul-1996 02:44:25 -0700"', datetime(1996, 7, 17, 9, 44, 25, tzinfo=UTC)),
        (b'" 1-Jan-2026 00:00:00 +0100"', datetime(2025, 12, 31, 23, 0, 0, tzinfo=UTC)),
    ],
)
def test_a_moment_is_read_in_its_zone(at: At, line: bytes, moment: datetime) -> None:
    cursor = at(line)
    assert dates.moment(cursor) == moment.timestamp()
    cursor.end()


@pytest.mark.parametrize(
    "line",
    [
        b"17-Jul-1996 02:44:25 -0700",
        b'"7-Jul-1996 02:44:25 -0700"',
        b'"17-Jul-1996 25:44:25 -0700"',
        b'"17-Jul-1996 02:44:25 -9900"',
        b'"17-Jul-1996 02:44:25"',
        b'"01-Jan-0000 00:00:00 +0000"',
    ],
)
def test_what_is_no_moment_is_refused(at: At, line: bytes) -> None:
    with pytest.raises(Malformed, match="date-time"):
        dates.moment(at(line))


@pytest.mark.parametrize("seconds", [0, 1_790_000_000, -86_400, 837_596_665])
def test_a_printed_moment_is_read_back(at: At, seconds: int) -> None:
    assert dates.moment(at(dates.printed_moment(seconds))) == seconds


def test_a_day_below_ten_is_padded_with_a_space() -> None:
    assert dates.printed_moment(0) == b'" 1-Jan-1970 00:00:00 +0000"'
