"""Words as the search in a record compares them: no case, no accent, no ligature.

Whoever indexes a document and whoever looks for one go through here: they see the same. A word is
a run of letters and figures; « post-opératoire » is two, « l'ordonnance » too.
"""

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

WORD_LETTERS: Final = 40
"""A longer word is known by its beginning only."""

TERMS_OCTETS: Final = 512 * 1024
"""Octets of the different words of one document; the words that come after are not found."""

QUERY_WORDS: Final = 12
"""Words of one search; further ones are not asked for."""

_WORD: Final = re.compile(r"[^\W_]+")
_ACCENTS: Final = re.compile(
    "[\u00ad\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u064b-\u065f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]+"
)
_LETTERS: Final = str.maketrans({"œ": "oe", "æ": "ae", "ø": "o", "ł": "l", "đ": "d", "ı": "i"})


def folded(text: str) -> str:
    """The text without case, accents, ligatures and soft hyphens."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    return _ACCENTS.sub("", plain).translate(_LETTERS)


def words_of(text: str) -> list[str]:
    """Every word of a text, in its order, each cut to ``WORD_LETTERS``."""
    return [word[:WORD_LETTERS] for word in _WORD.findall(folded(text))]


def terms_of(texts: Iterable[str], limit: int = TERMS_OCTETS) -> set[bytes]:
    """The different words of some texts as the index keeps them, ``limit`` octets at most."""
    terms: set[bytes] = set()
    for text in texts:
        for word in dict.fromkeys(words_of(text)):
            term = word.encode("utf-8", "replace")
            if term in terms:
                continue
            limit -= len(term) + 1
            if limit < 0:
                return terms
            terms.add(term)
    return terms


def query_of(text: str) -> tuple[bytes, ...]:
    """The words that somebody looks for; what begins with another one of them needs no look."""
    words = sorted(set(words_of(text)), key=len, reverse=True)
    needed: list[str] = []
    for word in words:
        if not any(other.startswith(word) for other in needed):
            needed.append(word)
    return tuple(word.encode("utf-8", "replace") for word in needed[:QUERY_WORDS])


def holds_all(terms: Iterable[bytes], query: Iterable[bytes]) -> bool:
    """Whether each word of ``query`` begins one of ``terms``."""
    known = list(terms)
    return all(any(term.startswith(word) for term in known) for word in query)
