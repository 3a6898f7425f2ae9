"""What a file is by its bytes, and what may not travel whatever it claims to be."""

import io
import struct
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mss_gateway.message import sniff as types
from mss_gateway.message.sniff import forbidden_inside_zip, is_forbidden, sniff

PE = b"MZ\x90\0" + b"\0" * 60 + b"PE\0\0"
ELF = b"\x7fELF\x02\x01\x01" + b"\0" * 9
SHEBANG = b"#!/bin/sh\nrm -rf /\n"


def zipped(*entries: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return out.getvalue()


def compound(*names: str, extra: bytes = b"") -> bytes:
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".ljust(512, b"\0")
    entries = [name.encode("utf-16-le").ljust(128, b"\0") for name in ("Root Entry", *names)]
    return head + b"".join(entries) + extra


def office(folder: str, *more: tuple[str, bytes], declared: bytes = b"<Types/>") -> bytes:
    return zipped(("[Content_Types].xml", declared), (f"{folder}/document.xml", b"<x/>"), *more)


OFFICE = "application/vnd.openxmlformats-officedocument"
ODT = b"application/vnd.oasis.opendocument.text"

KNOWN = [
    (b"%PDF-1.7\n...", types.PDF),
    (b"\n" * 1023 + b"%PDF-1.4", "text/plain"),  # the marker ends after octet 1,024
    (b"\n" * 1019 + b"%PDF-1.4", types.PDF),
    (b"\xff\xd8\xff\xe0..JFIF", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n....", "image/png"),
    (b"GIF89a...", "image/gif"),
    (b"GIF89a=1;/*<script>*/", "image/gif"),
    (b"II*\0....", "image/tiff"),
    (b"MM\0*....", "image/tiff"),
    (b"RIFF\x10\0\0\0WEBPVP8 ", "image/webp"),
    (b"RIFF\x10\0\0\0WAVEfmt ", types.UNKNOWN),
    (b"\0\0\0\x18ftypheic....", "image/heic"),
    (b"{\\rtf1 bonjour}", "application/rtf"),
    (b"\0" * 128 + b"DICM", "application/dicom"),
    (b"", "text/plain"),
    (b"Bonjour,\r\nMZ est un sigle.\r\n", "text/plain"),
    (b"MZ est un sigle.", "text/plain"),
    ("Résultats".encode(), "text/plain"),
    ("Résultats".encode("latin-1"), "text/plain"),
    ("Résultats".encode("utf-16"), "text/plain"),
    (b"a,b\n1,2\n", "text/plain"),
    (b"\x00\x01\x02\x03", types.UNKNOWN),
    (b"<?xml version='1.0'?><a/>", "application/xml"),
    (b"\xef\xbb\xbf<?xml version='1.0'?><a/>", "application/xml"),
    (b'<?xml version="1.0"?><!-- x --><ClinicalDocument xmlns="urn:hl7-org:v3">', types.CDA),
    (b'<ClinicalDocument xmlns="urn:hl7-org:v3"/>', types.CDA),
    (b'<?xml version="1.0"?><c:ClinicalDocument xmlns:c="urn:hl7-org:v3"/>', types.CDA),
    (b'<?xml version="1.0"?><ClinicalDocument xmlns="urn:other"/>', "application/xml"),
    (b"<!DOCTYPE html><html><p>x", types.HTML),
    (b"<!-- x -->\n<html>", types.HTML),
    (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml"),
    (zipped(("a.txt", b"x")), types.ZIP),
    (zipped(), types.ZIP),
    (b"PK\x03\x04 cut short", types.ZIP),
    (office("word"), f"{OFFICE}.wordprocessingml.document"),
    (office("xl"), f"{OFFICE}.spreadsheetml.sheet"),
    (office("ppt"), f"{OFFICE}.presentationml.presentation"),
    (zipped(("mimetype", ODT), ("content.xml", b"<x/>")), ODT.decode()),
    (compound("WordDocument"), "application/msword"),
    (compound("Workbook"), "application/vnd.ms-excel"),
    (compound("PowerPoint Document"), "application/vnd.ms-powerpoint"),
    (compound("Autre"), "application/x-ole-storage"),
    (compound("WordDocument", extra=b"xx" + "VBA\0".encode("utf-16-le")), "application/msword"),
]

FORBIDDEN = [
    (PE, types.PROGRAM),
    (ELF, types.PROGRAM),
    (PE + b"%PDF-1.4", types.PROGRAM),  # a polyglot is its worst half
    (SHEBANG + b"%PDF-1.4", types.SCRIPT),
    (b"\xcf\xfa\xed\xfe....", types.PROGRAM),
    (b"\xca\xfe\xba\xbe\0\0\0\x34", types.PROGRAM),
    (b"dex\n035\0", types.PROGRAM),
    (b"\0asm\x01\0\0\0", types.PROGRAM),
    (zipped(("META-INF/MANIFEST.MF", b"x")), types.PROGRAM),
    (b"MSCF\0\0\0\0....", types.PROGRAM),
    (SHEBANG, types.SCRIPT),
    (b"<?php echo 1;", types.SCRIPT),
    (b"@echo off\r\ndel *.*", types.SCRIPT),
    (b"  @ECHO OFF\r\n", types.SCRIPT),
    (b"<script>alert(1)</script>", types.SCRIPT),
    (b"\xff\xfe" + "<script>alert(1)</script>".encode("utf-16-le"), types.SCRIPT),
    (b"\xef\xbb\xbf#!/bin/sh"[3:], types.SCRIPT),
    (b"<html><head><HTA:APPLICATION id=x>", types.SCRIPT),
    (b'var s = new ActiveXObject("WScript.Shell");', types.SCRIPT),
    (b'Set s = CreateObject("Scripting.FileSystemObject")', types.SCRIPT),
    (b"powershell -enc AAAA", types.SCRIPT),
    (b"<svg onload='x()'/>", types.SCRIPT),
    (b"<?xml version='1.0'?><svg><script>x</script></svg>", types.SCRIPT),
    (office("word", ("word/vbaProject.bin", b"x")), types.MACROS),
    (
        office("word", declared=b"application/vnd.ms-word.document.macroEnabled.main+xml"),
        types.MACROS,
    ),
    (zipped(("mimetype", ODT), ("Basic/Standard/Module1.xml", b"x")), types.MACROS),
    (compound("WordDocument", "Macros"), types.MACROS),
    (compound("Workbook", "_VBA_PROJECT"), types.MACROS),
    (compound("Autre", extra=bytes.fromhex("84100c0000000000c000000000000046")), types.INSTALLER),
    (b"\x4c\0\0\0\x01\x14\x02\0....", types.SHORTCUT),
]


@pytest.mark.parametrize(("content", "media_type"), KNOWN)
def test_a_file_is_what_its_bytes_say(content: bytes, media_type: str) -> None:
    assert sniff(content) == media_type
    assert not is_forbidden(media_type)


@pytest.mark.parametrize(("content", "media_type"), FORBIDDEN)
def test_programs_scripts_and_macros_are_forbidden(content: bytes, media_type: str) -> None:
    assert sniff(content) == media_type
    assert is_forbidden(media_type)


@pytest.mark.parametrize(("content", "media_type"), FORBIDDEN)
def test_what_is_forbidden_is_found_inside_zips_two_levels_down(
    content: bytes, media_type: str
) -> None:
    once = zipped(("ok.txt", b"x"), ("dossier/radio.jpg", content))
    assert forbidden_inside_zip(once) == media_type
    assert forbidden_inside_zip(zipped(("a.zip", once))) == media_type
    assert forbidden_inside_zip(zipped(("b.zip", zipped(("a.zip", once))))) == media_type


def test_an_innocent_zip_may_travel() -> None:
    assert forbidden_inside_zip(zipped(*[(f"{n}.pdf", b"%PDF-1.4") for n in range(20)])) is None
    stored = zipped(("INDEX.HTM", b"<html>"), ("IHE_XDM/", b""), method=zipfile.ZIP_STORED)
    assert forbidden_inside_zip(stored) is None


def test_archives_three_levels_down_are_refused() -> None:
    archive = zipped(("a.txt", b"x"))
    for _ in range(2):
        archive = zipped(("n.zip", archive))
    assert forbidden_inside_zip(archive) is None
    assert forbidden_inside_zip(zipped(("n.zip", archive))) == "nested"


def test_1000_entries_are_looked_at_and_1001_refused() -> None:
    assert forbidden_inside_zip(zipped(*[(f"{n}", b"") for n in range(1_000)])) is None
    assert forbidden_inside_zip(zipped(*[(f"{n}", b"") for n in range(1_001)])) == "malformed"
    halves = [(f"{half}.zip", zipped(*[(f"{n}", b"") for n in range(500)])) for half in "ab"]
    assert forbidden_inside_zip(zipped(*halves)) == "too many entries"


def test_a_bomb_inside_is_refused_before_it_is_unpacked() -> None:
    bomb = zipped(("x", b"\0" * 12_000_000))
    assert forbidden_inside_zip(bomb) is None
    assert forbidden_inside_zip(zipped(("n.zip", b"PK\x03\x04" + b"\0" * 10_000_000))) == "nested"


def flipped(archive: bytes, offset: int, octets: bytes) -> bytes:
    start = archive.index(b"PK\x01\x02") + offset
    return archive[:start] + octets + archive[start + len(octets) :]


@pytest.mark.parametrize(
    ("archive", "reason"),
    [
        (flipped(zipped(("a", b"xyz")), 8, b"\x01\0"), "encrypted"),
        (flipped(zipped(("a", b"xyz")), 10, struct.pack("<H", 12)), "malformed"),  # bzip2
        (flipped(zipped(("a", b"xyz")), 42, struct.pack("<I", 5)), "malformed"),  # offset
        (flipped(zipped(("a", b"xyz")), 42, struct.pack("<I", 1 << 31)), "malformed"),
        (zipped(("a", b"xyz"))[:-1], "malformed"),
        (zipped(("a", b"xyz"))[:-30], "malformed"),
        (b"x" + zipped(("a", b"xyz")), "malformed"),  # something stands before the archive
        (b"PK\x03\x04", "malformed"),
        (zipped(("a", b"xyz")).replace(b"PK\x01\x02", b"PK\x01\x03"), "malformed"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",  # archives hold their hour
)
def test_a_zip_that_cannot_be_looked_into_is_refused(archive: bytes, reason: str) -> None:
    assert forbidden_inside_zip(archive) == reason


@given(
    st.binary(max_size=200),
    st.sampled_from([b"", b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"\xff\xfe"]),
)
def test_any_bytes_have_some_type(tail: bytes, magic: bytes) -> None:
    assert "/" in sniff(magic + tail)
    assert forbidden_inside_zip(magic + tail) is not None
