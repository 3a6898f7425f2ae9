"""Text inside header fields: unfolding, encoded words both ways, and what is safe to show.

RFC 5322 §2.2.3 (folding), RFC 2047 §2 and §6 (encoded words), RFC 5198 §2 (text for people).
"""

import binascii
import contextlib
import re
import unicodedata
from collections.abc import Callable

from mss_gateway.message.charsets import decode_text

_ENCODED_WORD = re.compile(r"=\?([^?*\s]{1,40})(?:\*[^?\s]{0,40})?\?([bBqQ])\?([^?\s]*)\?=")
_FOLD = re.compile(r"\r\n(?=[ \t])")
_PLAIN = re.compile(r"[!-~]+(?: [!-~]+)*")
_HARMLESS = re.compile("[ -~\u00a1-\u00ac\u00ae-\u017f]*")  # in normal form C, all of it visible
_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_NO_BASE64 = bytes(octet for octet in range(256) if octet not in _BASE64)
_Q_SAFE = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/")
_WORD_OCTETS = 45  # 45 octets are 60 in base64; with =?utf-8?B?…?= that is 72 ≤ 75 (RFC 2047 §2)
_INVISIBLE_LETTERS = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"
)  # joiner, fillers, blank braille: drawn as nothing without being format characters


def unfold(value: str) -> str:
    """A folded field value as one line (RFC 5322 §2.2.3), without its outer white space."""
    if "\r" in value:
        value = _FOLD.sub("", value)
    return value.strip(" \t")


def decode_words(text: str) -> str:
    """``text`` with its encoded words decoded, those of one charset joined before decoding.

    White space between two encoded words is not shown (RFC 2047 §6.2). What is not a well-formed
    encoded word stays as it is. Never raises.
    """
    if "=?" not in text:
        return text
    out: list[str] = []
    charset, octets, end = "", b"", 0
    for word in _ENCODED_WORD.finditer(text):
        between = text[end : word.start()]
        adjacent = end > 0 and not between.strip(" \t\r\n")
        decoded = _word_octets(word[2], word[3])
        if adjacent and word[1].lower() == charset:
            octets += decoded
        else:
            out.append(decode_text(octets, charset) if octets else "")
            out.append("" if adjacent else between)
            charset, octets = word[1].lower(), decoded
        end = word.end()
    if octets:
        out.append(decode_text(octets, charset))
    out.append(text[end:])
    return "".join(out)


def _word_octets(encoding: str, text: str) -> bytes:
    octets = text.encode("utf-8", "surrogateescape")
    if encoding in "qQ":
        return binascii.a2b_qp(octets, header=True)
    return decode_base64(octets)


def decode_base64(octets: bytes, *, is_cut: bool = False) -> bytes:
    """Base64 as tolerantly as RFC 2045 §6.8 allows: foreign characters ignored, padding optional.

    A last group of one character carries no octet and is dropped. Never raises. ``is_cut``: it may
    end anywhere, and need not be tried as it stands.
    """
    if not is_cut:
        with contextlib.suppress(binascii.Error):
            return binascii.a2b_base64(octets)
    kept = octets.translate(None, _NO_BASE64)
    rest = len(kept) % 4
    if rest == 1:
        kept = kept[:-1]
    return binascii.a2b_base64(kept + b"=" * (-len(kept) % 4))


def display_safe(text: str, limit: int = 500) -> str:
    """``text`` as one line that cannot mislead the eye: at most ``limit`` characters.

    Controls, bidirectional marks, invisible and unassigned characters are removed, white space of
    any kind becomes one space, the rest is in normal form C.
    """
    text = text[: limit * 4]
    if _HARMLESS.fullmatch(text) is None:
        kept = []
        for char in unicodedata.normalize("NFC", text):
            kind = unicodedata.category(char)
            if kind in ("Zs", "Zl", "Zp") or char in "\t\r\n":
                kept.append(" ")
            elif kind[0] != "C" and char not in _INVISIBLE_LETTERS and not _is_selector(char):
                kept.append(char)
        text = "".join(kept)
    return " ".join(text.split())[:limit].rstrip()


def _is_selector(char: str) -> bool:
    return "\ufe00" <= char <= "\ufe0f" or "\U000e0100" <= char <= "\U000e01ef"


def encode_words(text: str) -> list[str]:
    """``text`` as words that a header may hold, to be joined by a space or a fold.

    Printable ASCII stays as it is; anything else becomes encoded words of at most 75 characters,
    UTF-8, cut between characters only (RFC 2047 §2 and §5). The caller refuses CR, LF and NUL.
    """
    longest = max(map(len, text.split(" ")), default=0)
    if _PLAIN.fullmatch(text) and "=?" not in text and longest <= _WORD_OCTETS:
        return text.split(" ")
    octets = text.encode("utf-8", "replace")
    if sum(octet in _Q_SAFE or octet == 32 for octet in octets) * 4 >= len(octets) * 3:
        return _cut(text, _q_form, "Q")
    return _cut(text, lambda part: binascii.b2a_base64(part, newline=False).decode("ascii"), "B")


def _q_form(octets: bytes) -> str:
    return "".join(
        "_" if octet == 32 else chr(octet) if octet in _Q_SAFE else f"={octet:02X}"
        for octet in octets
    )


def _cut(text: str, encode: Callable[[bytes], str], letter: str) -> list[str]:
    words: list[str] = []
    part = b""
    for char in text:
        octets = char.encode("utf-8", "replace")
        if len(encode(part + octets)) > 60:
            words.append(f"=?utf-8?{letter}?{encode(part)}?=")
            part = b""
        part += octets
    if part:
        words.append(f"=?utf-8?{letter}?{encode(part)}?=")
    return words
