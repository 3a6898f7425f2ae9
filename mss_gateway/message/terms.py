"""What the search index is told of a message: terms, by section, in three parts.

Of the fields that lists show, and of other fields with short values, a term is the whole value:
every search in them is answered by the index alone. Of long values and of the body a term is a
word, that is what stands between spaces: one word is answered, several words next to each other
are narrowed down and then read.
"""

from typing import Final

from mss_gateway.message.header import Header
from mss_gateway.message.summary import Summary
from mss_gateway.message.text import FIELDS, body_text, fields

SENT_DAY: Final = "date"
"""Section of the day written in Date, in days since 1970-01-01, as decimal digits."""

NAMES: Final = ""
"""Section of the names of fields, each with its colon."""

BODY: Final = "body"

WORDS: Final = "words"
"""Section of a patient's messages: the words that their pages show (``life.message_words``)."""

LONG: Final = " "
"""Before the name of a field: section of the words of its long values."""

WHOLE_OCTETS: Final = 100
"""A value of the header up to so long is one term."""

TERMS_OCTETS: Final = 512 * 1024
"""Octets of the terms of one part of one message; what has more is read whenever it matters."""

NAMES_LIMIT: Final = 200
"""Different names of fields of one message."""

Terms = dict[str, set[bytes]]
"""Section → terms. None in its place: too much to be told."""


def octets(text: str) -> bytes:
    """A text in normal form as the octets of terms and patterns."""
    return text.encode("utf-8", "surrogatepass")


def of_fields(summary: Summary) -> Terms | None:
    """What the summary says."""
    values = {name: octets(field(summary)) for name, field in FIELDS.items()}
    terms = {name: {value} for name, value in values.items() if value}
    if summary.sent_day is not None:
        terms[SENT_DAY] = {b"%d" % summary.sent_day}
    is_odd = any(b"\n" in value for value in values.values())
    return None if is_odd else _bounded(terms)


def of_header(header: Header) -> Terms | None:
    """The names of the fields, and the value of each or its words."""
    terms: Terms = {NAMES: set()}
    for name, text in fields(header):
        terms[NAMES].add(octets(name) + b":")
        value = octets(text)
        if len(value) > WHOLE_OCTETS:
            terms.setdefault(LONG + name, set()).update(value.split())
        elif value:
            terms.setdefault(name, set()).add(value)
    return None if len(terms[NAMES]) > NAMES_LIMIT else _bounded(terms)


def of_body(raw: bytes) -> Terms | None:
    """The words of the body."""
    return _bounded({BODY: set(octets(body_text(raw)).split())})


def _bounded(terms: Terms) -> Terms | None:
    total = sum(len(each) + sum(map(len, each)) for each in terms.values())
    return terms if total <= TERMS_OCTETS else None
