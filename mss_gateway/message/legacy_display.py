"""The Subject repeated in a text, for readers that know no header protection: RFC 9788 §5.2.

Written before a message is protected and sealed, for all they show of it outside is a neutral
Subject. Taken away for showing (RFC 9788 §4.5.3): the stored bytes stay as they were signed; only
who shows a text asks, and only for a message whose protected fields were read
(``header_protection.opened``): on any other the parameter is somebody's wish to hide the first
paragraph.
"""

import binascii
import html
import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from mss_gateway.message.base64_lines import base64_lines
from mss_gateway.message.build import text_entity
from mss_gateway.message.charsets import codec_for
from mss_gateway.message.content_type import mark_type
from mss_gateway.message.header import field_text
from mss_gateway.message.parameters import parse_parameters
from mss_gateway.message.parse import scan
from mss_gateway.message.part import Message, Part, is_shown_as_text

_PARAMETER: Final = "hp-legacy-display"
_CLASS: Final = "header-protection-legacy-display"
_FIELDS = re.compile(r"\A(?:[!-9;-~]+:[^\r\n]*(?:\r?\n[ \t]+\S[^\r\n]*)*\r?\n)+\r?\n")
_OPENING = re.compile(rf"<div\s[^<>]{{0,200}}?{_CLASS}", re.IGNORECASE)
"""The start tag, up to its class: the element is a machine's, not a person's, so it is short."""
_CLOSING = re.compile("</div>", re.IGNORECASE)

_ATTRIBUTES = r"\b(?:[^>=]|=\s*+(?:\"[^\"]*+(?:\"|\Z)|'[^']*+(?:'|\Z))?+)*+>"
_BEFORE_TEXT = re.compile(
    r"(?:\s++|<!--(?:-?>|.*?(?:--!?>|\Z))|<(?:!(?!--)|\?)[^>]*+>"
    + rf"|</?(?:html|head|meta|link|base){_ATTRIBUTES}"
    + "".join(
        rf"|<{name}{_ATTRIBUTES}.*?</{name}\s*+>"
        for name in ("title", "style", "script", "noscript")
    )
    + rf")*+(?:<body{_ATTRIBUTES})?+",
    re.IGNORECASE | re.DOTALL,
)
"""What may stand before the content of <body>; anything else begins it, its tag or not."""

_BARE_LINE_END = re.compile(r"\r(?!\n)|(?<!\r)\n")
_MISQUOTED = re.compile(rb"=(?![0-9A-Fa-f]{2}|[ \t]*+(?:\r\n|\Z))")
_BLANKS = b" \t\r\n"
_BREAKING = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Categories of characters that are no text on one line: controls, separators, surrogates."""


def has_legacy_display(part: Part) -> bool:
    """Whether the text of ``part`` begins with fields repeated from the header."""
    return part.media_type in ("text/plain", "text/html") and part.parameter(_PARAMETER) in (
        "1",
        '"1"',
    )


def is_for_encryption(message: Message) -> bool:
    """Whether the message was protected to be sealed, which alone repeats fields in its text.

    The mark is in its Cryptographic Payload (RFC 9788 §2.1), below a detached signature.
    """
    root = message.root
    is_signed = root.media_type == "multipart/signed" and root.children
    payload = root.children[0] if is_signed else root
    return payload.parameter("hp") in ("cipher", '"cipher"')


def without_legacy_display(part: Part, text: str) -> str:
    """``text``, the decoded text of ``part``, without the repeated fields."""
    return _without(part.media_type, text) if has_legacy_display(part) else text


def _without(media_type: str, text: str) -> str:
    if media_type == "text/plain":
        return _FIELDS.sub("", text, count=1)
    start = _OPENING.search(text)
    end = None if start is None else _CLOSING.search(text, start.end())
    return text if start is None or end is None else text[: start.start()] + text[end.end() :]


def with_legacy_display(raw: bytes, subject: str) -> bytes:
    """``raw``, a whole message not yet protected, with ``subject`` at the head of its text.

    ``subject`` is decoded text; what would end its line becomes a space. Every main body part
    (RFC 9788 §5.2) is marked and written anew in UTF-8, all other octets stay: attachments,
    enclosed messages, and anything that was signed already. A part that is marked already, or
    whose charset or transfer encoding cannot be read without loss, stays too. The same object
    when nothing changed. Raises MessageMalformed as ``scan`` does.
    """
    line = "".join(" " if unicodedata.category(char) in _BREAKING else char for char in subject)
    if not line.strip():
        return raw
    message = scan(raw)
    delimiters = _delimiters(message)
    view = memoryview(raw)
    pieces: list[bytes | memoryview] = []
    position = 0
    for part in _main_bodies(message.root):
        marked = _marked(part, raw, f"Subject: {line.strip()}", delimiters)
        if marked is not None:
            pieces += (view[position : part.header_start], marked)
            position = part.body_end
    if not pieces:
        return raw
    pieces.append(view[position:])
    return b"".join(pieces)


def _main_bodies(root: Part) -> Iterator[Part]:
    """The forms of the message's own text, in its order; a container of any other type has none."""
    stack = [root]
    while stack:
        part = stack.pop()
        if part.disposition not in ("", "inline"):
            continue
        if part.media_type == "multipart/alternative":
            stack.extend(reversed(part.children))
        elif part.media_type in ("multipart/mixed", "multipart/related"):
            stack.extend(part.children[:1])
        elif is_shown_as_text(part):
            yield part


def _delimiters(message: Message) -> list[bytes]:
    boundaries = [part.parameter("boundary") for part in message.root.walk() if part.children]
    return [b"--" + boundary.encode("utf-8", "replace") for boundary in boundaries]


def _marked(part: Part, raw: bytes, line: str, delimiters: list[bytes]) -> bytes | None:
    """The entity ``part`` with ``line`` in its text; None where it has to stay as it is."""
    text = None if has_legacy_display(part) or not _is_as_claimed(part) else _text(part, raw)
    if text is None or part.header_start == part.body_end:  # no line of its own to write on
        return None
    shown = _with_line(part.media_type, text, line)
    if _without(part.media_type, shown) != text:
        return None
    encoding, body = _encoded(shown, part, delimiters)
    return b"".join((*_fields(part, raw, encoding), b"\r\n", body))


def _is_as_claimed(part: Part) -> bool:
    """False for a multipart that was taken for text because it has no delimiter."""
    value = part.header.first("content-type")
    claimed = "" if value is None else parse_parameters(field_text(value))[0]
    return "/" not in claimed or claimed == part.media_type


def _text(part: Part, raw: bytes) -> str | None:
    """The text of ``part``, None where a reader would have to guess at it."""
    body = raw[part.body_start : part.body_end]
    if part.encoding == "base64":
        try:
            binascii.a2b_base64(body.translate(None, _BLANKS), strict_mode=True)
        except binascii.Error:
            return None
    elif part.encoding == "quoted-printable":
        if _MISQUOTED.search(body) is not None:
            return None
    elif part.encoding not in ("7bit", "8bit", "binary"):
        return None
    codec = codec_for(part.parameter("charset") or "us-ascii")
    if codec is None:
        return None
    try:  # what is UTF-8 under the label of ASCII is read so everywhere
        return part.decoded(raw).decode("utf-8" if codec == "ascii" else codec)
    except UnicodeDecodeError:
        return None


_PRE: Final = '<pre style="white-space: pre-wrap">'
"""A long subject wraps: Thunderbird would cut it at the edge of its window."""


def _with_line(media_type: str, text: str, line: str) -> str:
    if media_type == "text/plain":
        return f"{line}\r\n\r\n{text}"
    before = _BEFORE_TEXT.match(text)
    at = 0 if before is None else before.end()
    element = f'<div class="{_CLASS}">{_PRE}{html.escape(line, quote=False)}</pre></div>'
    return text[:at] + element + text[at:]


def _encoded(text: str, part: Part, delimiters: list[bytes]) -> tuple[str, bytes]:
    """A transfer encoding, and ``text`` in it: base64 where it was, or where no other will do.

    Decoding may have laid bare what a container takes for its delimiter; and line ends that are
    not CRLF stay what they are in base64 alone.
    """
    if part.encoding != "base64" and _BARE_LINE_END.search(text) is None:
        head, _, body = text_entity(text).partition(b"\r\n\r\n")
        if not any(delimiter in body for delimiter in delimiters):
            return head.rpartition(b" ")[2].decode("ascii"), body
    return "base64", base64_lines(text.encode("utf-8", "replace"))


def _fields(part: Part, raw: bytes, encoding: str) -> Iterator[bytes]:
    """The header of ``part``, its type marked, its encoding replaced; every other field stays."""
    encoding_field = f"Content-Transfer-Encoding: {encoding}\r\n".encode("ascii")
    for name, start, end in part.header.places():
        field = raw[start:end]
        if name == "content-type":
            yield _marked_type(part, field)
        elif name == "content-transfer-encoding":
            yield encoding_field
        else:
            yield field if field.endswith(b"\r\n") else field + b"\r\n"
    if part.header.first("content-type") is None:
        yield _marked_type(part, b"Content-Type: text/plain\r\n")
    if part.header.first("content-transfer-encoding") is None:
        yield encoding_field


def _marked_type(part: Part, field: bytes) -> bytes:
    if part.parameter("charset").lower() != "utf-8":
        field = mark_type(field, "charset", "utf-8")
    return mark_type(field, _PARAMETER, "1")
