"""Messages that a search must look into: what each key reads of them, dear things last."""

from collections.abc import Callable, Mapping
from typing import Final

from mailbox_store import changes
from mailbox_store.changes import Row
from mailbox_store.database import View
from mailbox_store.vault import AccountId
from mss_gateway.imap.grammar.search import (
    Dated,
    Either,
    Every,
    Identified,
    InField,
    InText,
    Key,
    Not,
)
from mss_gateway.imap.identifiers import email_id
from mss_gateway.imap.searching import Cost, Known, Leaf, cost, is_day, is_of_summary, leaves
from mss_gateway.message.header import Header
from mss_gateway.message.summary import Summary
from mss_gateway.message.text import (
    FIELDS,
    READ_OCTETS,
    body_text,
    field_values,
    fields,
    header_of,
    normal,
)


class Candidate:
    """One message under test; what is read once is kept while it is tested."""

    __slots__ = ("_account_id", "_header", "_summary", "_text", "_view", "position", "row")

    def __init__(self, view: View, account_id: AccountId, position: int, row: Row) -> None:
        self._view = view
        self._account_id = account_id
        self.position = position
        self.row = row
        self._summary: Summary | None = None
        self._header: Header | None = None
        self._text: str | None = None

    @property
    def identifier(self) -> str:
        """Its EMAILID."""
        return email_id(self._view, self.row.message_id)

    @property
    def summary(self) -> Summary:
        if self._summary is None:
            self._summary = Summary(self.row.summary)
        return self._summary

    @property
    def header(self) -> Header:
        if self._header is None:
            self._header = header_of(self._octets(self.summary.header_size))
        return self._header

    @property
    def text(self) -> str:
        """The text of the body's parts, in normal form."""
        if self._text is None:
            self._text = body_text(self._octets(READ_OCTETS))
        return self._text

    def _octets(self, length: int) -> bytes:
        message_id = self.row.message_id
        return changes.read_body(self._view, self._account_id, message_id, 0, length)


Test = Callable[[Candidate], bool]


def test_for(key: Key, known: Mapping[Leaf, Known]) -> Test:
    """``key`` as a test, which reads only what is open."""
    match key:
        case Every(keys):
            tests = [test_for(each, known) for each in sorted(keys, key=_dearest)]
            return lambda candidate: all(test(candidate) for test in tests)
        case Either(one, other):
            first, second = (test_for(each, known) for each in sorted((one, other), key=_dearest))
            return lambda candidate: first(candidate) or second(candidate)
        case Not(inner):
            negated = test_for(inner, known)
            return lambda candidate: not negated(candidate)
        case _:
            return _leaf_test(key, known[key])


def _dearest(key: Key) -> Cost:
    return max(map(cost, leaves(key)), default=Cost.MEMORY)


def _leaf_test(leaf: Leaf, found: Known) -> Test:
    read = reading(leaf)

    def test(candidate: Candidate) -> bool:
        if candidate.position in found.open:
            return read(candidate)
        return candidate.position in found.yes

    return test


def reading(leaf: Leaf) -> Test:
    """The test of a leaf that must be shown something of each message."""
    match leaf:
        case Identified(identifier):
            return lambda candidate: candidate.identifier == identifier
        case Dated():
            return _sent(leaf)
        case InField():
            return _in_field(leaf)
        case InText(text, with_header):
            return _in_text(normal(text), with_header)
        case _:
            return _never


def _never(_candidate: Candidate) -> bool:
    """A leaf that is never open."""
    raise TypeError("nothing of a message answers this key")


def _sent(leaf: Dated) -> Test:
    fulfils = is_day(leaf)

    def test(candidate: Candidate) -> bool:
        day = candidate.summary.sent_day
        return day is not None and fulfils(day)

    return test


def _in_field(leaf: InField) -> Test:
    """An empty text asks whether the field is there, RFC 9051 §6.4.4."""
    wanted, name = normal(leaf.text), leaf.field
    if is_of_summary(leaf):
        text_of: Final = FIELDS[name]
        return lambda candidate: wanted in text_of(candidate.summary)
    return lambda candidate: any(wanted in value for value in field_values(candidate.header, name))


def _in_text(wanted: str, with_header: bool) -> Test:
    def test(candidate: Candidate) -> bool:
        if with_header:
            lines = (f"{name}: {value}" for name, value in fields(candidate.header))
            if any(wanted in line for line in lines):
                return True
        return wanted in candidate.text

    return test
