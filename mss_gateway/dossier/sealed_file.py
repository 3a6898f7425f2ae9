"""A sealed file that is written once, from its beginning to its end, and read so.

Frames of 1 MiB, each in chunks of ``certs.sealing`` under a key of its own, drawn from the file's
by HMAC-SHA-256 over the file's name, the frame's position and whether it is the last: a frame that
was moved, repeated or cut off does not open. Nothing but sealed octets is ever written. The length
in clear is kept by whoever keeps the key.
"""

import hmac
import io
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Final

from certs.errors import CannotOpen
from certs.sealing import CHUNK_OCTETS, ObjectSeal

FRAME_OCTETS: Final = 1 << 20
NAME_OCTETS: Final = 16

SYNCED_FRAMES: Final = 32
"""Frames after which the disk is waited for: a flush of gigabytes at the end would hold up those
of the store."""

_CHUNK: Final = CHUNK_OCTETS + 17  # version and tag


class SealedFileDamaged(Exception):
    """The file is missing, cut short or altered."""


def new_key() -> bytes:
    """A fresh key, for one file."""
    return secrets.token_bytes(32)


class Writing(io.RawIOBase):
    """A file being written: what is written to it is sealed, frame by frame. Not seekable.

    ``before`` is told how many octets come before each frame, and may raise. Leaving the block
    closes the file; only :meth:`end` makes it whole. Raises FileExistsError, and OSError of a disk.
    """

    def __init__(
        self, path: Path, name: bytes, key: bytes, before: Callable[[int], None] = lambda _: None
    ) -> None:
        super().__init__()
        self._name, self._key, self._before = name, key, before
        self._waiting = bytearray()
        self._frames = 0
        self._ended = False
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        self._file = os.open(path, flags, 0o600)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file."""
        self.close()

    def close(self) -> None:
        """Close the file; what was not ended stays in pieces."""
        if not self.closed:
            os.close(self._file)
        super().close()

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, octets: bytes) -> int:  # type: ignore[override]
        """Take all of it; a frame is written once it is known that another follows."""
        view = memoryview(octets)
        for start in range(0, len(view), FRAME_OCTETS):
            self._waiting += view[start : start + FRAME_OCTETS]
            while len(self._waiting) > FRAME_OCTETS:
                self._write_frame(bytes(self._waiting[:FRAME_OCTETS]), is_last=False)
                del self._waiting[:FRAME_OCTETS]
        return len(view)

    def end(self) -> int:
        """Write the last frame and wait for the disk; the length of it all, in clear."""
        octets = self._frames * FRAME_OCTETS + len(self._waiting)
        self._write_frame(bytes(self._waiting), is_last=True)
        self._waiting.clear()
        os.fsync(self._file)
        return octets

    def _write_frame(self, plain: bytes, *, is_last: bool) -> None:
        seal = _seal(self._key, self._name, self._frames, is_last=is_last, fresh=True)
        sealed = b"".join(seal.seal_chunks(plain))
        self._before(len(sealed))
        left = memoryview(sealed)
        while left:
            left = left[os.write(self._file, left) :]
        self._frames += 1
        if self._frames % SYNCED_FRAMES == 0:
            os.fdatasync(self._file)


def sealed_octets(octets: int) -> int:
    """How long the file of so many octets in clear is."""
    return octets + 17 * max(1, -(-octets // CHUNK_OCTETS))


def is_whole(path: Path, octets: int) -> bool:
    """Whether the file is there and as long as it must be; nothing of it is read."""
    try:
        return path.stat().st_size == sealed_octets(octets)
    except OSError:
        return False


def frames(path: Path, name: bytes, key: bytes, octets: int) -> Iterator[bytes]:
    """The content in pieces of 1 MiB at most, each proved before it is given.

    Raises :class:`SealedFileDamaged`.
    """
    count = max(1, -(-octets // FRAME_OCTETS))
    try:
        with path.open("rb", buffering=0) as file:
            for position in range(count):
                is_last = position == count - 1
                plain = octets - position * FRAME_OCTETS if is_last else FRAME_OCTETS
                sealed = _exactly(file, sealed_octets(plain))
                yield _opened(key, name, position, sealed, is_last=is_last)
            if file.read(1):
                raise SealedFileDamaged("longer than it was")
    except FileNotFoundError:
        raise SealedFileDamaged("missing") from None


def _exactly(file: io.FileIO, octets: int) -> bytes:
    pieces, left = [], octets
    while left:
        piece = file.read(left)
        if not piece:
            raise SealedFileDamaged("cut short")
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces)


def _opened(key: bytes, name: bytes, position: int, sealed: bytes, *, is_last: bool) -> bytes:
    seal = _seal(key, name, position, is_last=is_last, fresh=False)
    last = (len(sealed) - 1) // _CHUNK
    try:
        return b"".join(
            seal.open_chunk(index, index == last, sealed[index * _CHUNK : (index + 1) * _CHUNK])
            for index in range(last + 1)
        )
    except CannotOpen:
        raise SealedFileDamaged("altered: it does not open") from None


def _seal(key: bytes, name: bytes, position: int, *, is_last: bool, fresh: bool) -> ObjectSeal:
    end = b"last" if is_last else b"more"
    said = b"mss sealed file\x00" + name + position.to_bytes(8, "big") + end
    return ObjectSeal(name, hmac.digest(key, said, "sha256"), fresh=fresh)
