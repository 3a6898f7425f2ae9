"""A multipart/report as it came in: its second part as groups of fields, and what it gives back.

Somebody else wrote it, so everything is bounded: octets, groups, and what one header may have. What
cannot be read says nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from mss_gateway.message.header import Header, field_text, header_end, parse_header
from mss_gateway.message.limits import MessageMalformed, header_malformed
from mss_gateway.message.part import Message, Part
from mss_gateway.message.words import unfold

FIELDS_OCTETS: Final = 64 * 1024
"""The second part: 100 recipients of 600 octets."""

RETURNED_OCTETS: Final = 128 * 1024
"""The header that is given back."""


@dataclass(frozen=True, slots=True)
class Report:
    """``fields`` is the second part, decoded; ``returned`` the header of the message it is about,
    None where it gives back none that can be read.
    """

    fields: bytes
    returned: Header | None


def find_report(message: Message, report_type: str) -> Report | None:
    """The report that a message is, as a whole or under its signature; None for anything else."""
    root = message.root
    if root.media_type == "multipart/signed" and root.children:
        root = root.children[0]
    if root.media_type != "multipart/report" or len(root.children) < 2:
        return None
    machine = root.children[1]
    if machine.media_type != f"message/{report_type}" or machine.size > FIELDS_OCTETS:
        return None
    returned = _returned(root.children[2], message.raw) if len(root.children) > 2 else None
    return Report(machine.decoded(message.raw), returned)


def _returned(part: Part, raw: bytes) -> Header | None:
    """The header of the third part, whether it gives back a whole message or its header."""
    if part.message is not None:
        return part.message.header
    if part.media_type != "text/rfc822-headers" or part.size > RETURNED_OCTETS:
        return None
    octets = part.decoded(raw)
    try:
        return parse_header(octets, 0, header_end(octets, 0, len(octets))[0])
    except MessageMalformed:
        return None


def read_groups(octets: bytes, most: int) -> list[Mapping[str, str]]:
    """Groups of fields between empty lines, names in lower case, the first of a name counting.

    Raises MessageMalformed for what is no field, for no group at all and for more than ``most``.
    """
    found: list[Mapping[str, str]] = []
    position = 0
    while position < len(octets):
        end, following = header_end(octets, position, len(octets))
        if end > position:
            if len(found) == most:
                raise header_malformed("too many groups of fields")
            found.append(_fields(parse_header(octets, position, end)))
        position = following
    if not found:
        raise header_malformed("no group of fields")
    return found


def _fields(header: Header) -> Mapping[str, str]:
    return {name: unfold(field_text(value)).strip() for name, value in header.index.items()}
