"""Zips made to hurt: each is refused before it costs anything (reliability.md T27)."""

import io
import stat
import struct
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable

import pytest

from mss_gateway.dossier import xdm
from mss_gateway.dossier.errors import XdmUnreadable
from mss_gateway.dossier.zips import ZipLimits, open_zip
from tests.support.xdm import Layout, archive, archive_of, cda_document, entry_for, zip_of

CDA = cda_document()
SOUND = archive_of(CDA)
_END = b"PK\x05\x06"
_CENTRAL = b"PK\x01\x02"


def _patched(content: bytes, at: int, value: bytes) -> bytes:
    return content[:at] + value + content[at + len(value) :]


def _end(offset: int, layout: str, value: int) -> bytes:
    """A field of the end record replaced."""
    return _patched(SOUND, SOUND.rfind(_END) + offset, struct.pack(layout, value))


def _central(offset: int, layout: str, value: int) -> bytes:
    """A field of the first entry of the directory replaced."""
    return _patched(SOUND, SOUND.find(_CENTRAL) + offset, struct.pack(layout, value))


def _local(offset: int, value: bytes) -> bytes:
    return _patched(SOUND, offset, value)


def _duplicate_names() -> bytes:
    return zip_of(
        [("IHE_XDM/SUBSET01/METADATA.XML", b"a"), ("ihe_xdm/subset01/metadata.xml", b"b")]
    )


def _bomb() -> bytes:
    return archive([entry_for(CDA)], Layout(extra=(("ZEROS", bytes(20 << 20)),)))


def _many_entries() -> bytes:
    return zip_of([(f"N{number}", b"") for number in range(1_001)])


def _overlapping() -> bytes:
    """The second entry lies inside the bytes of the first: how bombs share one kernel."""
    kernel = zip_of([("B", b"x" * 500)])
    inner = kernel[: kernel.find(_CENTRAL)]
    outer = _stored_zip("A", inner)
    at = outer.find(_CENTRAL, len(inner))
    second = kernel[kernel.find(_CENTRAL) : kernel.rfind(_END)]
    second = second[:42] + struct.pack("<L", at - len(inner)) + second[46:]
    listed = outer[at : outer.rfind(_END)] + second
    return outer[:at] + listed + struct.pack("<4s4H2LH", _END, 0, 0, 2, 2, len(listed), at, 0)


def _stored_zip(name: str, content: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as packed:
        packed.writestr(name, content)
    return target.getvalue()


def _nested_quine() -> bytes:
    inner = SOUND
    for _ in range(5):
        inner = zip_of([("IHE_XDM.ZIP", inner)])
    return inner


def _encrypted() -> bytes:
    return _central(8, "<H", 1)


def _zip64_lie() -> bytes:
    """Saturated sizes whose zip64 field announces 16 EiB."""
    extra = struct.pack("<2H2Q", 1, 16, (1 << 64) - 1, 5)
    name = b"A"
    local = struct.pack("<4s5H3L2H", b"PK\x03\x04", 45, 0, 0, 0, 0, 0, 5, 5, 1, 0) + name + b"xxxxx"
    full = 0xFFFFFFFF
    central = struct.pack(
        "<4s6H3L5H2L", _CENTRAL, 45, 45, 0, 0, 0, 0, 0, full, full, 1, 20, 0, 0, 0, 0, 0
    )
    listed = central + name + extra
    end = struct.pack("<4s4H2LH", _END, 0, 0, 1, 1, len(listed), len(local), 0)
    return local + listed + end


def _size_lie() -> bytes:
    """The directory announces 10 bytes, the stream inflates to a megabyte."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as target:
        target.writestr("IHE_XDM/SUBSET01/METADATA.XML", bytes(1 << 20))
    content = packed.getvalue()
    ten = struct.pack("<L", 10)
    content = _patched(content, content.find(_CENTRAL) + 24, ten)
    return _patched(content, 22, ten)


def _trailing_data_in_stream() -> bytes:
    """Two deflate streams in one entry: other readers disagree about which one counts."""
    return _with_stream(_deflated(b"one") + _deflated(b"two"), b"one")


def _cut_stream() -> bytes:
    return _with_stream(_deflated(b"one" * 100)[:-3], b"one" * 100)


def _wrong_checksum() -> bytes:
    return _with_stream(_deflated(b"one"), b"two")


def _deflated(plain: bytes) -> bytes:
    stream = zlib.compressobj(9, zlib.DEFLATED, -15)
    return stream.compress(plain) + stream.flush()


def _with_stream(packed: bytes, announced: bytes) -> bytes:
    name = b"IHE_XDM/SUBSET01/METADATA.XML"
    sizes = (zlib.crc32(announced), len(packed), len(announced))
    local = struct.pack("<4s5H3L2H", b"PK\x03\x04", 20, 0, 8, 0, 0, *sizes, len(name), 0)
    local += name + packed
    central = struct.pack(
        "<4s6H3L5H2L", _CENTRAL, 20, 20, 0, 8, 0, 0, *sizes, len(name), 0, 0, 0, 0, 0, 0
    )
    listed = central + name
    return local + listed + struct.pack("<4s4H2LH", _END, 0, 0, 1, 1, len(listed), len(local), 0)


def _name_with_nul() -> bytes:
    return SOUND.replace(b"README.TXT", b"README\0TXT")


HOSTILE: dict[str, Callable[[], bytes]] = {
    "empty": lambda: b"",
    "garbage": lambda: b"PK\x03\x04" + b"\0" * 100,
    "end-record-only-garbage": lambda: _END + b"\xff" * 5,
    "cut-in-half": lambda: SOUND[: len(SOUND) // 2],
    "cut-by-one": lambda: SOUND[:-1],
    "trailing-archive": lambda: SOUND + zip_of([("X", b"y")]),
    "trailing-byte": lambda: SOUND + b"\0",
    "leading-bytes": lambda: b"%PDF-1.4\n" + SOUND,
    "duplicate-names": _duplicate_names,
    "bomb": _bomb,
    "many-entries": _many_entries,
    "overlapping": _overlapping,
    "nested": _nested_quine,
    "encrypted": _encrypted,
    "strong-encryption": lambda: _central(8, "<H", 0x40),
    "masked-headers": lambda: _central(8, "<H", 0x2000),
    "unknown-method": lambda: _central(10, "<H", 12),
    "zip64-lie": _zip64_lie,
    "zip64-count-without-record": lambda: _end(10, "<H", 0xFFFF),
    "zip64-offset-without-record": lambda: _end(16, "<L", 0xFFFFFFFF),
    "several-volumes": lambda: _end(4, "<H", 3),
    "directory-elsewhere": lambda: _end(16, "<L", 7),
    "count-too-high": lambda: _patched(_end(10, "<H", 99), SOUND.rfind(_END) + 8, b"\x63\0"),
    "count-too-low": lambda: _patched(_end(10, "<H", 1), SOUND.rfind(_END) + 8, b"\x01\0"),
    "entry-outside": lambda: _central(42, "<L", 0x7FFFFFFF),
    "entry-in-another": lambda: _central(42, "<L", 40),
    "local-name-differs": lambda: _local(30, b"HIDDEN.HT"),
    "local-size-differs": lambda: _local(22, b"\x01\0\0\0"),
    "local-method-differs": lambda: _local(8, b"\0\0"),
    "size-lie": _size_lie,
    "two-streams": _trailing_data_in_stream,
    "cut-stream": _cut_stream,
    "wrong-checksum": _wrong_checksum,
    "nul-in-name": _name_with_nul,
}


@pytest.mark.parametrize("make", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_zip_is_refused(make: Callable[[], bytes]) -> None:
    with pytest.raises(XdmUnreadable):
        xdm.examine(make())


def test_hostile_zips_cost_no_memory() -> None:
    made = [make() for make in HOSTILE.values()]

    tracemalloc.start()
    try:
        for content in made:
            with pytest.raises(XdmUnreadable):
                xdm.examine(content)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak <= 2 << 20


def test_overlap_is_what_refuses_overlapping_entries() -> None:
    with pytest.raises(XdmUnreadable, match="overlapping"):
        open_zip(_overlapping())


@pytest.mark.parametrize(
    "name", ["../../evil.xml", "/etc/passwd", "..\\..\\evil.xml", "C:\\evil.xml", "a/../../b"]
)
def test_names_of_paths_are_carried_but_never_followed(name: str) -> None:
    packed = archive([entry_for(CDA)], Layout(extra=((name, b"evil"),)))

    read = xdm.examine(packed)

    assert [one.path for one in read.documents] == ["IHE_XDM/SUBSET01/DOC0001.XML"]


def test_a_symbolic_link_is_no_document() -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as packed:
        packed.writestr("IHE_XDM/SUBSET01/METADATA.XML", b"x")
        link = zipfile.ZipInfo("IHE_XDM/SUBSET01/DOC0001.XML")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        packed.writestr(link, "/etc/passwd")

    assert list(open_zip(target.getvalue()).entries) == ["ihe_xdm/subset01/metadata.xml"]


def test_sizes_written_after_the_entry_are_understood() -> None:
    """Software that streams writes a data descriptor (APPNOTE.TXT 4.4.4, bit 3)."""

    class Pipe(io.RawIOBase):
        def __init__(self) -> None:
            self.written = b""

        def writable(self) -> bool:
            return True

        def write(self, piece: bytes) -> int:  # type: ignore[override]
            self.written += bytes(piece)
            return len(piece)

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("A.TXT", b"hello")

    read = open_zip(pipe.written)

    assert read.read(read.entries["a.txt"]) == b"hello"


def test_an_honest_zip64_is_understood() -> None:
    plain = b"hello"
    name, full = b"A", 0xFFFFFFFF
    crc = zlib.crc32(plain)
    local = struct.pack("<4s5H3L2H", b"PK\x03\x04", 45, 0, 0, 0, 0, crc, full, full, 1, 20)
    local += name + struct.pack("<2H2Q", 1, 16, 5, 5) + plain
    central = struct.pack(
        "<4s6H3L5H2L", _CENTRAL, 45, 45, 0, 0, 0, 0, crc, full, full, 1, 28, 0, 0, 0, 0, full
    )
    listed = central + name + struct.pack("<2H3Q", 1, 24, 5, 5, 0)
    at = len(local) + len(listed)
    end64 = struct.pack(
        "<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 1, 1, len(listed), len(local)
    )
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, at, 1)
    end = struct.pack("<4s4H2LH", _END, 0, 0, 0xFFFF, 0xFFFF, full, full, 0)

    read = open_zip(local + listed + end64 + locator + end)

    assert read.read(read.entries["a"]) == plain


def test_entries_are_bounded_at_the_edge() -> None:
    packed = zip_of([("A", b""), ("B", b"")])

    assert len(open_zip(packed, ZipLimits(entries=2)).entries) == 2
    with pytest.raises(XdmUnreadable, match="too many entries"):
        open_zip(packed, ZipLimits(entries=1))


def test_total_is_bounded_at_the_edge() -> None:
    packed = zip_of([("A", b"x" * 60), ("B", b"y" * 40)])

    assert open_zip(packed, ZipLimits(total_bytes=100))
    with pytest.raises(XdmUnreadable, match="once inflated"):
        open_zip(packed, ZipLimits(total_bytes=99))


def test_ratio_counts_only_past_its_floor() -> None:
    packed = zip_of([("A", bytes(100_000))])

    assert open_zip(packed, ZipLimits(ratio_floor=100_000))
    with pytest.raises(XdmUnreadable, match="bomb"):
        open_zip(packed, ZipLimits(ratio_floor=99_999))


def test_ratio_is_bounded_at_the_edge() -> None:
    packed = zip_of([("A", bytes(100_000))])
    entry = open_zip(packed, ZipLimits(ratio=10_000)).entries["a"]
    exact = -(-entry.size // entry.packed)

    assert open_zip(packed, ZipLimits(ratio=exact))
    with pytest.raises(XdmUnreadable, match="bomb"):
        open_zip(packed, ZipLimits(ratio=exact - 1))
