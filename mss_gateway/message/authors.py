"""Addresses that a field of authors shows beside the one that it means.

Mail programs show display names and comments, and some decode what stands in quotes: whoever reads
another address there believes it (Müller et al., "Johnny, you are fired", 2019, attacks on who
somebody is).
"""

import re
import unicodedata
from typing import Final

from mss_gateway.message.address import AddressMalformed, EmailAddress, parse_address
from mss_gateway.message.words import decode_words

_AROUND_AT: Final = re.compile(r"\s*@\s*")
_LIKE_ADDRESS: Final = re.compile(r"[^\s<>()\[\]\"',;:]+@[^\s<>()\[\]\"',;:]*")


def others_shown(field: str, own: EmailAddress) -> tuple[str, ...]:
    """Every address-like word of the unfolded ``field`` (From, Sender) that is not ``own``.

    Encoded words are decoded wherever they stand, other forms of the commercial at count as one,
    white space around it does not.
    """
    text = unicodedata.normalize("NFKC", decode_words(field))
    found = _LIKE_ADDRESS.findall(_AROUND_AT.sub("@", text).lower())
    return tuple(word for word in found if not _is(word, own))


def _is(word: str, own: EmailAddress) -> bool:
    try:
        return parse_address(word.strip(".")) == own
    except AddressMalformed:
        return False
