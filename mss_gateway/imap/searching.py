"""SEARCH keys to tests of one message; what is dear is looked at last.

Flags and numbers come from memory, dates and sizes from the row, addresses and subject from the
summary, other fields from the header's bytes, text from the decoded parts. Text is compared
without case, white space counting as one space. Only BODY and TEXT parse MIME, within limits.
"""

import html
import re
import unicodedata
from collections.abc import Callable
from datetime import date
from enum import IntEnum
from typing import Final

from mailbox_store import changes
from mailbox_store.changes import Row
from mailbox_store.database import View
from mailbox_store.vault import AccountId
from mss_gateway.imap.grammar.search import (
    Dated,
    Either,
    Every,
    HasFlag,
    HasKeyword,
    InField,
    InText,
    Key,
    Not,
    Numbered,
    Sized,
    Timing,
)
from mss_gateway.imap.selected import Selected
from mss_gateway.message.header import Header, field_text, header_end, parse_header
from mss_gateway.message.limits import MessageMalformed
from mss_gateway.message.parse import scan
from mss_gateway.message.summary import Summary
from mss_gateway.message.words import decode_words, unfold

READ_OCTETS: Final = 8 * 1024 * 1024
"""Octets of one message that BODY and TEXT look at."""

TEXT_CHARACTERS: Final = 1024 * 1024
"""Decoded characters of one message that BODY and TEXT look at."""

DAY_SECONDS: Final = 86_400
_EPOCH: Final = date(1970, 1, 1)
_TAG = re.compile(r"<[^<>]*>")


class Cost(IntEnum):
    """What a key must be shown of a message."""

    MEMORY = 0
    ROW = 1
    SUMMARY = 2
    HEADER = 3
    TEXT = 4


class Candidate:
    """One message under test; what is read once is kept while it is tested."""

    __slots__ = (
        "_header",
        "_summary",
        "_text",
        "account_id",
        "flags",
        "position",
        "row",
        "uid",
        "view",
    )

    def __init__(self, position: int, uid: int, flags: int) -> None:
        self.position = position
        self.uid = uid
        self.flags = flags
        self.view: View | None = None
        self.account_id = AccountId(0)
        self.row: Row | None = None
        self._summary: Summary | None = None
        self._header: Header | None = None
        self._text: str | None = None

    def shown(self, view: View, account_id: AccountId, row: Row) -> "Candidate":
        """The same with its row; the view is only used while it is tested."""
        self.view, self.account_id, self.row = view, account_id, row
        return self

    @property
    def stored(self) -> Row:
        assert self.row is not None
        return self.row

    @property
    def summary(self) -> Summary:
        if self._summary is None:
            self._summary = Summary(self.stored.summary)
        return self._summary

    @property
    def header(self) -> Header:
        if self._header is None:
            raw = self._octets(0, self.summary.header_size)
            end, _ = header_end(raw, 0, len(raw))
            self._header = parse_header(raw, 0, end)
        return self._header

    @property
    def text(self) -> str:
        """The text of the body's parts, in the form that is compared."""
        if self._text is None:
            self._text = normal(_body_text(self._octets(0, READ_OCTETS)))
        return self._text

    def field(self, name: str) -> list[str]:
        """Every field of that name, decoded, in the form that is compared."""
        values = self.header.all(name)
        return [normal(decode_words(unfold(field_text(value)))) for value in values]

    def _octets(self, start: int, length: int) -> bytes:
        assert self.view is not None
        message_id = self.stored.message_id
        return changes.read_body(self.view, self.account_id, message_id, start, length)


Test = Callable[[Candidate], bool]


def normal(text: str) -> str:
    """The form in which texts are compared: composed, lower case, single spaces."""
    return " ".join(unicodedata.normalize("NFC", text).lower().split())


def cost(key: Key) -> Cost:
    """The dearest thing that ``key`` looks at."""
    match key:
        case Every(keys):
            return max((cost(each) for each in keys), default=Cost.MEMORY)
        case Either(one, other):
            return max(cost(one), cost(other))
        case Not(inner):
            return cost(inner)
        case Dated(is_sent=True):
            return Cost.SUMMARY
        case Dated() | Sized():
            return Cost.ROW
        case InField(field, text):
            return Cost.SUMMARY if text and field in _IN_SUMMARY else Cost.HEADER
        case InText():
            return Cost.TEXT
        case _:
            return Cost.MEMORY


def test_for(key: Key, here: Selected) -> Test:
    """``key`` as a test; raises ``NumberAbsent`` for sequence numbers above EXISTS."""
    match key:
        case Every(keys):
            return _every([test_for(each, here) for each in sorted(keys, key=cost)])
        case Either():
            one, other = (test_for(each, here) for each in sorted((key.one, key.other), key=cost))
            return lambda candidate: one(candidate) or other(candidate)
        case Not(inner):
            negated = test_for(inner, here)
            return lambda candidate: not negated(candidate)
        case HasFlag(bit):
            return lambda candidate: bool(candidate.flags & bit)
        case HasKeyword(name):
            return _keyword(name, here)
        case Numbered(numbers, is_uid):
            members = {at for start, end in here.spans(numbers, is_uid) for at in range(start, end)}
            return lambda candidate: candidate.position in members
        case Dated():
            return _dated(key)
        case Sized(octets, True):
            return lambda candidate: candidate.stored.size > octets
        case Sized(octets, _):
            return lambda candidate: candidate.stored.size < octets
        case InField(field, text):
            return _in_field(field, text)
        case InText(text, with_header):
            return _in_text(text, with_header)


def _every(tests: list[Test]) -> Test:
    if len(tests) == 1:
        return tests[0]
    return lambda candidate: all(test(candidate) for test in tests)


def _keyword(name: str, here: Selected) -> Test:
    bits = [bit for bit, known in here.printer.keywords.items() if known.lower() == name.lower()]
    bit = bits[0] if bits else 0
    return lambda candidate: bool(candidate.flags & bit)


def _dated(key: Dated) -> Test:
    """Days are compared: those INTERNALDATE shows (UTC), or those the Date field says."""
    day = (key.day - _EPOCH).days
    compare: Callable[[int], bool] = {
        Timing.BEFORE: lambda found: found < day,
        Timing.ON: lambda found: found == day,
        Timing.SINCE: lambda found: found >= day,
    }[key.timing]
    if not key.is_sent:
        return lambda candidate: compare(candidate.stored.internal_date // DAY_SECONDS)

    def sent(candidate: Candidate) -> bool:
        found = candidate.summary.sent_day
        return found is not None and compare(found)

    return sent


_IN_SUMMARY: Final[dict[str, Callable[[Summary], str]]] = {
    "from": lambda summary: summary.from_text,
    "to": lambda summary: summary.to_text,
    "cc": lambda summary: summary.cc_text,
    "bcc": lambda summary: summary.bcc_text,
    "subject": lambda summary: summary.subject,
    "message-id": lambda summary: summary.message_id,
}


def _in_field(field: str, text: str) -> Test:
    """An empty text asks whether the field is there, RFC 9051 §6.4.4."""
    wanted = normal(text)
    ready = _IN_SUMMARY.get(field)
    if not text or ready is None:
        return lambda candidate: any(wanted in value for value in candidate.field(field))
    return lambda candidate: wanted in ready(candidate.summary).lower()


def _in_text(text: str, with_header: bool) -> Test:
    wanted = normal(text)
    if not with_header:
        return lambda candidate: wanted in candidate.text

    def test(candidate: Candidate) -> bool:
        for name, value in candidate.header.fields:
            shown = f"{name}: {decode_words(unfold(field_text(value)))}"
            if wanted in normal(shown):
                return True
        return wanted in candidate.text

    return test


def _body_text(raw: bytes) -> str:
    """Text parts and headers of enclosed messages, decoded, up to the limit; HTML without tags."""
    try:
        root = scan(raw).root
    except MessageMalformed:
        return raw.decode("utf-8", "replace")[:TEXT_CHARACTERS]
    texts: list[str] = []
    left = TEXT_CHARACTERS
    for part in root.walk():
        if left <= 0:
            break
        if part.message is not None:
            inner = part.message.header
            texts.extend(decode_words(unfold(field_text(value))) for _, value in inner.fields)
        elif part.media_type.startswith("text/") and not part.children:
            text = part.text(raw)[:left]
            left -= len(text)
            is_html = part.media_type == "text/html"
            texts.append(html.unescape(_TAG.sub("", text)) if is_html else text)
    return "\n".join(texts)
