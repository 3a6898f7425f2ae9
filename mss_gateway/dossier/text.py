"""The plain text of a document, for search and for proposals; never shown as the document.

PDF is read by a sub-process (``render``), everything else here. Bytes come from outside: whatever
they are, the answer is one of a closed set of outcomes, and never an exception.
"""

import codecs
import html
import re
import unicodedata
from dataclasses import dataclass
from enum import Enum
from typing import Final

from mss_gateway.dossier import cda
from mss_gateway.dossier.errors import DossierError, RenderFailed
from mss_gateway.dossier.narrative import plain_text
from mss_gateway.dossier.render import MAX_INPUT, TEXT_CHARACTERS, Renderer
from mss_gateway.message.charsets import decode_text
from mss_gateway.message.sniff import CDA, HTML, PDF

PLAIN: Final = "text/plain"

READ_OCTETS: Final = 8 << 20
"""Octets of a plain text that are looked at."""

_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_UNSEEN: Final = re.compile(
    r"<!--.*?(?:-->|\Z)|<(script|style)\b.*?(?:</\1\s*>|\Z)", re.DOTALL | re.IGNORECASE
)
_TAG: Final = re.compile(r"<[^<>]*>")
_HYPHEN: Final = re.compile("[\u00ad\ufffe\x02][ \t]*(?:\r?\n)?")
"""A word that is parted at the end of a line: how pdfium tells it, and the soft hyphen."""


class Outcome(Enum):
    """What came of reading a document's text."""

    READ = "read"
    CUT = "cut"
    """There is more of it than is read, or a page that cannot be."""
    NONE = "none"
    """A picture, or another file whose text nobody reads."""
    REFUSED = "refused"
    """It cannot be read: malformed, too big, too slow, or hostile."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The text, composed (NFC), in lines without blanks at their ends; "" unless it was read."""

    text: str
    outcome: Outcome


_NOTHING: Final = Reading("", Outcome.NONE)
_REFUSED: Final = Reading("", Outcome.REFUSED)


def read_text(
    renderer: Renderer, content: bytes, media_type: str, seconds: float | None = None
) -> Reading:
    """The text of a document of this (sniffed) type; TEXT_CHARACTERS of it at most.

    ``seconds``: what a PDF may take, if less than the renderer gives it.
    """
    if media_type == PDF:
        return _of_pdf(renderer, content, seconds)
    if media_type == CDA:
        return _of_cda(renderer, content, seconds)
    if media_type in (PLAIN, HTML):
        return _of_plain(content, media_type)
    return _NOTHING


def is_read(media_type: str, size: int) -> bool:
    """Whether reading a document of that type and size can give any text at all."""
    return media_type in (PDF, CDA, PLAIN, HTML) and size <= MAX_INPUT


def tidy(text: str) -> str:
    """The form of all texts here: composed, words whole, single blanks, no empty line."""
    composed = unicodedata.normalize("NFC", _HYPHEN.sub("", text))
    lines = (" ".join(line.split()) for line in composed.splitlines())
    return "\n".join(line for line in lines if line)


def _of_pdf(renderer: Renderer, content: bytes, seconds: float | None) -> Reading:
    try:
        text, is_whole = renderer.text(content, timeout=seconds)
    except RenderFailed:
        return _REFUSED
    return Reading(tidy(text), Outcome.READ if is_whole else Outcome.CUT)


def _of_cda(renderer: Renderer, content: bytes, seconds: float | None) -> Reading:
    """The narrative of an N3, or the file that an N1 carries."""
    try:
        text = tidy(plain_text(content))
        if text:
            return _cut(text, is_whole=True)
        carried = cda.media(content)
    except DossierError:
        return _REFUSED
    for one in carried:
        if one.media_type == PDF:
            return _of_pdf(renderer, one.content, seconds)
        if one.media_type == PLAIN:
            return _of_plain(one.content, PLAIN)
    return _NOTHING


def _of_plain(content: bytes, media_type: str) -> Reading:
    text = decoded(content[:READ_OCTETS])
    if media_type == HTML:
        text = html.unescape(_TAG.sub(" ", _UNSEEN.sub(" ", text)))
    return _cut(tidy(text), is_whole=len(content) <= READ_OCTETS)


def decoded(content: bytes) -> str:
    """A text whose charset nobody told: its mark says, else UTF-8, else Windows-1252."""
    for mark, charset in _BOMS:
        if content.startswith(mark):
            return content[len(mark) :].decode(charset, "replace")
    return decode_text(content, "utf-8")


def _cut(text: str, *, is_whole: bool) -> Reading:
    is_whole = is_whole and len(text) <= TEXT_CHARACTERS
    return Reading(text[:TEXT_CHARACTERS], Outcome.READ if is_whole else Outcome.CUT)
