"""The order of texts in SORT and THREAD: the collation i;unicode-casemap, RFC 5051.

Keys made by ``casemap`` compare as the collation says: equal keys are equal texts, and Python's
order of strings, by code point, is the order of their UTF-8 octets.
"""

import unicodedata
from typing import Final

KEY_CHARACTERS: Final = 500
"""Characters of a key: 100,000 forged subjects of the longest kind are at most 200 MB of memory.

Deviates: RFC 5256 §2.1 has no such limit; subjects alike for so long count as the same one.
"""


def collation_key(text: str) -> str:
    """The key that ``text`` is sorted and gathered by."""
    return casemap(text[:KEY_CHARACTERS])[:KEY_CHARACTERS]


def casemap(text: str) -> str:
    """The key of ``text``: each character in title case, then decomposed, RFC 5051 §2.

    Title case is that of the character alone (``ß`` stays one letter) and what a decomposition
    brings is not changed again: ``ǆ`` is ``D``, ``z``, caron. Linear; at most 18 times as long.
    """
    if text.isascii():
        return text.upper()
    return unicodedata.normalize("NFKD", "".join(map(_title, text)))


def _title(char: str) -> str:
    found = char.title()
    return found if len(found) == 1 else char  # longer only where SpecialCasing.txt says so
