"""Reading a small zip from memory, believing nothing that it says about itself.

The standard library's reader is generous (bytes before the archive, overlapping entries, sizes
that lie); an archive that comes by mail gets this one instead. Every header is checked before one
byte is inflated, and inflating stops at the size that was announced.
"""

import stat
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from mss_gateway.dossier.errors import XdmUnreadable

_END = struct.Struct("<4s4H2LH")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_END64_LOCATOR = struct.Struct("<4sLQL")
_END64 = struct.Struct("<4sQ2H2L4Q")
_FULL16, _FULL32 = 0xFFFF, 0xFFFFFFFF
_STORED, _DEFLATED = 0, 8
_ENCRYPTED = 0x0001 | 0x0040 | 0x2000
_UTF8 = 0x0800
_DESCRIPTOR = 0x0008
_STEP = 1 << 16


@dataclass(frozen=True, slots=True)
class ZipLimits:
    """Bounds of an archive; the ratio counts only past ``ratio_floor`` (short texts repeat)."""

    total_bytes: int = 200_000_000
    held_bytes: int = 64 << 20  # of what METADATA.XML names, kept in memory at once
    entries: int = 1_000
    ratio: int = 100
    ratio_floor: int = 64 << 10
    metadata_bytes: int = 8 << 20


LIMITS = ZipLimits()


@dataclass(frozen=True, slots=True)
class Entry:
    """One member of an archive. ``name`` is only ever compared, never used as a path."""

    name: str
    method: int
    crc: int
    packed: int
    size: int
    start: int  # of the local header
    flags: int
    is_file: bool


@dataclass(frozen=True, slots=True)
class Zip:
    """A checked archive: its entries by case-folded name, and the bytes they lie in."""

    content: bytes
    entries: dict[str, Entry]

    def read(self, entry: Entry) -> bytes:
        """The entry's bytes; raises XdmUnreadable if they differ from what was announced."""
        begin = _body_start(self.content, entry)
        packed = memoryview(self.content)[begin : begin + entry.packed]
        plain = bytes(packed) if entry.method == _STORED else _inflate(packed, entry.size)
        if len(plain) != entry.size or zlib.crc32(plain) != entry.crc:
            raise XdmUnreadable("entry differs from its announced size or checksum")
        return plain


def open_zip(content: bytes, limits: ZipLimits = LIMITS) -> Zip:
    """Check the whole directory of ``content``; raises XdmUnreadable, inflates nothing."""
    first, end, count = _find_directory(content)
    if count > limits.entries:
        raise XdmUnreadable("too many entries")
    listed = list(_central_entries(content, first, end, count))
    if sum(entry.size for entry in listed) > limits.total_bytes:
        raise XdmUnreadable("too many bytes once inflated")
    for entry in listed:
        if entry.size > limits.ratio_floor and entry.size > limits.ratio * max(entry.packed, 1):
            raise XdmUnreadable("compression ratio of a bomb")
    _refuse_overlaps(content, listed, first)
    by_name = {entry.name.casefold(): entry for entry in listed}
    if len(by_name) != len(listed):
        raise XdmUnreadable("two entries of the same name")
    return Zip(content, {name: entry for name, entry in by_name.items() if entry.is_file})


def _find_directory(content: bytes) -> tuple[int, int, int]:
    """Start and end of the central directory, and how many entries it announces.

    The end record must close the file: what follows it, or hides in a longer comment, would be
    another archive for another reader.
    """
    at = content.rfind(b"PK\x05\x06")
    if at < 0 or at + _END.size > len(content):
        raise XdmUnreadable("no end of central directory")
    _, disk, first_disk, here, count, length, start, comment = _END.unpack_from(content, at)
    if at + _END.size + comment != len(content):
        raise XdmUnreadable("bytes after the end of the archive")
    if disk not in (0, _FULL16) or first_disk not in (0, _FULL16) or here != count:
        raise XdmUnreadable("archive in several volumes")
    end = at
    if _FULL16 in (disk, count) or _FULL32 in (length, start):
        end, count64, length64, start64 = _find_directory64(content, at)
        agreed = (
            count in (count64, _FULL16)
            and length in (length64, _FULL32)
            and start in (start64, _FULL32)
        )
        if not agreed:
            raise XdmUnreadable("zip64 record contradicts the plain one")
        count, length, start = count64, length64, start64
    if start + length != end:
        raise XdmUnreadable("central directory is not where it is said to be")
    return start, end, count


def _find_directory64(content: bytes, at: int) -> tuple[int, int, int, int]:
    """The zip64 end record that stands right before its locator, itself right before ``at``."""
    where = at - _END64_LOCATOR.size - _END64.size
    if where < 0:
        raise XdmUnreadable("zip64 record is missing")
    locator, _, position, disks = _END64_LOCATOR.unpack_from(content, at - _END64_LOCATOR.size)
    record = _END64.unpack_from(content, where)
    if locator != b"PK\x06\x07" or record[0] != b"PK\x06\x06":
        raise XdmUnreadable("zip64 record is missing")
    if position != where or disks > 1 or record[6] != record[7]:
        raise XdmUnreadable("zip64 record lies")
    return where, record[7], record[8], record[9]


def _central_entries(content: bytes, at: int, end: int, count: int) -> Iterator[Entry]:
    for _ in range(count):
        if at + _CENTRAL.size > end:
            raise XdmUnreadable("central directory is cut")
        head = _CENTRAL.unpack_from(content, at)
        if head[0] != b"PK\x01\x02":
            raise XdmUnreadable("central directory is malformed")
        name_at = at + _CENTRAL.size
        extra_at = name_at + head[10]
        at = extra_at + head[11] + head[12]
        if at > end:
            raise XdmUnreadable("central directory is cut")
        yield _entry(head, content[name_at:extra_at], content[extra_at : extra_at + head[11]])
    if at != end:
        raise XdmUnreadable("central directory holds more than it announces")


def _entry(head: tuple[int, ...], raw_name: bytes, extra: bytes) -> Entry:
    flags, method, crc = head[3], head[4], head[7]
    if flags & _ENCRYPTED:
        raise XdmUnreadable("encrypted entry")
    if method not in (_STORED, _DEFLATED):
        raise XdmUnreadable("unknown compression method")
    size, packed, start = _sizes64(extra, head[9], head[8], head[16])
    if method == _STORED and packed != size:
        raise XdmUnreadable("stored entry with two sizes")
    mode = head[15] >> 16
    name = _name(raw_name, flags)
    is_link = bool(mode) and stat.S_ISLNK(mode)
    return Entry(
        name=name,
        method=method,
        crc=crc,
        packed=packed,
        size=size,
        start=start,
        flags=flags,
        is_file=not is_link and not name.endswith("/"),
    )


def _sizes64(extra: bytes, size: int, packed: int, start: int) -> tuple[int, int, int]:
    """Fields saturated at 32 bits are read from the zip64 extra field, in this order."""
    fields = [size, packed, start]
    if _FULL32 not in fields:
        return size, packed, start
    wide = _extra_field(extra, 1)
    for number, value in enumerate(fields):
        if value == _FULL32:
            if len(wide) < 8:
                raise XdmUnreadable("zip64 field is missing")
            fields[number] = int.from_bytes(wide[:8], "little")
            wide = wide[8:]
    return fields[0], fields[1], fields[2]


def _extra_field(extra: bytes, wanted: int) -> bytes:
    while len(extra) >= 4:
        kind, length = struct.unpack_from("<2H", extra)
        if kind == wanted:
            return extra[4 : 4 + length]
        extra = extra[4 + length :]
    return b""


def _name(raw: bytes, flags: int) -> str:
    try:
        name = raw.decode("utf-8" if flags & _UTF8 else "cp437")
    except UnicodeDecodeError as error:
        raise XdmUnreadable("name of an entry is not text") from error
    if not name or "\0" in name:
        raise XdmUnreadable("name of an entry is malformed")
    return name.replace("\\", "/")  # some producers write Windows separators


def _body_start(content: bytes, entry: Entry) -> int:
    """Where the entry's bytes begin, once its local header agrees with the directory."""
    if entry.start + _LOCAL.size > len(content):
        raise XdmUnreadable("entry lies outside the archive")
    head = _LOCAL.unpack_from(content, entry.start)
    name_at = entry.start + _LOCAL.size
    name = _name(content[name_at : name_at + head[9]], head[2])
    if head[0] != b"PK\x03\x04" or name != entry.name or head[3] != entry.method:
        raise XdmUnreadable("local header contradicts the directory")
    if (head[2] ^ entry.flags) & (_ENCRYPTED | _DESCRIPTOR):
        raise XdmUnreadable("local header contradicts the directory")
    sizes = (head[7], head[8])
    is_said_here = not entry.flags & _DESCRIPTOR and _FULL32 not in sizes
    if is_said_here and sizes != (entry.packed, entry.size):
        raise XdmUnreadable("local header contradicts the directory")
    return name_at + int(head[9]) + int(head[10])


def _refuse_overlaps(content: bytes, listed: list[Entry], directory_at: int) -> None:
    """Each byte belongs to one entry at most, the first one begins the file."""
    spans = sorted((e.start, _body_start(content, e) + e.packed) for e in listed)
    if spans and spans[0][0] != 0:
        raise XdmUnreadable("bytes before the archive")
    spans.append((directory_at, directory_at))
    if any(end > next_start for (_, end), (next_start, _) in pairwise(spans)):
        raise XdmUnreadable("overlapping entries")


def _inflate(packed: memoryview, size: int) -> bytes:
    """Inflate by steps, never past ``size``: the announced size is the budget."""
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    plain = bytearray()
    pending: bytes | memoryview = packed
    try:
        while not stream.eof and len(plain) <= size:
            step = stream.decompress(pending, min(_STEP, size - len(plain) + 1))
            pending = stream.unconsumed_tail
            if not step and not pending:
                break
            plain += step
    except zlib.error as error:
        raise XdmUnreadable("entry cannot be inflated") from error
    if not stream.eof or stream.unused_data:
        raise XdmUnreadable("entry differs from its announced size or checksum")
    return bytes(plain)
