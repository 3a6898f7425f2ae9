"""The form of one sealed file: for whom, what is inside in sealed frames, a digest of it all.

::

    "MSSBAK1\\n"  kind (1)  name (16)  length of the envelope (4)  envelope
    frames: length (4)  sealed chunks (certs.sealing)
    SHA-256 of everything before (32)

The envelope (RFC 5083) holds the 256-bit key of the file for each recipient. Every frame is sealed
under a key of its own, drawn from that one by HMAC-SHA-256 over kind, name, position and whether it
is the last: a frame that was moved, repeated or cut off does not open. The digest is for who has
no key, and proves no more than that nothing was damaged by chance.
"""

import hashlib
import hmac
import os
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from io import BufferedReader
from pathlib import Path
from typing import Final

from certs.capabilities import MODERN
from certs.certificate import Certificate
from certs.cms.enveloped import make_enveloped
from certs.errors import CannotOpen
from certs.sealing import CHUNK_OCTETS, ObjectSeal
from mss_gateway.backup.errors import Damaged

MAGIC: Final = b"MSSBAK1\n"
DIGEST_OCTETS: Final = 32
NAME_OCTETS: Final = 16

LARGEST_ENVELOPE: Final = 256 * 1024
"""Octets; each recipient adds some 400."""

LARGEST_FRAME: Final = 1 << 30
"""Octets; SQLite's own limit of a row is below."""

_HEAD = struct.Struct(">8s1s16sI")
_LENGTH = struct.Struct(">I")
_SEALED_CHUNK = CHUNK_OCTETS + 17
_READ_OCTETS = 1 << 20


class Kind(Enum):
    """What a file is for; a file of one kind does not pass for another."""

    UNIT = b"u"
    HEAD = b"h"
    KEYS = b"k"


@dataclass(frozen=True, slots=True, repr=False)
class Lock:
    """A key, and the envelope in which the recipients find it."""

    key: bytes
    envelope: bytes


@dataclass(frozen=True, slots=True)
class Header:
    """How a file begins; ``octets`` are those of the header itself."""

    kind: Kind
    name: bytes
    envelope: bytes
    octets: int


def new_lock(recipients: Sequence[Certificate]) -> Lock:
    """Draw a key for these recipients.

    Raises AlgorithmRefused (``certs``) when the key of one is too weak or cannot receive.
    """
    key = os.urandom(32)
    return Lock(key, make_enveloped(key, recipients, MODERN))


# --- writing -------------------------------------------------------------------------------------


def written(kind: Kind, name: bytes, lock: Lock, frames: Iterable[bytes]) -> Iterator[bytes]:
    """The octets of a file, piece by piece; one frame is held at a time, and the one after it."""
    digest = hashlib.sha256()
    for piece in _before_the_digest(kind, name, lock, frames):
        digest.update(piece)
        yield piece
    yield digest.digest()


def _before_the_digest(
    kind: Kind, name: bytes, lock: Lock, frames: Iterable[bytes]
) -> Iterator[bytes]:
    if len(name) != NAME_OCTETS:
        raise ValueError("a name has 16 octets")
    yield _HEAD.pack(MAGIC, kind.value, name, len(lock.envelope)) + lock.envelope
    following = iter(frames)
    frame = next(following, b"")
    position, is_last = 0, False
    while not is_last:
        upcoming = next(following, None)
        is_last = upcoming is None
        chunks = _seal(lock.key, kind, name, position, is_last=is_last, fresh=True).seal_chunks(
            frame
        )
        yield _LENGTH.pack(sum(map(len, chunks)))
        yield from chunks
        frame = upcoming or b""
        position += 1


def _seal(
    key: bytes, kind: Kind, name: bytes, position: int, *, is_last: bool, fresh: bool
) -> ObjectSeal:
    end = b"last" if is_last else b"more"
    said = b"mss backup frame\x00" + kind.value + name + _LENGTH.pack(position) + end
    return ObjectSeal(name, hmac.digest(key, said, "sha256"), fresh=fresh)


# --- reading -------------------------------------------------------------------------------------


class _Hashed:
    """A file read once from its beginning to where its digest stands."""

    def __init__(self, file: BufferedReader, octets: int) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self.left = octets

    def take(self, octets: int) -> bytes:
        """Exactly so many; raises :class:`Damaged` when they are not there."""
        if octets > self.left:
            raise Damaged("cut short")
        piece = self._file.read(octets)
        if len(piece) != octets:
            raise Damaged("cut short")
        self._digest.update(piece)
        self.left -= octets
        return piece

    def end(self) -> None:
        """Compare the digest with what was read; raises :class:`Damaged`."""
        if self._file.read(DIGEST_OCTETS + 1) != self._digest.digest():
            raise Damaged("altered: its digest is another one")


def frames(
    path: Path, kind: Kind, name: bytes, key_of: Callable[[bytes], bytes]
) -> Iterator[bytes]:
    """The frames of a file, each proved before it is given; the digest is proved at the end.

    ``key_of`` opens the envelope. Raises :class:`Damaged`, and what ``key_of`` raises.
    """
    with _opened(path) as file:
        content = _Hashed(file, _octets(path) - DIGEST_OCTETS)
        header = _header(content, kind, name)
        key = key_of(header.envelope)
        position = 0
        while True:
            length = _LENGTH.unpack(content.take(_LENGTH.size))[0]
            if length > LARGEST_FRAME:
                raise Damaged("altered: a frame is too long")
            sealed = content.take(length)
            is_last = content.left == 0
            yield _open(key, header, position, sealed, is_last=is_last)
            position += 1
            if is_last:
                break
        content.end()


def check(path: Path, kind: Kind, name: bytes) -> None:
    """Prove what can be proved without a key: kind, name and digest; raises :class:`Damaged`."""
    with _opened(path) as file:
        content = _Hashed(file, _octets(path) - DIGEST_OCTETS)
        _header(content, kind, name)
        while content.left:
            content.take(min(_READ_OCTETS, content.left))
        content.end()


def looks_whole(path: Path, kind: Kind, name: bytes) -> bool:
    """Whether a file is there, of this kind and name and as long as it says; not read any further.

    What a disk altered since is found by :func:`check` and :func:`frames` only.
    """
    try:
        with path.open("rb") as file:
            content = _Hashed(file, os.fstat(file.fileno()).st_size - DIGEST_OCTETS)
            _header(content, kind, name)
            while True:
                length = _LENGTH.unpack(content.take(_LENGTH.size))[0]
                file.seek(length, os.SEEK_CUR)
                content.left -= length
                if content.left <= 0:
                    return content.left == 0
    except (OSError, Damaged):
        return False


def _opened(path: Path) -> BufferedReader:
    try:
        return path.open("rb")
    except FileNotFoundError:
        raise Damaged("missing") from None


def _octets(path: Path) -> int:
    return path.stat().st_size


def _header(content: _Hashed, kind: Kind, name: bytes) -> Header:
    magic, found, stated, length = _HEAD.unpack(content.take(_HEAD.size))
    if magic != MAGIC:
        raise Damaged("altered: no file of a backup")
    if found != kind.value or stated != name:
        raise Damaged("another file of a backup stands in its place")
    if length > LARGEST_ENVELOPE:
        raise Damaged("altered: its envelope is too long")
    return Header(kind, name, content.take(length), _HEAD.size + length)


def _open(key: bytes, header: Header, position: int, sealed: bytes, *, is_last: bool) -> bytes:
    seal = _seal(key, header.kind, header.name, position, is_last=is_last, fresh=False)
    last = max(0, (len(sealed) - 1) // _SEALED_CHUNK)
    view = memoryview(sealed)
    try:
        return b"".join(
            seal.open_chunk(
                index,
                index == last,
                bytes(view[index * _SEALED_CHUNK : (index + 1) * _SEALED_CHUNK]),
            )
            for index in range(last + 1)
        )
    except CannotOpen:
        raise Damaged("altered: it does not open") from None
