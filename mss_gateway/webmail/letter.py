"""One message opened: its text, its attachments, and what became of each in the dossier."""

from dataclasses import dataclass

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
    """One attachment. ``documents`` are those of the record that hold it, or that it brought."""

    number: str
    name: str
    size: int
    kind: str
    can_be_drawn: bool
    documents: tuple[Document, ...]

    @property
    def can_be_filed(self) -> bool:
        """An archive is filed by itself; anything else once."""
        return self.kind != "xdm" and not self.documents


@dataclass(frozen=True, slots=True)
class Letter:
    """A message as its page shows it."""

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


def open_letter(view: View, patient: Person, box: Box, row: Row, message: Message) -> Letter:
    """Everything that the page of one message shows."""
    summary, evidence = Summary(row.summary), reading.evidence_of(view, patient, row)
    shown = reading.text_of(message, evidence)
    is_received = box is Box.RECEIVED
    return Letter(
        box,
        row.uid,
        evidence.signer if is_received else reading.recipient_names(message.header),
        reading.shown_title(summary.subject),
        row.internal_date,
        row.message_ref,
        evidence,
        is_received and reading.is_notice(summary, evidence),
        (shown.plain or "").replace("\r\n", "\n").strip(),
        shown.html or "",
        tuple(_piece(view, patient, each) for each in attachments(message)),
    )


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
    )


def _inside(archive: bytes) -> list[str]:
    try:
        return [digest_of(one.content) for one in xdm.examine(archive).documents]
    except (XdmUnreadable, XdmHashMismatch):
        return []
