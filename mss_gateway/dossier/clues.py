"""The words that say what kind of document a text speaks of: the table ``proposals.toml``, matched.

A match takes its words: « compte rendu opératoire » is not also « compte rendu ».
"""

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

from mss_gateway.dossier.documents import Category, known_types
from mss_gateway.dossier.search_words import words_of

TITLE, TEXT = "title", "text"
"""Where a word is believed, unless everywhere: in a name or a subject, or in a text."""

LABEL_WEIGHT: Final = 10
"""A type's own label: documents between professionals are named by it (domain.md DOC-05)."""

_KEY: Final = 2  # letters by which words with any ending are looked up


@dataclass(frozen=True, slots=True)
class Clue:
    """One entry of the table: words next to each other, ``is_open`` when the last may go on."""

    words: tuple[str, ...]
    is_open: bool
    category: Category
    type_code: str  # "" when it says the category only
    weight: int
    place: str  # TITLE, TEXT, or "" for both

    @property
    def shown(self) -> str:
        """As a person may read it."""
        return " ".join(self.words) + ("…" if self.is_open else "")

    def fits(self, words: Sequence[str], at: int) -> bool:
        """Whether it stands in ``words`` at this place."""
        count = len(self.words)
        there = tuple(words[at : at + count])
        if not self.is_open:
            return there == self.words
        is_begun = len(there) == count and there[-1].startswith(self.words[-1])
        return is_begun and there[:-1] == self.words[:-1]


def matches(words: Sequence[str], place: str) -> Iterator[Clue]:
    """Every clue in ``words`` at a place, from left to right, the longest at each point."""
    whole, begun = _tables()
    at = 0
    while at < len(words):
        word = words[at]
        possible = [*whole.get(word, ()), *begun.get(word[:_KEY], ())]
        fitting = [one for one in possible if one.place in ("", place) and one.fits(words, at)]
        if fitting:
            best = max(fitting, key=lambda one: (len(one.words), not one.is_open, one.weight))
            yield best
            at += len(best.words)
        else:
            at += 1


_Table = dict[str, list[Clue]]


@cache
def _tables() -> tuple[_Table, _Table]:
    """Clues by their first word, and those that begin with an open word by its first letters."""
    whole: _Table = {}
    begun: _Table = {}
    for clue in (*_written(), *_labels()):
        first = clue.words[0]
        if clue.is_open and len(clue.words) == 1:
            begun.setdefault(first[:_KEY], []).append(clue)
        else:
            whole.setdefault(first, []).append(clue)
    return whole, begun


def _written() -> Iterator[Clue]:
    read = tomllib.loads((files(__package__) / "proposals.toml").read_text(encoding="utf-8"))
    for row in read["clue"]:
        for entry in row["words"]:
            yield Clue(
                tuple(words_of(entry)),
                entry.endswith("*"),
                Category(row["category"]),
                row.get("type", ""),
                row["weight"],
                row.get("in", ""),
            )


def _labels() -> Iterator[Clue]:
    """The labels of the types, whole and without what stands in brackets."""
    for kind in known_types().values():
        for label in {kind.label, kind.label.partition("(")[0]}:
            words = tuple(words_of(label))
            if len(words) > 1:
                yield Clue(words, False, kind.category, kind.code, LABEL_WEIGHT, "")
