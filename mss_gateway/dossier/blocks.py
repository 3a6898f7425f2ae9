"""A narrative as plain values: what a page prints, and a search reads. Nothing here is markup.

Every text is plain and must be escaped by whoever prints it (Jinja2 does). ``text`` is there on
every value: the same words without their looks, a line break as ``\\n``.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from mss_gateway.dossier.results import Result


class Mark(Enum):
    """What a run of text means beside its words; the value is the HTML element that says so."""

    STRONG = "strong"
    EMPHASIS = "em"
    UNDERLINED = "u"
    LOWERED = "sub"
    RAISED = "sup"
    DELETED = "del"
    INSERTED = "ins"


@dataclass(frozen=True, slots=True)
class Run:
    """Text of one look. ``link``, an https address, is where it leads; ``note`` its footnote."""

    text: str
    marks: tuple[Mark, ...] = ()
    link: str = ""
    note: int = 0


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Text; a line break is ``\\n``."""

    runs: tuple[Run, ...]

    @property
    def text(self) -> str:
        return "".join(run.text for run in self.runs)


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a list."""

    blocks: "tuple[Block, ...]"

    @property
    def text(self) -> str:
        return joined(self.blocks)


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list; ``numbering`` is "" or how its items are counted: ``1``, ``a``, ``A``, ``i``, ``I``.

    The numbers matter: a text refers to its "point b".
    """

    items: tuple[Item, ...]
    numbering: str = ""
    caption: str = ""

    @property
    def text(self) -> str:
        return "\n".join(filter(None, (self.caption, *(item.text for item in self.items))))


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a table."""

    blocks: "tuple[Block, ...]"
    is_header: bool = False
    columns: int = 1
    rows: int = 1

    @property
    def text(self) -> str:
        return joined(self.blocks)


@dataclass(frozen=True, slots=True)
class Grid:
    """A table, row by row: the first ``heads`` of its rows are its head.

    ``is_cut``: it has more rows than are shown.
    """

    caption: str
    rows: tuple[tuple[Cell, ...], ...]
    heads: int = 0
    is_cut: bool = False

    @property
    def text(self) -> str:
        rows = ("\t".join(cell.text for cell in row) for row in self.rows)
        return "\n".join(filter(None, (self.caption, *rows)))


@dataclass(frozen=True, slots=True)
class Figure:
    """A place where a file that the document carries is shown: ``object_id`` of ``cda.media``."""

    object_id: str
    caption: str = ""

    @property
    def text(self) -> str:
        return self.caption


@dataclass(frozen=True, slots=True)
class Note:
    """A footnote; numbers run through the whole document."""

    number: int
    blocks: "tuple[Block, ...]"

    @property
    def text(self) -> str:
        return joined(self.blocks)


@dataclass(frozen=True, slots=True)
class Notes:
    """The footnotes of a section, after it."""

    notes: tuple[Note, ...]

    @property
    def text(self) -> str:
        return "\n".join(f"{note.number}. {note.text}" for note in self.notes)


@dataclass(frozen=True, slots=True)
class Results:
    """Coded results of a section: all of them where it has no text, else those out of the norm."""

    found: tuple[Result, ...]
    is_whole: bool

    @property
    def text(self) -> str:
        """ "" beside a text that says the same."""
        return "\n".join(one.text for one in self.found) if self.is_whole else ""


Block = Paragraph | Bullets | Grid | Figure | Notes | Results


@dataclass(frozen=True, slots=True)
class Section:
    """One section; ``level`` 1 to 6 is its depth in the document."""

    title: str
    level: int
    blocks: tuple[Block, ...]

    @property
    def text(self) -> str:
        return "\n".join(filter(None, (self.title, joined(self.blocks))))


def joined(blocks: Iterable[Block]) -> str:
    """The words of blocks, one below the other."""
    return "\n".join(filter(None, (block.text for block in blocks)))
