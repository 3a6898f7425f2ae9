"""The words of an RTF file, by a small reader that knows no picture, no field and no object.

RTF 1.9.1: groups, control words, escaped characters. What it does not know is left out; nothing in
a file makes it fetch, run or recurse. For the body of an N1 (domain.md DOC-19) and a plain
attachment: the words are shown, the file itself is downloaded.
"""

import codecs
import re
from typing import Final

MAX_BYTES: Final = 8 << 20
MAX_TEXT: Final = 200_000
MAX_TOKENS: Final = 100_000
"""Words and signs that are looked at."""
_MAX_DEPTH: Final = 500

_TOKENS = re.compile(
    rb"\\([a-z]{1,32})(-?[0-9]{1,10})? ?|\\'([0-9a-fA-F]{2})|\\(\r?\n|[^a-zA-Z'])|([{}])|[\r\n]+"
    rb"|([^\\{}\r\n]+)"
)
_SKIPPED: Final = frozenset(
    b"fonttbl colortbl stylesheet info pict object themedata colorschememapping datastore listtable"
    b" listoverridetable rsidtbl generator xmlnstbl header footer headerl headerr footerl footerr"
    b" fldinst filetbl latentstyles bkmkstart bkmkend".split()
)
_SIGNS: Final = {
    b"par": "\n",
    b"line": "\n",
    b"row": "\n",
    b"sect": "\n",
    b"page": "\n",
    b"tab": "\t",
    b"cell": "\t",
    b"emdash": "—",
    b"endash": "–",
    b"bullet": "•",
    b"lquote": "‘",
    b"rquote": "’",
    b"ldblquote": "“",
    b"rdblquote": "”",
}
_ESCAPED: Final = {b"~": "\u00a0", b"_": "\u2011", b"-": "", b"\\": "\\", b"{": "{", b"}": "}"}


def is_rtf(content: bytes) -> bool:
    """Whether the bytes begin as RTF does."""
    return content.startswith(b"{\\rtf")


def rtf_text(content: bytes) -> str:
    """The words of an RTF file, a line per paragraph; "" of what is none or is too big.

    Malformed files give what could be read of them, no more than MAX_TEXT characters out of
    MAX_TOKENS words and signs.
    """
    if not is_rtf(content) or len(content) > MAX_BYTES:
        return ""
    reader = _Reader()
    at = 0
    for _ in range(MAX_TOKENS):
        match = _TOKENS.search(content, at)
        if match is None:
            break
        at = match.end() + reader.read(match)
        if reader.length > MAX_TEXT or len(reader.around) > _MAX_DEPTH:
            break
    lines = (line.strip() for line in reader.text().split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()[:MAX_TEXT]


class _Reader:
    """Words go to ``pieces`` unless their group, or one around it, is to be skipped."""

    def __init__(self) -> None:
        self.length = 0
        self.around: list[tuple[bool, int]] = []
        self._pieces: list[str] = []
        self._is_skipped = False
        self._replaced = 1  # characters that stand in for a \\u, for readers without Unicode
        self._left = 0
        self._encoding = "cp1252"
        self._is_ignorable = False

    def text(self) -> str:
        """All that was read."""
        return "".join(self._pieces)

    def read(self, match: re.Match[bytes]) -> int:
        """One token; how many octets after it are binary, and not to be read."""
        word, number, octet, escaped, brace, words = match.groups()
        if brace:
            self._brace(brace)
        elif word:
            self._word(word, None if number is None else int(number))
        elif octet:
            self._plain(bytes.fromhex(octet.decode()))
        elif escaped:
            self._escaped(escaped)
        elif words:
            self._plain(words)
        return max(int(number or 0), 0) if word == b"bin" else 0

    def _brace(self, brace: bytes) -> None:
        self._left = 0
        if brace == b"{":
            self.around.append((self._is_skipped, self._replaced))
        elif self.around:
            self._is_skipped, self._replaced = self.around.pop()

    def _word(self, word: bytes, number: int | None) -> None:
        is_ignorable, self._is_ignorable = self._is_ignorable, False
        if word == b"u" and number is not None:
            self._put(_character(number))
            self._left = self._replaced
        elif word == b"uc" and number is not None:
            self._replaced = max(number, 0)
        elif word == b"ansicpg" and number is not None:
            self._encoding = _known(f"cp{number}")
        elif word in _SKIPPED or (is_ignorable and word not in _SIGNS):
            self._is_skipped = True
        elif word in _SIGNS:
            self._put(_SIGNS[word])

    def _escaped(self, sign: bytes) -> None:
        if sign == b"*":
            self._is_ignorable = True  # the next word names a destination that may be left out
        elif sign in (b"\n", b"\r\n"):
            self._put("\n")
        else:
            self._put(_ESCAPED.get(sign, ""))

    def _plain(self, octets: bytes) -> None:
        skipped = min(self._left, len(octets))
        self._left -= skipped
        self._put(octets[skipped : skipped + MAX_TEXT].decode(self._encoding, "replace"))

    def _put(self, text: str) -> None:
        if text and not self._is_skipped:
            self._pieces.append(text)
            self.length += len(text)


def _character(number: int) -> str:
    """``\\uN`` counts in sixteen bits with a sign; halves of a pair are no character by itself."""
    code = number & 0xFFFF
    return "\ufffd" if 0xD800 <= code <= 0xDFFF or code < 0x20 else chr(code)


def _known(name: str) -> str:
    try:
        return codecs.lookup(name).name
    except LookupError:
        return "cp1252"
