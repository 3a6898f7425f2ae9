"""One message opened: its text, its attachments, and what became of each in the dossier."""

from dataclasses import dataclass
from functools import partial

from mailbox_store import threads
from mailbox_store.changes import Row
from mailbox_store.database import View
from mss_gateway.directory.people import Person
from mss_gateway.dossier import catalogue, xdm
from mss_gateway.dossier.documents import Document
from mss_gateway.dossier.errors import XdmHashMismatch, XdmUnreadable
from mss_gateway.dossier.sealed import digest_of
from mss_gateway.life import record
from mss_gateway.message.attachments import Attachment, attachments
from mss_gateway.message.part import Message
from mss_gateway.message.sniff import PDF, sniff
from mss_gateway.message.summary import Summary
from mss_gateway.webmail import files, reading
from mss_gateway.webmail.reading import Box, Evidence


@dataclass(frozen=True, slots=True)
class Piece:
    """One attachment. ``documents`` are those of the record that hold it, or that it brought.

    ``is_damaged``: an archive of which nothing can be filed, now or later.
    """

    number: str
    name: str
    size: int
    kind: str
    can_be_drawn: bool
    documents: tuple[Document, ...]
    is_damaged: bool = False

    @property
    def can_be_filed(self) -> bool:
        """An archive is filed by itself; anything else once."""
        return self.kind != "xdm" and not self.documents


@dataclass(frozen=True, slots=True)
class Letter:
    """A message as its page shows it. ``is_own``: the patient wrote it.

    ``thread_id`` 0: it is in none.
    """

    box: Box
    uid: int
    name: str
    title: str
    moment: int
    message_ref: str
    evidence: Evidence
    is_notice: bool
    text: str
    html: str
    pieces: tuple[Piece, ...]
    is_own: bool
    thread_id: int

    @property
    def base(self) -> str:
        """The address of its own page."""
        return f"/messages/{self.box.value}/{self.uid}"

    @property
    def can_be_filed(self) -> bool:
        """Only what came in, and is not on its way out."""
        return not self.is_own and self.box in (Box.RECEIVED, Box.ARCHIVED)


def open_letter(
    view: View,
    patient: Person,
    box: Box,
    row: Row,
    message: Message,
    *,
    looks_inside: bool = True,
) -> Letter:
    """Everything that the page of one message shows.

    Without ``looks_inside`` nothing enclosed is decoded: pieces have a name and a size alone.
    """
    summary, evidence = Summary(row.summary), reading.evidence_of(view, patient, row)
    shown = reading.text_of(message, evidence)
    own = reading.is_own(patient, box, evidence)
    opened = partial(_piece, view, patient) if looks_inside else _closed_piece
    return Letter(
        box,
        row.uid,
        reading.recipient_names(message.header) if own else evidence.signer,
        reading.shown_title(summary.subject),
        row.internal_date,
        row.message_ref,
        evidence,
        not own and reading.is_notice(summary, evidence),
        (shown.plain or "").replace("\r\n", "\n").strip(),
        shown.html or "",
        tuple(opened(each) for each in attachments(message)),
        own,
        threads.of_message(view, patient.account_id, row.message_id) or 0,
    )


def _closed_piece(attachment: Attachment) -> Piece:
    kind = "xdm" if xdm.is_xdm_name(attachment.claimed_name) else "other"
    return Piece(attachment.number, attachment.claimed_name, attachment.size, kind, False, ())


def _piece(view: View, patient: Person, attachment: Attachment) -> Piece:
    content = attachment.content()
    sniffed = sniff(content)
    kind, digests = "other", [digest_of(content)]
    if xdm.is_xdm_name(attachment.claimed_name):
        kind, digests = "xdm", _inside(content)
    elif sniffed == PDF:
        kind = "pdf"
    elif sniffed in files.DRAWN:
        kind = "image"
    documents = [
        catalogue.find(view, patient.account_id, document_id)
        for digest in dict.fromkeys(digests)
        if (document_id := catalogue.find_same(view, patient.account_id, digest)) is not None
    ]
    return Piece(
        attachment.number,
        attachment.claimed_name,
        len(content),
        kind,
        sniffed in files.DRAWN,
        tuple(record.visible(patient, documents)),
        is_damaged=kind == "xdm" and not digests,
    )


def _inside(archive: bytes) -> list[str]:
    """What the documents of an archive are known by; nothing when it cannot be read."""
    try:
        return [digest_of(one.content) for one in xdm.examine(archive).documents]
    except (XdmUnreadable, XdmHashMismatch):
        return []
