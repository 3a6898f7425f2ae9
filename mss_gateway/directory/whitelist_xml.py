"""The white list as it is written: XML, read once from beginning to end, without a tree.

``//Domaine/Nom`` of the namespace below are the domains of the trust space. How the real list
groups them by operator is not public: an element named by the configuration may stand inside
``Domaine`` or around several; a domain without one stands alone. A DOCTYPE is refused, so there
are no entities; everything else that could grow is bounded.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from xml.parsers import expat

from mss_gateway.message.address import AddressMalformed, parse_address
from mss_gateway.message.words import display_safe

NAMESPACE: Final = "https://listeblanche.mssante.fr/schema"

DOCUMENT_OCTETS: Final = 16 * 1024 * 1024
NAMES: Final = 100_000
"""Names of domains in one list at most, those that come twice counted twice."""
MARKS: Final = 1_000_000
"""Elements and attributes at most: what a tree of them costs (the signature needs one)."""
DEPTH: Final = 32
ATTRIBUTES: Final = 64
NAMESPACES: Final = 64
"""Attributes of one element and namespaces in scope at most: canonical XML sorts them."""
NAME_CHARACTERS: Final = 1_024
OPERATOR_CHARACTERS: Final = 200

_DECLARED = re.compile(rb"\A<\?xml\s[^>]{0,200}?\sencoding\s*=\s*[\"']([A-Za-z0-9._-]{1,40})[\"']")
_ENCODINGS: Final = {
    "utf-8": "utf-8",
    "us-ascii": "ascii",
    "iso-8859-1": "latin-1",
    "iso-8859-15": "iso-8859-15",
    "windows-1252": "cp1252",
}
_BOM: Final = b"\xef\xbb\xbf"

ISSUED: Final = frozenset(
    ("date", "datecreation", "dateemission", "dategeneration", "datemiseajour", "datepublication")
)
"""Names, in lower case, of the attribute of the root or of its child that dates the list."""

_FRENCH_DATE = re.compile(r"(\d\d)/(\d\d)/(\d{4})(.*)", re.DOTALL)


class WhitelistRefused(ValueError):
    """The list is not taken; the text is one clear line."""


class WhitelistMalformed(WhitelistRefused):
    """It is not a white list, or goes beyond what one may be."""


@dataclass(frozen=True, slots=True)
class PassedOver:
    """A name that no address can be under; ``line`` counts from 1, ``name`` is safe to show."""

    line: int
    name: str


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a list says: whose each domain is (itself, when the list does not say).

    Domains in their normal form (lower case, A-labels). ``issued_at`` in unix seconds, None when
    the list has no date that can be read.
    """

    domains: Mapping[str, str]
    issued_at: int | None
    passed_over: tuple[PassedOver, ...] = ()


def parse(document: bytes, operator_element: str = "Operateur") -> Parsed:
    """The domains of a list. Names are trimmed, what comes twice is merged.

    A name that is no domain is passed over and told: it could have no address, and one slip of
    whoever writes the list should not end all exchanges. Raises :class:`WhitelistMalformed`, also
    when no domain is left, for that list would cut everybody off.
    """
    reader = _Reader(operator_element)
    reader.read(utf8(document))
    domains, passed_over = _merged(reader.entries)
    if not domains:
        raise WhitelistMalformed(
            f"it names no domain (Domaine/Nom of {NAMESPACE}): taking it would cut everybody off"
        )
    return Parsed(domains, reader.issued_at, tuple(passed_over))


def utf8(document: bytes) -> bytes:
    """The document in UTF-8, whatever it declares: two parsers of it cannot disagree then.

    Raises :class:`WhitelistMalformed` when it is too big or its octets do not fit.
    """
    if len(document) > DOCUMENT_OCTETS:
        raise WhitelistMalformed(f"it has more than {DOCUMENT_OCTETS} octets")
    declared = _DECLARED.match(document)
    name = declared[1].decode("ascii").lower() if declared else "utf-8"
    if name not in _ENCODINGS:
        raise WhitelistMalformed(f"line 1: the encoding {name} is not one of a white list")
    try:
        return document.removeprefix(_BOM).decode(_ENCODINGS[name]).encode("utf-8")
    except UnicodeDecodeError as error:
        line = document.count(b"\n", 0, error.start) + 1
        raise WhitelistMalformed(f"line {line}: octets that are not {name}") from None


def normal_domain(text: str) -> str:
    """A domain in the normal form of addresses; raises AddressMalformed."""
    return parse_address(f"x@{text}").domain


@dataclass(frozen=True, slots=True)
class _Entry:
    """A name as it stands in the list, and the operator it stands under."""

    line: int
    name: str
    operator: str | None


@dataclass(slots=True)
class _Open:
    """An element whose end has not come; ``entries`` are the names below it."""

    tag: str
    line: int
    text: str = ""
    operator: str | None = None
    entries: list[_Entry] = field(default_factory=list)


class _Reader:
    """What expat tells, gathered."""

    def __init__(self, operator_element: str) -> None:
        self.entries: list[_Entry] = []
        self.issued_at: int | None = None
        self._operator_element = operator_element
        self._open: list[_Open] = []
        self._marks = self._names = self._scopes = 0
        self._expat = expat.ParserCreate("utf-8", " ")
        self._expat.buffer_text = True
        for name, handler in (
            ("StartElementHandler", self._start),
            ("EndElementHandler", self._end),
            ("CharacterDataHandler", self._characters),
            ("StartDoctypeDeclHandler", self._doctype),
            ("StartNamespaceDeclHandler", self._scope),
            ("EndNamespaceDeclHandler", self._scope_end),
        ):
            setattr(self._expat, name, handler)

    def read(self, document: bytes) -> None:
        try:
            self._expat.Parse(document, True)
        except expat.ExpatError as error:
            raise WhitelistMalformed(
                f"line {error.lineno}: not well-formed XML ({expat.ErrorString(error.code)})"
            ) from None

    def _refuse(self, why: str) -> WhitelistMalformed:
        return WhitelistMalformed(f"line {self._expat.CurrentLineNumber}: {why}")

    def _doctype(self, *_: object) -> None:
        raise self._refuse("a DOCTYPE is refused")

    def _scope(self, *_: object) -> None:
        self._scopes += 1
        if self._scopes > NAMESPACES:
            raise self._refuse(f"more than {NAMESPACES} namespaces in scope")

    def _scope_end(self, *_: object) -> None:
        self._scopes -= 1

    def _start(self, name: str, attributes: Mapping[str, str]) -> None:
        self._marks += 1 + len(attributes)
        if self._marks > MARKS:
            raise self._refuse(f"more than {MARKS} elements and attributes")
        if len(self._open) == DEPTH:
            raise self._refuse(f"more than {DEPTH} elements inside each other")
        if len(attributes) > ATTRIBUTES:
            raise self._refuse(f"more than {ATTRIBUTES} attributes of one element")
        namespace, _, local = name.rpartition(" ")
        one = _Open(local if namespace == NAMESPACE else "", self._expat.CurrentLineNumber)
        if one.tag == self._operator_element:
            one.operator = self._operator(attributes.get("nom") or attributes.get("Nom") or "")
        if not self._open:
            for key, value in attributes.items():
                self._date(key, value)
        self._open.append(one)

    def _characters(self, text: str) -> None:
        one = self._open[-1]
        if one.tag and len(one.text) <= NAME_CHARACTERS:  # one more tells that it is too long
            one.text = (one.text + text)[: NAME_CHARACTERS + 1]

    def _end(self, _: str) -> None:
        one = self._open.pop()
        above = self._open[-1] if self._open else _Open("", 0)
        if one.tag == self._operator_element:
            self._end_operator(one, above)
        elif one.tag == "Nom" and above.tag == "Domaine":
            self._names += 1
            if self._names > NAMES:
                raise self._refuse(f"more than {NAMES} names of domains")
            above.entries.append(_Entry(one.line, one.text, None))
        elif one.tag == "Nom" and above.tag == self._operator_element:
            above.operator = above.operator or self._operator(one.text)
        else:
            if len(self._open) == 1:
                self._date(one.tag, one.text)
            self._give(above, one.entries, one.operator)

    def _end_operator(self, one: _Open, above: _Open) -> None:
        if above.tag == "Domaine" and not one.entries:
            above.operator = above.operator or one.operator or self._operator(one.text)
            return
        # around several, and without a name: they belong together all the same
        first = one.entries[0].name.strip() if one.entries else None
        self._give(above, one.entries, one.operator or first)

    def _give(self, above: _Open, entries: list[_Entry], operator: str | None) -> None:
        """Hand the names of an element that ended to the one around it, or to the list."""
        if operator is not None:
            entries = [_Entry(each.line, each.name, each.operator or operator) for each in entries]
        (above.entries if self._open else self.entries).extend(entries)

    def _operator(self, text: str) -> str | None:
        """The name of an operator, spaced and composed in one way; None for an empty one."""
        if len(text) > OPERATOR_CHARACTERS:
            raise self._refuse(f"the name of an operator has more than {OPERATOR_CHARACTERS} signs")
        return display_safe(unicodedata.normalize("NFC", " ".join(text.split()))) or None

    def _date(self, name: str, text: str) -> None:
        if self.issued_at is None and name.lower() in ISSUED:
            self.issued_at = _moment(text.strip())


def _moment(text: str) -> int | None:
    """ISO 8601 or 31/12/2026 with or without a time, UTC when it names no zone; else None."""
    french = _FRENCH_DATE.fullmatch(text)
    if french is not None:
        text = f"{french[3]}-{french[2]}-{french[1]}{french[4]}"
    try:
        found = datetime.fromisoformat(text)
        return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        return None


def _merged(entries: list[_Entry]) -> tuple[dict[str, str], list[PassedOver]]:
    """Each domain once with its operator; raises when two operators are said to have it."""
    stated: dict[str, str | None] = {}
    passed_over = []
    for each in entries:
        try:
            domain = normal_domain(each.name.strip())
        except AddressMalformed:
            passed_over.append(PassedOver(each.line, display_safe(each.name, 80)))
            continue
        operator = stated.get(domain) or each.operator
        if each.operator not in (None, operator):
            raise WhitelistMalformed(f"line {each.line}: {domain} is given to two operators")
        stated[domain] = operator
    return {domain: operator or domain for domain, operator in stated.items()}, passed_over
