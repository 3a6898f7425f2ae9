"""What an export will hold, as it is when it begins, and under which names."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from mailbox_store import takeout
from mailbox_store.database import Database, View
from mailbox_store.mailboxes import Mailbox
from mailbox_store.takeout import Listed
from mss_gateway.directory.people import Person
from mss_gateway.dossier import catalogue, listing, naming
from mss_gateway.dossier.documents import Document, State
from mss_gateway.dossier.listing import Order, Reader
from mss_gateway.dossier.naming import Claim
from mss_gateway.life import record

PAGE: Final = 500

SHOWN: Final = tuple(state for state in State if state is not State.WITHDRAWN)
"""Former versions are the patient's too; what its author took back is not shown any more."""

BOXES: Final = {
    "\\Sent": "envoyes",
    "\\Archive": "archives",
    "\\Drafts": "brouillons",
    "\\Trash": "corbeille",
    "\\Junk": "indesirables",
}
"""Folders of the mailboxes that everybody has, by their use."""

_SUBJECT: Final = 60


@dataclass(frozen=True, slots=True)
class Box:
    """A mailbox and the folder that its messages are put in."""

    folder: str
    listed: Listed


@dataclass(frozen=True, slots=True)
class Content:
    """Ids and sizes of the documents, the first filed first, and every message of every mailbox."""

    documents: tuple[tuple[str, int], ...]
    boxes: tuple[Box, ...]
    message_octets: int

    @property
    def messages(self) -> int:
        """How many there are."""
        return sum(len(box.listed.uids) for box in self.boxes)

    @property
    def octets(self) -> int:
        """What it comes to at most, roughly: documents are in it twice."""
        return 2 * sum(size for _, size in self.documents) + self.message_octets


def take_stock(database: Database, patient: Person) -> Content:
    """Everything that the patient may see, in one view."""
    with database.read() as view:
        # of those filed together, the former version first: the newer one points at it
        filed = sorted(
            (
                document.filed_at,
                document.state is State.CURRENT,
                document.document_id,
                document.size,
            )
            for document in _documents(view, patient)
        )
        boxes = tuple(
            Box(_folder(each.mailbox, number), each)
            for number, each in enumerate(takeout.listed(view, patient.account_id))
        )
        octets = takeout.octets(view, patient.account_id)
    return Content(tuple((each[2], each[3]) for each in filed), boxes, octets)


def document_path(document: Document, number: int, patient: Person) -> str:
    """« documents/20261120_Compte_rendu_PAT-UN_Camille_0001.pdf » (domain.md DOC-05)."""
    day = datetime.fromtimestamp(catalogue.dated(document), UTC).date()
    traits = patient.traits
    claim = Claim(document.title, traits.family_name, traits.given_name, None, day, f"{number:04}")
    return f"documents/{naming.file_name(claim, extension(document.media_type))}"


def extension(media_type: str) -> str:
    """What the name of a file of this type ends with; every file of an export has an ending."""
    return naming.extension(media_type) or "bin"


def message_path(box: Box, uid: int, moment: int, subject: str) -> str:
    """« messages/recus/000012_20261120_Vos_resultats.eml »."""
    day = datetime.fromtimestamp(moment, UTC).strftime("%Y%m%d")
    words = [f"{uid:06}", day, naming.safe_word(subject, _SUBJECT)]
    return f"{box.folder}/{'_'.join(word for word in words if word)}.eml"


def _documents(view: View, patient: Person) -> Iterator[Document]:
    """The last filed first; what is hidden from the patient is in no list of theirs."""
    after = None
    while True:
        page = listing.documents_of(
            view,
            patient.account_id,
            Reader.PATIENT,
            order=Order.FILED,
            states=SHOWN,
            after=after,
            limit=PAGE,
        )
        yield from record.visible(patient, page)
        if len(page) < PAGE:
            return
        after = listing.cursor_of(page[-1], Order.FILED)


def _folder(mailbox: Mailbox, number: int) -> str:
    if mailbox.name == "INBOX":
        return "messages/recus"
    for use in mailbox.special_uses:
        if use in BOXES:
            return f"messages/{BOXES[use]}"
    # a number, because two names may come to the same word
    word = naming.safe_word(mailbox.name.replace("/", " "))
    return f"messages/autres/{number:02}_{word or 'dossier'}"
