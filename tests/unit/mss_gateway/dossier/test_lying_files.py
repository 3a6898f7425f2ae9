"""Files that claim to be something else (reliability.md T29): what they are decides, by the bytes.

Each comes in an archive whose METADATA.XML calls it a PDF, and as the body of an N1 that does. And
names that want to be more than a name (T44): shown, downloaded and packed, they lead nowhere.
"""

import io
import re
import unicodedata
import zipfile
from datetime import date
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import HTTP
from itertools import product
from urllib.parse import unquote

import pytest

from mss_gateway.dossier import cda, xdm
from mss_gateway.dossier.documents import display_title
from mss_gateway.dossier.naming import Claim, file_name
from mss_gateway.dossier.narrative import cda_text
from mss_gateway.dossier.results import critical
from mss_gateway.message import sniff as types
from mss_gateway.message.attachments import NAME_LIMIT, safe_name
from mss_gateway.message.sniff import forbidden_inside_zip, is_forbidden, sniff
from mss_gateway.webmail import bundle
from mss_gateway.webmail.files import DRAWN, disposition, download
from tests.support.xdm import CdaText, Entry, archive, cda_document
from tests.unit.mss_gateway.dossier.shelf import document_of

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


PLACES = {
    "nowhere": "",
    "up": "../../../",
    "up-on-windows": "..\\..\\",
    "root": "/etc/cron.d/",
    "drive": "C:\\Windows\\",
    "share": "\\\\server\\share\\",
    "encoded": "..%2f..%2f",
    "dots": "....",
    "wide-slash": "..\uff0f..\uff0f",
    "over-long": "a/" * 400,
}
STEMS = {
    "plain": "compte-rendu",
    "empty": "",
    "reserved": "CON",
    "reserved-with-stream": "aux::$DATA",
    "right-to-left": "cr\u202efdp.",
    "isolated": "\u2067cr\u2069\u200f",
    "nothing-to-see": "\u200b\ufeff\u2060",
    "null": "cr\0.pdf\0",
    "field": "cr\r\nSet-Cookie: a=b\r\n\r\n",
    "quotes": 'cr"; filename="x.exe',
    "lines": "cr\u2028\u2029\x85\v\f",
    "long": "é" * 5000,
    "controls": "".join(map(chr, range(32))) + "\x7f\x9b",
    "unpaired": "cr\ud800",
}
ENDS = {"pdf": ".pdf", "two": ".pdf.exe ."}

NAMES = {
    "-".join(ids): "".join((PLACES[ids[0]], STEMS[ids[1]], ENDS[ids[2]]))
    for ids in product(PLACES, STEMS, ENDS)
}
"""280 names, each a place, a stem and an end that somebody tried before us."""

_HARMLESS_ASCII = re.compile(r"[0-9A-Za-z_-][0-9A-Za-z._-]*\.pdf")


def test_there_are_two_hundred_different_names() -> None:
    assert len(set(NAMES.values())) >= 200


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
def test_a_name_is_shown_as_one_short_line_that_is_no_path(name: str) -> None:
    shown = safe_name(name)

    assert len(shown) <= NAME_LIMIT
    assert not shown.startswith(".")
    assert not {"/", "\\", "\0"} & set(shown)
    assert {unicodedata.category(sign)[0] for sign in shown} & {"C"} == set()
    assert not {unicodedata.category(sign) for sign in shown} & {"Zl", "Zp"}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
def test_a_name_adds_nothing_to_the_answer_it_is_told_in(name: str) -> None:
    told = dict(download(PDF, name).raw_headers)[b"content-disposition"]

    plain, _, encoded = told.decode("ascii").partition("; filename*=UTF-8''")
    assert re.fullmatch(r'attachment; filename="[0-9A-Za-z ._-]+"', plain)
    assert re.fullmatch(r"(?:[0-9A-Za-z._~-]|%[0-9A-F]{2})+", encoded)
    assert unquote(encoded) == (safe_name(name) or "document")
    read = BytesParser(EmailMessage, policy=HTTP).parsebytes(
        b"Content-Disposition: " + told + b"\r\n\r\n"
    )
    assert read.keys() == ["Content-Disposition"]


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
def test_a_name_in_a_zip_stays_below_where_it_is_unpacked(name: str) -> None:
    titled = document_of(1, PDF, display_title(name), media_type=types.PDF)

    packed = b"".join(bundle.written([(titled, PDF), (titled, PDF)]))
    first, second = zipfile.ZipFile(io.BytesIO(packed)).namelist()

    assert first == safe_name(first)
    assert re.match(r"\d{4}-\d\d-\d\d ", first)  # never reserved, never empty
    assert second == first[:-4] + " (2)" + first[-4:]


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
def test_a_name_in_a_copy_of_the_space_is_letters_and_digits(name: str) -> None:
    claim = Claim(name, name, name, None, date(2026, 11, 20), "0001")

    assert _HARMLESS_ASCII.fullmatch(file_name(claim, "pdf"))
    assert len(file_name(claim, "pdf")) <= NAME_LIMIT
