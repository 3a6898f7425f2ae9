"""FETCH items to bytes: what is ready in a summary is joined, octets are read by offset.

Nothing here parses MIME: ENVELOPE, BODYSTRUCTURE and the offsets of every section were computed
once, at delivery (``message.summary``).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from mailbox_store.changes import Row
from mailbox_store.database import View
from mailbox_store.vault import AccountId
from mss_gateway.imap.contents import WHOLE, Pieces, Stored, binary, content, first_words
from mss_gateway.imap.grammar.dates import printed_moment
from mss_gateway.imap.grammar.fetch import Attribute, Binary, Content, Item
from mss_gateway.imap.identifiers import email_id
from mss_gateway.imap.rows import rows_at
from mss_gateway.imap.selected import Selected
from mss_gateway.message.summary import Summary, bodystructure_of, envelope_of

ANSWER_OCTETS: Final = 524_288
"""A batch ends early once its answer has grown so large."""


class _Shown:
    """One message while its response is made; the summary is read if something asks for it."""

    __slots__ = ("_summary", "account_id", "flags", "modseq", "row", "view")

    def __init__(
        self, view: View, account_id: AccountId, row: Row, flags: bytes, modseq: int
    ) -> None:
        self.view = view
        self.account_id = account_id
        self.row = row
        self.flags = flags
        self.modseq = modseq
        self._summary: Summary | None = None

    @property
    def summary(self) -> Summary:
        if self._summary is None:
            self._summary = Summary(self.row.summary)
        return self._summary

    def stored(self, wants_summary: bool) -> Stored:
        """The message as what reads its octets wants it."""
        summary = self.summary if wants_summary else None
        return Stored(self.view, self.account_id, self.row, summary)


_Printer = Callable[[_Shown], bytes]

_PRINTERS: Final[dict[Attribute, _Printer]] = {
    Attribute.UID: lambda shown: b"UID %d" % shown.row.uid,
    Attribute.FLAGS: lambda shown: b"FLAGS " + shown.flags,
    Attribute.INTERNALDATE: lambda shown: (
        b"INTERNALDATE " + printed_moment(shown.row.internal_date)
    ),
    Attribute.SIZE: lambda shown: b"RFC822.SIZE %d" % shown.row.size,
    Attribute.ENVELOPE: lambda shown: b"ENVELOPE " + envelope_of(shown.row.summary),
    Attribute.BODY: lambda shown: b"BODY " + shown.summary.body,
    Attribute.BODYSTRUCTURE: lambda shown: b"BODYSTRUCTURE " + bodystructure_of(shown.row.summary),
    Attribute.MODSEQ: lambda shown: b"MODSEQ (%d)" % shown.modseq,
    Attribute.EMAILID: lambda shown: (
        b"EMAILID (%s)" % email_id(shown.view, shown.row.message_id).encode("ascii")
    ),
    Attribute.THREADID: lambda shown: b"THREADID NIL",  # RFC 8474 §5.2: threads have no name here
    Attribute.SAVEDATE: lambda shown: b"SAVEDATE " + _saved(shown.row.saved_at),
    Attribute.PREVIEW: lambda shown: b"PREVIEW " + first_words(shown.stored(True)),
}


def _saved(seconds: int | None) -> bytes:
    return b"NIL" if seconds is None else printed_moment(seconds)


@dataclass(frozen=True, slots=True)
class Plan:
    """What one FETCH needs; with ``is_in_memory`` the ``words`` are all of it, and known already.

    ``steps`` are the items, words as what prints them: looked up once, not for each message.
    """

    steps: tuple[_Printer | Content | Binary, ...]
    words: tuple[Attribute, ...]
    is_in_memory: bool
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
    has_condstore: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """Rendered responses for the first ``handled`` positions, ``missing`` of which are gone."""

    pieces: Pieces
    handled: int
    missing: int


_IN_ARRAYS: Final = frozenset({Attribute.UID, Attribute.FLAGS, Attribute.MODSEQ})
_IN_ROW: Final = _IN_ARRAYS | {
    Attribute.INTERNALDATE,
    Attribute.SIZE,
    Attribute.EMAILID,
    Attribute.THREADID,
    Attribute.SAVEDATE,
}


def plan_for(items: tuple[Item, ...], is_uid: bool) -> Plan:
    """The plan; the UID form always answers with UIDs, RFC 9051 §6.4.9."""
    if is_uid and Attribute.UID not in items:
        items = (Attribute.UID, *items)
    words = tuple(item for item in items if isinstance(item, Attribute))
    contents = [item for item in items if not isinstance(item, Attribute)]
    only_arrays = not contents and set(words) <= _IN_ARRAYS
    return Plan(
        tuple(_PRINTERS[item] if isinstance(item, Attribute) else item for item in items),
        words,
        only_arrays,
        Attribute.FLAGS in items,
        bool(contents),
        not set(words) <= _IN_ROW or any(_looks_inside(item) for item in contents),
        any(item.sets_seen for item in contents),
    )


def _looks_inside(item: Content | Binary) -> bool:
    return bool(item.part) if isinstance(item, Binary) else item.section != WHOLE


def render(view: View, plan: Plan, batch: Batch) -> Answer:
    """The FETCH responses of a batch, or of its beginning when they grow large."""
    here = batch.here
    printers = [_PRINTERS[word] for word in plan.words]
    pieces: Pieces = []
    octets = found = 0
    rows = rows_at(
        view, batch.account_id, here, batch.positions, plan.wants_summary, plan.has_contents
    )
    for at, row in rows:
        found += 1
        shown = _Shown(view, batch.account_id, row, here.printer(here.told[at]), here.modseqs[at])
        if plan.has_contents:
            rendered = _with_contents(plan, batch, shown, at)
            pieces += rendered
            octets += sum(len(piece) for piece in rendered if isinstance(piece, bytes))
        else:
            line = b"* %d FETCH (%s)\r\n" % (at + 1, b" ".join([step(shown) for step in printers]))
            pieces.append(line)
            octets += len(line)
        if octets >= ANSWER_OCTETS:
            handled = batch.positions.index(at) + 1
            return Answer(_joined(pieces), handled, handled - found)
    handled = len(batch.positions)
    return Answer(_joined(pieces), handled, handled - found)


def _with_contents(plan: Plan, batch: Batch, shown: _Shown, at: int) -> Pieces:
    stored = shown.stored(plan.wants_summary)
    pieces: Pieces = [b"* %d FETCH (" % (at + 1)]
    separator = b""
    for step in plan.steps:
        if isinstance(step, Content):
            pieces.append(separator + step.label + b" ")
            pieces += content(stored, step)
        elif isinstance(step, Binary):
            pieces.append(separator + step.label + b" ")
            pieces += binary(stored, step)
        else:
            pieces.append(separator + step(shown))
        separator = b" "
    if at in batch.newly_seen:
        if not plan.has_flags:
            pieces.append(b" FLAGS " + shown.flags)
        if batch.has_condstore and Attribute.MODSEQ not in plan.words:
            pieces.append(b" MODSEQ (%d)" % shown.modseq)
    pieces.append(b")\r\n")
    return pieces


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
