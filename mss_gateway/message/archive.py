"""The directory of a zip archive, read within bounds (APPNOTE 6.3.10 §4.3).

``zipfile`` reads a directory of any length before it answers; a forbidden file must be found
without paying for that. Only stored and deflated entries can be looked into.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

ENTRY_LIMIT = 1_000
_END = struct.Struct("<4s4H2IH")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_LOCAL = struct.Struct("<4s5H3I2H")
_END_WINDOW = _END.size + 0xFFFF  # the comment after it has at most 65,535 octets


class ArchiveMalformed(ValueError):
    """A zip whose directory cannot be read, or is larger than anyone should read."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the directory; its name is for comparison and display, never a path."""

    name: str
    is_encrypted: bool
    method: int
    compressed: int
    offset: int

    def head(self, content: bytes, limit: int) -> bytes:
        """The first ``limit`` octets of the entry. Raises ArchiveMalformed if unreadable."""
        if len(content) < self.offset + _LOCAL.size:
            raise ArchiveMalformed("an entry outside the archive")
        local = _LOCAL.unpack_from(content, self.offset)
        if local[0] != b"PK\x03\x04":
            raise ArchiveMalformed("an entry without its header")
        start = self.offset + _LOCAL.size + local[9] + local[10]
        stored = memoryview(content)[start : start + self.compressed]
        if self.method == 0:
            return bytes(stored[:limit])
        if self.method != 8:
            raise ArchiveMalformed("an unknown compression")
        try:
            return zlib.decompressobj(-15).decompress(stored, limit)
        except zlib.error as error:
            raise ArchiveMalformed("an entry that does not decompress") from error


def read_entries(content: bytes) -> Iterator[Entry]:
    """The files of the directory, folders left out. Raises ArchiveMalformed above 1,000 entries."""
    end = content.rfind(b"PK\x05\x06", max(0, len(content) - _END_WINDOW))
    if end < 0 or end + _END.size > len(content):
        raise ArchiveMalformed("no end of directory")
    _, disk, _, _, count, size, start, _ = _END.unpack_from(content, end)
    if disk or count > ENTRY_LIMIT or start + size != end:
        # Octets between directory and end (zip64, appended archives) are read differently by
        # different programs: what they show is not what we looked at.
        raise ArchiveMalformed("a directory with two readings")
    position = start
    for _ in range(count):
        if position + _CENTRAL.size > end:
            raise ArchiveMalformed("a directory cut short")
        fields = _CENTRAL.unpack_from(content, position)
        if fields[0] != b"PK\x01\x02":
            raise ArchiveMalformed("a directory cut short")
        name_start = position + _CENTRAL.size
        name = content[name_start : name_start + fields[10]].decode("utf-8", "replace")
        position = name_start + fields[10] + fields[11] + fields[12]
        if not name.endswith("/") or fields[8]:
            yield Entry(name, bool(fields[3] & 0x41), fields[4], fields[8], fields[16])
    if position != end:
        raise ArchiveMalformed("a directory with two readings")
