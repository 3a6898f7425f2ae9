"""What a record takes: by type, then by size, at its edge."""

import pytest

from mss_gateway.config import Dossier
from mss_gateway.dossier.intake import objection
from mss_gateway.failures import Failure

LIMITS = Dossier(deposit_octets=10)


@pytest.mark.parametrize(
    ("media_type", "octets", "expected"),
    [
        ("application/pdf", 1, None),
        ("application/pdf", 10, None),
        ("application/rtf", 10, None),
        ("application/pdf", 11, Failure.MESSAGE_TOO_BIG),
        ("application/pdf", 0, Failure.DOCUMENT_NOT_TAKEN),
        ("application/zip", 1, Failure.DOCUMENT_NOT_TAKEN),
        ("application/zip", 11, Failure.DOCUMENT_NOT_TAKEN),
        ("message/rfc822", 1, Failure.DOCUMENT_NOT_TAKEN),
    ],
)
def test_what_a_record_takes(media_type: str, octets: int, expected: Failure | None) -> None:
    assert objection(LIMITS, media_type, octets) is expected
