"""The fields by which health programs sort a message without opening it: X-MSS-NIL, -INS, -CODECDA.

MSSanté Référentiel #2, ECO.2.4.1 to ECO.2.4.3 (domain CIT-18 to CIT-20). They stay readable outside
an envelope (domain OP-11): ``header_protection`` leaves them there. Nothing here opens an archive.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from mss_gateway.message.header import Header, field_text
from mss_gateway.message.words import unfold

NIL: Final = "X-MSS-NIL"
"""Reference number of the product that wrote the message; on every professional's message."""

INS: Final = "X-MSS-INS"
"""``O`` when the archive's documents bear a qualified INS, ``N`` otherwise."""

CODES: Final = "X-MSS-CODECDA"
"""Type codes of the archive's CDA, with a comma between two."""

CODES_OCTETS: Final = 900
"""Of the value of X-MSS-CODECDA: it has no place to fold, and a line has 998 octets."""

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,39}")
_NIL_FORM = re.compile(r"[!-~](?:[ -~]{0,62}[!-~])?")


@dataclass(frozen=True, slots=True)
class Described:
    """What the archives of a message hold, as far as these fields tell of it."""

    has_cda: bool = False
    codes: tuple[str, ...] = ()
    is_qualified: bool = False


@dataclass(frozen=True, slots=True)
class Comparison:
    """Fields that say something else than the archives, and fields that are not there; names."""

    wrong: tuple[str, ...]
    missing: tuple[str, ...]


def expected(described: Described) -> dict[str, str]:
    """The fields about documents that a message with these archives has; none without a CDA."""
    if not described.has_cda:
        return {}
    codes = codes_value(described.codes)
    return {INS: "O" if described.is_qualified else "N"} | ({CODES: codes} if codes else {})


def codes_value(codes: Iterable[str]) -> str:
    """The value of X-MSS-CODECDA, within :data:`CODES_OCTETS`.

    Codes come from documents: one that is no code (a comma, a line end, forty characters) would
    make another field of it, and is left out.
    """
    value = ""
    for code in dict.fromkeys(codes):
        if not _CODE.fullmatch(code):
            continue
        longer = f"{value},{code}" if value else code
        if len(longer) > CODES_OCTETS:
            break
        value = longer
    return value


def compare(header: Header, described: Described) -> Comparison:
    """How the fields about documents that are given agree with what the archives hold."""
    wanted = expected(described)
    wrong, missing = list[str](), list[str]()
    for name, is_same in ((INS, _is_same_word), (CODES, _is_same_list)):
        given = _values(header, name)
        value = wanted.get(name)
        if not given:
            missing += [name] if value is not None else []
        elif value is None or len(given) > 1 or not is_same(given[0], value):
            wrong.append(name)
    return Comparison(tuple(wrong), tuple(missing))


def has_product(header: Header) -> bool:
    """Whether the message says which product wrote it: once, in at most 64 printable characters."""
    given = _values(header, NIL)
    return len(given) == 1 and _NIL_FORM.fullmatch(given[0]) is not None


def _values(header: Header, name: str) -> list[str]:
    return [unfold(field_text(value)) for value in header.all(name.lower())]


def _is_same_word(given: str, wanted: str) -> bool:
    return given == wanted


def _is_same_list(given: str, wanted: str) -> bool:
    """The order says nothing, nor do blanks around a comma."""
    return {code.strip() for code in given.split(",")} == set(wanted.split(","))
