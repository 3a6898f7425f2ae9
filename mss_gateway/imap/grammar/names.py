"""Mailbox names on the wire: modified UTF-7, RFC 3501 §5.1.3; UTF-8, RFC 9051 §5.1."""

import binascii
import re
import unicodedata

_SHIFTED = re.compile(r"&([A-Za-z0-9+,]*)-")
_TO_SHIFT = re.compile(r"&|[^\x20-\x7e]+")


class NotCanonical(ValueError):
    """These octets are not the one encoding of any name."""


def encode(name: str) -> bytes:
    """``name`` as modified UTF-7; printable US-ASCII stands for itself, ``&`` becomes ``&-``."""
    return _TO_SHIFT.sub(_shift, name).encode("ascii")


def _shift(found: re.Match[str]) -> str:
    if found[0] == "&":
        return "&-"
    packed = binascii.b2a_base64(found[0].encode("utf-16-be"), newline=False)
    return "&" + packed.rstrip(b"=").replace(b"/", b",").decode("ascii") + "-"


def decode(octets: bytes) -> str:
    """The name that ``octets`` say; raises ``NotCanonical`` unless they are its only encoding.

    One name has one encoding, RFC 3501 §5.1.3: comparing after a round trip refuses superfluous
    shifts, encoded US-ASCII, stray bits and lone surrogates together.
    """
    try:
        name = _SHIFTED.sub(_unshift, octets.decode("ascii"))
    except ValueError:  # no US-ASCII, no base64, or no UTF-16
        raise NotCanonical(octets) from None
    if encode(name) != octets:
        raise NotCanonical(octets)
    return name


def _unshift(found: re.Match[str]) -> str:
    inner = found[1]
    if not inner:
        return "&"
    padded = inner.replace(",", "/") + "=" * (-len(inner) % 4)
    return binascii.a2b_base64(padded).decode("utf-16-be")


def decode_utf8(octets: bytes) -> str:
    """The name that ``octets`` say in UTF-8; raises ``NotCanonical`` unless it is Net-Unicode.

    RFC 5198 §3: composed (NFC). What is not is refused, so that one name has one encoding.
    """
    try:
        name = octets.decode("utf-8")
    except UnicodeDecodeError:
        raise NotCanonical(octets) from None
    if not unicodedata.is_normalized("NFC", name):
        raise NotCanonical(octets)
    return name
