"""Reports about a delivery, and telling what a machine wrote: RFC 3464 §2, RFC 3834 §2 and §5.

The French text is handed in; the reverse-path of a report is null, which is the caller's part.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from mss_gateway.message.address import EmailAddress, Mailbox
from mss_gateway.message.build import fold_field, multipart, phrase_words, text_entity, text_field
from mss_gateway.message.dates import date_field
from mss_gateway.message.envelope import ReversePath
from mss_gateway.message.header import header_end, parse_header
from mss_gateway.message.part import Message, Part

_AUTOMATIC_PRECEDENCE = frozenset({"bulk", "junk", "list", "auto_reply"})
_AUTOMATIC_FIELDS = ("x-autoreply", "x-autorespond", "list-id")


@dataclass(frozen=True, slots=True)
class RecipientReport:
    """What became of one recipient (RFC 3464 §2.3).

    ``status`` is the enhanced code, ``diagnostic`` the SMTP line, already free of health content.
    """

    recipient: EmailAddress
    action: Literal["failed", "delayed", "delivered", "relayed", "expanded"]
    status: str
    diagnostic: str = ""


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """A delivery status notification to the author of ``original``."""

    reporting_server: str
    sender: Mailbox
    to: EmailAddress
    subject: str
    text: str
    message_id: str
    moment: datetime
    recipients: tuple[RecipientReport, ...]
    original: bytes
    envelope_id: str = ""


def delivery_report(report: DeliveryReport) -> bytes:
    """The multipart/report of RFC 3464 §2: text, per-recipient status, header of the original.

    Raises HeaderInjection for CR, LF or NUL in a header value.
    """
    references = _original_id(report.original)
    fields = [
        fold_field("From", phrase_words(report.sender.display_name, report.sender.address)),
        fold_field("To", [f"<{report.to}>"]),
        text_field("Subject", report.subject),
        fold_field("Date", [date_field(report.moment)]),
        fold_field("Message-ID", [report.message_id]),
        b"Auto-Submitted: auto-replied\r\n",
        b"MIME-Version: 1.0\r\n",
    ]
    if references:
        fields.append(fold_field("In-Reply-To", [references]))
    status = b"Content-Type: message/delivery-status\r\n\r\n" + _status(report)
    original = _original_header(report.original)
    entities = [text_entity(report.text), status, original]
    return b"".join((*fields, multipart("report", entities, "report-type=delivery-status; ")))


def _status(report: DeliveryReport) -> bytes:
    groups = [fold_field("Reporting-MTA", [f"dns; {report.reporting_server}"])]
    if report.envelope_id:
        groups.append(fold_field("Original-Envelope-Id", [report.envelope_id]))
    groups.append(fold_field("Arrival-Date", [date_field(report.moment)]))
    for one in report.recipients:
        groups += [
            b"\r\n",
            fold_field("Final-Recipient", [f"rfc822; {one.recipient}"]),
            fold_field("Action", [one.action]),
            fold_field("Status", [one.status]),
        ]
        if one.diagnostic:
            groups.append(fold_field("Diagnostic-Code", ["smtp;", *one.diagnostic.split()]))
    return b"".join(groups)


def _original_id(original: bytes) -> str:
    """The Message-ID of the original, empty if it has none that can be repeated."""
    fields_end = header_end(original, 0, len(original))[0]
    found = parse_header(original, 0, fields_end).unfolded("message-id")
    return found if found.isascii() and found.isprintable() and " " not in found else ""


def _original_header(original: bytes) -> bytes:
    """Only the header is returned: the body was health content, and stays where it is."""
    fields = original[: header_end(original, 0, len(original))[0]]
    encoding = b"" if fields.isascii() else b"Content-Transfer-Encoding: 8bit\r\n"
    return b"Content-Type: text/rfc822-headers\r\n" + encoding + b"\r\n" + fields


def is_automatic(message: Message, reverse_path: ReversePath) -> bool:
    """Was this message written by a machine: nothing is answered to it, and it opens nothing.

    RFC 3834 §2: a null reverse-path, Auto-Submitted other than ``no``, a report, a list, bulk.
    """
    header = message.header
    if reverse_path is None or _content(message).media_type == "multipart/report":
        return True
    submitted = header.unfolded("auto-submitted").partition(";")[0].strip().lower()
    if header.first("auto-submitted") is not None and submitted.partition(" ")[0] != "no":
        return True
    if header.unfolded("precedence").lower() in _AUTOMATIC_PRECEDENCE:
        return True
    return any(header.first(name) is not None for name in _AUTOMATIC_FIELDS)


def _content(message: Message) -> Part:
    """The root, or what a signed root holds: a report is a report, signed or not."""
    root = message.root
    return root.children[0] if root.media_type == "multipart/signed" else root
