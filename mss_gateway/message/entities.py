"""A message taken apart and put together: the fields that stay outside, the entity that moves.

The Content fields belong to the entity, every other field to the message around it (RFC 2045 §3).
"""

from mss_gateway.message.header import Header, header_end, parse_header


def split(raw: bytes) -> tuple[bytes, bytes]:
    """The outer fields with their MIME-Version, and the inner entity (RFC 8551 §3.1)."""
    header, body_start = read_header(raw)
    outer, content = split_fields(raw, header)
    body = memoryview(raw)[body_start:]
    if header.first("content-type") is None:
        content += default_type(b"" if raw.isascii() else raw[body_start:], header)
    return outer + mime_version(header), b"".join((content, b"\r\n", body))


def split_fields(raw: bytes, header: Header) -> tuple[bytes, bytes]:
    """The fields that are not Content fields, and those that are, each ending in CRLF."""
    outer: list[bytes] = []
    content: list[bytes] = []
    for name, start, end in header.places():
        field = raw[start:end]
        (content if name.startswith("content-") else outer).append(
            field if field.endswith(b"\r\n") else field + b"\r\n"
        )
    return b"".join(outer), b"".join(content)


def default_type(body: bytes, header: Header) -> bytes:
    """The type of a message that names none: RFC 2045 §5.2, or what its 8-bit octets are."""
    if body.isascii():
        return b"Content-Type: text/plain; charset=us-ascii\r\n"
    try:
        body.decode("utf-8")
        charset = b"utf-8"
    except UnicodeDecodeError:
        charset = b"iso-8859-1"
    encoding = b"Content-Transfer-Encoding: 8bit\r\n"
    if header.first("content-transfer-encoding") is not None:
        encoding = b""
    return b"Content-Type: text/plain; charset=" + charset + b"\r\n" + encoding


def assemble(outer: bytes, entity: bytes) -> bytes:
    """A message of the fields ``outer`` and the content ``entity``; MIME-Version where it lacks."""
    return b"".join((outer, mime_version(read_header(outer)[0]), entity))


def replace_content(outer: bytes, entity: bytes) -> bytes:
    """The opened form of a message: the fields of ``outer``, the content of ``entity``.

    Of the entity's header only the Content fields are taken: a From inside cannot join the one
    outside. Raises MessageMalformed for an unreadable header.
    """
    outer_header = read_header(outer)[0]
    kept, _ = split_fields(outer, outer_header)
    header, body_start = read_header(entity)
    _, content = split_fields(entity, header)
    return b"".join(
        (kept, mime_version(outer_header), content, b"\r\n", memoryview(entity)[body_start:])
    )


def read_header(raw: bytes) -> tuple[Header, int]:
    """The header that ``raw`` begins with, and where its body begins; raises MessageMalformed."""
    fields_end, body_start = header_end(raw, 0, len(raw))
    return parse_header(raw, 0, fields_end), body_start


def mime_version(header: Header) -> bytes:
    """The MIME-Version that a header lacks, empty where it has one (RFC 2045 §4)."""
    return b"" if header.first("mime-version") is not None else b"MIME-Version: 1.0\r\n"
