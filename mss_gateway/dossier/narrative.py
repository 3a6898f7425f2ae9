"""A CDA made readable: its sections as plain values, for pages that escape what they print.

The document's own stylesheet is never used. The narrative block of CDA R2 §4.3.5 is read whole:
what it means (emphasis, lists, tables, notes, figures, what was struck out) is kept, how it should
look is not.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from lxml import etree

from mss_gateway.dossier.blocks import (
    Block,
    Bullets,
    Cell,
    Figure,
    Grid,
    Item,
    Mark,
    Note,
    Notes,
    Paragraph,
    Results,
    Run,
    Section,
)
from mss_gateway.dossier.cda import parse_cda
from mss_gateway.dossier.hl7 import V3, text_of
from mss_gateway.dossier.results import Result, results_of
from mss_gateway.dossier.runs import Inline, link_of, marks_of
from mss_gateway.dossier.safe_xml import local_name

__all__ = [
    "MAX_CELLS",
    "MAX_TEXT",
    "Block",
    "Bullets",
    "Cell",
    "Figure",
    "Grid",
    "Item",
    "Mark",
    "Note",
    "Notes",
    "Paragraph",
    "Results",
    "Run",
    "Section",
    "cda_text",
    "plain_text",
]

MAX_CELLS: Final = 20_000
"""Of one document; the rows past them are not shown, and the table says so."""

MAX_TEXT: Final = 1 << 21
"""Characters of one document that are read: more than a page or the index holds."""

_MAX_NEST: Final = 6  # of lists and tables within each other; what is deeper becomes lines
_MAX_SPAN: Final = 100
_MAX_LEVEL: Final = 6
_COUNTED: Final = (("alpha", "a"), ("roman", "i"))


def cda_text(content: bytes) -> tuple[Section, ...]:
    """The sections of a CDA N3 in reading order, () for an N1; raises CdaUnreadable.

    Sections with neither title nor text nor results are left out.
    """
    root = parse_cda(content)
    notes = {one: number for number, one in enumerate(root.iter(f"{V3}footnote"), 1)}
    shared = _Shared(notes, {one.get("ID", ""): number for one, number in notes.items()})
    measured: dict[etree._Element, list[Result]] = {}
    for section, result in results_of(root):
        if section is not None:
            measured.setdefault(section, []).append(result)
    found: list[Section] = []
    for element in root.iter(f"{V3}section"):
        blocks = _section_blocks(element, shared, measured.get(element, []))
        title = _title(element)
        if title or blocks:
            # one without a title makes no level of headings
            around = sum(1 for one in element.iterancestors(f"{V3}section") if _title(one))
            found.append(Section(title, min(1 + around, _MAX_LEVEL), blocks))
    return tuple(found)


def plain_text(content: bytes) -> str:
    """All words of a CDA's sections, for a search; "" for an N1; raises CdaUnreadable."""
    return "\n".join(section.text for section in cda_text(content))


def _title(section: etree._Element) -> str:
    return text_of(section.find(f"{V3}title"))


def _section_blocks(
    section: etree._Element, shared: "_Shared", measured: list[Result]
) -> tuple[Block, ...]:
    narrative = section.find(f"{V3}text")
    blocks: list[Block] = []
    if narrative is not None:
        blocks += _blocks(narrative, shared, 0, ())
        blocks += shared.take_notes()
    is_whole = not any(not isinstance(block, Figure) for block in blocks)
    shown = [one for one in measured if is_whole or (one.flag and one.flag.is_out_of_norm)]
    if shown:
        blocks.append(Results(tuple(shown), is_whole))
    return tuple(blocks)


@dataclass(slots=True)
class _Shared:
    """What the readers of one document have together: its footnotes, and room for cells."""

    numbers: dict[etree._Element, int]
    by_id: dict[str, int]
    room: int = MAX_CELLS
    text_room: int = MAX_TEXT
    notes: list[Note] = field(default_factory=list)

    def take_text(self, text: str) -> str:
        """As much of a text as there is room for."""
        taken = text[: self.text_room]
        self.text_room -= len(taken)
        return taken

    def take_notes(self) -> list[Block]:
        notes = tuple(sorted(self.notes, key=lambda note: note.number))
        self.notes.clear()
        return [Notes(notes)] if notes else []


def _blocks(
    element: etree._Element, shared: _Shared, nest: int, marks: tuple[Mark, ...]
) -> tuple[Block, ...]:
    reader = _Reader(shared, nest)
    reader.read(element, marks + marks_of(element))
    reader.end_paragraph()
    return tuple(reader.blocks)


class _Reader:
    """Walks a narrative: inline text gathers until something that stands alone begins."""

    def __init__(self, shared: _Shared, nest: int) -> None:
        self.blocks: list[Block] = []
        self._inline = Inline()
        self._shared = shared
        self._nest = nest

    def read(self, element: etree._Element, marks: tuple[Mark, ...]) -> None:
        self._inline.add(self._shared.take_text(element.text or ""), marks)
        for child in element:
            self._child(child, marks)
            self._inline.add(self._shared.take_text(child.tail or ""), marks)

    def end_paragraph(self) -> None:
        paragraph = self._inline.take()
        if paragraph is not None:
            self.blocks.append(paragraph)

    def _child(self, child: etree._Element, marks: tuple[Mark, ...]) -> None:
        name = local_name(child)
        match name:
            case "br":
                self._inline.add_break()
            case "linkHtml":
                self._link(child, marks)
            case "footnote":
                self._footnote(child)
            case "footnoteRef":
                self._refer(self._shared.by_id.get(child.get("IDREF", ""), 0))
            case "paragraph" | "caption":
                self.end_paragraph()
                self.read(child, _joined(marks, child))
                self.end_paragraph()
            case "list" | "table" | "renderMultiMedia" if self._nest < _MAX_NEST:
                self.end_paragraph()
                self.blocks.extend(self._standing(name, child, _joined(marks, child)))
            case "item" | "tr" | "list" | "table":
                self._inline.add_break()
                self.read(child, _joined(marks, child))
                self._inline.add_break()
            case "td" | "th":
                self.read(child, _joined(marks, child))
                self._inline.add(" ", marks)
            case _:
                self.read(child, _joined(marks, child))

    def _link(self, element: etree._Element, marks: tuple[Mark, ...]) -> None:
        """The words of a link, and its address in words where they don't say it."""
        link, address = link_of(element.get("href", ""))
        words = text_of(element)
        self._inline.add(words or address, marks, link)
        if words and address and address not in words:
            self._inline.add(f" ({address})", marks)

    def _footnote(self, element: etree._Element) -> None:
        number = self._shared.numbers[element]
        self._refer(number)
        blocks = _blocks(element, self._shared, self._nest + 1, ())
        self._shared.notes.append(Note(number, blocks))

    def _refer(self, number: int) -> None:
        if number:
            self._inline.add_note(number)

    def _standing(
        self, name: str, element: etree._Element, marks: tuple[Mark, ...]
    ) -> Iterator[Block]:
        match name:
            case "list":
                yield from self._list(element, marks)
            case "table":
                yield from self._table(element, marks)
            case _:
                caption = text_of(element.find(f"{V3}caption"))
                for object_id in element.get("referencedObject", "").split():
                    yield Figure(object_id, caption)

    def _list(self, element: etree._Element, marks: tuple[Mark, ...]) -> Iterator[Block]:
        items = (
            Item(_blocks(item, self._shared, self._nest + 1, marks))
            for item in element.iterfind(f"{V3}item")
        )
        kept = tuple(item for item in items if item.blocks)
        caption = text_of(element.find(f"{V3}caption"))
        if kept or caption:
            yield Bullets(kept, _numbering(element), caption)

    def _table(self, table: etree._Element, marks: tuple[Mark, ...]) -> Iterator[Block]:
        """A table that holds no word only frames its figures: they stand alone."""
        rows: list[tuple[Cell, ...]] = []
        heads, is_cut = 0, False
        for row, is_head in _rows(table):
            written = [one for one in row if local_name(one) in ("td", "th")]
            self._shared.room -= len(written)
            if self._shared.room < 0:
                is_cut = True
                break
            row_marks = _joined(marks, row)
            rows.append(tuple(self._cell(one, row_marks) for one in written))
            heads += is_head
        caption = text_of(table.find(f"{V3}caption"))
        grid = Grid(caption, tuple(rows), heads, is_cut)
        if caption or is_cut or any(cell.text.strip() for row in grid.rows for cell in row):
            yield grid
            return
        for cells in grid.rows:
            for cell in cells:
                yield from cell.blocks

    def _cell(self, element: etree._Element, marks: tuple[Mark, ...]) -> Cell:
        is_header = local_name(element) == "th"
        # a header is strong by itself
        said = tuple(one for one in marks_of(element) if not (is_header and one is Mark.STRONG))
        reader = _Reader(self._shared, self._nest + 1)
        reader.read(element, _united(marks, said))
        reader.end_paragraph()
        return Cell(
            tuple(reader.blocks),
            is_header,
            _span(element.get("colspan", "1")),
            _span(element.get("rowspan", "1")),
        )


def _joined(marks: tuple[Mark, ...], element: etree._Element) -> tuple[Mark, ...]:
    return _united(marks, marks_of(element))


def _united(marks: tuple[Mark, ...], more: tuple[Mark, ...]) -> tuple[Mark, ...]:
    return tuple(dict.fromkeys((*marks, *more))) if more else marks


def _rows(table: etree._Element) -> Iterator[tuple[etree._Element, bool]]:
    """The table's own rows in reading order, and whether each is of its head.

    A foot may be written before the body (as in HTML 4), and is read after it.
    """
    for child in table.iterfind(f"{V3}thead"):
        yield from ((row, True) for row in child.iterfind(f"{V3}tr"))
    for child in table:
        if local_name(child) == "tr":
            yield child, False
        elif local_name(child) == "tbody":
            yield from ((row, False) for row in child.iterfind(f"{V3}tr"))
    for child in table.iterfind(f"{V3}tfoot"):
        yield from ((row, False) for row in child.iterfind(f"{V3}tr"))


def _numbering(element: etree._Element) -> str:
    """How an ordered list counts: by its ``styleCode`` (LittleAlpha, BigRoman), else 1, 2, 3."""
    if element.get("listType") != "ordered":
        return ""
    style = element.get("styleCode", "").lower()
    sign = next((sign for word, sign in _COUNTED if word in style), "1")
    return sign.upper() if "big" in style else sign


def _span(text: str) -> int:
    return min(int(text), _MAX_SPAN) if text.isascii() and text.isdigit() and int(text) else 1
