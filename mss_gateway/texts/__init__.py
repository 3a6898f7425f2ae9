"""Every French sentence that a person reads, by key: ``fr.toml`` and its loader.

Invariants: a key is ``section.name`` and unknown keys raise at once; a sentence with ``{fields}``
is filled with exactly these fields; a sentence for the wire can be said in ASCII. No sentence
holds a cause, an INS, a subject or anything about someone's health.

It must never choose a sentence: the caller names the key, and ``failures.py`` names it for
refusals.
"""

import tomllib
import unicodedata
from collections.abc import Mapping
from functools import cache
from importlib import resources
from string import Formatter
from types import MappingProxyType

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
def _sentences() -> Mapping[str, str]:
    source = resources.files(__package__).joinpath("fr.toml").read_text(encoding="utf-8")
    found: dict[str, str] = {}
    for section, entries in tomllib.loads(source).items():
        for name, sentence in entries.items():
            if not isinstance(sentence, str) or not sentence:
                raise TypeError(f"{section}.{name} in fr.toml is not a sentence")
            found[f"{section}.{name}"] = sentence
    return MappingProxyType(found)


@cache
def fields(key: str) -> frozenset[str]:
    """The names that the sentence ``key`` wants filled. Raises KeyError for an unknown key."""
    return frozenset(name for _, name, _, _ in Formatter().parse(_sentences()[key]) if name)


def text(key: str, **values: str) -> str:
    """The sentence ``key`` with its fields filled by ``values``.

    Raises KeyError for an unknown key, and for a field too many or too few.
    """
    if fields(key) != values.keys():
        raise KeyError(f"{key} wants the fields {sorted(fields(key))}, not {sorted(values)}")
    return _sentences()[key].format_map(values)


def ascii_line(key: str, **values: str) -> str:
    """The sentence ``key`` for an SMTP or IMAP line: printable ASCII, accents removed.

    Raises KeyError as :func:`text`, ValueError when something of it has no ASCII form.
    """
    decomposed = unicodedata.normalize("NFKD", text(key, **values).translate(_ASCII))
    line = "".join(one for one in decomposed if not unicodedata.combining(one))
    if not (line.isascii() and line.isprintable()):
        raise ValueError(f"{key} cannot be said in ASCII")
    return line


def keys() -> Mapping[str, tuple[str, ...]]:
    """Every key, whole, by its section, in the order of the file."""
    sections: dict[str, list[str]] = {}
    for key in _sentences():
        sections.setdefault(key.partition(".")[0], []).append(key)
    return {section: tuple(names) for section, names in sections.items()}
