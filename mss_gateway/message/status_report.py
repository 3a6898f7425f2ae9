"""Delivery reports of other operators, read: RFC 3464 §2, bounded, whatever they hold."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from mss_gateway.message.address import AddressMalformed, EmailAddress, parse_address
from mss_gateway.message.header import Header
from mss_gateway.message.limits import MessageMalformed
from mss_gateway.message.part import Message
from mss_gateway.message.report_form import repeatable
from mss_gateway.message.report_parts import find_report, read_groups

RECIPIENTS: Final = 100
"""Recipients of one report: what one transaction has at least (RFC 5321 §4.5.3.1.8)."""


@dataclass(frozen=True, slots=True)
class RecipientStatus:
    """What became of one recipient; ``addresses``: the final one, and the original if it differs.

    ``action`` in lower case and ``status`` are as they were written.
    """

    addresses: tuple[EmailAddress, ...]
    action: str
    status: str

    @property
    def is_final_failure(self) -> bool:
        """It will not arrive: failed, and for good (RFC 3464 §2.3.3, RFC 3463 §2)."""
        return self.action == "failed" and self.status.startswith("5.")


@dataclass(frozen=True, slots=True)
class StatusReport:
    """A delivery report. ``returned`` is the header of the message that it is about, if given."""

    envelope_id: str
    recipients: tuple[RecipientStatus, ...]
    returned: Header | None


def read_status_report(message: Message) -> StatusReport | None:
    """What a delivery report says, signed or not; None for what is none, or cannot be read."""
    found = find_report(message, "delivery-status")
    if found is None:
        return None
    try:
        about, *each = read_groups(found.fields, 1 + RECIPIENTS)
    except MessageMalformed:
        return None
    recipients = tuple(_recipient(one) for one in each)
    return StatusReport(
        repeatable(about.get("original-envelope-id", "")), recipients, found.returned
    )


def _recipient(fields: Mapping[str, str]) -> RecipientStatus:
    named = (_address(fields.get(name, "")) for name in ("final-recipient", "original-recipient"))
    addresses = tuple(dict.fromkeys(one for one in named if one is not None))
    action = fields.get("action", "").partition(" ")[0].lower()
    return RecipientStatus(addresses, action, fields.get("status", "").partition(" ")[0])


def _address(value: str) -> EmailAddress | None:
    """``rfc822; claire@mss.example`` → its address; None for another type, or for none."""
    kind, _, address = value.partition(";")
    if kind.strip().lower() != "rfc822":
        return None
    try:
        return parse_address(address.strip())
    except AddressMalformed:
        return None
