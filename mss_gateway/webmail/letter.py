"""One message opened: its text, its attachments, and what became of each in the dossier."""

from dataclasses import dataclass, replace

from mailbox_store import threads
from mailbox_store.changes import Row
from mailbox_store.database import View
from mss_gateway.config import Dossier
from mss_gateway.directory.people import Person
from mss_gateway.dossier import intake
from mss_gateway.dossier.documents import Document
from mss_gateway.dossier.sealed import digest_of
from mss_gateway.life import enclosed
from mss_gateway.message.attachments import Attachment, attachments
from mss_gateway.message.part import Message
from mss_gateway.message.sniff import PDF
from mss_gateway.message.summary import Summary
from mss_gateway.webmail import files, reading
from mss_gateway.webmail.reading import Box, Evidence


@dataclass(frozen=True, slots=True)
class Piece:
    """One attachment. ``documents`` are those of the record that hold it, or that it brought.

    ``is_damaged``: an archive of which nothing can be filed, now or later. ``is_copy``: of what an
    archive of the same message holds; ``original`` is that document, None while it is not in the
    record. ``is_taken``: of a type and a size that a record takes.
    """

    number: str
    name: str
    size: int
    kind: str
    can_be_drawn: bool
    documents: tuple[Document, ...]
    is_damaged: bool = False
    is_copy: bool = False
    original: Document | None = None
    is_taken: bool = False


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
    limits: Dossier | None = None,
) -> Letter:
    """Everything that the page of one message shows.

    ``limits``: of what a record takes. Without them, of what is enclosed only zips are decoded:
    pieces have a kind, a name and a size alone.
    """
    summary, evidence = Summary(row.summary), reading.evidence_of(view, patient, row)
    shown = reading.text_of(message, evidence)
    own = reading.is_own(patient, box, evidence)
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
        _pieces(view, patient, message, limits),
        own,
        threads.of_message(view, patient.account_id, row.message_id) or 0,
    )


def _pieces(
    view: View, patient: Person, message: Message, limits: Dossier | None
) -> tuple[Piece, ...]:
    found = attachments(message)
    packed = enclosed.archives(found)
    if limits is None:
        return tuple(_closed_piece(each, packed) for each in found)
    copies = [each for each in found if enclosed.is_copy(each, packed)]
    held = enclosed.brought(view, patient, packed) if copies else []
    return tuple(
        replace(
            _piece(view, patient, each, limits, is_archive=each in packed),
            is_copy=each in copies,
            original=enclosed.original_of(each, held) if each in copies else None,
        )
        for each in found
    )


def _closed_piece(attachment: Attachment, packed: list[Attachment]) -> Piece:
    kind = "xdm" if attachment in packed else "other"
    return Piece(attachment.number, attachment.claimed_name, attachment.size, kind, False, ())


def _piece(
    view: View,
    patient: Person,
    attachment: Attachment,
    limits: Dossier,
    *,
    is_archive: bool,
) -> Piece:
    content = attachment.content()
    sniffed = attachment.sniffed_type
    kind, digests = "other", [digest_of(content)]
    if is_archive:
        kind, digests = "xdm", enclosed.digests_inside(content)
    elif sniffed == PDF:
        kind = "pdf"
    elif sniffed in files.DRAWN:
        kind = "image"
    return Piece(
        attachment.number,
        attachment.claimed_name,
        len(content),
        kind,
        sniffed in files.DRAWN,
        tuple(enclosed.in_record(view, patient, digests)),
        is_damaged=kind == "xdm" and not digests,
        is_taken=intake.objection(limits, sniffed, len(content)) is None,
    )
