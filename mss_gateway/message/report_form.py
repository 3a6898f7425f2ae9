"""The multipart/report that delivery reports and read receipts share (RFC 6522 §3).

Text for a person, fields for a program, and of the original its header at most: the body was health
content and stays where it is. The French text is handed in; the null reverse-path is the sender's.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from mss_gateway.message.address import EmailAddress, Mailbox
from mss_gateway.message.build import fold_field, multipart, phrase_words, text_entity, text_field
from mss_gateway.message.dates import date_field
from mss_gateway.message.header import header_end, parse_header

RETURNED: Final = frozenset(
    {"return-path", "received", "date", "from", "sender", "to", "cc", "message-id"}
)
"""Fields of a message that are given back; a subject or a list of documents is content."""

IDENTIFIER_OCTETS: Final = 900
"""A Message-ID above this cannot be repeated in a line of its own (RFC 5322 §2.1.1)."""

VALUE_OCTETS: Final = 500
"""What somebody else wrote and is repeated in one line: an ORCPT has 500 (RFC 3461 §4.2)."""


@dataclass(frozen=True, slots=True)
class Head:
    """Who tells whom, and in which words. ``original`` is the message, or its header."""

    sender: Mailbox
    to: EmailAddress
    subject: str
    text: str
    message_id: str
    moment: datetime
    original: bytes


def report(head: Head, report_type: str, machine_part: bytes) -> bytes:
    """The message; ``machine_part`` are the fields of its second part, each ending in CRLF.

    Raises HeaderInjection for CR, LF or NUL in a header value.
    """
    machine = f"Content-Type: message/{report_type}\r\n\r\n".encode("ascii") + machine_part
    entities = [text_entity(head.text), machine, _original_header(head.original)]
    return _fields(head) + multipart("report", entities, f"report-type={report_type}; ")


def letter(head: Head, line: str) -> bytes:
    """The same for whom no report was asked: the text, a ``line`` for programs, the header."""
    text = text_entity(f"{head.text}\r\n\r\n{line}\r\n")
    return _fields(head) + multipart("mixed", [text, _original_header(head.original)])


def _fields(head: Head) -> bytes:
    answered = original_id(head.original)
    return b"".join(
        (
            fold_field("From", phrase_words(head.sender.display_name, head.sender.address)),
            fold_field("To", [f"<{head.to}>"]),
            text_field("Subject", head.subject),
            fold_field("Date", [date_field(head.moment)]),
            fold_field("Message-ID", [head.message_id]),
            fold_field("In-Reply-To", [answered]) if answered else b"",
            b"Auto-Submitted: auto-replied\r\n",
            b"MIME-Version: 1.0\r\n",
        )
    )


def original_id(original: bytes) -> str:
    """The Message-ID of the original, empty if it has none that can be repeated."""
    fields_end = header_end(original, 0, len(original))[0]
    return repeatable(
        parse_header(original, 0, fields_end).unfolded("message-id"), IDENTIFIER_OCTETS
    )


def repeatable(value: str, limit: int = VALUE_OCTETS) -> str:
    """A word that somebody else wrote, as it may stand in a report; empty when it may not."""
    is_word = value.isascii() and value.isprintable() and " " not in value
    return value if is_word and len(value) <= limit else ""


def returned_header(raw: bytes) -> bytes:
    """What is given back of a message: enough to know it again, nothing of its content."""
    fields_end, body_start = header_end(raw, 0, len(raw))
    kept = [
        raw[start:end]
        for name, start, end in parse_header(raw, 0, fields_end).places()
        if name in RETURNED and (name != "message-id" or end - start < IDENTIFIER_OCTETS)
    ]
    return b"".join((*kept, raw[fields_end:body_start]))


def _original_header(original: bytes) -> bytes:
    """Only the header, even where a caller hands in more."""
    fields = original[: header_end(original, 0, len(original))[0]]
    encoding = b"" if fields.isascii() else b"Content-Transfer-Encoding: 8bit\r\n"
    return b"Content-Type: text/rfc822-headers\r\n" + encoding + b"\r\n" + fields
