"""How a document of the record is shown: drawn pages, a CDA's own sections, or plain text.

A CDA N1 shows the file that it carries; an N3 its heading and its sections, as values that the
template escapes, and the pictures that they refer to. What cannot be shown is downloaded.
"""

from dataclasses import dataclass

from mss_gateway.dossier import cda
from mss_gateway.dossier.cda import Embedded
from mss_gateway.dossier.documents import Document
from mss_gateway.dossier.errors import CdaUnreadable
from mss_gateway.dossier.heading import Heading, heading_of
from mss_gateway.dossier.narrative import Section, cda_text
from mss_gateway.dossier.rtf import is_rtf, rtf_text
from mss_gateway.life.gateway import Gateway
from mss_gateway.message.charsets import decode_text
from mss_gateway.message.sniff import sniff
from mss_gateway.webmail import files

TEXT_SHOWN = 200_000
"""Characters of a plain text that a page holds."""


@dataclass(frozen=True, slots=True)
class Showing:
    """What the page shows: ``pages`` drawn, else ``sections``, else ``text``, else nothing."""

    pages: int = 0
    sections: tuple[Section, ...] = ()
    figures: tuple[str, ...] = ()
    """Object ids of the pictures that can be drawn, in the order of their numbers."""
    text: str = ""
    heading: Heading | None = None
    """What stands above the sections of an N3."""


def show(gateway: Gateway, document: Document, content: bytes) -> Showing:
    """How this document is shown."""
    if document.cda_level:
        sections = _sections(content)
        if sections:
            return Showing(
                sections=sections, figures=_figures(content), heading=heading_of(content)
            )
    pages = files.page_count(gateway, drawn_bytes(document, content))
    if pages:
        return Showing(pages=pages)
    return Showing(text=_text(_body(document, content))[:TEXT_SHOWN])


def drawn_bytes(document: Document, content: bytes) -> bytes:
    """The bytes whose pages are drawn: the document, or the file inside a CDA."""
    if not document.cda_level:
        return content
    return next((one.content for one in _media(content) if _is_drawn(one)), b"")


def figure_bytes(content: bytes, number: int) -> bytes | None:
    """The picture number ``number`` (from 0) of a CDA, None when there is none."""
    figures = [one for one in _media(content) if _is_drawn(one) and one.object_id]
    return figures[number].content if 0 <= number < len(figures) else None


def _body(document: Document, content: bytes) -> bytes:
    """The file itself, or the one that an N1 carries."""
    if not document.cda_level:
        return content
    return next((one.content for one in _media(content)), b"")


def _text(content: bytes) -> str:
    """The words of a plain text or of RTF; "" of anything else."""
    if is_rtf(content):
        return rtf_text(content)
    return decode_text(content, "utf-8") if sniff(content) == "text/plain" else ""


def _figures(content: bytes) -> tuple[str, ...]:
    return tuple(one.object_id for one in _media(content) if _is_drawn(one) and one.object_id)


def _sections(content: bytes) -> tuple[Section, ...]:
    try:
        return cda_text(content)
    except CdaUnreadable:
        return ()


def _media(content: bytes) -> tuple[Embedded, ...]:
    try:
        return cda.media(content)
    except CdaUnreadable:
        return ()


def _is_drawn(one: Embedded) -> bool:
    return sniff(one.content) in files.DRAWN
