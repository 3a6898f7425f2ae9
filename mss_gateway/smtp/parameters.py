"""MAIL and RCPT arguments: bytes → path and parameters, strict (RFC 5321 §4.1.1.2, §4.1.1.3)."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from mss_gateway.message.address import (
    AddressMalformed,
    EmailAddress,
    parse_address,
    parse_path,
)
from mss_gateway.queue.carried import NOTHING_ASKED, WORDS, Asked

SIZE_DIGITS: Final = 20
"""RFC 1870 §6."""
ENVID_OCTETS: Final = 100
"""Of an ENVID as it is written (RFC 3461 §4.4)."""
ORCPT_OCTETS: Final = 500
"""Of an ORCPT as it is written (RFC 3461 §4.2)."""

_PARAMETER = re.compile(r"([A-Za-z0-9][A-Za-z0-9-]*)(?:=([!-<>-~]+))?")
_XTEXT = re.compile(r"(?:[!-*,-<>-~]|\+[0-9A-F]{2})+")
_HEX = re.compile(r"\+([0-9A-F]{2})")
_ADDRESS_TYPE = re.compile(r"[A-Za-z0-9!#$%&'*/?^_`{|}~-]+")


class BadSyntax(Exception):
    """The argument does not follow the grammar."""


class BadParameter(Exception):
    """A parameter that is offered, with a value that it does not have, or given twice."""


class BadValue(Exception):
    """A value that the parameter has elsewhere, and that is not offered here."""


class UnknownParameter(Exception):
    """A parameter that was not offered in EHLO (RFC 5321 §4.1.1.11)."""


@dataclass(frozen=True, slots=True)
class MailArgument:
    """What MAIL said: ``reverse_path`` is None for ``<>``, ``size`` when none was declared.

    ``returns`` is ``FULL``, ``HDRS`` or empty; ``envelope_id`` is decoded from xtext.
    """

    reverse_path: EmailAddress | None
    size: int | None = None
    returns: str = ""
    envelope_id: str = ""
    requires_tls: bool = False
    is_utf8: bool = False


@dataclass(frozen=True, slots=True)
class RcptArgument:
    """What RCPT said: an address, and what the sender asks to hear of it."""

    address: EmailAddress
    asked: Asked = NOTHING_ASKED


def mail_argument(argument: str, takes_utf8: bool = False) -> MailArgument:
    """``FROM:<path>`` and what follows it; ``takes_utf8``: SMTPUTF8 is offered.

    Raises BadSyntax, UnknownParameter, BadParameter, BadValue, and AddressMalformed for a path that
    is not an address.
    """
    path, given = _split(argument, "FROM:")
    found = {name: _known(_MAIL, name)(value) for name, value in given.items()}
    is_utf8 = "SMTPUTF8" in found
    if is_utf8 and not takes_utf8:
        raise UnknownParameter("SMTPUTF8")
    size, returns, envelope_id = found.get("SIZE"), found.get("RET"), found.get("ENVID")
    return MailArgument(
        _address(path, is_utf8),
        None if size is None else int(size),
        returns or "",
        envelope_id or "",
        "REQUIRETLS" in found,
        is_utf8,
    )


def rcpt_argument(argument: str, postmaster: EmailAddress, is_utf8: bool = False) -> RcptArgument:
    """``TO:<path>`` and what follows it; raises as :func:`mail_argument`, and for ``<>``.

    ``<postmaster>`` alone, in any case, is ``postmaster`` (RFC 5321 §4.5.1). ``is_utf8``: MAIL said
    SMTPUTF8.
    """
    path, given = _split(argument, "TO:")
    found = {name: _known(_RCPT, name)(value) for name, value in given.items()}
    words = frozenset(found.get("NOTIFY", "").split(",")) - {""}
    asked = Asked(words, found.get("ORCPT", ""))
    if path.lower() == "<postmaster>":
        return RcptArgument(postmaster, asked)
    address = _address(path, is_utf8)
    if address is None:
        raise AddressMalformed("the null path receives nothing")
    return RcptArgument(address, asked)


def xtext(value: str) -> str:
    """What was written as xtext (RFC 3461 §4): printable ASCII and blanks; raises BadParameter.

    Control characters are no part of it even when they are encoded: they would go into a report.
    """
    if _XTEXT.fullmatch(value) is None:
        raise BadParameter("xtext")
    decoded = _HEX.sub(lambda found: chr(int(found[1], 16)), value)
    if not (decoded.isascii() and decoded.isprintable()):
        raise BadParameter("xtext")
    return decoded


# one function per parameter: the value as given, None for none → what it says


def _size(value: str | None) -> str:
    if value is None or not value.isdigit() or len(value) > SIZE_DIGITS:
        raise BadParameter("SIZE")
    return value


def _body(value: str | None) -> str:
    word = (value or "").upper()
    if word == "BINARYMIME":
        raise BadValue("BODY")
    if word not in ("7BIT", "8BITMIME"):
        raise BadParameter("BODY")
    return word


def _claimed_author(value: str | None) -> str:
    """RFC 4954 §5: checked and forgotten, whoever is authenticated is known by the session."""
    return _wanted(value)


def _returns(value: str | None) -> str:
    word = _wanted(value).upper()
    if word not in ("FULL", "HDRS"):
        raise BadParameter("RET")
    return word


def _envelope_id(value: str | None) -> str:
    if len(_wanted(value)) > ENVID_OCTETS:
        raise BadParameter("ENVID")
    return xtext(_wanted(value))


def _flag(value: str | None) -> str:
    if value is not None:
        raise BadParameter("a value where there is none")
    return ""


def _notify(value: str | None) -> str:
    """NEVER stands alone; no word twice (RFC 3461 §4.1)."""
    words = _wanted(value).upper().split(",")
    if not set(words) <= set(WORDS) or len(set(words)) != len(words):
        raise BadParameter("NOTIFY")
    if "NEVER" in words and len(words) > 1:
        raise BadParameter("NOTIFY")
    return ",".join(words)


def _original(value: str | None) -> str:
    kind, mark, address = _wanted(value).partition(";")
    if len(_wanted(value)) > ORCPT_OCTETS or not mark or _ADDRESS_TYPE.fullmatch(kind) is None:
        raise BadParameter("ORCPT")
    return f"{kind};{xtext(address)}"


_MAIL: Final[dict[str, Callable[[str | None], str]]] = {
    "SIZE": _size,
    "BODY": _body,
    "AUTH": _claimed_author,
    "RET": _returns,
    "ENVID": _envelope_id,
    "REQUIRETLS": _flag,
    "SMTPUTF8": _flag,
}

_RCPT: Final[dict[str, Callable[[str | None], str]]] = {"NOTIFY": _notify, "ORCPT": _original}


def _known(table: dict[str, Callable[[str | None], str]], name: str) -> Callable[[str | None], str]:
    found = table.get(name)
    if found is None:
        raise UnknownParameter(name)
    return found


def _wanted(value: str | None) -> str:
    if value is None:
        raise BadParameter("no value")
    return value


def _address(path: str, is_utf8: bool) -> EmailAddress | None:
    """A domain may be written in U-labels where SMTPUTF8 was said; a local part never is."""
    if path.isascii():
        return parse_path(path.encode("ascii"))
    if not is_utf8:
        raise BadSyntax("octets above 127")
    return parse_address(path[1:-1])


def _split(argument: str, keyword: str) -> tuple[str, dict[str, str | None]]:
    """The path with its brackets, and the parameters by their names in capitals."""
    if argument[: len(keyword)].upper() != keyword:
        raise BadSyntax(keyword)
    # some clients write a blank after the colon; it is harmless and was never ambiguous
    rest = argument[len(keyword) :].lstrip(" ")
    end = rest.find(">") + 1
    if not rest.startswith("<") or end == 0:
        raise BadSyntax(keyword)
    words = rest[end:].split(" ") if rest[end:] else [""]
    if words[0]:
        raise BadSyntax(keyword)
    given: dict[str, str | None] = {}
    for word in words[1:]:
        if not word:
            continue
        matched = _PARAMETER.fullmatch(word)
        if matched is None:
            raise BadSyntax(keyword)
        if matched[1].upper() in given:
            raise BadParameter("given twice")
        given[matched[1].upper()] = matched[2]
    return rest[:end], given
