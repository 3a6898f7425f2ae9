"""Read receipts (message disposition notifications): asked for, and built (RFC 8098).

A receipt answers whoever is behind the reverse-path, and nobody else: a field that names another
address is how a third party would be made to receive what it never asked for (domain OP-25).
"""

import re
from dataclasses import dataclass
from typing import Final, Literal

from mss_gateway.message import report_form
from mss_gateway.message.address import AddressMalformed, EmailAddress, parse_mailboxes
from mss_gateway.message.build import fold_field
from mss_gateway.message.envelope import ReversePath
from mss_gateway.message.header import Header, field_text
from mss_gateway.message.report_form import Head, repeatable
from mss_gateway.message.words import unfold

KEYWORD: Final = "$MDNSent"
"""On a message whose receipt was sent, or will never be (RFC 3503 §3)."""

Mode = Literal["manual-action", "automatic-action"]
"""Who made it happen: a person who opened the message, or a program alone (RFC 8098 §3.2.6.1)."""

Kind = Literal["displayed", "processed"]
"""What happened (RFC 8098 §3.2.6.2)."""

_REQUIRED = re.compile(r"=\s*required\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Disposition:
    """What became of a message. ``error``: why it could not be dealt with, in ASCII; else empty."""

    mode: Mode
    kind: Kind
    error: str = ""


@dataclass(frozen=True, slots=True)
class ReadReceipt:
    """A read receipt. ``recipient`` is whose mailbox it speaks of; ``head.sender`` is theirs too.

    ``original_recipient`` is the field of that name as the message had it, empty if it had none.
    """

    head: Head
    reporting_agent: str
    recipient: EmailAddress
    disposition: Disposition
    original_recipient: str = ""


def asked_by(header: Header, reverse_path: ReversePath) -> EmailAddress | None:
    """To whom a receipt goes without asking anybody; None when none is to be sent.

    One Disposition-Notification-To with one address, which is the reverse-path (RFC 8098 §2.1);
    none where an option must be understood that nobody here does (RFC 8098 §2.2).
    """
    named = _only_address(header, "disposition-notification-to")
    if named is None or named != reverse_path:
        return None
    options = header.all("disposition-notification-options")
    if any(_REQUIRED.search(unfold(field_text(value))) for value in options):
        return None
    return named


def asks_for_delivery(header: Header, reverse_path: ReversePath) -> bool:
    """Whether Return-Receipt-To asks, by no standard, to hear of the delivery (domain OP-26).

    It counts where it names the reverse-path and nobody else.
    """
    named = _only_address(header, "return-receipt-to")
    return named is not None and named == reverse_path


def _only_address(header: Header, name: str) -> EmailAddress | None:
    values = header.all(name)
    if len(values) != 1:
        return None
    try:
        found = {one.address for one in parse_mailboxes(field_text(values[0]))}
    except AddressMalformed:
        return None
    return found.pop() if len(found) == 1 else None


def read_receipt(receipt: ReadReceipt) -> bytes:
    """The multipart/report of RFC 8098 §3.1: text, disposition, header of the original.

    Raises HeaderInjection for CR, LF or NUL in a header value.
    """
    disposition = receipt.disposition
    modifier = "/Error" if disposition.error else ""
    fields = [fold_field("Reporting-UA", [receipt.reporting_agent])]
    kind, _, address = receipt.original_recipient.partition(";")
    if repeatable(kind.strip()) and repeatable(address.strip()):
        fields.append(fold_field("Original-Recipient", [f"{kind.strip()};", address.strip()]))
    fields.append(fold_field("Final-Recipient", [f"rfc822; {receipt.recipient}"]))
    identifier = report_form.original_id(receipt.head.original)
    if identifier:
        fields.append(fold_field("Original-Message-ID", [identifier]))
    words = f"{disposition.mode}/MDN-sent-automatically; {disposition.kind}{modifier}"
    fields.append(fold_field("Disposition", [words]))
    if disposition.error:
        fields.append(fold_field("Error", disposition.error.split()))
    return report_form.report(receipt.head, "disposition-notification", b"".join(fields))
