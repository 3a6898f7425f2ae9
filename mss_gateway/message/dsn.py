"""Reports about a delivery, and telling what a machine wrote: RFC 3464 §2, RFC 3834 §2 and §5.

Deviates: RET=FULL (RFC 3461 §4.3) is taken and noted, and the body is never given back. It is
health content, and a report may be read where the message itself would not be.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from mss_gateway.message import report_form
from mss_gateway.message.address import EmailAddress
from mss_gateway.message.build import fold_field
from mss_gateway.message.dates import date_field
from mss_gateway.message.envelope import ReversePath
from mss_gateway.message.part import Message, Part
from mss_gateway.message.report_form import Head, repeatable

_AUTOMATIC_PRECEDENCE = frozenset({"bulk", "junk", "list", "auto_reply"})
_AUTOMATIC_FIELDS = ("x-autoreply", "x-autorespond", "list-id")

Action = Literal["failed", "delayed", "delivered", "relayed"]
"""What a report says (RFC 3464 §2.3.3); this house expands no lists."""


@dataclass(frozen=True, slots=True)
class RemoteReply:
    """What another server answered: its name, its code and enhanced status, each may be missing.

    Its text is left out: nobody knows what it quotes.
    """

    server: str = ""
    code: int = 0
    enhanced: str = ""


NO_REPLY = RemoteReply()

_REPLY = re.compile(
    r"\A(?:([A-Za-z0-9][A-Za-z0-9.-]{0,252}) )?([245][0-9]{2})"
    r"(?:[ -]([245]\.[0-9]{1,3}\.[0-9]{1,3}))?(?![0-9.])"
)


def parse_reply(text: str) -> RemoteReply:
    """``[server ]code[ enhanced]…`` → its words; :data:`NO_REPLY` for anything else."""
    found = _REPLY.match(text)
    if found is None:
        return NO_REPLY
    return RemoteReply(found[1] or "", int(found[2]), found[3] or "")


@dataclass(frozen=True, slots=True)
class RecipientReport:
    """What became of one recipient (RFC 3464 §2.3).

    ``original`` is ORCPT as the author gave it, type and address; ``status`` the enhanced code;
    ``diagnostic`` an SMTP line, already free of health content; ``remote`` the server that said so;
    ``until`` the end of the attempts, for what is delayed.
    """

    recipient: EmailAddress
    action: Action
    status: str
    diagnostic: str = ""
    original: str = ""
    remote: str = ""
    attempted_at: datetime | None = None
    log_id: str = ""
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """A delivery status notification; ``arrived_at``: when the message came in."""

    head: Head
    reporting_server: str
    arrived_at: datetime
    recipients: tuple[RecipientReport, ...]
    envelope_id: str = ""


def delivery_report(report: DeliveryReport) -> bytes:
    """The multipart/report of RFC 3464 §2: text, per-recipient status, header of the original.

    Raises HeaderInjection for CR, LF or NUL in a header value.
    """
    groups = [_of_message(report), *map(_of_recipient, report.recipients)]
    return report_form.report(report.head, "delivery-status", b"\r\n".join(groups))


def _of_message(report: DeliveryReport) -> bytes:
    fields = [fold_field("Reporting-MTA", [f"dns; {report.reporting_server}"])]
    if repeatable(report.envelope_id):
        fields.insert(0, fold_field("Original-Envelope-Id", [report.envelope_id]))
    fields.append(fold_field("Arrival-Date", [date_field(report.arrived_at)]))
    return b"".join(fields)


def _of_recipient(one: RecipientReport) -> bytes:
    """The fields in the order of RFC 3464 §2.3; what the author wrote only where it is a word."""
    kind, _, address = one.original.partition(";")
    fields: list[tuple[str, list[str]]] = []
    if repeatable(kind) and repeatable(address):
        fields.append(("Original-Recipient", [f"{kind};", address]))
    fields += [
        ("Final-Recipient", [f"rfc822; {one.recipient}"]),
        ("Action", [one.action]),
        ("Status", [one.status]),
    ]
    if repeatable(one.remote):
        fields.append(("Remote-MTA", [f"dns; {one.remote}"]))
    if one.diagnostic:
        fields.append(("Diagnostic-Code", ["smtp;", *one.diagnostic.split()]))
    if one.attempted_at is not None:
        fields.append(("Last-Attempt-Date", [date_field(one.attempted_at)]))
    if one.log_id:
        fields.append(("Final-Log-ID", [one.log_id]))
    if one.until is not None:
        fields.append(("Will-Retry-Until", [date_field(one.until)]))
    return b"".join([fold_field(name, words) for name, words in fields])


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
