"""Several documents as one zip, made while it is sent: one document in memory at a time."""

import io
import time
import zipfile
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Final

from starlette.responses import Response, StreamingResponse

from mss_gateway.dossier import catalogue
from mss_gateway.dossier.documents import Document
from mss_gateway.life.gateway import Gateway
from mss_gateway.message.attachments import safe_name
from mss_gateway.webmail import files
from mss_gateway.webmail.headers import FILE_POLICY

ZIP_EPOCH: Final = 315_532_800  # 1 January 1980: a zip knows nothing before


def response(gateway: Gateway, name: str, members: Iterable[tuple[Document, bytes]]) -> Response:
    """A download named ``name`` of these documents; each is read when its turn comes."""
    return StreamingResponse(
        _pulled(gateway, written(members)),
        media_type="application/zip",
        headers={
            "Content-Disposition": files.disposition(name),
            "Content-Security-Policy": FILE_POLICY,
        },
    )


def written(members: Iterable[tuple[Document, bytes]]) -> Iterator[bytes]:
    """The octets of the zip, piece by piece; names are told apart by a number."""
    sink, names = _Sink(), set[str]()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for document, content in members:
            moment = max(ZIP_EPOCH, catalogue.dated(document))
            entry = zipfile.ZipInfo(_name(document, names), time.gmtime(moment)[:6])
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o600 << 16
            archive.writestr(entry, content)
            yield sink.taken()
    yield sink.taken()


async def _pulled(gateway: Gateway, pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Each piece is made on a thread of the pages."""
    while piece := await gateway.bridge.run_page(next, pieces, b""):
        yield piece


def _name(document: Document, names: set[str]) -> str:
    """« 2026-11-20 Compte rendu.pdf », another for each."""
    day = time.strftime("%Y-%m-%d", time.gmtime(catalogue.dated(document)))
    whole = safe_name(files.file_name(f"{day} {document.title}", document.media_type))
    stem, dot, extension = whole.rpartition(".")
    name, number = whole, 1
    while name.casefold() in names:
        number += 1
        name = f"{stem or extension} ({number}){dot}{extension if stem else ''}"
    names.add(name.casefold())
    return name


class _Sink(io.RawIOBase):
    """What the zip writes into: not seekable, emptied after each document."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, octets: bytes) -> int:  # type: ignore[override]
        """Keep them until they are taken."""
        self._pieces.append(bytes(octets))
        return len(octets)

    def taken(self) -> bytes:
        """What was written since the last time."""
        whole = b"".join(self._pieces)
        self._pieces.clear()
        return whole
