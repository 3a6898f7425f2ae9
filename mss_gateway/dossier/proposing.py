"""What a plain file probably is: a category, a type, a title and a date, for a person to confirm.

Pure: names and texts in, a proposal out. The words and their weights are a table
(``proposals.toml``); a file that says nothing is proposed among the reports, with no confidence.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Final

from mss_gateway.dossier.act_dates import date_in_name, date_in_text
from mss_gateway.dossier.clues import TEXT, TITLE, Clue, matches
from mss_gateway.dossier.documents import (
    Category,
    DocumentType,
    display_title,
    known_types,
    title_of_file,
    type_for,
)
from mss_gateway.dossier.search_words import folded, words_of

DICOM: Final = "application/dicom"

TEXT_WORDS: Final = 1_500
HEAD_WORDS: Final = 40
"""Words of a text that are looked at, and of its head, where a document says what it is."""

_NAMED: Final = re.compile(r"\d{8}_(?P<type>.+)_[^_\d]+_[^_\d]+(?:_[^_]*\d[^_]*)?")
"""Of a file between professionals (domain.md DOC-05): date, type, family and given name, number."""

_DAY: Final = r"(?:\d{8}|\d{4}[-_. ]\d\d[-_. ]\d\d|\d\d[-_. ]\d\d[-_. ](?:\d{4}|\d\d))"
_DAY_AT_EDGE: Final = re.compile(rf"^{_DAY}[-_. ]+|[-_. ]+{_DAY}$")

_CAMERA: Final = re.compile(
    r"(?:img|image|photo|pxl|dsc\w?|dcim|screenshot|capture|whatsapp|signal|vid|mvimg)(?![a-z])"
)
_HUMPS: Final = re.compile(r"(?<=[a-zà-ÿ])(?=[A-ZÀ-Þ])|(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])")
_REPLY: Final = re.compile(r"^(?:\s*(?:re|fwd?|tr)\s*:)+", re.IGNORECASE)
_SAYS_NOTHING: Final = frozenset(
    words_of(
        "adobe at attachment camscanner capture cam copie copy d de doc docs document documents"
        " download du ecran fichier file final genius image images img jointe jpeg jpg la le mvimg"
        " new noname nouveau numerisation pdf photo photos piece pj png pxl sans scan scanned scans"
        " screenshot signal tiff titre tmp un untitled v version whatsapp"
    )
)


class Place(float, Enum):
    """Where something was found; the value is how much it counts there."""

    NAME = 4
    SUBJECT = 2
    HEAD = 2.5
    """The first words of the text."""
    BODY = 1
    FORMAT = 9
    """The type of the bytes."""


_BODY_LIMIT: Final = 16
"""What the rest of a text says of one category counts so much at most: texts speak of much."""

_FAIR, _SURE, _LEAD = 6, 24, 1.5
"""Scores from which a proposal is made and is sure, and by how much it must lead the next one."""


class Confidence(Enum):
    """How far a proposal may be trusted."""

    LOW = "low"
    """Nothing was found: the neutral category."""
    FAIR = "fair"
    SURE = "sure"


@dataclass(frozen=True, slots=True)
class Hints:
    """What is known of a file. ``media_type`` as sniffed; ``text`` as ``text.read_text`` has it."""

    file_name: str = ""
    media_type: str = ""
    subject: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Why:
    """What decided: words of the table, without accents, and where they stood; « … » stands for
    any ending.
    """

    place: Place
    words: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """A category, a type in it, a title that is safe to show, the date of the act if one stands
    there, what decided (None: nothing did), and how sure that is.
    """

    category: Category
    type: DocumentType
    title: str
    date: date | None
    why: Why | None
    confidence: Confidence


@dataclass(frozen=True, slots=True)
class _Finding:
    clue: Clue
    place: Place

    @property
    def score(self) -> float:
        return self.clue.weight * float(self.place)


def propose(hints: Hints, today: date) -> Proposal:
    """What a file probably is; ``today`` is the last day that its act may have."""
    findings = _findings(hints)
    scores = _scores(findings)
    ranked = sorted(scores, key=lambda one: (-scores[one], one is Category.REPORT))
    best = ranked[0] if ranked and scores[ranked[0]] >= _FAIR else None
    deciding = [each for each in findings if each.clue.category is best]
    deciding.sort(key=lambda each: -each.score)
    category = best or Category.REPORT
    type_ = _type(deciding, category)
    return Proposal(
        category,
        type_,
        _title(hints, type_, is_guess=best is None),
        _date(hints, today),
        Why(deciding[0].place, deciding[0].clue.shown) if deciding else None,
        _confidence(scores, ranked, best),
    )


def _findings(hints: Hints) -> list[_Finding]:
    stem = title_of_file(hints.file_name) if hints.file_name else ""
    text = words_of(hints.text[: 16 * TEXT_WORDS])[:TEXT_WORDS]
    found = [
        *_at(Place.NAME, TITLE, words_of(stem), words_of(_HUMPS.sub(" ", stem))),
        *_at(Place.SUBJECT, TITLE, words_of(hints.subject)),
        *_at(Place.HEAD, TEXT, text[:HEAD_WORDS]),
        *_at(Place.BODY, TEXT, text[HEAD_WORDS:]),
    ]
    if hints.media_type == DICOM:
        image = Clue(("dicom",), False, Category.IMAGING, "18748-4", 9, "")
        found.append(_Finding(image, Place.FORMAT))
    return found


def _at(place: Place, kind: str, *readings: list[str]) -> list[_Finding]:
    """Each clue at a place once, however often it stands there and in whatever reading."""
    found = dict.fromkeys(clue for words in readings for clue in matches(words, kind))
    return [_Finding(clue, place) for clue in found]


def _scores(findings: Iterable[_Finding]) -> dict[Category, float]:
    titled: dict[Category, float] = {}
    said: dict[Category, float] = {}
    for each in findings:
        scores = said if each.place is Place.BODY else titled
        category = each.clue.category
        scores[category] = scores.get(category, 0) + each.score
    for category, score in said.items():
        titled[category] = titled.get(category, 0) + min(score, _BODY_LIMIT)
    return titled


def _confidence(
    scores: dict[Category, float], ranked: list[Category], best: Category | None
) -> Confidence:
    if best is None:
        return Confidence.LOW
    second = scores[ranked[1]] if len(ranked) > 1 else 0
    is_sure = scores[best] >= _SURE and scores[best] >= _LEAD * second
    return Confidence.SURE if is_sure else Confidence.FAIR


def _type(deciding: Iterable[_Finding], category: Category) -> DocumentType:
    """The type that the heaviest clue of the category says, else the patient's own of it."""
    for each in deciding:
        if each.clue.type_code:
            return known_types()[each.clue.type_code]
    return type_for(category)


def _date(hints: Hints, today: date) -> date | None:
    """A photograph's name says when it was taken: that is not the act."""
    if not _CAMERA.match(folded(hints.file_name)):
        found = date_in_name(hints.file_name, today)
        if found is not None:
            return found
    return date_in_text(hints.text, today)


def _title(hints: Hints, type_: DocumentType, *, is_guess: bool) -> str:
    """The file's name where it says something, else its type, else the subject."""
    stem = title_of_file(hints.file_name) if hints.file_name else ""
    named = _NAMED.fullmatch(stem)
    if named is not None:
        stem = named["type"]
    plain = " ".join(_DAY_AT_EDGE.sub("", stem).replace("_", " ").split())
    if any(word not in _SAYS_NOTHING and word.isalpha() and len(word) > 1
           for word in words_of(_HUMPS.sub(" ", plain))):  # fmt: skip
        known = [kind for kind in known_types().values() if words_of(kind.label) == words_of(plain)]
        return display_title(known[0].label if known else plain[:1].upper() + plain[1:])
    if not is_guess and not type_.code.startswith("DOCPAT"):
        return display_title(type_.label)
    return display_title(_REPLY.sub("", hints.subject).strip())
