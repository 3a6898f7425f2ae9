"""IHE_XDM.ZIP: the archive by which health documents travel in mail.

IHE ITI TF-2 §3.32.4.1.2: one METADATA.XML per submission set folder below IHE_XDM, documents
named by it. What METADATA.XML does not name is never read; what it names is read once, measured
and hashed.
"""

import hashlib
import re
from dataclasses import dataclass
from typing import Final

from mss_gateway.dossier.errors import XdmHashMismatch, XdmUnreadable
from mss_gateway.dossier.rim import DocumentEntry, StatusUpdate, SubmissionSet
from mss_gateway.dossier.rim_reading import read_submission
from mss_gateway.dossier.zips import LIMITS, Zip, ZipLimits, open_zip

__all__ = [
    "LIMITS",
    "Archive",
    "ArchivedDocument",
    "ZipLimits",
    "examine",
    "is_xdm_name",
    "looks_like_xdm",
]

_METADATA = re.compile(r"\Aihe_xdm/[^/]{1,64}/metadata\.xml\Z")
_NAME: Final = "ihe_xdm.zip"


@dataclass(frozen=True, slots=True)
class ArchivedDocument:
    """One document of an archive: what METADATA.XML says of it, and its bytes, hash verified."""

    entry: DocumentEntry
    path: str  # inside the archive, for provenance; never a path of a file system
    content: bytes


@dataclass(frozen=True, slots=True)
class Archive:
    """A whole archive, every document present and intact.

    ``companions`` go with the documents and are none: signatures, stylesheets. ``updates`` ask that
    documents sent before be deprecated or deleted.
    """

    documents: tuple[ArchivedDocument, ...]
    submission_sets: tuple[SubmissionSet, ...]
    companions: tuple[ArchivedDocument, ...] = ()
    updates: tuple[StatusUpdate, ...] = ()


def is_xdm_name(name: str) -> bool:
    """Whether an attachment of this name must be an XDM (its case varies in the field)."""
    return name.strip().casefold() == _NAME


def looks_like_xdm(content: bytes) -> bool:
    """Whether these bytes, whatever their name, are a zip laid out as an XDM."""
    if not content.startswith(b"PK\x03\x04"):
        return False
    try:
        return bool(_metadata_names(open_zip(content)))
    except XdmUnreadable:
        return False


def examine(content: bytes, limits: ZipLimits = LIMITS) -> Archive:
    """Read an archive whole.

    Raises XdmUnreadable (hostile zip, no or malformed METADATA.XML, a document missing) and
    XdmHashMismatch (size or SHA-1 differ from METADATA.XML). The documents' names are only ever
    matched, never used as paths.
    """
    archive = open_zip(content, limits)
    names = _metadata_names(archive)
    if not names:
        raise XdmUnreadable("no METADATA.XML")
    documents: list[ArchivedDocument] = []
    sets: list[SubmissionSet] = []
    updates: list[StatusUpdate] = []
    held = 0
    for name in names:
        if archive.entries[name].size > limits.metadata_bytes:
            raise XdmUnreadable("METADATA.XML too big")
        submission = read_submission(archive.read(archive.entries[name]))
        sets.append(submission.submission_set)
        updates += submission.updates
        for entry in submission.entries:
            document = _read_document(archive, name, entry, limits.held_bytes - held)
            held += len(document.content)
            documents.append(document)
    if len({document.path.casefold() for document in documents}) != len(documents):
        raise XdmUnreadable("two entries of METADATA.XML share one document")
    return Archive(
        tuple(one for one in documents if not one.entry.is_companion),
        tuple(sets),
        tuple(one for one in documents if one.entry.is_companion),
        tuple(updates),
    )


def _metadata_names(archive: Zip) -> list[str]:
    return sorted(name for name in archive.entries if _METADATA.match(name))


def _read_document(
    archive: Zip, metadata: str, entry: DocumentEntry, room: int
) -> ArchivedDocument:
    uri = entry.uri.replace("\\", "/").removeprefix("./")
    member = archive.entries.get(f"{metadata.rpartition('/')[0]}/{uri}".casefold())
    if member is None:
        raise XdmUnreadable("a document of METADATA.XML is not in the archive")
    if member.size != entry.size:
        raise XdmHashMismatch("size differs from METADATA.XML")
    if member.size > room:
        raise XdmUnreadable("too many bytes of documents")
    content = archive.read(member)
    if hashlib.sha1(content, usedforsecurity=False).hexdigest() != entry.hash:
        raise XdmHashMismatch("SHA-1 differs from METADATA.XML")
    return ArchivedDocument(entry, member.name, content)
