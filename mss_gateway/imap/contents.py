"""Octets that FETCH asks for: sections as they travel, parts decoded (BINARY), first words."""

import binascii
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from mailbox_store import changes
from mailbox_store.bodies import CHUNK_OCTETS, open_beginning
from mailbox_store.changes import Row
from mailbox_store.database import View
from mailbox_store.messages import MessageId
from mailbox_store.vault import AccountId
from mss_gateway.imap.grammar.fetch import Binary, Content, Portion, Section
from mss_gateway.imap.responses import literal, literal8, quoted
from mss_gateway.message.header import header_end, parse_header
from mss_gateway.message.limits import MessageMalformed
from mss_gateway.message.parse import scan
from mss_gateway.message.preview import preview
from mss_gateway.message.summary import Summary, filter_header
from mss_gateway.message.words import decode_base64

INLINE_OCTETS: Final = 262_144
"""A section up to this size is read with its batch; a larger one is streamed."""

WHOLE: Final = Section()


class Undecodable(Exception):
    """A part in a transfer encoding nobody knows: NO with UNKNOWN-CTE, RFC 9051 §7.1."""


@dataclass(frozen=True, slots=True)
class Remote:
    """A stretch of a stored message that the sender reads piece by piece."""

    message_id: MessageId
    start: int
    length: int


@dataclass(frozen=True, slots=True)
class Encoded:
    """A large part that the sender decodes when its turn comes, and sends bit by bit."""

    remote: Remote
    encoding: str
    partial: tuple[int, int] | None

    def decoded(self, view: View, account_id: AccountId) -> bytes:
        """What is asked of the part, without its transfer encoding."""
        place = self.remote
        octets = changes.read_body(view, account_id, place.message_id, place.start, place.length)
        return _cut(_DECODERS[self.encoding](octets), self.partial)


Pieces = list[bytes | Remote | Encoded]


class Stored:
    """One message, and the view it is read in; its beginning is opened once.

    ``summary`` is None when nothing but the whole message is asked for.
    """

    __slots__ = ("_beginning", "account_id", "row", "summary", "view")

    def __init__(
        self, view: View, account_id: AccountId, row: Row, summary: Summary | None
    ) -> None:
        self.view = view
        self.account_id = account_id
        self.row = row
        self.summary = summary
        self._beginning: bytes | None = None

    def octets(self, start: int, length: int) -> bytes:
        """``length`` octets of the message from ``start``."""
        if not length:
            return b""
        body = self.row.beginning
        if body is not None and start + length <= min(body.octets, CHUNK_OCTETS):
            if self._beginning is None:
                seal = self.view.vault.account(self.view, self.account_id)
                self._beginning = open_beginning(seal, body)
            return self._beginning[start : start + length]
        return changes.read_body(self.view, self.account_id, self.row.message_id, start, length)

    def place(self, section: Section) -> tuple[int, int] | None:
        """Where a section lies, as (start, length); None when the message has none such."""
        if section == WHOLE:
            return 0, self.row.size
        assert self.summary is not None
        return self.summary.section(_spec(section))


def content(stored: Stored, item: Content) -> Pieces:
    """The octets of a section as a literal; NIL for one that the message does not have."""
    place = stored.place(item.section)
    if place is None:
        return [b"NIL"]
    start, length = place
    if item.section.portion in (Portion.FIELDS, Portion.FIELDS_NOT):
        names = frozenset(item.section.fields)
        inverts = item.section.portion is Portion.FIELDS_NOT
        chosen = filter_header(stored.octets(start, length), names, inverts)
        return [literal(_cut(chosen, item.partial))]
    return _stretch(stored, place, item.partial)


def binary(stored: Stored, item: Binary) -> Pieces:
    """A part without its transfer encoding, RFC 9051 §6.4.5; raises ``Undecodable``."""
    place = stored.place(Section(item.part))
    if place is None:
        return [b"0" if item.is_size else b"NIL"]
    encoding = _encoding(stored, item.part)
    if encoding in _IDENTITY:
        return [b"%d" % place[1]] if item.is_size else _stretch(stored, place, item.partial)
    if item.is_size:
        return [b"%d" % len(_DECODERS[encoding](stored.octets(*place)))]
    if place[1] > INLINE_OCTETS:
        return [Encoded(Remote(stored.row.message_id, *place), encoding, item.partial)]
    return [literal8(_cut(_DECODERS[encoding](stored.octets(*place)), item.partial))]


def _stretch(stored: Stored, place: tuple[int, int], partial: tuple[int, int] | None) -> Pieces:
    """Octets as they lie in the message, at once or left to the sender."""
    start, length = place
    if partial is not None:
        origin, most = partial
        start, length = start + min(origin, length), min(most, max(0, length - origin))
    if length > INLINE_OCTETS:
        return [b"{%d}\r\n" % length, Remote(stored.row.message_id, start, length)]
    return [literal(stored.octets(start, length))]


def first_words(stored: Stored) -> bytes:
    """PREVIEW as a string, RFC 8970 §3.2; messages of the first release are read for it."""
    assert stored.summary is not None
    words = stored.summary.preview
    if words is None:
        try:
            words = preview(scan(stored.octets(0, stored.row.size)))
        except MessageMalformed:
            words = ""
    return quoted(words.encode("utf-8"))


_IDENTITY: Final = frozenset({"7bit", "8bit", "binary"})
_DECODERS: Final[dict[str, Callable[[bytes], bytes]]] = {
    **dict.fromkeys(_IDENTITY, lambda octets: octets),
    "base64": decode_base64,
    "quoted-printable": binascii.a2b_qp,
}


def _encoding(stored: Stored, part: tuple[int, ...]) -> str:
    """The transfer encoding of a part; of a message, or a part that is the message's own body."""
    if not part:
        return "7bit"
    place = stored.place(Section(part, Portion.MIME)) or stored.place(Section((), Portion.HEADER))
    assert place is not None
    raw = stored.octets(*place)
    try:
        value = parse_header(raw, 0, header_end(raw, 0, len(raw))[0]).unfolded(
            "content-transfer-encoding"
        )
    except MessageMalformed:
        raise Undecodable from None
    encoding = (value or "7bit").strip().lower()
    if encoding not in _DECODERS:
        raise Undecodable
    return encoding


def _spec(section: Section) -> bytes:
    """The section as ``Summary.section`` reads it."""
    words = [b"%d" % number for number in section.part]
    if section.portion in (Portion.FIELDS, Portion.FIELDS_NOT):
        words.append(b"HEADER")
    elif section.portion is not Portion.WHOLE:
        words.append(section.portion.value.encode("ascii"))
    return b".".join(words)


def _cut(octets: bytes, partial: tuple[int, int] | None) -> bytes:
    return octets if partial is None else octets[partial[0] : partial[0] + partial[1]]
