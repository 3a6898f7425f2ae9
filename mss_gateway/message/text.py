"""The text of a message in the form in which SEARCH compares it.

Texts are compared without case, white space counting as one space (RFC 9051 §6.4.4 leaves the rest
to the server). Whoever looks for a text and whoever indexes it go through here: they see the same.
"""

import html
import re
import unicodedata
from collections.abc import Callable, Iterator
from typing import Final

from mss_gateway.message.header import Header, field_text, header_end, parse_header
from mss_gateway.message.limits import MessageMalformed
from mss_gateway.message.parse import scan
from mss_gateway.message.summary import Summary
from mss_gateway.message.words import decode_words, unfold

READ_OCTETS: Final = 8 * 1024 * 1024
"""Octets of one message that are looked at."""

TEXT_CHARACTERS: Final = 1024 * 1024
"""Decoded characters of one message's body that are looked at."""

_TAG = re.compile(r"<[^<>]*>")

FIELDS: Final[dict[str, Callable[[Summary], str]]] = {
    "from": lambda summary: summary.from_text.lower(),
    "to": lambda summary: summary.to_text.lower(),
    "cc": lambda summary: summary.cc_text.lower(),
    "bcc": lambda summary: summary.bcc_text.lower(),
    "subject": lambda summary: summary.subject.lower(),
    "message-id": lambda summary: summary.message_id.lower(),
}
"""Fields that the summary holds in this form; all values of a field in one text."""


def normal(text: str) -> str:
    """The form in which texts are compared: composed, lower case, single spaces."""
    return " ".join(unicodedata.normalize("NFC", text).lower().split())


def header_of(raw: bytes) -> Header:
    """The header that ``raw`` begins with; raises ``MessageMalformed``."""
    end, _ = header_end(raw, 0, len(raw))
    return parse_header(raw, 0, end)


def field_values(header: Header, name: str) -> list[str]:
    """Every field of that name (lower case), decoded and in normal form."""
    return [_decoded(value) for value in header.all(name)]


def fields(header: Header) -> Iterator[tuple[str, str]]:
    """Every field: its name, and its value decoded and in normal form.

    TEXT looks into ``name: value``.
    """
    for name, value in header.fields:
        yield name, _decoded(value)


def body_text(raw: bytes) -> str:
    """The body in normal form: text parts, and headers of enclosed messages; HTML without tags.

    A message that cannot be read is taken as it stands.
    """
    return normal(_texts(raw))


def _decoded(value: bytes) -> str:
    return normal(decode_words(unfold(field_text(value))))


def _texts(raw: bytes) -> str:
    try:
        root = scan(raw).root
    except MessageMalformed:
        return raw.decode("utf-8", "replace")[:TEXT_CHARACTERS]
    texts: list[str] = []
    left = TEXT_CHARACTERS
    for part in root.walk():
        if left <= 0:
            break
        if part.message is not None:
            inner = part.message.header
            texts.extend(decode_words(unfold(field_text(value))) for _, value in inner.fields)
        elif part.media_type.startswith("text/") and not part.children:
            text = part.text(raw)[:left]
            left -= len(text)
            is_html = part.media_type == "text/html"
            texts.append(html.unescape(_TAG.sub("", text)) if is_html else text)
    return "\n".join(texts)
