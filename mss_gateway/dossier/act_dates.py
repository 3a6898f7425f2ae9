"""The date of an act, as French files and texts write it; of birth and printing it is not.

Only a whole date counts, from 1900 to today: 12/03/2025, 12.03.25, 2025-03-12, 20250312,
12 mars 2025, 1er avril 2025.
"""

import re
from collections.abc import Iterator
from datetime import date
from typing import Final

from mss_gateway.dossier.search_words import folded

FIRST_YEAR: Final = 1900

LOOKED_AT: Final = 20_000
"""Characters of a text that are looked at."""

_MONTHS: Final = (
    ("janvier", "janv", "jan"),
    ("fevrier", "fevr", "fev"),
    ("mars", "mar"),
    ("avril", "avr"),
    ("mai",),
    ("juin",),
    ("juillet", "juil"),
    ("aout",),
    ("septembre", "sept", "sep"),
    ("octobre", "oct"),
    ("novembre", "nov"),
    ("decembre", "dec"),
)
_MONTH_OF: Final = {name: at for at, names in enumerate(_MONTHS, 1) for name in names}
_NAMED: Final = "|".join(sorted(_MONTH_OF, key=len, reverse=True))

_DATE: Final = re.compile(
    r"(?<![\d/])(?:"
    r"(?P<iso>(?:19|20)\d\d([-_. /])[01]?\d\2[0-3]?\d)"
    # of figures with blanks or points between them most are telephone numbers and identifiers
    r"|(?<!\d[-./])(?P<french>[0-3]?\d(?:"
    r"[-_./][01]?\d[-_./](?:\d{4}|\d{2})(?![-./]?\d)| [01]?\d \d{4}(?! \d\d\b)))"
    r"|(?P<run>\d{8})"
    rf"|(?P<words>(?:[0-3]?\d|1er)[ _-](?:{_NAMED})\.?[ _-]?(?:\d{{4}}))"
    r")(?![\d/])"
)

_BEFORE: Final = 48
"""Characters before a date that say what it is the date of."""

_NEVER: Final = re.compile(
    r"\b(?:nee?|naissance|ddn|naiss|n[eé]\(e\)|rdv|rendez-vous|jusqu'?au|prochain\w*|expire\w*"
    r"|valable|validite|convoque\w*)\b[^\d\n]{0,24}$"
)
_ACT: Final = re.compile(
    r"(?:\b(?:examen|examine\w*|preleve\w*|prelevement|acte|consultation|consulte|vue?s?|realise\w*"
    r"|effectue\w*|fait|intervention|opere\w*|hospitalise\w*|sejour|injecte\w*|vaccine\w*|seance"
    r"|dossier|bilan|ordonnance|compte[- ]rendu|certificat|date)\b[^\d\n]{0,30})$"
)
_PRINTED: Final = re.compile(
    r"\b(?:imprime\w*|edite\w*|edition|impression|valide\w*|page|maj|mis a jour)\b[^\d\n]{0,20}$"
)
_PLACE_AND_DATE: Final = re.compile(r"\ble\s+(?:\w+\s+)?$")


def date_in_name(name: str, today: date) -> date | None:
    """The first date in the name of a file."""
    return next(_dates(folded(name), today), (None, 0))[0]


def date_in_text(text: str, today: date) -> date | None:
    """The date of the act in a text: one that is said to be it, else the first that may be."""
    looked_at = folded(text[:LOOKED_AT])
    best: tuple[int, int, date] | None = None
    for found, at in _dates(looked_at, today):
        rank = _rank(looked_at[max(0, at - _BEFORE) : at])
        if rank is not None and (best is None or rank > best[0]):
            best = rank, at, found
    return best[2] if best is not None else None


def _rank(before: str) -> int | None:
    """How likely the date after these words is the act's; None when it is not."""
    if _NEVER.search(before):
        return None
    if _PRINTED.search(before):
        return 0
    if _ACT.search(before):
        return 3
    return 2 if _PLACE_AND_DATE.search(before) else 1


def _dates(text: str, today: date) -> Iterator[tuple[date, int]]:
    for match in _DATE.finditer(text):
        found = _date(match)
        if found is not None and found.year >= FIRST_YEAR and found <= today:
            yield found, match.start()


def _date(match: re.Match[str]) -> date | None:
    written = match.group()
    if match["run"]:
        return _made(written[:4], written[4:6], written[6:]) or _made(
            written[4:], written[2:4], written[:2]
        )
    parts = [one for one in re.split(r"[-_. /]+", written) if one]
    if match["iso"]:
        return _made(*parts)
    if match["french"]:
        return _made(_year(parts[2]), parts[1], parts[0])
    day, month, year = re.fullmatch(  # type: ignore[union-attr]
        r"(\d+)(?:er)?[ _-]([a-z]+)\.?[ _-]?(\d{4})", written
    ).groups()
    return _made(year, str(_MONTH_OF[month]), day)


def _year(written: str) -> str:
    return written if len(written) == 4 else f"20{written}"


def _made(year: str, month: str, day: str) -> date | None:
    if int(year) < FIRST_YEAR:
        return None
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None
