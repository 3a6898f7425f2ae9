"""Header protection both ways: the fields of a message under its signature (RFC 9788).

``protect`` puts a copy of the fields into what is signed or enveloped; for an envelope the outer
Subject becomes a neutral one and Keywords and Comments go (the policy hcp_baseline of RFC 9788
§3.2.1 with another word for ``[...]``). ``opened`` makes the protected fields the message's own:
what was added outside on the way, a Cc or an In-Reply-To, is not the author's and goes. Addresses,
dates, identifiers and the X-MSS fields stay readable outside, as routing needs them.

``legacy_display`` repeats the Subject in the text for programs that know none of this.
"""

from collections.abc import Container
from dataclasses import dataclass
from typing import Final

from mss_gateway.message.content_type import mark_type
from mss_gateway.message.entities import (
    default_type,
    mime_version,
    read_header,
    replace_content,
    split,
    split_fields,
)
from mss_gateway.message.header import Header, field_text, parse_header
from mss_gateway.message.header_differences import authors_differ, differing, recorded
from mss_gateway.message.layers import LAYERS, find_signed, layer
from mss_gateway.message.parameters import parse_parameters
from mss_gateway.message.parse import scan
from mss_gateway.message.part import Message
from mss_gateway.message.words import encode_words

VERDICT_FIELDS: Final = frozenset(
    {"x-mss-signature", "x-mss-dechiffrement", "authentication-results"}
)
"""Fields that only the gateway that delivers may write: not let in, from inside or outside."""

TRACE_FIELDS: Final = frozenset(
    {
        "return-path",
        "received",
        "delivered-to",
        "dkim-signature",
        "arc-seal",
        "arc-message-signature",
        "arc-authentication-results",
        *VERDICT_FIELDS,
    }
)
"""Fields that servers write on the way: never copied inside, and kept when a message is opened."""

_NEVER_INSIDE = TRACE_FIELDS | {"bcc", "resent-bcc", "mime-version", "hp-outer"}
_INSIDE_ONLY = frozenset({"x-mss-destinataires"})
_REMOVED_OUTSIDE = frozenset({"keywords", "comments"})
_ADDED_ON_THE_WAY = frozenset({"x-mss-nil", "x-mss-codecda", "x-mss-ins"})
"""Fields that describe and order nothing: another operator may have added them after signing."""
_NEEDED = frozenset({"from", "date", "message-id"})
"""What a message cannot do without: taken from outside where the protected fields lack it."""
_LINE = 960  # of 998 (RFC 5322 §2.1.1), so that a name fits before it

_OF_PROTECTION = frozenset({"hp", "protected-headers"})


@dataclass(frozen=True, slots=True)
class Protected:
    """The fields that stay outside, each ending in CRLF, and the entity to sign or seal."""

    outer: bytes
    inner: bytes


@dataclass(frozen=True, slots=True)
class Unprotected:
    """A message whose protected fields are its own again.

    ``protected`` holds those fields, None for a message without header protection, whose fields
    are the outer ones as ever. ``from_differs``: outside stands another author than inside, or one
    of the two cannot be read (RFC 9788 §4.4); the caller may not believe either without more.
    ``differing`` names the fields, in lower case, that are outside not what the author left there.
    """

    raw: bytes
    protected: Header | None
    from_differs: bool
    differing: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Found:
    """Protected fields: the header they stand in, its bytes, where the shown content begins."""

    header: Header
    source: bytes
    mode: str
    """``clear``, ``cipher``, ``v1`` (the scheme before) or ``whole`` (RFC 8551 §3.1)."""


def protect(
    raw: bytes, *, for_encryption: bool, neutral_subject: str, whole: bool = False
) -> Protected:
    """``raw`` with its fields inside the entity, marked ``hp="cipher"`` or ``hp="clear"``.

    RFC 9788 §2.1 and §5.2. ``neutral_subject`` stands outside of what will be encrypted.
    ``whole`` puts all of the message inside as message/rfc822 instead, for readers that know only
    RFC 8551 §3.1. What is CMS already, by its author's own program, is only split: its fields
    belong below that signature or nowhere. Raises MessageMalformed for an unreadable header, and
    for one that is too long to stand three times.
    """
    header, body_start = read_header(raw)
    if _may_be_cms(header) and layer(scan(raw)) is not None:
        outer_fields, entity = split(raw)
        return Protected(_without(outer_fields, _INSIDE_ONLY), entity)
    outer: list[bytes] = []
    inner: list[bytes] = []
    outside_lines: list[bytes] = []
    for name, start, end in header.places():
        field = _ended(raw[start:end])
        if name.startswith("content-") or name == "hp-outer":
            continue
        if name not in _NEVER_INSIDE:
            inner.append(field)
        outside = _outside(name, field, neutral_subject) if for_encryption else field
        if name in _INSIDE_ONLY or outside is None:
            continue
        outer.append(outside)
        if for_encryption and name not in _NEVER_INSIDE:
            outside_lines.append(_recorded(outside))
    content = _content_fields(raw, header, body_start)
    body = memoryview(raw)[body_start:]
    if whole:
        encoding = b"" if raw.isascii() else b"Content-Transfer-Encoding: 8bit\r\n"
        fields = b"Content-Type: message/rfc822\r\n" + encoding + b"\r\n" + b"".join(inner)
        fields += b"MIME-Version: 1.0\r\n" + content
    else:
        marked = mark_type(content, "hp", "cipher" if for_encryption else "clear", _OF_PROTECTION)
        fields = b"".join((*inner, *outside_lines, marked))
        parse_header(fields, 0, len(fields))  # above a limit, it could not be read again
    return Protected(b"".join(outer) + mime_version(header), b"".join((fields, b"\r\n", body)))


def _may_be_cms(header: Header) -> bool:
    """False for most messages, which need not be scanned to be known as no layer of CMS."""
    media_type = parse_parameters(field_text(header.first("content-type") or b"text/plain"))[0]
    return media_type == "multipart/signed" or not media_type.startswith(("multipart/", "text/"))


def conceal(outer: bytes, inner: bytes, neutral_subject: str) -> bytes:
    """The outer fields of a message that was signed before and is enveloped now.

    Unless the entity ``inner`` is seen to hold protected fields, ``outer`` stays as it is: a
    Subject that may stand nowhere else would be lost.
    """
    if not is_protected(inner):
        return outer
    kept = (
        _outside(name, _ended(outer[start:end]), neutral_subject)
        for name, start, end in read_header(outer)[0].places()
    )
    return b"".join([field for field in kept if field is not None])


def opened(outer: bytes, entity: bytes, payload: bytes | None = None) -> Unprotected:
    """The message of the fields ``outer`` whose protection was taken off, leaving ``entity``.

    ``payload`` is the innermost entity, where the protected fields stand; it is looked for in
    ``entity`` through multipart/signed when not given (an opaque signature hides it). Only a
    caller that verified or opened ``entity`` may ask. Raises MessageMalformed.
    """
    payload = payload_of(entity) if payload is None else payload
    found = None if payload is None else _find(scan(payload))
    if found is None:
        return Unprotected(replace_content(outer, entity), None, False, frozenset())
    header = read_header(outer)[0]
    fields = _own_fields(outer, header, found)
    content = found.source if found.mode == "whole" and entity is payload else entity
    raw = replace_content(fields, content)
    return Unprotected(
        raw, found.header, authors_differ(header, found.header), _differing(header, found)
    )


def payload_of(entity: bytes) -> bytes | None:
    """What stands under the visible signatures of ``entity``; None where CMS hides it."""
    for _ in range(LAYERS + 1):
        message = scan(entity)
        signed = find_signed(message)
        if signed is None:
            return None if layer(message) is not None else entity
        entity = signed.content
    return None


def is_protected(entity: bytes) -> bool | None:
    """Whether ``entity`` holds protected fields; None where CMS hides it."""
    payload = payload_of(entity)
    return None if payload is None else _find(scan(payload)) is not None


def _find(message: Message) -> _Found | None:
    """The protected fields of a payload (RFC 9788 §4.2), in any scheme that is read."""
    root = message.root
    claims = _claims(root.header)
    mode = claims.get("hp", "").lower()
    if mode in ("clear", "cipher"):
        return _Found(root.header, message.raw, mode)
    if claims.get("protected-headers", "").lower() == "v1":
        return _Found(root.header, message.raw, "v1")
    inside = root.message
    if inside is None or "hp" in _claims(inside.header):
        return None
    source = message.raw[inside.header_start : inside.body_end]
    wrapped = scan(source)
    if layer(wrapped) is not None:  # RFC 9788 §4.10.1: that is a message of its own
        return None
    return _Found(wrapped.header, source, "whole")


def _claims(header: Header) -> dict[str, str]:
    """The parameters of Content-Type as written, also where it is then read as plain text."""
    return dict(parse_parameters(field_text(header.first("content-type") or b""))[1])


def _own_fields(outer: bytes, header: Header, found: _Found) -> bytes:
    """Trace from outside, all else from inside."""
    inside = found.header
    fallback = (
        (lambda name: name not in _INSIDE_ONLY)
        if found.mode == "v1"
        else (_NEEDED | _ADDED_ON_THE_WAY).__contains__
    )
    fields = [
        _ended(outer[start:end])
        for name, start, end in header.places()
        if name in TRACE_FIELDS or (inside.first(name) is None and fallback(name))
    ]
    for name, start, end in inside.places():
        if name not in _NEVER_INSIDE and not name.startswith("content-"):
            fields.append(_ended(found.source[start:end]))
    return b"".join(fields)


def _differing(outer: Header, found: _Found) -> frozenset[str]:
    left = recorded(found.header) if found.mode == "cipher" else found.header.fields
    ignored = TRACE_FIELDS | _NEVER_INSIDE | _INSIDE_ONLY
    return differing(outer.fields, left, ignored)


def _outside(name: str, field: bytes, neutral_subject: str) -> bytes | None:
    """A field as it stands outside of an envelope; None where it stands inside only."""
    if name in _REMOVED_OUTSIDE or name in _INSIDE_ONLY:
        return None
    if name != "subject":
        return field
    if not neutral_subject.isprintable():
        raise ValueError("a neutral subject is one line")
    return f"Subject: {' '.join(encode_words(neutral_subject))}\r\n".encode("ascii")


def _recorded(field: bytes) -> bytes:
    """``field`` as HP-Outer records it (RFC 9788 §2.2)."""
    is_long = field.index(b"\r\n") > _LINE
    return (b"HP-Outer:\r\n " if is_long else b"HP-Outer: ") + field


def _content_fields(raw: bytes, header: Header, body_start: int) -> bytes:
    content = split_fields(raw, header)[1]
    if header.first("content-type") is None:
        content += default_type(b"" if raw.isascii() else raw[body_start:], header)
    return content


def _without(fields: bytes, names: Container[str]) -> bytes:
    places = read_header(fields)[0].places()
    return b"".join([fields[start:end] for name, start, end in places if name not in names])


def _ended(field: bytes) -> bytes:
    return field if field.endswith(b"\r\n") else field + b"\r\n"
