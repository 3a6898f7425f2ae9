"""The first words of a message, for a list of messages: RFC 8970 §3.2."""

import html
import re
from typing import Final

from mss_gateway.message.charsets import decode_text
from mss_gateway.message.part import Message, Part, is_shown_as_text
from mss_gateway.message.words import display_safe

MAX_CHARACTERS: Final = 200
"""RFC 8970 §3.2 allows 256."""

LOOKED_AT: Final = 4_096
"""Decoded octets of the text that are looked at; a letter says its first words sooner."""

_UNSEEN = re.compile(r"<(style|script|head|title)\b.*?(</\1\s*>|\Z)|<!--.*?(-->|\Z)", re.I | re.S)
_TAG = re.compile(r"<[^<>]*(>|\Z)")
_QUOTED_LINE = re.compile(r"^>.*$", re.MULTILINE)


def preview(message: Message) -> str:
    """Up to 200 characters on one line, safe to show; empty when there is no text to show."""
    part = _text_part(message)
    if part is None:
        return ""
    octets = part.decoded_head(message.raw, LOOKED_AT)[:LOOKED_AT]
    text = decode_text(octets, part.parameter("charset") or "us-ascii")
    if part.media_type == "text/html":
        text = without_tags(text)
    elif ">" in text:
        text = _QUOTED_LINE.sub("", text)
    return display_safe(" ".join(text.split()), limit=MAX_CHARACTERS)


def without_tags(text: str) -> str:
    """The words of an HTML text, in their order; what a browser does not draw is left out."""
    return html.unescape(_TAG.sub(" ", _UNSEEN.sub(" ", text)))


def _text_part(message: Message) -> Part | None:
    """The first plain text, else the first text; what is enclosed is not the author's letter."""
    texts = [part for part in message.root.walk(into_messages=False) if is_shown_as_text(part)]
    plain = (part for part in texts if part.media_type == "text/plain")
    return next(plain, texts[0] if texts else None)
