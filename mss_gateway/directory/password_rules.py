"""What a password that somebody chooses must be: long, not the login, and on no attacker's list.

No rule asks for capitals or signs: they make passwords that are written down. What is refused
besides short ones is what a guesser tries first: words of a small list of our own, French and
English, alone, repeated, or dressed with digits and signs; runs of the keyboard or of the alphabet;
a few characters over and over; the holder's own names and numbers (``words``).
"""

import re
import tomllib
import unicodedata
from collections.abc import Iterable
from enum import Enum
from functools import cache
from importlib import resources
from itertools import pairwise

LEAST_CHARACTERS = 12

MOST_OCTETS = 256
"""As ``passwords.PASSWORD_LIMIT``: longer ones are refused before any hash."""

LEAST_DIFFERENT = 5
"""Different characters that a password holds at least."""

_RUNS = (
    "azertyuiopqsdfghjklmwxcvbn",
    "qwertyuiopasdfghjklzxcvbnm",
    "qwertzuiopasdfghjklyxcvbnm",
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890123456789",
    "09876543210987654321",
    "aqwzsxedcrfvtgbyhnuj",
    "1qaz2wsx3edc4rfv5tgb",
)

_LEET = str.maketrans("0134578@$!", "oieastbasi")
_EDGES = re.compile(r"^[\W\d_]+|[\W\d_]+$")


class Weakness(Enum):
    """Why a password is refused; the value is a key of ``texts``."""

    SHORT = "acces.mdp_court"
    LONG = "acces.mdp_long"
    YOURS = "acces.mdp_vous"
    KNOWN = "acces.mdp_connu"


def weakness(password: str, words: Iterable[str] = ()) -> Weakness | None:
    """Why this password cannot be chosen, or None. ``words``: login, names, birth date."""
    if len(password) < LEAST_CHARACTERS:
        return Weakness.SHORT
    if len(password.encode("utf-8", "surrogatepass")) > MOST_OCTETS:
        return Weakness.LONG
    if _is_made_of_theirs(password, words):
        return Weakness.YOURS
    if len(set(password.lower())) < LEAST_DIFFERENT or _is_known(password):
        return Weakness.KNOWN
    return None


def _is_made_of_theirs(password: str, words: Iterable[str]) -> bool:
    """Whether little is left of it once what is theirs is taken out."""
    left = _folded(password)
    theirs = sorted((_folded(word) for word in words), key=len, reverse=True)
    for word in theirs:
        if len(word) >= 3:
            left = left.replace(word, "")
    is_touched = len(left) < len(_folded(password))
    return is_touched and sum(map(str.isalpha, left)) < 6


def _is_known(password: str) -> bool:
    folded = _folded(password)
    for form in {folded, folded.translate(_LEET), _EDGES.sub("", folded).translate(_LEET)}:
        bare = _EDGES.sub("", form)
        if _is_of_words("".join(filter(str.isalpha, bare))) or _is_run(bare) or _is_run(form):
            return True
    return False


def _is_of_words(letters: str) -> bool:
    """Whether it is one word of the list, or the same one several times, or two of them."""
    known = _words()
    if not letters or letters in known:
        return True
    for cut in range(3, len(letters) - 2):
        if letters[:cut] in known and letters[cut:] in known:
            return True
    return any(
        letters == letters[:size] * (len(letters) // size)
        for size in range(1, len(letters) // 2 + 1)
        if len(letters) % size == 0
    )


def _is_run(text: str) -> bool:
    """Whether nearly each character follows the one before it on a keyboard or in the alphabet."""
    if len(text) < 6:
        return False
    followed = sum(
        any(one + after in run or after + one in run for run in _RUNS)
        for one, after in pairwise(text)
    )
    return followed >= (len(text) - 1) * 0.8


@cache
def _words() -> frozenset[str]:
    """What people write first, folded as :func:`_folded` folds."""
    source = resources.files(__package__).joinpath("password_words.toml").read_text("utf-8")
    return frozenset(tomllib.loads(source)["words"])


def _folded(text: str) -> str:
    """Lower case, accents off, blanks out."""
    decomposed = unicodedata.normalize("NFKD", text.lower())
    return "".join(one for one in decomposed if not unicodedata.combining(one) and one != " ")
