"""Trace fields, identifiers, loops: RFC 5321 §4.4, RFC 5322 §3.6.4, RFC 5321 §6.3.

A Received line of this house names no recipient and no address of an author's machine.
"""

import base64
import re
from datetime import datetime

from mss_gateway.message.address import EmailAddress
from mss_gateway.message.dates import date_field
from mss_gateway.message.header import Header, field_text

HOP_LIMIT = 100  # RFC 5321 §6.3: a large threshold, at least 100
_TRACE_OCTETS = 1000  # ours are far shorter
_TOKEN = re.compile(r"[A-Za-z0-9.:_\[\]-]{1,255}")


def received_line(
    *, by: str, protocol: str, message_ref: str, moment: datetime, peer: str = ""
) -> bytes:
    """The Received field of a message accepted here, folded, ending in CRLF (RFC 5321 §4.4).

    ``protocol`` is a keyword of RFC 3848 §2 such as ``ESMTPSA``. ``peer`` is the name of another
    operator's server; it stays empty for an authenticated author, who is not traced. Raises
    ValueError for anything that is not one word.
    """
    for word in (by, protocol, message_ref, peer or by):
        if _TOKEN.fullmatch(word) is None:
            raise ValueError("not a word of a Received field")
    origin = f"from {peer} " if peer else ""
    return (
        f"Received: {origin}by {by} with {protocol}\r\n\tid {message_ref}; {date_field(moment)}\r\n"
    ).encode("ascii")


def is_own(header: Header, by: str) -> bool:
    """Whether a Received field says that the server ``by`` has taken the message under a reference
    of this house before: it has gone round (threat T13)."""
    seen = re.compile(
        rf"(?:^|\s)by\s+{re.escape(by)}\s.*\sid\s+[0-9a-v]{{26}}(?:[\s;]|$)", re.I | re.S
    )
    fields = (field_text(value)[:_TRACE_OCTETS] for value in header.all("received"))
    return any(seen.search(field) is not None for field in fields)


def count_received(header: Header) -> int:
    """How many servers say that they received this message."""
    return len(header.all("received"))


def has_loop(header: Header, limit: int = HOP_LIMIT) -> bool:
    """Has the message been received more than ``limit`` times (RFC 5321 §6.3)."""
    return count_received(header) > limit


def new_message_ref(now_ms: int, random10: bytes) -> str:
    """A message_ref: a UUIDv7 (RFC 9562 §5.7) in lower-case base32hex, 26 characters.

    base32hex (RFC 4648 §7) keeps the order of time in the order of text.

    ``now_ms`` is Unix milliseconds, ``random10`` ten fresh octets, of which 74 bits are kept.
    """
    if len(random10) != 10 or not 0 <= now_ms < 1 << 48:
        raise ValueError("ten octets and a time of 48 bits are needed")
    chance = int.from_bytes(random10, "big")
    value = now_ms << 80 | 7 << 76 | (chance >> 62 & 0xFFF) << 64 | 2 << 62 | chance & (1 << 62) - 1
    return base64.b32hexencode(value.to_bytes(16, "big")).decode("ascii").rstrip("=").lower()


def new_message_id(domain: str, message_ref: str) -> str:
    """A Message-ID with its angle brackets (RFC 5322 §3.6.4). Raises AddressMalformed."""
    return f"<{EmailAddress(message_ref, domain)}>"
