"""Attachments and the text to show: what a person finds in a message.

The type of an attachment is sniffed from its bytes; its claimed name and type are only shown
(T29). Nothing is decoded before it is asked for.
"""

from dataclasses import dataclass

from mss_gateway.message.legacy_display import without_legacy_display
from mss_gateway.message.part import Message, Part, is_attachment, is_shown_as_text
from mss_gateway.message.sniff import (
    HEAD,
    SCRIPT,
    ZIP,
    forbidden_inside_zip,
    is_forbidden,
    needs_all,
    sniff,
)
from mss_gateway.message.words import display_safe

NAME_LIMIT = 150
SHOWN_TEXT_LIMIT = 1_000_000  # characters; what a browser lays out in a second


@dataclass(frozen=True, slots=True)
class Attachment:
    """One attachment of a message; ``claimed_name`` may be empty and is never a path."""

    number: str
    claimed_name: str
    claimed_type: str
    part: Part
    raw: bytes

    def content(self) -> bytes:
        """The decoded bytes."""
        return self.part.decoded(self.raw)

    @property
    def sniffed_type(self) -> str:
        """The media type that the bytes show; decodes the attachment."""
        if self.part.message is not None:
            return "message/rfc822"
        return sniff(self.content())

    @property
    def size(self) -> int:
        """Decoded octets; for base64 computed from its length, exact when canonical."""
        return decoded_size(self.part, self.raw)


@dataclass(frozen=True, slots=True)
class BodyText:
    """What to show as the text of a message: one or both forms of the same text, or none."""

    plain: str | None
    html: str | None


def attachments(message: Message) -> tuple[Attachment, ...]:
    """The attachments, in order; a message enclosed is one attachment and is not opened."""
    return tuple(
        [
            _attachment(part, message.raw)
            for part in message.root.walk(into_messages=False)
            if is_attachment(part)
        ]
    )


def _attachment(part: Part, raw: bytes) -> Attachment:
    name = safe_name(part.filename)
    return Attachment(part.number or "1", name, part.media_type, part, raw)


def safe_name(name: str) -> str:
    """A claimed file name as it may be shown: no separators, no leading dots, 150 characters."""
    flat = name.replace("/", "_").replace("\\", "_")
    name = display_safe(flat, limit=NAME_LIMIT * 4).lstrip(". ")
    if len(name) <= NAME_LIMIT:
        return name
    stem, dot, suffix = name.rpartition(".")
    if not dot or len(suffix) > 10:
        return name[:NAME_LIMIT]
    return stem[: NAME_LIMIT - len(suffix) - 1] + "." + suffix


def decoded_size(part: Part, raw: bytes) -> int:
    """Octets of the decoded body; not decoded when it is base64."""
    if part.encoding != "base64":
        return len(part.decoded(raw)) if part.encoding == "quoted-printable" else part.size
    breaks = raw.count(b"\r\n", part.body_start, part.body_end) * 2
    tail = raw[max(part.body_start, part.body_end - 8) : part.body_end]
    return max(0, (part.size - breaks) * 3 // 4 - tail.count(b"="))


def forbidden_part(message: Message) -> str | None:
    """The number of the first part that may not travel, by its content; None if all may.

    Looks at every leaf, those of enclosed messages and the inside of zips included. The text of
    the message itself is not taken for a script: it is shown, never run.
    """
    for part in message.root.walk():
        if part.children or part.message is not None:
            continue
        content = part.decoded_head(message.raw, HEAD)
        if needs_all(content):
            content = part.decoded(message.raw)
        media_type = sniff(content)
        if media_type == SCRIPT and is_shown_as_text(part):
            continue
        if is_forbidden(media_type) or (
            media_type == ZIP and forbidden_inside_zip(content) is not None
        ):
            return part.number or "1"
    return None


def body_text(message: Message, *, repeats_fields: bool = False) -> BodyText:
    """The text to show: the first text of the body, and its other form in the same alternative.

    Never two texts joined (T21), never the text of an enclosed message; at most one million
    characters of each form. ``repeats_fields``: without the fields that its author repeated for
    other programs (``legacy_display``).
    """
    alternative: Part | None = None
    for part in message.root.walk(into_messages=False):
        if part.media_type == "multipart/alternative" and alternative is None:
            alternative = part
        if not part.children and is_shown_as_text(part):
            within = [part] if alternative is None else list(_texts(alternative))
            chosen = within if any(one is part for one in within) else [part]
            plain, html = (
                _first(chosen, media_type, message.raw, repeats_fields)
                for media_type in ("text/plain", "text/html")
            )
            return BodyText(plain, html)
    return BodyText(None, None)


def _texts(alternative: Part) -> list[Part]:
    found = alternative.walk(into_messages=False)
    return [part for part in found if not part.children and is_shown_as_text(part)]


def _first(parts: list[Part], media_type: str, raw: bytes, repeats_fields: bool) -> str | None:
    for part in parts:
        if part.media_type == media_type:
            text = part.text(raw)
            shown = without_legacy_display(part, text) if repeats_fields else text
            return shown[:SHOWN_TEXT_LIMIT]
    return None
