"""Files that claim to be something else (reliability.md T29): what they are decides, by the bytes.

Each comes in an archive whose METADATA.XML calls it a PDF, and as the body of an N1 that does.
"""

import io
import zipfile

import pytest

from mss_gateway.dossier import cda, xdm
from mss_gateway.dossier.narrative import cda_text
from mss_gateway.dossier.results import critical
from mss_gateway.message import sniff as types
from mss_gateway.message.attachments import safe_name
from mss_gateway.message.sniff import forbidden_inside_zip, is_forbidden, sniff
from mss_gateway.webmail.files import DRAWN, disposition, download
from tests.support.xdm import CdaText, Entry, archive, cda_document

PDF = b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\n%%EOF\n"
HTML = b"<!DOCTYPE html><html><body><script>alert(1)</script></body></html>"
PNG = b"\x89PNG\r\n\x1a\n"
SVG = b"<svg xmlns='http://www.w3.org/2000/svg' onload=\"alert(1)\"/>"
V3 = b"urn:hl7-org:v3"


def _zip(*entries: tuple[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as packed:
        for name, content in entries:
            packed.writestr(name, content)
    return target.getvalue()


LIES: dict[str, tuple[bytes, str]] = {
    "html": (HTML, types.HTML),
    "html-after-blanks": (b"\n\t " + HTML, types.HTML),
    "html-after-comment": (b"<!-- %PDF -->" + HTML, types.HTML),
    "html-in-utf-16": (HTML.decode().encode("utf-16"), types.HTML),
    "xhtml": (
        b'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"/>',
        types.HTML,
    ),
    "svg-with-script": (SVG, types.SCRIPT),
    "svg-in-xml": (b'<?xml version="1.0"?>' + SVG, types.SCRIPT),
    "script-element": (b"<script>alert(1)</script>", types.SCRIPT),
    "hta": (b"<html><hta:application id=x></html>", types.SCRIPT),
    "shell": (b"#!/bin/sh\nid\n", types.SCRIPT),
    "batch": (b"@echo off\r\ndel *.*\r\n", types.SCRIPT),
    "php": (b"<?php system('id'); ?>", types.SCRIPT),
    "powershell": (b"powershell -enc AAAA", types.SCRIPT),
    "visual-basic": (b'Set s = CreateObject("WScript.Shell")', types.SCRIPT),
    "windows-program": (b"MZ\x90\0" + b"\0" * 60 + b"PE\0\0", types.PROGRAM),
    "linux-program": (b"\x7fELF\x02\x01\x01" + b"\0" * 9, types.PROGRAM),
    "java-class": (b"\xca\xfe\xba\xbe\0\0\0\x34", types.PROGRAM),
    "android-package": (_zip(("AndroidManifest.xml", b"x")), types.PROGRAM),
    "web-assembly": (b"\0asm\x01\0\0\0", types.PROGRAM),
    "shortcut": (b"\x4c\0\0\0\x01\x14\x02\0", types.SHORTCUT),
    "macro-document": (
        _zip(("[Content_Types].xml", b"<Types/>"), ("word/vbaProject.bin", b"x")),
        types.MACROS,
    ),
    "help-file": (b"ITSF\x03\0\0\0", types.SCRIPT),
    "gif-and-script": (b"GIF89a=1;alert(1)//", "image/gif"),
    "png-and-html": (PNG + HTML, "image/png"),
    "jpeg-and-php": (b"\xff\xd8\xff\xe0<?php id(); ?>", "image/jpeg"),
    "pdf-and-html": (PDF + HTML, types.PDF),
    "html-then-pdf": (HTML[:100] + PDF, types.PDF),
    "pdf-and-zip": (PDF + _zip(("x.exe", b"MZ")), types.PDF),
    "zip": (_zip(("x.txt", b"x")), types.ZIP),
    "gzip": (b"\x1f\x8b\x08\0", "application/gzip"),
    "rtf": (b"{\\rtf1 x}", "application/rtf"),
    "text": (b"Bonjour", "text/plain"),
    "nothing": (b"", "text/plain"),
    "octets": (bytes(range(256)), types.UNKNOWN),
    "xml": (b'<?xml version="1.0"?><a/>', "application/xml"),
    "cda-of-another-version": (b'<ClinicalDocument xmlns="urn:hl7-org:v2"/>', "text/plain"),
    "cda-inside-another-root": (b'<a><ClinicalDocument xmlns="' + V3 + b'"/></a>', "text/plain"),
    "dicom": (b"\0" * 128 + b"DICM", "application/dicom"),
}


def _archived(content: bytes) -> bytes:
    entry = Entry(content, uri="DOC0001.PDF", mime_type="application/pdf")
    (document,) = xdm.examine(archive([entry])).documents
    return document.content


def test_there_are_thirty_of_them() -> None:
    assert len(LIES) >= 30


@pytest.mark.parametrize(("content", "expected"), LIES.values(), ids=LIES.keys())
def test_a_lying_file_of_an_archive_is_kept_and_known_by_its_bytes(
    content: bytes, expected: str
) -> None:
    kept = _archived(content)

    assert kept == content
    assert sniff(kept) == expected
    assert not cda.is_cda(kept)
    assert not critical(kept)


@pytest.mark.parametrize(("content", "expected"), LIES.values(), ids=LIES.keys())
def test_a_lying_file_is_never_handed_out_as_what_a_browser_runs(
    content: bytes, expected: str
) -> None:
    answer = download(content, "compte-rendu.pdf")

    harmless = {*DRAWN, "text/plain"}
    assert answer.headers["content-disposition"].startswith("attachment;")
    assert "sandbox" in answer.headers["content-security-policy"]
    told = answer.headers["content-type"].partition(";")[0]
    assert told == (expected if expected in harmless else "application/octet-stream")


@pytest.mark.parametrize(("content", "expected"), LIES.values(), ids=LIES.keys())
def test_what_may_not_travel_does_not_in_an_archive_either(content: bytes, expected: str) -> None:
    packed = archive([Entry(content, uri="DOC0001.PDF", mime_type="application/pdf")])

    assert (forbidden_inside_zip(packed) is not None) is is_forbidden(expected)


@pytest.mark.parametrize(("content", "expected"), LIES.values(), ids=LIES.keys())
def test_a_lying_body_of_an_n1_is_carried_not_believed(content: bytes, expected: str) -> None:
    written = cda_document(CdaText(pdf=content))

    header = cda.read_header(written)

    assert header.level == "N1"
    assert cda_text(written) == ()
    if content:
        assert header.body is not None
        assert header.body.content == content
        assert sniff(header.body.content) == expected
    else:
        assert header.body is None


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("compte-rendu.pdf.exe", "compte-rendu.pdf.exe"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ("C:\\Windows\\cr.pdf", "C:_Windows_cr.pdf"),
        ("cr\u202efdp.exe", "crfdp.exe"),
        ("cr\r\nSet-Cookie: a=b.pdf", "cr Set-Cookie: a=b.pdf"),
        ("cr\0.pdf", "cr.pdf"),
    ],
)
def test_a_lying_name_is_made_safe(name: str, shown: str) -> None:
    assert safe_name(name) == shown
    told = disposition(name)
    assert told.isascii()
    assert not {"\r", "\n", "\0", "/"} & set(told.partition("filename*=UTF-8''")[0])
