"""Read receipts as a test reads them back (RFC 8098 §3.2)."""

import re
from dataclasses import dataclass

from mss_gateway.message.limits import MessageMalformed
from mss_gateway.message.part import Message
from mss_gateway.message.report_form import IDENTIFIER_OCTETS, repeatable
from mss_gateway.message.report_parts import find_report, read_groups

_DISPOSITION = re.compile(
    r"(manual-action|automatic-action)\s*/\s*(?:mdn-sent-manually|mdn-sent-automatically)"
    r"\s*;\s*([a-z]{1,40})\s*(?:/\s*([!-:<-~ ]{1,200}))?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Notification:
    """A read receipt as it came in; each word may be empty. ``modifier`` such as ``error``."""

    recipient: str
    message_id: str
    mode: str
    kind: str
    modifier: str = ""
    error: str = ""


def read_notification(message: Message) -> Notification | None:
    """What a read receipt says, signed or not; None for what is none, or cannot be read."""
    found = find_report(message, "disposition-notification")
    if found is None:
        return None
    try:
        fields = read_groups(found.fields, 1)[0]
    except MessageMalformed:
        return None
    words = _DISPOSITION.match(fields.get("disposition", ""))
    if words is None:
        return None
    return Notification(
        fields.get("final-recipient", "").partition(";")[2].strip(),
        repeatable(fields.get("original-message-id", ""), IDENTIFIER_OCTETS),
        words[1].lower(),
        words[2].lower(),
        (words[3] or "").strip().lower(),
        fields.get("error", ""),
    )
