"""Distinguished names, compared as RFC 5280 §7.1 asks.

Case, runs of white space and the type of string (PrintableString, UTF8String…) make no difference;
the order of the relative names does. The preparation is that of RFC 4518 §2, on which LDAP's
caseIgnoreMatch rests.
"""

import unicodedata

from cryptography import x509

Name = tuple[tuple[tuple[str, str], ...], ...]
"""A name in the one form in which two are compared; a prefix of it is a directory above."""


def normal(name: x509.Name) -> Name:
    """The name in its comparable form."""
    return tuple(relative(each) for each in name.rdns)


def relative(name: x509.RelativeDistinguishedName) -> tuple[tuple[str, str], ...]:
    """One relative name, whose attributes have no order."""
    if len(name) == 1:
        (only,) = name
        return ((only.oid.dotted_string, _value(only.value)),)
    return tuple(sorted((each.oid.dotted_string, _value(each.value)) for each in name))


def _value(value: str | bytes) -> str:
    """A string prepared; octets (x500UniqueIdentifier) as they are, never equal to a string."""
    if isinstance(value, bytes):
        return "#" + value.hex()
    if not value.isascii():
        value = unicodedata.normalize("NFKC", "".join(_mapped(each) for each in value))
        value = unicodedata.normalize("NFKC", value.casefold())
    return "=" + " ".join(value.lower().split())


def _mapped(character: str) -> str:
    """White space as a space, what is invisible as nothing (RFC 4518 §2.2)."""
    if character.isspace():
        return " "
    return "" if unicodedata.category(character) in ("Cc", "Cf") else character
