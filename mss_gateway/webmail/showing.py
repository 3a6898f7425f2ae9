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
from mss_gateway.message.sniff import PDF, sniff
from mss_gateway.webmail import files
from mss_gateway.webmail.shortening import shortened

TEXT_SHOWN = 200_000
"""Characters of a plain text that a page holds."""

FIGURES_COUNTED = 20
"""Figures of one document whose pages are counted; of the others the first page is shown."""

SEVERAL = frozenset({PDF, "image/tiff"})
"""Types of figures that may have more pages than one."""


@dataclass(frozen=True, slots=True)
class Showing:
    """What the page shows: ``pages`` drawn, else ``sections``, else ``text``, else nothing."""

    pages: int = 0
    sections: tuple[Section, ...] = ()
    figures: tuple[str, ...] = ()
    """Object ids of the pictures that can be drawn, in the order of their numbers."""
    figure_pages: tuple[int, ...] = ()
    """How many pages each of them has."""
    text: str = ""
    is_cut: bool = False
    """There is more than a page holds."""
    heading: Heading | None = None
    """What stands above the sections of an N3."""


def show(gateway: Gateway, document: Document, content: bytes) -> Showing:
    """How this document is shown."""
    if document.cda_level:
        sections = _sections(content)
        if sections:
            figures = _figures(content)
            sections, is_cut = shortened(sections)
            return Showing(
                sections=sections,
                is_cut=is_cut,
                figures=tuple(one.object_id for one in figures),
                figure_pages=_pages(gateway, figures),
                heading=heading_of(content),
            )
    pages = files.page_count(gateway, drawn_bytes(document, content))
    if pages:
        return Showing(pages=pages)
    text = _text(_body(document, content))
    return Showing(text=text[:TEXT_SHOWN], is_cut=len(text) > TEXT_SHOWN)


def drawn_bytes(document: Document, content: bytes) -> bytes:
    """The bytes whose pages are drawn: the document, or the file inside a CDA."""
    if not document.cda_level:
        return content
    return next((one.content for one in _media(content) if _is_drawn(one)), b"")


def figure_bytes(content: bytes, number: int) -> bytes | None:
    """The picture number ``number`` (from 0) of a CDA, None when there is none."""
    figures = _figures(content)
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


def _figures(content: bytes) -> list[Embedded]:
    return [one for one in _media(content) if _is_drawn(one) and one.object_id]


def _pages(gateway: Gateway, figures: list[Embedded]) -> tuple[int, ...]:
    """Of each figure; only a PDF or a TIFF has several, and of very many the first are asked."""
    asked = 0
    found = []
    for one in figures:
        has_several = sniff(one.content) in SEVERAL and asked < FIGURES_COUNTED
        asked += has_several
        found.append(max(1, files.page_count(gateway, one.content)) if has_several else 1)
    return tuple(found)


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
