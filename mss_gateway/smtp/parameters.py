"""MAIL and RCPT arguments: bytes → path and parameters, strict (RFC 5321 §4.1.1.2, §4.1.1.3)."""

import re

from mss_gateway.message.address import AddressMalformed, EmailAddress, parse_path

_PARAMETER = re.compile(r"([A-Za-z0-9][A-Za-z0-9-]*)(?:=([!-<>-~]+))?")


class BadSyntax(Exception):
    """The argument does not follow the grammar."""


class UnknownParameter(Exception):
    """A parameter that was not offered in EHLO (RFC 5321 §4.1.1.11)."""


def mail_argument(argument: str) -> tuple[EmailAddress | None, int | None]:
    """``FROM:<path> [SIZE=n] [BODY=…]`` → reverse-path (None for ``<>``), declared octets.

    Raises BadSyntax, UnknownParameter, and AddressMalformed for a path that is not an address.
    """
    path, given = _split(argument, "FROM:")
    size = None
    for name, value in given:
        if name == "SIZE" and value is not None and value.isdigit() and len(value) <= 20:
            size = int(value)
        elif name == "BODY" and (value or "").upper() in ("7BIT", "8BITMIME"):
            continue
        elif name == "AUTH" and value is not None:
            continue  # RFC 4954 §5: whoever is authenticated here is known by the session
        else:
            raise UnknownParameter(name)
    return parse_path(path), size


def rcpt_argument(argument: str, postmaster: EmailAddress) -> EmailAddress:
    """``TO:<path>`` → recipient; raises as :func:`mail_argument`, and for ``<>``.

    ``<postmaster>`` alone, in any case, is ``postmaster`` (RFC 5321 §4.5.1).
    """
    path, given = _split(argument, "TO:")
    for name, _ in given:
        raise UnknownParameter(name)
    if path.lower() == b"<postmaster>":
        return postmaster
    address = parse_path(path)
    if address is None:
        raise AddressMalformed("the null path receives nothing")
    return address


def _split(argument: str, keyword: str) -> tuple[bytes, list[tuple[str, str | None]]]:
    if argument[: len(keyword)].upper() != keyword:
        raise BadSyntax(keyword)
    # some clients write a blank after the colon; it is harmless and was never ambiguous
    rest = argument[len(keyword) :].lstrip(" ")
    end = rest.find(">") + 1
    if not rest.startswith("<") or end == 0 or not rest.isascii():
        raise BadSyntax(keyword)
    words = rest[end:].split(" ") if rest[end:] else [""]
    if words[0]:
        raise BadSyntax(keyword)
    given: list[tuple[str, str | None]] = []
    for word in words[1:]:
        if not word:
            continue
        matched = _PARAMETER.fullmatch(word)
        if matched is None:
            raise BadSyntax(keyword)
        given.append((matched[1].upper(), matched[2]))
    return rest[:end].encode("ascii"), given
