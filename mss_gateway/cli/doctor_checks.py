"""What `mss doctor` says of one thing: well or not, in one line."""

from dataclasses import dataclass
from typing import Final

from mss_gateway.cli.answers import moment
from mss_gateway.cli.certs import DAY

EXPIRY_DAYS: Final = 30
"""A certificate that ends sooner is not well."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at."""

    name: str
    is_well: bool
    line: str


def until(end: float, now: float, days: int = EXPIRY_DAYS) -> tuple[bool, str]:
    """Whether what ends at ``end`` (unix seconds) lasts for ``days``, and the line that says it."""
    return end > now + days * DAY, f"until {moment(end)}"
