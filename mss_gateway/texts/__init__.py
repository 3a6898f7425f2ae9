"""Every sentence that a person reads, by key: ``fr.toml``, ``en.toml`` and their loader.

Invariants: a key is ``section.name`` and unknown keys raise at once; a sentence with ``{fields}``
is filled with exactly these fields; a sentence for the wire can be said in ASCII. No sentence
holds a cause, an INS, a subject or anything about someone's health. French is whole; English has
every section but :data:`FRENCH_ONLY`, key for key, because a patient's pages show them.

It must never choose a sentence: the caller names the key, and ``failures.py`` names it for
refusals.
"""

import tomllib
import unicodedata
from collections.abc import Mapping
from enum import Enum
from functools import cache
from importlib import resources
from string import Formatter
from types import MappingProxyType


class Language(Enum):
    """A language that pages speak, by its tag (RFC 5646)."""

    FRENCH = "fr"
    ENGLISH = "en"


FRENCH_ONLY = frozenset({"courriel", "imap"})
"""Sections of the wire and of messages to professionals; every other one is said in English too."""

# What NFKD leaves beyond ASCII, and the spaces that French puts before its signs.
_ASCII = str.maketrans(
    {
        "œ": "oe",
        "Œ": "OE",
        "æ": "ae",
        "Æ": "AE",
        "’": "'",
        "«": '"',
        "»": '"',
        "–": "-",
        "—": "-",
        "…": "...",
        "·": "-",
        "\u00a0": " ",
        "\u202f": " ",
    }
)


@cache
def _sentences(language: Language) -> Mapping[str, str]:
    name = f"{language.value}.toml"
    source = resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
    found: dict[str, str] = {}
    for section, entries in tomllib.loads(source).items():
        for key, sentence in entries.items():
            if not isinstance(sentence, str) or not sentence:
                raise TypeError(f"{section}.{key} in {name} is not a sentence")
            found[f"{section}.{key}"] = sentence
    return MappingProxyType(found)


def _sentence(key: str, language: Language) -> str:
    if key.partition(".")[0] in FRENCH_ONLY:
        language = Language.FRENCH
    return _sentences(language)[key]


@cache
def fields(key: str, language: Language = Language.FRENCH) -> frozenset[str]:
    """The names that the sentence ``key`` wants filled. Raises KeyError for an unknown key."""
    parsed = Formatter().parse(_sentence(key, language))
    return frozenset(name for _, name, _, _ in parsed if name)


def text(key: str, *, language: Language = Language.FRENCH, **values: str) -> str:
    """The sentence ``key`` with its fields filled by ``values``.

    Raises KeyError for an unknown key, and for a field too many or too few.
    """
    if fields(key, language) != values.keys():
        wanted = sorted(fields(key, language))
        raise KeyError(f"{key} wants the fields {wanted}, not {sorted(values)}")
    return _sentence(key, language).format_map(values)


def ascii_line(key: str, **values: str) -> str:
    """The sentence ``key`` for an SMTP or IMAP line: printable ASCII, accents removed.

    Raises KeyError as :func:`text`, ValueError when something of it has no ASCII form.
    """
    french = text(key, language=Language.FRENCH, **values)
    decomposed = unicodedata.normalize("NFKD", french.translate(_ASCII))
    line = "".join(one for one in decomposed if not unicodedata.combining(one))
    if not (line.isascii() and line.isprintable()):
        raise ValueError(f"{key} cannot be said in ASCII")
    return line


def keys(language: Language = Language.FRENCH) -> Mapping[str, tuple[str, ...]]:
    """Every key, whole, by its section, in the order of the file."""
    sections: dict[str, list[str]] = {}
    for key in _sentences(language):
        sections.setdefault(key.partition(".")[0], []).append(key)
    return {section: tuple(names) for section, names in sections.items()}
