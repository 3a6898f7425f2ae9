"""Outgoing messages: values to bytes, and the few changes made to a header on its way.

Every value that becomes part of a header is refused if it holds CR, LF or NUL (T15); every line
ends in CRLF and has at most 998 octets (RFC 5322 §2.1.1), headers being folded at 78.
"""

import binascii
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from mss_gateway.message.address import EmailAddress, Mailbox, parse_author, parse_list
from mss_gateway.message.base64_lines import base64_lines
from mss_gateway.message.boundaries import new_boundary
from mss_gateway.message.dates import date_field
from mss_gateway.message.header import Header, field_text, header_end, parse_header
from mss_gateway.message.parameters import parameter_words
from mss_gateway.message.words import encode_words

_FOLD_AT = 78
_LINE_LIMIT = 998
_ATOM = frozenset(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-/=?^_`{|}~"
)
_QUOTABLE = frozenset(chr(code) for code in range(32, 127)) - {'"', "\\"}
_NAME = frozenset(chr(code) for code in range(33, 127)) - {":"}


class HeaderInjection(ValueError):
    """A header value with CR, LF or NUL in it: somebody tries to write another field."""


@dataclass(frozen=True, slots=True)
class OutgoingFile:
    """A file to attach: the name shown to the receiver, its media type, its bytes."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What a person wrote in the webmail, ready to become a message."""

    author: Mailbox
    recipients: tuple[Mailbox, ...]
    subject: str
    text: str
    message_id: str
    moment: datetime
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    files: tuple[OutgoingFile, ...] = ()
    extra_fields: tuple[tuple[str, str], ...] = ()


def compose(outgoing: Outgoing) -> bytes:
    """The message of ``outgoing``. Raises HeaderInjection for CR, LF or NUL in a header value."""
    fields = [
        fold_field("From", _mailbox_words([outgoing.author])),
        *[fold_field("To", _mailbox_words(outgoing.recipients)) for _ in outgoing.recipients[:1]],
        text_field("Subject", outgoing.subject),
        fold_field("Date", [date_field(outgoing.moment)]),
        fold_field("Message-ID", [outgoing.message_id]),
    ]
    if outgoing.in_reply_to:
        fields.append(fold_field("In-Reply-To", [outgoing.in_reply_to]))
    if outgoing.references:
        fields.append(fold_field("References", list(outgoing.references)))
    fields += [text_field(name, value) for name, value in outgoing.extra_fields]
    fields.append(b"MIME-Version: 1.0\r\n")
    text = text_entity(outgoing.text)
    if not outgoing.files:
        return b"".join((*fields, text))
    parts = [text, *[_file_entity(file) for file in outgoing.files]]
    return b"".join((*fields, multipart("mixed", parts)))


def multipart(subtype: str, entities: list[bytes], parameters: str = "") -> bytes:
    """A multipart entity of ``entities``, from its Content-Type to its closing delimiter."""
    boundary = new_boundary()
    kind = f'Content-Type: multipart/{subtype}; {parameters}boundary="'.encode("ascii")
    pieces = [kind, boundary, b'"\r\n\r\n']
    for entity in entities:
        pieces += [b"--", boundary, b"\r\n", entity, b"\r\n"]
    pieces += [b"--", boundary, b"--\r\n"]
    return b"".join(pieces)


def text_entity(text: str) -> bytes:
    """A text/plain entity in UTF-8, line ends made CRLF, quoted-printable or base64."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n")
    octets = lines.encode("utf-8", "replace")
    head = b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: "
    if octets.isascii() and b"\0" not in octets and _longest_line(octets) <= _LINE_LIMIT:
        return head + b"7bit\r\n\r\n" + octets
    if b"\0" in octets or sum(octet > 126 for octet in octets[:10_000]) > 2_500:
        return head + b"base64\r\n\r\n" + base64_lines(octets)
    return head + b"quoted-printable\r\n\r\n" + _quoted_printable(octets)


def _quoted_printable(octets: bytes) -> bytes:
    """RFC 2045 §6.7, line by line so that soft breaks are CRLF too."""
    lines = [
        binascii.b2a_qp(line, quotetabs=False, istext=False).replace(b"=\n", b"=\r\n")
        for line in octets.split(b"\r\n")
    ]
    return b"\r\n".join(lines)


def _longest_line(octets: bytes) -> int:
    return max(map(len, octets.split(b"\r\n")))


def _file_entity(file: OutgoingFile) -> bytes:
    """A file in base64: its name by RFC 2231, and in ASCII where old programs look for one."""
    for word in (file.name, file.media_type):
        _refuse_injection(word)
    kind, _, subtype = file.media_type.partition("/")
    if not kind or not subtype or not set(kind + subtype) <= _ATOM | {"."}:
        raise HeaderInjection("not a media type")
    name = "".join(char if char in _QUOTABLE else "_" for char in file.name)
    disposition = (
        [f'filename="{name}"'] if name == file.name else parameter_words("filename", file.name)
    )
    return b"".join(
        (
            fold_field("Content-Type", [f"{file.media_type};", f'name="{name}"']),
            b"Content-Transfer-Encoding: base64\r\n",
            fold_field("Content-Disposition", ["attachment;", *disposition]),
            b"\r\n",
            base64_lines(file.content),
        )
    )


def text_field(name: str, value: str) -> bytes:
    """A field of unstructured text, encoded where it must be (RFC 2047 §5)."""
    _refuse_injection(value)
    return fold_field(name, encode_words(value))


def fold_field(name: str, words: list[str]) -> bytes:
    """``name: words`` folded before a word that would pass column 78 (RFC 5322 §2.2.3).

    Raises HeaderInjection for CR, LF or NUL, for a name that is no field name, and for a word
    that no fold can bring under 998 octets.
    """
    if not name or not set(name) <= _NAME:
        raise HeaderInjection("not a field name")
    lines = [f"{name}:"]
    for word in words:
        _refuse_injection(word)
        if len(lines[-1]) + 1 + len(word) > _FOLD_AT and not (len(lines) == 1 and word == ""):
            lines.append(f" {word}")
        else:
            lines[-1] += f" {word}"
    octets = "\r\n".join(lines).encode("utf-8", "strict")
    if _longest_line(octets) > _LINE_LIMIT:
        raise HeaderInjection("a word longer than a line")
    return octets + b"\r\n"


def _refuse_injection(value: str) -> None:
    if "\r" in value or "\n" in value or "\0" in value:
        raise HeaderInjection("a line end inside a header value")


def _mailbox_words(mailboxes: Iterable[Mailbox]) -> list[str]:
    words: list[str] = []
    for mailbox in mailboxes:
        words += phrase_words(mailbox.display_name, mailbox.address)
        words[-1] += ","
    if words:
        words[-1] = words[-1].removesuffix(",")
    return words


def phrase_words(display_name: str, address: EmailAddress | str) -> list[str]:
    """``display_name <address>`` as words to fold: quoted where ASCII asks it, else encoded."""
    _refuse_injection(display_name)
    if not display_name:
        return [f"<{address}>"]
    if not display_name.isascii() or not display_name.isprintable() or "=?" in display_name:
        return [*encode_words(display_name), f"<{address}>"]
    if set(display_name) <= _ATOM | {" "} and "  " not in display_name.strip():
        return [*display_name.split(), f"<{address}>"]
    quoted = display_name.replace("\\", "\\\\").replace('"', '\\"')
    return [f'"{quoted}"', f"<{address}>"]


def rewrite_from_display(raw: bytes, display_name: str) -> bytes:
    """``raw`` with the display name of its only From replaced; address and all else stay.

    Raises AddressMalformed when there is not exactly one author in one field.
    """
    header = _header(raw)
    values = header.all("from")
    value = field_text(values[0]) if len(values) == 1 else ""
    parse_author(value)
    as_written = parse_list(value)[0].spec or ""
    field = fold_field("From", phrase_words(display_name, as_written))
    return _replace(raw, header, "from", field)


def add_fields(raw: bytes, fields: Iterable[tuple[str, str]]) -> bytes:
    """``raw`` with fields put before its header, in the order given."""
    return b"".join([*[text_field(name, value) for name, value in fields], raw])


def remove_fields(raw: bytes, names: Iterable[str]) -> bytes:
    """``raw`` without the fields of those names, in any case; every other byte stays."""
    wanted = {name.lower() for name in names}
    header = _header(raw)
    kept = [raw[start:end] for name, start, end in header.places() if name not in wanted]
    return b"".join((*kept, memoryview(raw)[header.end :]))


def _header(raw: bytes) -> Header:
    return parse_header(raw, 0, header_end(raw, 0, len(raw))[0])


def _replace(raw: bytes, header: Header, wanted: str, field: bytes) -> bytes:
    for name, start, end in header.places():
        if name == wanted:
            view = memoryview(raw)
            return b"".join((view[:start], field, view[end:]))
    return raw
