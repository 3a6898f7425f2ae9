"""The ZIP of an export while it is written: one entry after the other, with the SHA-256 of each.

The target need not be seekable, and nothing is kept of an entry but its line: 100,000 entries take
some 50 MB. Zip64 is used where it is needed (APPNOTE 6.3.10 §4.5.3).
"""

import hashlib
import time
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import IO, Final

DIGESTS: Final = "empreintes.sha256"
"""The last entry: a line for each of the others, as ``sha256sum -c`` reads them."""

ZIP_EPOCH: Final = 315_532_800
"""1 January 1980: a zip knows nothing before."""

PACKED_ALREADY: Final = frozenset({"pdf", "jpg", "png", "gif", "webp", "zip"})
"""Extensions of what does not get smaller."""

_PIECE: Final = 1 << 16


class Gathered:
    """Lines that are wanted later, kept packed in memory."""

    def __init__(self) -> None:
        self._packing = zlib.compressobj(6)
        self._packed: list[bytes] = []

    def add(self, line: bytes) -> None:
        """One more."""
        piece = self._packing.compress(line)
        if piece:
            self._packed.append(piece)

    def pieces(self) -> Iterator[bytes]:
        """All of them, once, in pieces of 64 KiB; nothing can be added after."""
        self._packed.append(self._packing.flush())
        opening = zlib.decompressobj()
        for packed in self._packed:
            piece = opening.decompress(packed, _PIECE)
            while piece:
                yield piece
                piece = opening.decompress(opening.unconsumed_tail, _PIECE)


class Package:
    """The archive, open for writing; leaving the block without :meth:`end` leaves it cut short."""

    def __init__(self, target: IO[bytes]) -> None:
        self._zip = zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1)
        self._lines = Gathered()

    def __enter__(self) -> "Package":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Whatever was begun: what is not ended is not wanted, and its target is closed already."""
        self._zip.fp = None

    def put(self, path: str, content: bytes, moment: int) -> str:
        """Write an entry; its SHA-256, hexadecimal."""
        self._zip.writestr(_entry(path, moment), content)
        digest = hashlib.sha256(content).hexdigest()
        self._note(path, digest)
        return digest

    @contextmanager
    def open(self, path: str, moment: int) -> Iterator[IO[bytes]]:
        """An entry of unknown length, to be written into, not above 2 GiB."""
        with self._zip.open(_entry(path, moment), "w") as target:
            hashed = _Hashed(target)
            yield hashed  # type: ignore[misc]  # what a writer of archives asks of a file
        self._note(path, hashed.digest.hexdigest())

    def end(self, moment: int) -> None:
        """Write the digests and the directory."""
        with self._zip.open(_entry(DIGESTS, moment), "w") as target:
            for piece in self._lines.pieces():
                target.write(piece)
        self._zip.close()

    def _note(self, path: str, digest: str) -> None:
        self._lines.add(f"{digest}  {path}\n".encode())


class _Hashed:
    """A file that cannot be sought in, and whose octets are hashed as they pass."""

    def __init__(self, target: IO[bytes]) -> None:
        self._target = target
        self.digest = hashlib.sha256()

    def write(self, octets: bytes) -> int:
        self.digest.update(octets)
        return self._target.write(octets)

    def flush(self) -> None:
        self._target.flush()


def _entry(path: str, moment: int) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(path, time.gmtime(max(ZIP_EPOCH, moment))[:6])
    is_packed = path.rpartition(".")[2].lower() in PACKED_ALREADY
    entry.compress_type = zipfile.ZIP_STORED if is_packed else zipfile.ZIP_DEFLATED
    entry.external_attr = 0o600 << 16
    return entry
