"""Words that somebody looked for, marked where they stand in a text: pure text, escaped later."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from mss_gateway.dossier.search_words import folded

EXTRACT: Final = 170
"""Characters of a text that a result of a search shows, about."""

BEFORE: Final = 50
"""Of these, about so many before the first word that was looked for."""

LOOKED_AT: Final = 20_000
"""Characters of a text in which words are looked for: a list has twenty-five of them."""

_WORD: Final = re.compile(r"[^\W_]+")


class Span(NamedTuple):
    """A piece of a text; ``is_marked`` when it is a word that was looked for."""

    text: str
    is_marked: bool


def marked(text: str, words: Sequence[bytes]) -> tuple[Span, ...]:
    """The whole text, its words that begin with one of ``words`` marked."""
    text = unicodedata.normalize("NFC", text)
    spans: list[Span] = []
    end = 0
    for start, stop in _found(text, words):
        if start > end:
            spans.append(Span(text[end:start], False))
        spans.append(Span(text[start:stop], True))
        end = stop
    if end < len(text):
        spans.append(Span(text[end:], False))
    return tuple(spans)


def extract(text: str, words: Sequence[bytes]) -> tuple[Span, ...]:
    """A piece of the text around the first word that was looked for, or its beginning."""
    text = unicodedata.normalize("NFC", " ".join(text[:LOOKED_AT].split()))
    first = next(_found(text, words), (0, 0))[0]
    start = 0 if first <= BEFORE else text.find(" ", first - BEFORE, first) + 1 or first
    stop = len(text)
    if start + EXTRACT < stop:
        stop = max(text.rfind(" ", start, start + EXTRACT), start + EXTRACT // 2)
    spans = marked(text[start:stop], words)
    before = (Span("… ", False),) if start else ()
    after = (Span(" …", False),) if stop < len(text) else ()
    return before + spans + after


def _found(text: str, words: Sequence[bytes]) -> Iterator[tuple[int, int]]:
    """Where words of the text begin and end that begin with one of ``words``."""
    wanted = tuple(word.decode("utf-8", "replace") for word in words)
    for word in _WORD.finditer(text):
        if folded(word[0]).startswith(wanted):
            yield word.span()
