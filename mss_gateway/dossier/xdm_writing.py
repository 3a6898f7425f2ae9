"""IHE_XDM.ZIP written: documents with their metadata, one in memory at a time.

IHE ITI TF-2 §3.32.4.1.2: INDEX.HTM and README.TXT for a person who opens the medium, one submission
set below IHE_XDM. The documents are written first and METADATA.XML after them, because it holds
their hashes; the order inside a zip means nothing to a reader.
"""

import hashlib
import io
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from html import escape
from typing import IO, Final

from mss_gateway import texts
from mss_gateway.dossier.rim import DocumentEntry, SubmissionSet
from mss_gateway.dossier.rim_writing import submission_xml, writable
from mss_gateway.dossier.zips import LIMITS

MAX_DOCUMENTS: Final = 900
"""Of one archive: with the four files around them, what our own reader takes (1,000 entries)."""

MAX_BYTES: Final = 60_000_000
"""Of the documents of one archive: what our own reader holds at once, with a margin."""

_FOLDER: Final = "IHE_XDM/SUBSET01"
_PIECE: Final = 1 << 20
_EXTENSIONS: Final = {
    "text/xml": "XML",
    "application/pdf": "PDF",
    "image/jpeg": "JPG",
    "image/png": "PNG",
    "image/tiff": "TIF",
    "text/plain": "TXT",
    "application/rtf": "RTF",
}
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)  # the first instant that a zip can say
_INDEX: Final = """<!DOCTYPE html>
<html lang="fr"><head><meta charset="utf-8"><title>{title}</title></head>
<body><h1>{title}</h1><ul>
{items}</ul></body></html>
"""
_ITEM: Final = '<li><a href="{path}">{title}</a></li>\n'


@dataclass(frozen=True, slots=True)
class ArchiveEntry:
    """One document to write; ``hash``, ``size`` and ``uri`` of its entry are made here."""

    entry: DocumentEntry
    content: bytes


def write_archive(
    target: IO[bytes], entries: Iterable[ArchiveEntry], said: SubmissionSet
) -> tuple[DocumentEntry, ...]:
    """Write an archive to ``target``, which need not be seekable; its entries as written.

    ``entries`` may be a generator that reads one document after the other. Raises ValueError for
    none, more than MAX_DOCUMENTS, or more bytes than MAX_BYTES: an export of more is several
    archives (:func:`in_archives`).
    """
    written: list[DocumentEntry] = []
    total = 0
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as packed:
        for number, one in enumerate(entries, 1):
            total += len(one.content)
            if number > MAX_DOCUMENTS or total > MAX_BYTES:
                raise ValueError("too many documents for one archive")
            entry = _complete(one, number)
            _put(packed, f"{_FOLDER}/{entry.uri}", one.content)
            written.append(entry)
        if not written:
            raise ValueError("an archive holds a document at least")
        _put(packed, f"{_FOLDER}/METADATA.XML", submission_xml(written, said))
        _put(packed, "INDEX.HTM", _index(written, said.title).encode())
        _put(packed, "README.TXT", _readme(said.title, len(written)).encode())
    return tuple(written)


def archive_bytes(entries: Iterable[ArchiveEntry], said: SubmissionSet) -> bytes:
    """A whole archive in memory, for a message; raises as :func:`write_archive`."""
    target = io.BytesIO()
    write_archive(target, entries, said)
    return target.getvalue()


def in_archives(sizes: Iterable[int]) -> list[range]:
    """How documents of these sizes are shared out between archives: positions of each, in order.

    One that is bigger than MAX_BYTES by itself is in none: it is no document that a record takes.
    """
    shared: list[range] = []
    start, at, total = 0, -1, 0
    for at, size in enumerate(sizes):
        is_full = at - start == MAX_DOCUMENTS or total + size > MAX_BYTES
        if is_full and at > start:
            shared.append(range(start, at))
            start, total = at, 0
        total += size
        if size > MAX_BYTES:
            start, total = at + 1, 0
    if start <= at:
        shared.append(range(start, at + 1))
    return shared


def _complete(one: ArchiveEntry, number: int) -> DocumentEntry:
    extension = _EXTENSIONS.get(one.entry.mime_type, "BIN")
    return replace(
        one.entry,
        uri=f"DOC{number:04}.{extension}",
        hash=hashlib.sha1(one.content, usedforsecurity=False).hexdigest(),
        size=len(one.content),
    )


def _put(packed: zipfile.ZipFile, name: str, content: bytes) -> None:
    header = zipfile.ZipInfo(name, _EPOCH)
    header.compress_type = zipfile.ZIP_STORED if _is_blank(content) else zipfile.ZIP_DEFLATED
    header.external_attr = 0o600 << 16
    with packed.open(header, "w") as target:
        for piece in _pieces(content):
            target.write(piece)


def _is_blank(content: bytes) -> bool:
    """Whether it would deflate so well (a blank scan) that a reader takes it for a bomb."""
    if len(content) <= LIMITS.ratio_floor:
        return False
    packing = zlib.compressobj(1)
    packed = sum(len(packing.compress(piece)) for piece in _pieces(content))
    return (packed + len(packing.flush())) * (LIMITS.ratio // 4) < len(content)


def _pieces(content: bytes) -> Iterator[memoryview]:
    """What is written at a time: a large document deflated at once is in memory twice."""
    whole = memoryview(content)
    return (whole[start : start + _PIECE] for start in range(0, len(whole), _PIECE))


def _index(written: list[DocumentEntry], title: str) -> str:
    items = "".join(
        _ITEM.format(
            path=f"{_FOLDER}/{entry.uri}",
            title=escape(writable(entry.title) or entry.uri),
        )
        for entry in written
    )
    return _INDEX.format(title=escape(writable(title)), items=items)


def _readme(title: str, count: int) -> str:
    lines = (
        writable(title),
        "",
        texts.text("archive.nombre", nombre=str(count)),
        texts.text("archive.sommaire"),
        texts.text("archive.forme"),
        "",
    )
    return "\r\n".join(lines)
