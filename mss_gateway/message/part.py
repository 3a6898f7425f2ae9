"""Part and Message: the tree that a scan gives, offsets into raw bytes that nobody copies.

A part knows where its header begins, where its body begins and ends, and what its Content fields
say; the bytes stay in ``Message.raw`` and are handed in to decode (RFC 2045 §6).
"""

import binascii
from collections.abc import Iterator
from dataclasses import dataclass

from mss_gateway.message.charsets import decode_text
from mss_gateway.message.header import Header, field_text
from mss_gateway.message.parameters import Parameters
from mss_gateway.message.words import decode_base64, decode_words, display_safe, unfold


@dataclass(frozen=True, slots=True)
class Part:
    """One entity of the tree (RFC 2045 §2.4)."""

    number: str
    """Its IMAP part number, ``1.2``; empty for the root of the message (RFC 9051 §6.4.5)."""
    header: Header
    media_type: str
    """``type/subtype`` in lower case, the default of RFC 2045 §5.2 where none is readable."""
    parameters: Parameters
    encoding: str
    """Content-Transfer-Encoding in lower case, ``7bit`` where none is given."""
    disposition: str
    """``attachment``, ``inline`` or another word in lower case; empty where none is given."""
    disposition_parameters: Parameters
    header_start: int
    body_start: int
    body_end: int
    children: tuple["Part", ...]
    message: "Part | None"
    """The root of the message inside a message/rfc822, whose body is that message."""

    def parameter(self, name: str) -> str:
        """The value of a Content-Type parameter, empty if absent."""
        return next((value for key, value in self.parameters if key == name), "")

    @property
    def filename(self) -> str:
        """The claimed name, decoded and safe to show; empty if none. Never a path to open."""
        for parameters, name in (
            (self.disposition_parameters, "filename"),
            (self.parameters, "name"),
        ):
            for key, value in parameters:
                if key == name:
                    return display_safe(decode_words(value))
        return ""

    @property
    def content_id(self) -> str | None:
        """Content-ID as written, brackets included (RFC 2045 §7)."""
        value = self.header.first("content-id")
        return None if value is None else unfold(field_text(value))

    @property
    def description(self) -> str | None:
        """Content-Description as written, encoded words kept (RFC 2045 §8)."""
        value = self.header.first("content-description")
        return None if value is None else unfold(field_text(value))

    @property
    def size(self) -> int:
        """Octets of the body as it travels."""
        return self.body_end - self.body_start

    def line_count(self, raw: bytes) -> int:
        """Line ends in the body as it travels (RFC 9051 §7.5.2, body size in lines)."""
        return raw.count(b"\n", self.body_start, self.body_end)

    def body(self, raw: bytes) -> memoryview:
        """The body as it travels, without a copy."""
        return memoryview(raw)[self.body_start : self.body_end]

    def decoded(self, raw: bytes) -> bytes:
        """The body without its transfer encoding; an unknown encoding is left as it is."""
        body = raw[self.body_start : self.body_end]
        if self.encoding == "base64":
            return decode_base64(body)
        if self.encoding == "quoted-printable":
            return binascii.a2b_qp(body)
        return body

    def decoded_head(self, raw: bytes, octets: int) -> bytes:
        """The first ``octets`` of the decoded body or more: enough for a look at its type."""
        # an octet takes three as quoted-printable; in base64 with its line ends, less than 3/2
        taken = octets * 3 // 2 + 64 if self.encoding == "base64" else 3 * octets
        end = min(self.body_end, self.body_start + taken)
        body = raw[self.body_start : end]
        if self.encoding == "base64":
            head = decode_base64(body, is_cut=end < self.body_end)
        elif self.encoding == "quoted-printable":
            head = binascii.a2b_qp(body)
        else:
            head = body
        # whoever stuffs an encoding with blanks gets all of it decoded
        is_enough = len(head) >= octets or end == self.body_end
        return head if is_enough else self.decoded(raw)

    def text(self, raw: bytes) -> str:
        """The decoded body as text of its charset, or of the nearest one that fits."""
        return decode_text(self.decoded(raw), self.parameter("charset") or "us-ascii")

    def walk(self, *, into_messages: bool = True) -> Iterator["Part"]:
        """This part and all below it, in the order of the message."""
        stack = [self]
        while stack:
            part = stack.pop()
            yield part
            stack.extend(reversed(part.children))
            if part.message is not None and into_messages:
                stack.append(part.message)


@dataclass(frozen=True, slots=True)
class Message:
    """A scanned message: its raw bytes, exactly as received, and the tree over them."""

    raw: bytes
    root: Part

    @property
    def header(self) -> Header:
        """The header of the message."""
        return self.root.header


def is_signature(part: Part) -> bool:
    """The detached signature of a multipart/signed: shown as a status, not as an attachment."""
    return part.media_type in ("application/pkcs7-signature", "application/x-pkcs7-signature")


def is_shown_as_text(part: Part) -> bool:
    """Text that belongs to the body: plain or HTML, neither attached nor named."""
    return (
        part.media_type in ("text/plain", "text/html")
        and part.disposition in ("", "inline")
        and not part.filename
    )


def is_attachment(part: Part) -> bool:
    """A leaf that a person finds among the attachments, an enclosed message included."""
    return not part.children and not is_signature(part) and not is_shown_as_text(part)
