"""HL7 instants, at every precision that senders write."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from mss_gateway.dossier.hl7 import hl7_time

PARIS = timezone(timedelta(hours=1))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("20210104160527+0100", datetime(2021, 1, 4, 16, 5, 27, tzinfo=PARIS)),
        ("20210104160527.123+0100", datetime(2021, 1, 4, 16, 5, 27, tzinfo=PARIS)),
        ("202101041605", datetime(2021, 1, 4, 16, 5, tzinfo=UTC)),
        ("2021010416", datetime(2021, 1, 4, 16, tzinfo=UTC)),
        ("20210104", datetime(2021, 1, 4, tzinfo=UTC)),
        (" 20210104 ", datetime(2021, 1, 4, tzinfo=UTC)),
        ("20210104160527-0330", datetime(2021, 1, 4, 19, 35, 27, tzinfo=UTC)),
        ("202101", None),
        ("20210231", None),
        ("20210104250000", None),
        ("20210104160527+9900", None),
        ("hier", None),
        ("", None),
    ],
)
def test_hl7_times(text: str, expected: datetime | None) -> None:
    assert hl7_time(text) == expected
