"""What a search among messages found, as its page shows it: only these few messages are opened."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from mailbox_store import changes, mailboxes
from mailbox_store.changes import Row
from mailbox_store.database import MailboxId, View
from mailbox_store.errors import MessageNotFound
from mailbox_store.flags import SEEN
from mailbox_store.mailboxes import Mailbox
from mss_gateway.directory.people import Person
from mss_gateway.life import message_words
from mss_gateway.life.message_search import Hit
from mss_gateway.message.header import header_end, parse_header
from mss_gateway.message.limits import MessageMalformed
from mss_gateway.message.summary import Summary
from mss_gateway.webmail import marking, reading
from mss_gateway.webmail.marking import Span

BOXES: Final = {
    "recus": "",
    "envoyes": "\\Sent",
    "brouillons": "\\Drafts",
    "archives": "\\Archive",
    "corbeille": "\\Trash",
}
"""Where messages are looked for: words of a path, and the special use of each mailbox; the first
is the INBOX."""

READ_OCTETS: Final = 256 * 1024
"""Octets of a message from which its extract is taken: the text stands before the files."""

_OWN: Final = frozenset({"envoyes", "brouillons"})


@dataclass(frozen=True, slots=True)
class Line:
    """One message that was found. ``is_own``: the patient wrote it, ``name`` is whom to."""

    box: str
    uid: int
    is_own: bool
    name: tuple[Span, ...]
    title: tuple[Span, ...]
    extract: tuple[Span, ...]
    face: str
    moment: int
    is_unread: bool
    has_attachment: bool
    is_from_system: bool


def boxes_of(view: View, patient: Person, wanted: str) -> dict[MailboxId, str]:
    """The mailboxes to look in, and the word of each: the one that is wanted, or all there are."""
    found: dict[MailboxId, str] = {}
    for word, use in BOXES.items():
        if wanted in ("", word):
            box = _mailbox(view, patient, use)
            if box is not None:
                found[box.mailbox_id] = word
    return found


def lines_of(
    view: View,
    patient: Person,
    hits: Iterable[Hit],
    boxes: Mapping[MailboxId, str],
    words: Sequence[bytes],
) -> list[Line]:
    """The messages that were found; one that went meanwhile is left out."""
    lines: list[Line] = []
    for hit in hits:
        try:
            row = changes.find_row(view, patient.account_id, hit.mailbox_id, hit.uid)
            lines.append(_line(view, patient, boxes[hit.mailbox_id], row, words))
        except MessageNotFound:
            continue
    return lines


def _mailbox(view: View, patient: Person, use: str) -> Mailbox | None:
    if not use:
        return mailboxes.find(view, patient.account_id, "INBOX")
    return mailboxes.find_special(view, patient.account_id, use)


def _line(view: View, patient: Person, box: str, row: Row, words: Sequence[bytes]) -> Line:
    summary, evidence = Summary(row.summary), reading.evidence_of(view, patient, row)
    octets = changes.read_body(view, patient.account_id, row.message_id, 0, READ_OCTETS)
    is_own = box in _OWN or evidence.signer_address == patient.address
    name = _recipients(octets, summary) if is_own else evidence.signer
    said = message_words.said(summary, b"", octets)
    return Line(
        box,
        row.uid,
        is_own,
        marking.marked(name, words),
        marking.marked(reading.shown_title(summary.subject), words),
        marking.extract(said.text or summary.preview or "", words),
        name,
        row.internal_date,
        not is_own and not row.flags & SEEN,
        summary.has_attachment,
        evidence.is_from_system,
    )


def _recipients(octets: bytes, summary: Summary) -> str:
    try:
        end, _ = header_end(octets, 0, min(len(octets), summary.header_size))
        return reading.recipient_names(parse_header(octets, 0, end))
    except MessageMalformed:
        return ""
