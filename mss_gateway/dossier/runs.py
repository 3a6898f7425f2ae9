"""Inline text of a narrative: blanks folded, looks kept, links kept only where they are safe."""

import re
from dataclasses import replace
from typing import Final

from lxml import etree

from mss_gateway.dossier.blocks import Mark, Paragraph, Run
from mss_gateway.dossier.safe_xml import local_name

_PIECES = re.compile(r"\n|[ \t\r]+|[^ \t\r\n]+")
_MARGIN = re.compile(r"[ \t\r\n]+")
_HTTPS = re.compile(r"\Ahttps://[A-Za-z0-9.-]+(?::[0-9]{1,5})?(?:/[^\s\"'<>\\]*)?\Z")
_TOLD = re.compile(r"\A(?:https?|ftp|mailto|tel):[^\s<>]+\Z", re.IGNORECASE)
_MAX_ADDRESS: Final = 2_000

_ELEMENTS: Final = {"sub": Mark.LOWERED, "sup": Mark.RAISED}
_REVISIONS: Final = {"delete": Mark.DELETED, "insert": Mark.INSERTED}
# within a style code: producers write Bold, bold, BoldItalics, Italics, Emphasis
_STYLES: Final = (
    ("bold", Mark.STRONG),
    ("italic", Mark.EMPHASIS),
    ("emphasis", Mark.EMPHASIS),
    ("underline", Mark.UNDERLINED),
)


def marks_of(element: etree._Element) -> tuple[Mark, ...]:
    """What an element says of the text in it (CDA R2 §4.3.5)."""
    style = element.get("styleCode", "").lower()
    found = [mark for word, mark in _STYLES if word in style]
    name = local_name(element)
    if name in _ELEMENTS:
        found.append(_ELEMENTS[name])
    revised = _REVISIONS.get(element.get("revised", ""))
    return tuple(dict.fromkeys([*found, revised] if revised else found))


class Inline:
    """Gathers inline text until a paragraph ends."""

    def __init__(self) -> None:
        self._runs: list[Run] = []

    def add(self, text: str, marks: tuple[Mark, ...], link: str = "") -> None:
        """Text as XML holds it: a line feed in it is a blank."""
        if text:
            self._runs.append(Run(_MARGIN.sub(" ", text), marks, link))

    def add_break(self) -> None:
        """The next text begins a line."""
        self._runs.append(Run("\n"))

    def add_note(self, number: int) -> None:
        """A mark that refers to a footnote."""
        self._runs.append(Run("", note=number))

    def take(self) -> Paragraph | None:
        """What was gathered, None when there is nothing to read in it; begins anew."""
        runs = _tidy(self._runs)
        self._runs = []
        if not any(run.note or run.text.strip() for run in runs):
            return None
        return Paragraph(tuple(runs))


def link_of(href: str) -> tuple[str, str]:
    """Where a link of a narrative may lead, and its address to be told in words.

    Only https is ever followed, and never an address that names somebody before ``@``; other
    addresses that a person can use are told; the rest (scripts, places inside the document) is "".
    """
    address = href.strip()
    if len(address) > _MAX_ADDRESS or not _TOLD.match(address):
        return "", ""
    return (address if _HTTPS.match(address) else ""), address


def _tidy(runs: list[Run]) -> list[Run]:
    """Blanks folded across runs, none at either end of a line, no empty line."""
    made: list[Run] = []
    has_text = False
    lead = ""
    for run in runs:
        words: list[str] = []
        for piece in _PIECES.findall(run.text):
            if piece == "\n":
                lead = "\n"
            elif not piece.strip():
                lead = lead or " "
            else:
                words.append(f"{lead if has_text else ''}{piece}")
                has_text, lead = True, ""
        if words or run.note:
            _append(made, replace(run, text="".join(words)))
    return made


def _append(made: list[Run], run: Run) -> None:
    last = made[-1] if made else None
    if last is not None and not run.note and replace(last, text="") == replace(run, text=""):
        made[-1] = replace(last, text=last.text + run.text)
    else:
        made.append(run)
