"""scan: raw bytes to a tree of parts, bounded, iterative, by offsets (RFC 2045, RFC 2046 §5.1).

Only the headers are copied. Delimiters are searched in C, once per level of nesting; an outer
delimiter ends what is inside it (RFC 2046 §5.1.2), because a part is only ever searched within
the range that its container gave it.
"""

import io
import re
from dataclasses import dataclass, field

from mss_gateway.failures import Failure
from mss_gateway.message.header import Header, field_text, header_end, parse_header
from mss_gateway.message.limits import LIMITS, Limits, MessageMalformed, header_malformed
from mss_gateway.message.parameters import Parameters, parse_parameters
from mss_gateway.message.part import Message, Part

_STRAY = re.compile(rb"\r(?!\n)|(?<!\r)\n|\0")
_AFTER_BOUNDARY = re.compile(rb"(--)?[ \t]*(?:\r\n|\Z)")
_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,./:=?!#$%&*;<>@^`{|}~\"\[\]\\ -]*[!-~]")
_CHUNK = 1 << 18  # stays in the second-level cache
_PLAIN_TEXT = ("text/plain", (("charset", "us-ascii"),))
_UNREPEATABLE = ("content-type", "content-transfer-encoding", "content-disposition")


def find_bare_line_ending(raw: bytes) -> int | None:
    """Where the first bare CR, bare LF or NUL stands, None if there is none (T1, RFC 5321 §2.3.8).

    About 20 ms for 20 MB: the interpreter's newline decoder notes which line ends it saw.
    """
    if b"\0" not in raw:
        decoder = io.IncrementalNewlineDecoder(None, translate=False)
        for start in range(0, len(raw), _CHUNK):
            decoder.decode(raw[start : start + _CHUNK].decode("latin-1"))
        decoder.decode("", final=True)
        if decoder.newlines in (None, "\r\n"):
            return None
    stray = _STRAY.search(raw)
    return None if stray is None else stray.start()


@dataclass(slots=True)
class _Node:
    """A part while its children are still being found."""

    number: str
    header: Header
    media_type: str
    parameters: Parameters
    encoding: str
    disposition: str
    disposition_parameters: Parameters
    header_start: int
    body_start: int
    body_end: int
    depth: int
    children: list["_Node"] = field(default_factory=list)
    message: "_Node | None" = None


@dataclass(slots=True)
class _Scan:
    raw: bytes
    limits: Limits
    nodes: list[_Node] = field(default_factory=list)
    header_octets: int = 0
    delimiter_lines: int = 0


def scan(raw: bytes, limits: Limits = LIMITS) -> Message:
    """The tree of a message whose lines end in CRLF (see ``find_bare_line_ending``).

    Raises MessageMalformed with HEADER_MALFORMED, MIME_TOO_DEEP or MIME_TOO_MANY_PARTS.
    A multipart without a usable boundary, or without a delimiter, is one part of plain text.
    """
    state = _Scan(raw, limits)
    _add(state, "", 0, len(raw), "text/plain", 0)
    position = 0
    while position < len(state.nodes):  # grows while it is walked
        node = state.nodes[position]
        if node.media_type.startswith("multipart/"):
            _open_multipart(state, node)
        elif node.media_type == "message/rfc822":
            _open_message(state, node)
        position += 1
    return Message(raw, _freeze(state.nodes))


def _add(state: _Scan, number: str, start: int, end: int, default: str, depth: int) -> _Node:
    limits = state.limits
    if depth > limits.depth:
        raise MessageMalformed(Failure.MIME_TOO_DEEP, "nested too deep")
    if len(state.nodes) >= limits.parts:
        raise MessageMalformed(Failure.MIME_TOO_MANY_PARTS, "too many parts")
    fields_end, body_start = header_end(state.raw, start, end)
    state.header_octets += fields_end - start
    if state.header_octets > limits.header_octets:
        raise header_malformed("headers too long in all")
    header = parse_header(state.raw, start, fields_end, limits)
    _refuse_repeated(header)
    media_type, parameters = _media_type(header.first("content-type"), default, limits)
    encoding = header.first("content-transfer-encoding")
    disposition = header.first("content-disposition")
    disposition_type, disposition_parameters = (
        ("", ()) if disposition is None else parse_parameters(field_text(disposition), limits)
    )
    node = _Node(
        number,
        header,
        media_type,
        parameters,
        "7bit" if encoding is None else _encoding(encoding),
        disposition_type,
        disposition_parameters,
        start,
        body_start,
        end,
        depth,
    )
    state.nodes.append(node)
    return node


def _refuse_repeated(header: Header) -> None:
    """Two fields that say what a part is: readers would choose differently."""
    if len(header.index) == len(header.fields):
        return
    for name in _UNREPEATABLE:
        if len(header.all(name)) > 1:
            raise header_malformed(f"two fields {name}")


def _encoding(value: bytes) -> str:
    """The mechanism of RFC 2045 §6.1 in lower case, without a comment after it."""
    return field_text(value).split("(")[0].strip().lower() or "7bit"


def _media_type(value: bytes | None, default: str, limits: Limits) -> tuple[str, Parameters]:
    """The media type, the default of RFC 2045 §5.2 where the field is absent or unreadable."""
    if value is None:
        return _PLAIN_TEXT if default == "text/plain" else (default, ())
    media_type, parameters = parse_parameters(field_text(value), limits)
    return (media_type, parameters) if "/" in media_type else _PLAIN_TEXT


def _open_message(state: _Scan, node: _Node) -> None:
    if node.encoding in ("base64", "quoted-printable"):
        # RFC 2046 §5.2.1 forbids it, and readers differ: what is inside is an opaque attachment.
        node.media_type, node.parameters = "application/octet-stream", ()
        return
    node.message = _add(
        state, node.number, node.body_start, node.body_end, "text/plain", node.depth + 1
    )


def _open_multipart(state: _Scan, node: _Node) -> None:
    boundary = next((value for key, value in node.parameters if key == "boundary"), "")
    if len(boundary) > state.limits.boundary:
        raise header_malformed("boundary too long")
    ranges = _ranges(state, node, boundary) if _BOUNDARY.fullmatch(boundary) else []
    if not ranges:
        node.media_type, node.parameters = _PLAIN_TEXT
        return
    default = "message/rfc822" if node.media_type == "multipart/digest" else "text/plain"
    for start, end in ranges:
        node.children.append(_add(state, "", start, end, default, node.depth + 1))


def _ranges(state: _Scan, node: _Node, boundary: str) -> list[tuple[int, int]]:
    """Where each part of a multipart begins and ends (RFC 2046 §5.1.1)."""
    raw, end = state.raw, node.body_end
    delimiter = b"\r\n--" + boundary.encode("ascii")
    ranges: list[tuple[int, int]] = []
    part_start = -1
    # The first delimiter may stand at the very start of the body, its CRLF being the empty line
    # that ends the header; a header without an empty line has no body.
    found = raw.find(delimiter, max(node.body_start - 2, node.header_start), end)
    while found >= 0:
        state.delimiter_lines += 1
        if state.delimiter_lines > state.limits.delimiter_lines:
            raise MessageMalformed(Failure.MIME_TOO_MANY_PARTS, "too many delimiter lines")
        line = _AFTER_BOUNDARY.match(raw, found + len(delimiter), end)
        if line is None:
            found = raw.find(delimiter, found + 2, end)
            continue
        if part_start >= 0:
            ranges.append((part_start, max(found, part_start)))
        if line[1] is not None:
            return ranges
        part_start = line.end()
        if len(ranges) > state.limits.parts:
            raise MessageMalformed(Failure.MIME_TOO_MANY_PARTS, "too many parts")
        found = raw.find(delimiter, max(part_start - 2, found + 2), end)
    if part_start >= 0:
        ranges.append((part_start, end))  # the closing delimiter is missing
    return ranges


def _freeze(nodes: list[_Node]) -> Part:
    """The tree of values: part numbers from the root down, parts from the leaves up."""
    for node in nodes:
        if node.message is not None:
            inner = node.message
            outer = node.number or "1"  # a root that is no multipart is part 1
            inner.number = outer if inner.children else _below(outer, 1)
        for index, child in enumerate(node.children, 1):
            child.number = _below(node.number, index)
    frozen: dict[int, Part] = {}
    for node in reversed(nodes):  # a child always stands after its container
        frozen[id(node)] = Part(
            node.number, node.header, node.media_type, node.parameters, node.encoding,
            node.disposition, node.disposition_parameters,
            node.header_start, node.body_start, node.body_end,
            tuple([frozen[id(child)] for child in node.children]),
            None if node.message is None else frozen[id(node.message)],
        )  # fmt: skip
    return frozen[id(nodes[0])]


def _below(number: str, index: int) -> str:
    return f"{number}.{index}" if number else str(index)
