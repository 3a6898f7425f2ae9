"""What an attachment is to a record: an archive of documents, or the PDF copy of what one holds.

An archive is known by its name or by its layout, as before 250 (``dossier.examination``); of what
does not begin as a zip nothing but the first octets is decoded.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

from mailbox_store.database import View
from mss_gateway.directory.people import Person
from mss_gateway.dossier import catalogue, examination, naming, xdm
from mss_gateway.dossier.documents import Document
from mss_gateway.dossier.errors import XdmHashMismatch, XdmUnreadable
from mss_gateway.dossier.naming import Claim
from mss_gateway.dossier.sealed import digest_of
from mss_gateway.life import record
from mss_gateway.message.attachments import Attachment

ZIPS_LOOKED_AT: Final = 32
"""Zips of one message whose directory is read; the name alone tells what the others are."""

_ZIP: Final = b"PK\x03\x04"


def archives(found: Iterable[Attachment]) -> list[Attachment]:
    """Those of a message's attachments that are archives of documents, in their order."""
    kept: list[Attachment] = []
    looked = 0
    for one in found:
        if one.part.message is not None:
            continue
        if xdm.is_xdm_name(one.claimed_name):
            kept.append(one)
        elif looked < ZIPS_LOOKED_AT and one.part.decoded_head(one.raw, len(_ZIP)).startswith(_ZIP):
            looked += 1
            if examination.is_archive(one.claimed_name, one.content()):
                kept.append(one)
    return kept


def is_copy(one: Attachment, packed: Sequence[Attachment]) -> bool:
    """Whether an attachment is the PDF copy of what an archive beside it holds (DOC-04, DOC-05).

    ``packed``: the archives of its message. Told by the national form of its name.
    """
    name = one.claimed_name
    return (
        bool(packed)
        and name.casefold().endswith(".pdf")
        and naming.parse_file_name(name) is not None
    )


def brought(view: View, patient: Person, packed: Iterable[Attachment]) -> list[Document]:
    """The documents of the record that archives hold; each archive is read whole."""
    inside = (digest for one in packed for digest in digests_inside(one.content()))
    return in_record(view, patient, inside)


def original_of(copy: Attachment, held: Iterable[Document]) -> Document | None:
    """The document that an attachment is the copy of, among those that its archives brought.

    None while nothing of them is in the record. Of several the one that has the title that the
    copy's name gives, or else its day.
    """
    claim = naming.parse_file_name(copy.claimed_name)
    if claim is None:
        return None
    return max(held, key=lambda document: _likeness(document, claim), default=None)


def in_record(view: View, patient: Person, digests: Iterable[str]) -> list[Document]:
    """The patient's documents of these bytes, as far as they may see them."""
    account_id = patient.account_id
    same = (
        catalogue.find_same(view, account_id, digest, is_patients_act=True)
        for digest in dict.fromkeys(digests)
    )
    documents = [catalogue.find(view, account_id, one) for one in same if one is not None]
    return record.visible(patient, documents)


def digests_inside(archive: bytes) -> list[str]:
    """What the documents of an archive are known by; nothing when it cannot be read."""
    try:
        return [digest_of(one.content) for one in xdm.examine(archive).documents]
    except (XdmUnreadable, XdmHashMismatch):
        return []


def _likeness(document: Document, claim: Claim) -> tuple[bool, bool]:
    title, label = (naming.safe_word(text).casefold() for text in (document.title, claim.label))
    day = datetime.fromtimestamp(catalogue.dated(document), UTC).date()
    return title == label, day == claim.act_date
