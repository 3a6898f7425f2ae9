"""ENVELOPE, BODY and BODYSTRUCTURE as IMAP writes them: RFC 9051 §7.5.2, RFC 3501 §7.4.2.

Made once at delivery. What cannot be read as an address is shown as ``invalid-address@invalid``
with the field's text as its name, so that no client can read another address out of it.
"""

import re
from urllib.parse import quote

from mss_gateway.message.address import AddressMalformed, ListItem, parse_list
from mss_gateway.message.header import Header, field_text
from mss_gateway.message.parameters import Parameters
from mss_gateway.message.part import Part
from mss_gateway.message.words import display_safe, unfold

_QUOTABLE = re.compile(rb"[\x01-\x09\x0b\x0c\x0e-\x7f]*")
_SIMPLE = re.compile(rb"[ !#-\[\]-~]*")  # nothing to escape
_NIL = b"NIL"


def imap_string(value: bytes | None) -> bytes:
    """A quoted string, or a literal where there are 8-bit octets; NIL for None."""
    if value is None:
        return _NIL
    if _SIMPLE.fullmatch(value):
        return b'"' + value + b'"'
    if _QUOTABLE.fullmatch(value):
        value = value.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
        return b'"' + value + b'"'
    value = value.replace(b"\0", b"")
    return b"{%d}\r\n%b" % (len(value), value)


def envelope(header: Header) -> bytes:
    """The ENVELOPE of a message: encoded words are kept, the client decodes them."""
    authors = _addresses(header, "from")
    return b"(%b %b %b %b %b %b %b %b %b %b)" % (
        _field(header, "date"),
        _field(header, "subject"),
        authors,
        _addresses(header, "sender", authors),
        _addresses(header, "reply-to", authors),
        _addresses(header, "to"),
        _addresses(header, "cc"),
        _addresses(header, "bcc"),
        _field(header, "in-reply-to"),
        _field(header, "message-id"),
    )


def _field(header: Header, name: str) -> bytes:
    value = header.first(name)
    if value is None:
        return _NIL
    return imap_string(value.replace(b"\r\n", b"").strip(b" \t"))


def _addresses(header: Header, name: str, otherwise: bytes = _NIL) -> bytes:
    value = header.first(name)
    text = "" if value is None else unfold(field_text(value))
    if not text:
        return otherwise
    try:
        items = parse_list(text)
    except AddressMalformed:
        shown = imap_string(display_safe(text).encode("utf-8"))
        return b'((%b NIL "invalid-address" "invalid"))' % shown
    return b"(%b)" % b"".join([_address(item) for item in items]) if items else otherwise


def _address(item: ListItem) -> bytes:
    phrase = " ".join([text for _, text in item.phrase]).encode("utf-8", "replace")
    if item.spec is None or item.address is None:  # the start of a group names it, its end does not
        return b"(NIL NIL %b NIL)" % imap_string(phrase or None)
    local = item.spec.partition("@")[0]  # case kept: the client shows what the author wrote
    return b'(%b NIL "%b" "%b")' % (
        imap_string(phrase or None),
        local.encode("ascii"),
        item.address.domain.encode("ascii"),
    )


def structures(parts: list[Part], raw: bytes) -> tuple[bytes, bytes]:
    """BODY and BODYSTRUCTURE of a message: without and with the extension fields (§7.5.2).

    ``parts`` is the walk of the tree; it is built from the leaves up, without recursion.
    """
    done: dict[int, tuple[bytes, bytes]] = {}
    for part in reversed(parts):
        if part.children:
            done[id(part)] = _multipart(part, [done[id(child)] for child in part.children])
        else:
            inner = None if part.message is None else done[id(part.message)]
            done[id(part)] = _single(part, raw, inner)
    return done[id(parts[0])]


def _multipart(part: Part, children: list[tuple[bytes, bytes]]) -> tuple[bytes, bytes]:
    subtype = b'"%b"' % part.media_type.partition("/")[2].encode("ascii")
    return (
        b"(%b %b)" % (b"".join([plain for plain, _ in children]), subtype),
        b"(%b %b %b %b)"
        % (
            b"".join([extended for _, extended in children]),
            subtype,
            _parameters(part.parameters),
            _extension(part),
        ),
    )


def _single(part: Part, raw: bytes, inner: tuple[bytes, bytes] | None) -> tuple[bytes, bytes]:
    kind, _, subtype = part.media_type.partition("/")
    fields = b'"%b" "%b" %b %b %b %b %d' % (
        kind.encode("ascii"),
        subtype.encode("ascii"),
        _parameters(part.parameters),
        _content_field(part, "content-id"),
        _content_field(part, "content-description"),
        imap_string(part.encoding.encode("utf-8")),
        part.size,
    )
    extension = _content_field(part, "content-md5") + b" " + _extension(part)
    if inner is not None and part.message is not None:
        around = envelope(part.message.header)
        lines = part.line_count(raw)
        plain = b"%b %b %b %d" % (fields, around, inner[0], lines)
        extended = b"%b %b %b %d" % (fields, around, inner[1], lines)
        return b"(" + plain + b")", b"(" + extended + b" " + extension + b")"
    if kind == "text":
        fields += b" %d" % part.line_count(raw)
    return b"(" + fields + b")", b"(" + fields + b" " + extension + b")"


def _parameters(parameters: Parameters) -> bytes:
    if not parameters:
        return _NIL
    words = []
    for name, value in parameters:
        if not value.isascii():  # decoded from RFC 2231, and given back in that form
            name, value = name + "*", "utf-8''" + quote(value, safe="")
        words.append(b'"%b" %b' % (name.encode("ascii"), imap_string(value.encode("ascii"))))
    return b"(" + b" ".join(words) + b")"


def _extension(part: Part) -> bytes:
    """Disposition, language, location."""
    disposition = _NIL
    if part.disposition:
        disposition = b"(%b %b)" % (
            imap_string(part.disposition.encode("ascii")),
            _parameters(part.disposition_parameters),
        )
    languages = []
    if part.header.first("content-language") is not None:
        found = part.header.unfolded("content-language").split(",")
        languages = [imap_string(word.strip().encode("utf-8")) for word in found if word.strip()]
    return b"%b %b %b" % (
        disposition,
        b"(%b)" % b" ".join(languages) if languages else _NIL,
        _content_field(part, "content-location"),
    )


def _content_field(part: Part, name: str) -> bytes:
    if part.header.first(name) is None:
        return _NIL
    return imap_string(part.header.unfolded(name).encode("utf-8"))
