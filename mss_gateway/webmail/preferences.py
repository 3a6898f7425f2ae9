"""How a visitor wants pages: their language and their colours, kept in two cookies of this browser.

Neither says anything of the person, so both outlive the session. The language is the visitor's
choice, else what their browser asks for (RFC 9110 §12.5.4), else French. A view runs inside
:func:`speaking`: whatever it says by ``pages.sentence`` is in the language of its visit.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import Enum

from mss_gateway.texts import Language

LANGUAGE_COOKIE = "__Host-langue"
THEME_COOKIE = "__Host-apparence"
KEPT_SECONDS = 365 * 86_400

_HEADER_LIMIT = 200
"""Characters of Accept-Language that are looked at."""


class Theme(Enum):
    """The colours of pages, by the word of the form and of the cookie."""

    AUTOMATIC = "auto"
    LIGHT = "clair"
    DARK = "sombre"


@dataclass(frozen=True, slots=True)
class Preferences:
    """What one visitor chose, or what stands for it."""

    language: Language = Language.FRENCH
    theme: Theme = Theme.AUTOMATIC


DEFAULTS = Preferences()
"""Of a browser that says nothing."""

_spoken: ContextVar[Language] = ContextVar("spoken", default=Language.FRENCH)


def of_request(cookies: Mapping[str, str], headers: Mapping[str, str]) -> Preferences:
    """The preferences of a request; a cookie that holds none of ours counts for nothing."""
    chosen = language_of(cookies.get(LANGUAGE_COOKIE, ""))
    asked = preferred(headers.get("accept-language", ""))
    return Preferences(chosen or asked, theme_of(cookies.get(THEME_COOKIE, "")) or Theme.AUTOMATIC)


def language_of(tag: str) -> Language | None:
    """The language of a tag, None when pages don't speak it."""
    return next((one for one in Language if one.value == tag), None)


def theme_of(word: str) -> Theme | None:
    """The theme of a word of ours."""
    return next((one for one in Theme if one.value == word), None)


def preferred(accept_language: str) -> Language:
    """The best of ours for an Accept-Language; French when it wants neither, or both as much."""
    weights = dict.fromkeys(Language, 0.0)
    for entry in accept_language[:_HEADER_LIMIT].lower().split(","):
        tag, _, parameter = entry.strip().partition(";")
        language = language_of(tag.strip().partition("-")[0])
        if language is not None:
            weights[language] = max(weights[language], _weight(parameter))
    is_english = weights[Language.ENGLISH] > weights[Language.FRENCH]
    return Language.ENGLISH if is_english else Language.FRENCH


def _weight(parameter: str) -> float:
    """The ``q`` of an entry (RFC 9110 §12.4.2); 0 for what is none."""
    name, _, value = parameter.strip().partition("=")
    if not name:
        return 1.0
    whole, _, part = value.strip().partition(".")
    if (
        name.strip() != "q"
        or whole not in ("0", "1")
        or not (f"0{part}".isascii() and f"0{part}".isdecimal())
    ):
        return 0.0
    return min(1.0, float(f"{whole}.{part[:3] or '0'}"))


@contextmanager
def speaking(language: Language) -> Iterator[None]:
    """What this thread says meanwhile is said in ``language``."""
    before = _spoken.set(language)
    try:
        yield
    finally:
        _spoken.reset(before)


def spoken() -> Language:
    """The language of the page that is being made."""
    return _spoken.get()
