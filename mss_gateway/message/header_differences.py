"""Where a message says another thing outside than its author left there: RFC 9788 §4."""

from collections.abc import Container, Iterable

from mss_gateway.message.address import AddressMalformed, EmailAddress, parse_author
from mss_gateway.message.header import Field, Header, field_text
from mss_gateway.message.words import unfold


def authors_differ(outer: Header, inside: Header) -> bool:
    """Whether From is another address outside than inside, or one of the two cannot be read."""
    authors = _author(outer), _author(inside)
    return None in authors or authors[0] != authors[1]


def recorded(inside: Header) -> list[Field]:
    """The fields that stood outside when the message was sealed, as HP-Outer tells them."""
    lines = (field_text(value).partition(":") for value in inside.all("hp-outer"))
    return [
        (name.strip().lower(), value.encode("utf-8", "replace"))
        for name, colon, value in lines
        if colon
    ]


def differing(
    outer: Iterable[Field], left: Iterable[Field], ignored: Container[str]
) -> frozenset[str]:
    """The names under which ``outer`` has not the values that were ``left`` there, in order."""
    actual, expected = _values(outer, ignored), _values(left, ignored)
    names = expected.keys() | actual.keys()
    return frozenset(name for name in names if expected.get(name) != actual.get(name))


def _author(header: Header) -> EmailAddress | None:
    values = header.all("from")
    if len(values) != 1:
        return None
    try:
        return parse_author(field_text(values[0])).address
    except AddressMalformed:
        return None


def _values(fields: Iterable[Field], ignored: Container[str]) -> dict[str, list[str]]:
    """The values of each field, white space counting as one space."""
    values: dict[str, list[str]] = {}
    for name, value in fields:
        if name not in ignored and not name.startswith("content-"):
            values.setdefault(name, []).append(" ".join(unfold(field_text(value)).split()))
    return values
