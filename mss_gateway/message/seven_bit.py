"""A message made 7-bit before it is signed, so that no relay on its way has to (RFC 8551 §3.1.3).

Text becomes quoted-printable, other bodies base64; what they decode to stays the same, octet for
octet. What somebody may have signed already, a multipart/signed or an enclosed message, is never
touched, so a message that forwards 8-bit text keeps it.
"""

import binascii
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from mss_gateway.message.base64_lines import base64_lines
from mss_gateway.message.parse import scan
from mss_gateway.message.part import Message, Part

_IDENTITY: Final = frozenset({"7bit", "8bit", "binary"})
_LINE: Final = 999  # 998 (RFC 5322 §2.1.1) and the CR before LF
_BREAK_BEFORE_DASHES: Final = b"=\r\n--"
"""A line broken there may look like the delimiter of a container."""


@dataclass(frozen=True, slots=True)
class _Edit:
    start: int
    end: int
    octets: bytes


def seven_bit(raw: bytes) -> bytes:
    """``raw``, a message or an entity, with every body of ours in a 7-bit transfer encoding.

    The same object when nothing had to change. Header fields are left as they are: raw 8-bit text
    in a field stays. Raises MessageMalformed as ``scan`` does.
    """
    if raw.isascii() and not _has_long_line(raw):
        return raw
    message = scan(raw)
    edits = [edit for part in _ours(message.root) for edit in _edits(part, message)]
    if not edits:
        return raw
    edits.sort(key=lambda edit: edit.start)
    view = memoryview(raw)
    pieces: list[bytes | memoryview] = []
    position = 0
    for edit in edits:
        pieces += (view[position : edit.start], edit.octets)
        position = edit.end
    pieces.append(view[position:])
    return b"".join(pieces)


def _ours(root: Part) -> Iterator[Part]:
    """The parts that may change: nothing at or below a multipart/signed or an enclosed message."""
    stack = [root]
    while stack:
        part = stack.pop()
        if part.media_type != "multipart/signed" and part.message is None:
            yield part
            stack.extend(part.children)


def _edits(part: Part, message: Message) -> list[_Edit]:
    if part.children:
        is_identity = part.encoding in ("8bit", "binary") and not _stays_8bit(part, message)
        return [_encoding(part, message.raw, "7bit")] if is_identity else []
    body = message.raw[part.body_start : part.body_end]
    if body.isascii() and part.encoding != "binary" and not _has_long_line(body):
        return []
    if part.media_type.startswith("text/") and part.encoding in _IDENTITY:
        quoted = _quoted_printable(body)
        if _BREAK_BEFORE_DASHES not in quoted:
            return [
                _encoding(part, message.raw, "quoted-printable"),
                _Edit(part.body_start, part.body_end, quoted),
            ]
    decoded = part.decoded(message.raw)
    return [
        _encoding(part, message.raw, "base64"),
        _Edit(part.body_start, part.body_end, base64_lines(decoded)),
    ]


def _stays_8bit(part: Part, message: Message) -> bool:
    """Whether something that may not be touched keeps a container 8-bit."""
    ours = {id(one) for one in _ours(part)}
    return any(
        id(one) not in ours and not one.body(message.raw).tobytes().isascii()
        for one in part.walk(into_messages=False)
    )


def _encoding(part: Part, raw: bytes, encoding: str) -> _Edit:
    """The Content-Transfer-Encoding of a part, replaced or put at the end of its header."""
    field = f"Content-Transfer-Encoding: {encoding}\r\n".encode("ascii")
    for name, start, end in part.header.places():
        if name == "content-transfer-encoding":
            return _Edit(start, end, field)
    at = part.header.end
    is_cut = at > part.header.start and not raw.startswith(b"\r\n", at - 2)
    return _Edit(at, at, b"\r\n" + field if is_cut else field)


def _has_long_line(octets: bytes) -> bool:
    """Whether a line is longer than a relay must take, by looks a thousand octets apart."""
    start = 0
    while start + _LINE < len(octets):
        end = octets.rfind(b"\n", start, start + _LINE + 1)
        if end < 0:
            return True
        start = end + 1
    return False


def _quoted_printable(body: bytes) -> bytes:
    """RFC 2045 §6.7, line by line, so that every break is CRLF and every octet comes back."""
    lines = [
        binascii.b2a_qp(line, quotetabs=False, istext=False).replace(b"=\n", b"=\r\n")
        for line in body.split(b"\r\n")
    ]
    return b"\r\n".join(lines)
