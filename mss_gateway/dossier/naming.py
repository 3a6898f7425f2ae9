"""What the national form of a subject and of a file's name says of a document, and writing names.

domain.md DOC-01: ``XDM/1.0/DDM+<libellé> <NOM> <prénom> <date de naissance>``; DOC-05:
``<date>_<type>_<NOM>_<prénom>[_<numéro>].pdf``. Both are claims of a sender, used where nothing
better is known, and health data: they stand in no log.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from typing import Final

from mss_gateway.message.sniff import CDA, PDF

PREFIX: Final = "XDM/1.0/DDM+"

EXTENSIONS: Final = {
    PDF: "pdf",
    CDA: "xml",
    "application/xml": "xml",
    "text/xml": "xml",
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/tiff": "tif",
    "image/gif": "gif",
    "image/webp": "webp",
    "text/plain": "txt",
    "application/rtf": "rtf",
    "application/zip": "zip",
}
"""What the name of a file ends with, by its type."""

_MAX_LENGTH: Final = 500
_MAX_WORD: Final = 40
_BORN = re.compile(
    r"\s+(?:(\d{2})[/.-](\d{2})[/.-](\d{4})|(\d{4})-?(\d{2})-?(\d{2}))\s*\Z", re.ASCII
)
_FILE = re.compile(
    r"\A(?P<date>\d{8})_(?P<rest>.+?)(?:\.[A-Za-z0-9]{1,4})?\Z", re.ASCII | re.DOTALL
)
_UNSAFE = re.compile(r"[^A-Za-z0-9-]+")


@dataclass(frozen=True, slots=True)
class Claim:
    """What a name says: of what, about whom, of which day. "" and None where it does not say."""

    label: str
    family: str = ""
    given: str = ""
    birth_date: date | None = None
    act_date: date | None = None
    number: str = ""


def parse_subject(subject: str) -> Claim | None:
    """A subject of the national form; None of any other. The birth date may be missing."""
    text = " ".join(subject.split())
    if not text.upper().startswith(PREFIX) or len(text) > _MAX_LENGTH:
        return None
    said = text[len(PREFIX) :].strip()
    born = _BORN.search(said)
    words = (said[: born.start()] if born else said).split()
    at = _names_at(words)
    family = [word for word in words[at:] if _is_capital(word)]
    given = [word for word in words[at:] if not _is_capital(word)]
    if not given and len(family) > 1:
        given = [family.pop()]  # both in capitals
    birth_date = _birth_date(born) if born else None
    return Claim(" ".join(words[:at]), " ".join(family), " ".join(given), birth_date)


def shown_subject(subject: str) -> str:
    """A subject as a patient reads it: without the prefix, which means nothing to them."""
    text = subject.strip()
    return text[len(PREFIX) :].strip() if text.upper().startswith(PREFIX) else text


def parse_file_name(name: str) -> Claim | None:
    """A file name of the national form; None of any other.

    ``20220531_CR_d_imagerie_medicale_CORSE_FIGATELLIX.pdf``: the label is all up to the last two
    words, or three when the last is a number.
    """
    match = _FILE.match(name.replace("\\", "/").rpartition("/")[2][:_MAX_LENGTH])
    words = match["rest"].split("_") if match else []
    number = words.pop() if len(words) > 3 and any(sign.isdigit() for sign in words[-1]) else ""
    if match is None or len(words) < 3 or not all(words):
        return None
    day = _day(match["date"])
    if day is None:
        return None
    *label, family, given = words
    return Claim(" ".join(label), family, given, None, day, number)


def file_name(claim: Claim, extension: str) -> str:
    """A file's name in the national form, in ASCII without any sign that a file system minds."""
    day = f"{claim.act_date:%Y%m%d}" if claim.act_date else "00000000"
    words = [claim.label, claim.family.upper(), claim.given, claim.number]
    said = [word for one in words if (word := safe_word(one))]
    return "_".join([day, *said]) + f".{extension}"


def extension(media_type: str) -> str:
    """What the name of a file of this type ends with, without the dot; "" when nobody knows."""
    return EXTENSIONS.get(media_type, "")


def _names_at(words: list[str]) -> int:
    """Where the family name begins: at the last words in capitals that follow each other.

    The label keeps at least one word: « CR » may be written in capitals too.
    """
    last = next((at for at in range(len(words) - 1, 0, -1) if _is_capital(words[at])), len(words))
    while 1 < last < len(words) and _is_capital(words[last - 1]):
        last -= 1
    return last


def _is_capital(word: str) -> bool:
    return word.upper() == word and any(sign.isalpha() for sign in word)


def _birth_date(match: re.Match[str]) -> date | None:
    day, month, year, other_year, other_month, other_day = match.groups()
    return _day(f"{year or other_year}{month or other_month}{day or other_day}")


def _day(digits: str) -> date | None:
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))
    except ValueError:
        return None


def safe_word(text: str, longest: int = _MAX_WORD) -> str:
    """A text as a part of a file's name: ASCII letters, digits, « - » and « _ »; may be empty."""
    plain = unicodedata.normalize("NFKD", text.replace("œ", "oe").replace("Œ", "OE"))
    bare = "".join(one for one in plain if not unicodedata.combining(one))
    return _UNSAFE.sub("_", bare).strip("_")[:longest].strip("_")
