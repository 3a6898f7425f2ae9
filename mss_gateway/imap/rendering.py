"""FETCH items to bytes: what is ready in a summary is joined, octets are read by offset.

Nothing here parses MIME: ENVELOPE, BODYSTRUCTURE and the offsets of every section were computed
once, at delivery (``message.summary``).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from mailbox_store import changes
from mailbox_store.changes import Row
from mailbox_store.database import View
from mailbox_store.messages import MessageId
from mailbox_store.vault import AccountId
from mss_gateway.imap.grammar.dates import printed_moment
from mss_gateway.imap.grammar.fetch import Attribute, Content, Item, Portion, Section
from mss_gateway.imap.rows import rows_at
from mss_gateway.imap.selected import Selected
from mss_gateway.message.summary import Summary, filter_header

INLINE_OCTETS: Final = 262_144
"""A section up to this size is read with its batch; a larger one is streamed."""

ANSWER_OCTETS: Final = 524_288
"""A batch ends early once its answer has grown so large."""


@dataclass(frozen=True, slots=True)
class Remote:
    """A stretch of a stored message that the sender reads piece by piece."""

    message_id: MessageId
    start: int
    length: int


Pieces = list[bytes | Remote]


class _Shown:
    """One message while its response is made; the summary is read if something asks for it."""

    __slots__ = ("_summary", "flags", "row")

    def __init__(self, row: Row, flags: bytes) -> None:
        self.row = row
        self.flags = flags
        self._summary: Summary | None = None

    @property
    def summary(self) -> Summary:
        if self._summary is None:
            self._summary = Summary(self.row.summary)
        return self._summary


_Printer = Callable[[_Shown], bytes]

_PRINTERS: Final[dict[Attribute, _Printer]] = {
    Attribute.UID: lambda shown: b"UID %d" % shown.row.uid,
    Attribute.FLAGS: lambda shown: b"FLAGS " + shown.flags,
    Attribute.INTERNALDATE: lambda shown: (
        b"INTERNALDATE " + printed_moment(shown.row.internal_date)
    ),
    Attribute.SIZE: lambda shown: b"RFC822.SIZE %d" % shown.row.size,
    Attribute.ENVELOPE: lambda shown: b"ENVELOPE " + shown.summary.envelope,
    Attribute.BODY: lambda shown: b"BODY " + shown.summary.body,
    Attribute.BODYSTRUCTURE: lambda shown: b"BODYSTRUCTURE " + shown.summary.bodystructure,
}


@dataclass(frozen=True, slots=True)
class Plan:
    """What one FETCH needs; ``words`` is set when UID and FLAGS, from memory, are all of it.

    ``steps`` are the items, words as what prints them: looked up once, not for each message.
    """

    steps: tuple[_Printer | Content, ...]
    words: tuple[Attribute, ...] | None
    has_flags: bool
    has_contents: bool
    wants_summary: bool
    sets_seen: bool


@dataclass(frozen=True, slots=True)
class Batch:
    """Some messages to render, by position in the selected mailbox."""

    account_id: AccountId
    here: Selected
    positions: list[int]
    newly_seen: frozenset[int]


@dataclass(frozen=True, slots=True)
class Answer:
    """Rendered responses for the first ``handled`` positions, ``missing`` of which are gone."""

    pieces: Pieces
    handled: int
    missing: int


_IN_ARRAYS: Final = frozenset({Attribute.UID, Attribute.FLAGS})
_IN_ROW: Final = _IN_ARRAYS | {Attribute.INTERNALDATE, Attribute.SIZE}
_WHOLE: Final = Section()


def plan_for(items: tuple[Item, ...], is_uid: bool) -> Plan:
    """The plan; the UID form always answers with UIDs, RFC 9051 §6.4.9."""
    if is_uid and Attribute.UID not in items:
        items = (Attribute.UID, *items)
    words = tuple(item for item in items if isinstance(item, Attribute))
    contents = [item for item in items if isinstance(item, Content)]
    only_arrays = not contents and set(words) <= _IN_ARRAYS
    return Plan(
        tuple(_PRINTERS[item] if isinstance(item, Attribute) else item for item in items),
        words if only_arrays else None,
        Attribute.FLAGS in items,
        bool(contents),
        not set(words) <= _IN_ROW or any(item.section != _WHOLE for item in contents),
        any(item.sets_seen for item in contents),
    )


def render(view: View, plan: Plan, batch: Batch) -> Answer:
    """The FETCH responses of a batch, or of its beginning when they grow large."""
    here = batch.here
    pieces: Pieces = []
    octets = found = 0
    rows = rows_at(view, batch.account_id, here, batch.positions, plan.wants_summary)
    for at, row in rows:
        found += 1
        shown = _Shown(row, here.printer(here.told[at]))
        if plan.has_contents:
            rendered = _with_contents(view, plan, batch, shown, at)
            pieces += rendered
            octets += sum(len(piece) for piece in rendered if isinstance(piece, bytes))
        else:
            line = b"* %d FETCH (%s)\r\n" % (at + 1, _words(plan, shown))
            pieces.append(line)
            octets += len(line)
        if octets >= ANSWER_OCTETS:
            handled = batch.positions.index(at) + 1
            return Answer(_joined(pieces), handled, handled - found)
    handled = len(batch.positions)
    return Answer(_joined(pieces), handled, handled - found)


def _words(plan: Plan, shown: _Shown) -> bytes:
    return b" ".join([step(shown) for step in plan.steps if not isinstance(step, Content)])


def _with_contents(view: View, plan: Plan, batch: Batch, shown: _Shown, at: int) -> Pieces:
    pieces: Pieces = [b"* %d FETCH (" % (at + 1)]
    separator = b""
    for step in plan.steps:
        if isinstance(step, Content):
            pieces.append(separator + step.label + b" ")
            pieces += _content(view, batch.account_id, shown, step)
        else:
            pieces.append(separator + step(shown))
        separator = b" "
    if at in batch.newly_seen and not plan.has_flags:
        pieces.append(b" FLAGS " + shown.flags)
    pieces.append(b")\r\n")
    return pieces


def _content(view: View, account_id: AccountId, shown: _Shown, item: Content) -> Pieces:
    """A literal; NIL for a section that the message does not have."""
    row = shown.row
    is_whole = item.section == _WHOLE
    place = (0, row.size) if is_whole else shown.summary.section(_spec(item.section))
    if place is None:
        return [b"NIL"]
    start, length = place
    if item.section.portion in (Portion.FIELDS, Portion.FIELDS_NOT):
        header = changes.read_body(view, account_id, row.message_id, start, length)
        names = frozenset(item.section.fields)
        chosen = filter_header(header, names, item.section.portion is Portion.FIELDS_NOT)
        return [_literal(_cut(chosen, item.partial))]
    if item.partial is not None:
        origin, most = item.partial
        start, length = start + min(origin, length), min(most, max(0, length - origin))
    if length > INLINE_OCTETS:
        return [b"{%d}\r\n" % length, Remote(row.message_id, start, length)]
    octets = changes.read_body(view, account_id, row.message_id, start, length) if length else b""
    return [_literal(octets)]


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


def _literal(octets: bytes) -> bytes:
    return b"{%d}\r\n%s" % (len(octets), octets)


def _joined(pieces: Pieces) -> Pieces:
    """Neighbouring bytes as one piece each."""
    joined: Pieces = []
    run: list[bytes] = []
    for piece in pieces:
        if isinstance(piece, bytes):
            run.append(piece)
        else:
            joined += (b"".join(run), piece)
            run.clear()
    joined.append(b"".join(run))
    return joined
