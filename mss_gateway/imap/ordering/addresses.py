"""The first address of From, To or Cc, read back out of the stored ENVELOPE.

The ENVELOPE is what clients are shown, so that what is sorted is what they see; its strings were
made by our own printer from the parsed fields, whatever commas and groups their names hold.
"""

import re
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from mss_gateway.message.words import decode_words

_STRING: Final = rb'(?:NIL|"(?:[^"\\]|\\.)*+")'
_ADDRESS: Final = rb"\(%b(?: %b){3}\)" % (_STRING, _STRING)
_ANY: Final = rb"(?:%b|\((?:%b)++\))" % (_STRING, _ADDRESS)
_VALUE: Final = re.compile(_ANY, re.DOTALL)
_LITERAL: Final = re.compile(rb"\{([0-9]+)\}\r\n")
_ESCAPED: Final = re.compile(rb"\\(.)", re.DOTALL)


class Place(IntEnum):
    """Where a list of addresses stands in an ENVELOPE, RFC 9051 §7.5.2."""

    FROM = 2
    TO = 5
    CC = 6


@dataclass(frozen=True, slots=True)
class FirstAddress:
    """The strings of an address as ENVELOPE has them; None for NIL.

    A group comes first as an address whose ``mailbox`` is its name and whose ``host`` is None.
    """

    name: str | None
    mailbox: str | None
    host: str | None


_NOBODY: Final = FirstAddress(None, None, None)
_BEFORE: Final = {
    place: re.compile(rb"\((?:%b ){%d}" % (_ANY, place), re.DOTALL) for place in Place
}


def first_address(envelope: bytes, place: Place) -> FirstAddress:
    """The first address at ``place``, all None where there is none. Linear in the envelope."""
    at = _start(envelope, place)
    if not envelope.startswith(b"((", at):
        return _NOBODY
    name, at = _string(envelope, at + 2)
    at = _after(envelope, at + 1)  # the source route, which nobody uses
    mailbox, at = _string(envelope, at + 1)
    host, _ = _string(envelope, at + 1)
    return FirstAddress(name, mailbox, host)


def sort_mailbox(address: FirstAddress) -> str:
    """What CC, FROM and TO sort by: addr-mailbox, RFC 5256 §3."""
    return address.mailbox or ""


def sort_display(address: FirstAddress) -> str:
    """What DISPLAYFROM and DISPLAYTO sort by: the name, or else the address, RFC 5957 §3."""
    name = decode_words(address.name or "")
    if name or not address.mailbox:
        return name
    return address.mailbox if address.host is None else f"{address.mailbox}@{address.host}"


def _start(envelope: bytes, place: Place) -> int:
    found = _BEFORE[place].match(envelope)
    if found is not None:
        return found.end()
    at = 1
    for _ in range(place):
        at = _after(envelope, at) + 1
    return at


def _after(envelope: bytes, at: int) -> int:
    """Where the value at ``at`` ends; what holds a literal is walked string by string."""
    found = _VALUE.match(envelope, at)
    if found is not None:
        return found.end()
    depth = 0
    while True:
        byte = envelope[at : at + 1]
        if byte == b"(":
            depth, at = depth + 1, at + 1
        elif byte == b")":
            depth, at = depth - 1, at + 1
        elif byte == b" ":
            at += 1
        else:
            _, at = _string(envelope, at)
        if depth == 0:
            return at


def _string(envelope: bytes, at: int) -> tuple[str | None, int]:
    """The string at ``at``, and where it ends."""
    literal = _LITERAL.match(envelope, at)
    if literal is not None:
        end = literal.end() + int(literal[1])
        return envelope[literal.end() : end].decode("utf-8", "replace"), end
    found = _VALUE.match(envelope, at)
    if found is None:
        raise ValueError("not an envelope of this house")
    if found[0] == b"NIL":
        return None, found.end()
    return _ESCAPED.sub(rb"\1", found[0][1:-1]).decode("utf-8", "replace"), found.end()
