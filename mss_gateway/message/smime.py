"""The MIME side of S/MIME: RFC 8551 §3, RFC 1847 §2.1. Signing and sealing are handed in.

The Content fields of a message move into the entity that is protected, every other field stays
outside, in order. CMS counts only at the root of a message: deeper it is an attachment (T21, T23).
"""

import binascii
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from mss_gateway.message.header import Header, header_end, parse_header
from mss_gateway.message.part import Message, is_signature

Kind = Literal["signed", "enveloped", "auth-enveloped", "other"]

_LINE = 76  # characters of base64, RFC 2045 §6.8
_OIDS: dict[bytes, Kind] = {
    bytes.fromhex("06092a864886f70d010702"): "signed",
    bytes.fromhex("06092a864886f70d010703"): "enveloped",
    bytes.fromhex("060b2a864886f70d0109100117"): "auth-enveloped",
}
_OID_WINDOW = 32  # a SEQUENCE with the longest length form comes before the content type


@dataclass(frozen=True, slots=True)
class SignedEntity:
    """A multipart/signed taken apart: the exact bytes that were signed, the DER signature."""

    content: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Pkcs7:
    """An application/pkcs7-mime at the root: what its own content type says it is, its DER."""

    kind: Kind
    der: bytes


def wrap_signed(raw: bytes, sign: Callable[[bytes], bytes], micalg: str = "sha-256") -> bytes:
    """``raw`` as multipart/signed, clear-signed by ``sign`` (RFC 8551 §3.5.3).

    ``sign`` gets the exact bytes of the inner entity and returns a detached signed-data in DER.
    A message of 20 MB is copied twice. Raises MessageMalformed for an unreadable header.
    """
    outer, inner = _split(raw)
    signature = sign(inner)
    boundary = _boundary(inner)
    return b"".join(
        (
            outer,
            b'Content-Type: multipart/signed; protocol="application/pkcs7-signature";\r\n'
            b"\tmicalg=%b;\r\n"
            b'\tboundary="%b"\r\n'
            b"\r\n"
            b"This is an S/MIME signed message\r\n"
            b"\r\n"
            b"--%b\r\n" % (micalg.encode("ascii"), boundary, boundary),
            inner,
            b"\r\n--%b\r\n"
            b'Content-Type: application/pkcs7-signature; name="smime.p7s"\r\n'
            b"Content-Transfer-Encoding: base64\r\n"
            b'Content-Disposition: attachment; filename="smime.p7s"\r\n'
            b"\r\n" % boundary,
            base64_lines(signature),
            b"\r\n--%b--\r\n" % boundary,
        )
    )


def wrap_enveloped(raw: bytes, seal: Callable[[bytes], bytes]) -> bytes:
    """``raw`` with its whole content sealed by ``seal``, which returns enveloped-data in DER.

    RFC 8551 §3.3. The outer header keeps every field that is not a Content field.
    """
    outer, inner = _split(raw)
    return b"".join(
        (
            outer,
            b"Content-Type: application/pkcs7-mime; smime-type=enveloped-data;\r\n"
            b'\tname="smime.p7m"\r\n'
            b"Content-Transfer-Encoding: base64\r\n"
            b'Content-Disposition: attachment; filename="smime.p7m"\r\n'
            b"\r\n",
            base64_lines(seal(inner)),
        )
    )


def replace_content(outer: bytes, entity: bytes) -> bytes:
    """The opened form of a message: the fields of ``outer``, the content of ``entity``.

    Of the entity's header only the Content fields are taken: a From inside cannot join the one
    outside. Raises MessageMalformed for an unreadable header.
    """
    kept, _ = _split_fields(outer, _header(outer)[0])
    header, body_start = _header(entity)
    _, content = _split_fields(entity, header)
    return b"".join(
        (kept, _mime_version(_header(outer)[0]), content, b"\r\n", memoryview(entity)[body_start:])
    )


def find_signed(message: Message) -> SignedEntity | None:
    """The signed entity of a message whose root is multipart/signed by CMS; None for any other.

    Exactly two parts, the second being the signature (RFC 1847 §2.1).
    """
    root = message.root
    protocol = root.parameter("protocol").lower()
    if (
        root.media_type != "multipart/signed"
        or protocol not in ("application/pkcs7-signature", "application/x-pkcs7-signature")
        or len(root.children) != 2
        or not is_signature(root.children[1])
    ):
        return None
    content, signature = root.children
    return SignedEntity(
        message.raw[content.header_start : content.body_end], signature.decoded(message.raw)
    )


def find_pkcs7(message: Message) -> Pkcs7 | None:
    """The CMS content of a message whose root is application/pkcs7-mime; None for any other.

    The kind is what the DER says, not what ``smime-type`` claims (RFC 8551 §3.2.2).
    """
    root = message.root
    if root.media_type not in ("application/pkcs7-mime", "application/x-pkcs7-mime"):
        return None
    der = root.decoded(message.raw)
    found: dict[int, Kind] = {der.find(oid, 0, _OID_WINDOW): kind for oid, kind in _OIDS.items()}
    found.pop(-1, None)
    return Pkcs7(found[min(found)] if found else "other", der)


def base64_lines(octets: bytes) -> bytes:
    """Base64 in lines of 76 characters, each ended by CRLF (RFC 2045 §6.8)."""
    text = binascii.b2a_base64(octets, newline=False)
    lines = [text[start : start + _LINE] for start in range(0, len(text), _LINE)]
    lines.append(b"")
    return b"\r\n".join(lines)


def _header(raw: bytes) -> tuple[Header, int]:
    fields_end, body_start = header_end(raw, 0, len(raw))
    return parse_header(raw, 0, fields_end), body_start


def _split(raw: bytes) -> tuple[bytes, bytes]:
    """The outer fields with their MIME-Version, and the inner entity."""
    header, body_start = _header(raw)
    outer, content = _split_fields(raw, header)
    body = memoryview(raw)[body_start:]
    if header.first("content-type") is None:
        content += _default_type(b"" if raw.isascii() else raw[body_start:], header)
    return outer + _mime_version(header), b"".join((content, b"\r\n", body))


def _split_fields(raw: bytes, header: Header) -> tuple[bytes, bytes]:
    """The fields that are not Content fields, and those that are, each ending in CRLF."""
    outer: list[bytes] = []
    content: list[bytes] = []
    for name, start, end in header.places():
        field = raw[start:end]
        (content if name.startswith("content-") else outer).append(
            field if field.endswith(b"\r\n") else field + b"\r\n"
        )
    return b"".join(outer), b"".join(content)


def _mime_version(header: Header) -> bytes:
    return b"" if header.first("mime-version") is not None else b"MIME-Version: 1.0\r\n"


def _default_type(body: bytes, header: Header) -> bytes:
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


def _boundary(inner: bytes) -> bytes:
    """A boundary that does not occur in the entity; the same entity always gets the same one."""
    seed = hashlib.sha256(inner[:4096] + len(inner).to_bytes(8, "big"))
    while True:
        boundary = b"mss-" + seed.hexdigest()[:32].encode("ascii")
        if boundary not in inner:
            return boundary
        seed.update(b"again")
