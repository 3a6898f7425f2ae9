"""A CDA made readable: its sections as plain values, for pages that escape what they print.

The document's own stylesheet is never used. Nothing here is markup: every text is plain and must
be escaped by whoever prints it (Jinja2 does).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from lxml import etree

from mss_gateway.dossier.cda import parse_cda
from mss_gateway.dossier.hl7 import V3, text_of
from mss_gateway.dossier.safe_xml import local_name

MAX_CELLS: Final = 50_000
_MAX_SPAN: Final = 100
_MAX_LEVEL: Final = 6
_MARGIN: Final = " \t\n\r"


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Text; a line break is ``\\n``."""

    text: str


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list, numbered or not."""

    items: tuple[str, ...]
    is_ordered: bool = False


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a table."""

    text: str
    is_header: bool = False
    columns: int = 1
    rows: int = 1


@dataclass(frozen=True, slots=True)
class Grid:
    """A table, row by row."""

    caption: str
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True, slots=True)
class Figure:
    """A place where a file that the document carries is shown: ``object_id`` of ``cda.media``."""

    object_id: str


Block = Paragraph | Bullets | Grid | Figure


@dataclass(frozen=True, slots=True)
class Section:
    """One section; ``level`` 1 to 6 is its depth in the document."""

    title: str
    level: int
    blocks: tuple[Block, ...]


def cda_text(content: bytes) -> tuple[Section, ...]:
    """The sections of a CDA N3 in reading order, () for an N1; raises CdaUnreadable.

    Sections without title and text are left out: they hold coded entries only.
    """
    root = parse_cda(content)
    found: list[Section] = []
    for element in root.iter(f"{V3}section"):
        level = 1 + sum(1 for _ in element.iterancestors(f"{V3}section"))
        narrative = element.find(f"{V3}text")
        blocks = _blocks(narrative) if narrative is not None else ()
        title = text_of(element.find(f"{V3}title"))
        if title or blocks:
            found.append(Section(title, min(level, _MAX_LEVEL), blocks))
    return tuple(found)


def _blocks(narrative: etree._Element) -> tuple[Block, ...]:
    writer = _Writer()
    writer.read(narrative)
    writer.end_paragraph()
    return tuple(writer.blocks)


class _Writer:
    """Walks a narrative: inline text gathers until something that stands alone begins."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self._inline: list[str] = []

    def read(self, element: etree._Element) -> None:
        self._text(element.text)
        for child in element:
            self._child(child)
            self._text(child.tail)

    def end_paragraph(self) -> None:
        text = _tidy("".join(self._inline))
        self._inline.clear()
        if text:
            self.blocks.append(Paragraph(text))

    def _text(self, text: object) -> None:
        if text:
            self._inline.append(" ".join(_folded(str(text))))

    def _child(self, child: etree._Element) -> None:
        name = local_name(child)
        if name == "br":
            self._inline.append("\n")
        elif name in ("paragraph", "caption"):
            self.end_paragraph()
            self.read(child)
            self.end_paragraph()
        elif name in ("list", "table", "renderMultiMedia"):
            self.end_paragraph()
            self.blocks.extend(_standing(name, child))
        else:
            self.read(child)


def _standing(name: str, element: etree._Element) -> list[Block]:
    if name == "table":
        grid = _grid(element)
        shown: list[Block] = [grid] if any(cell.text for row in grid.rows for cell in row) else []
        return shown + _figures(element)
    if name == "list":
        items = tuple(_flat(item) for item in element.iterfind(f"{V3}item"))
        caption = element.find(f"{V3}caption")
        head: list[Block] = [Paragraph(_flat(caption))] if caption is not None else []
        bullets = Bullets(items, element.get("listType") == "ordered")
        return [*head, bullets, *_figures(element)]
    return _figures(element)


def _figures(element: etree._Element) -> list[Block]:
    """What ``element`` and all below it refers to; inside a table or a list it comes after."""
    return [
        Figure(object_id)
        for one in element.iter(f"{V3}renderMultiMedia")
        for object_id in one.get("referencedObject", "").split()
    ]


def _grid(table: etree._Element) -> Grid:
    caption = table.find(f"{V3}caption")
    rows: list[tuple[Cell, ...]] = []
    room = MAX_CELLS
    for row in _rows(table):
        cells = [_cell(one) for one in row if local_name(one) in ("td", "th")]
        room -= len(cells)
        if room < 0:
            break
        rows.append(tuple(cells))
    return Grid(_flat(caption) if caption is not None else "", tuple(rows))


def _rows(table: etree._Element) -> Iterator[etree._Element]:
    """The table's own rows; those of a table inside a cell are that cell's text."""
    for child in table:
        if local_name(child) == "tr":
            yield child
        elif local_name(child) in ("thead", "tbody", "tfoot"):
            yield from child.iterfind(f"{V3}tr")


def _cell(element: etree._Element) -> Cell:
    return Cell(
        _flat(element),
        local_name(element) == "th",
        _span(element.get("colspan", "1")),
        _span(element.get("rowspan", "1")),
    )


def _span(text: str) -> int:
    return min(int(text), _MAX_SPAN) if text.isascii() and text.isdigit() and int(text) else 1


def _flat(element: etree._Element) -> str:
    """Everything below an element as text: what would stand alone begins a line."""
    if not len(element):
        return _tidy(element.text or "")
    pieces: list[str] = []
    for event, one in etree.iterwalk(element, events=("start", "end")):
        name = local_name(one)
        if event == "start":
            if name in ("br", "paragraph", "item", "tr", "caption"):
                pieces.append("\n")
            pieces.append(" ".join(_folded(one.text or "")))
        elif one is not element:
            if name in ("paragraph", "item", "td", "th"):
                pieces.append("\n" if name in ("paragraph", "item") else " ")
            pieces.append(" ".join(_folded(one.tail or "")))
    return _tidy("".join(pieces))


def _folded(text: str) -> list[str]:
    """Words of a text; an empty one at either end keeps the blank that stood there."""
    if not text:
        return []
    if not text.strip(_MARGIN):
        return ["", ""]
    lead, trail = text[0] in _MARGIN, text[-1] in _MARGIN
    return [""] * lead + text.split() + [""] * trail


def _tidy(text: str) -> str:
    lines = (" ".join(line.split()) for line in text.split("\n"))
    return "\n".join(line for line in lines if line)
