"""What a file is, by its bytes: THE table of signatures, and the types that may not travel.

The claimed type and the name are not asked (T29). Programs, scripts and macros are refused by
content; the look is bounded: the first 64 kB, the last 66 kB, one linear search of a compound
document.
"""

import re

from mss_gateway.message.archive import ENTRY_LIMIT, ArchiveMalformed, read_entries

HEAD = 64 * 1024
PDF_HEAD = 1024  # octets in which readers look for %PDF-, ISO 32000-1 annex H
_NESTED_ARCHIVES = 2
_NESTED_OCTETS = 10_000_000

PROGRAM = "application/x-executable"
SCRIPT = "application/x-script"
MACROS = "application/x-macro-document"
INSTALLER = "application/x-msi"
SHORTCUT = "application/x-ms-shortcut"
PDF = "application/pdf"
CDA = "application/hl7-cda+xml"
ZIP = "application/zip"
HTML = "text/html"
UNKNOWN = "application/octet-stream"

_FORBIDDEN = frozenset({PROGRAM, SCRIPT, MACROS, INSTALLER, SHORTCUT})

_OFFICE = "application/vnd.openxmlformats-officedocument"
_OFFICE_KINDS = (
    ("word/", "wordprocessingml.document"),
    ("xl/", "spreadsheetml.sheet"),
    ("ppt/", "presentationml.presentation"),
)
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_MSI_CLASS = bytes.fromhex("84100c0000000000c000000000000046")  # {000C1084-…}, MS-OLEPS CLSID
_COMPOUND = (
    ("WordDocument", "application/msword"),
    ("Workbook", "application/vnd.ms-excel"),
    ("Book", "application/vnd.ms-excel"),
    ("PowerPoint Document", "application/vnd.ms-powerpoint"),
)
_ZIP_MAGIC = (b"PK\x03\x04", b"PK\x05\x06")

_MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (0, b"II*\0", "image/tiff"),
    (0, b"MM\0*", "image/tiff"),
    (4, b"ftypheic", "image/heic"),
    (4, b"ftypheix", "image/heic"),
    (4, b"ftypmif1", "image/heic"),
    (0, b"{\\rtf", "application/rtf"),
    (128, b"DICM", "application/dicom"),
    (0, b"\x7fELF", PROGRAM),
    (0, b"\xfe\xed\xfa\xce", PROGRAM),  # Mach-O
    (0, b"\xfe\xed\xfa\xcf", PROGRAM),
    (0, b"\xce\xfa\xed\xfe", PROGRAM),
    (0, b"\xcf\xfa\xed\xfe", PROGRAM),
    (0, b"\xca\xfe\xba\xbe", PROGRAM),  # Java class, Mach-O for several machines
    (0, b"dex\n", PROGRAM),  # Android
    (0, b"\0asm", PROGRAM),  # WebAssembly
    (0, b"!<arch>\n", PROGRAM),  # object library, Debian package
    (0, b"\xed\xab\xee\xdb", PROGRAM),  # RPM package
    (0, b"\x4c\0\0\0\x01\x14\x02\0", SHORTCUT),  # Windows .lnk
    (0, b"MSCF\0\0\0\0", PROGRAM),  # cabinet
    (0, b"ITSF", SCRIPT),  # compiled HTML help
    (0, b"Rar!\x1a\x07", "application/vnd.rar"),
    (0, b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (0, b"\x1f\x8b", "application/gzip"),
    (0, b"#!", SCRIPT),
)
_SCRIPT_START = re.compile(
    rb"\s*(?:@?echo off\b|<\?php|<script\b|<job\b|<package>\s*<job\b|<\?xml[^>]*>\s*<\?component\b"
    rb"|<%@|option explicit\b|on error resume next\b)",
    re.IGNORECASE,
)
_SCRIPT_ANYWHERE = re.compile(
    rb"<hta:application|wscript\.(?:shell|createobject)|new\s+activexobject\s*\("
    rb"|createobject\s*\(\s*\"|\binvoke-expression\b|\bpowershell(?:\.exe)?\s+-(?:e|enc|nop|w|ep)",
    re.IGNORECASE,
)
_SCRIPT_WORDS = (b"<hta:", b"wscript", b"activexobject", b"createobject", b"invoke-", b"powershell")
"""One of them is in whatever ``_SCRIPT_ANYWHERE`` finds; looking for words is 20 times faster."""
_HTML_START = re.compile(
    rb"\s*(?:<!--.{0,2000}?-->\s*)*<(?:!doctype\s+html|html|head|body|meta|title|table|div|p)\b",
    re.IGNORECASE | re.DOTALL,
)
_SVG = re.compile(rb"<svg\b", re.IGNORECASE)
_CDA_ROOT = re.compile(rb"<(?:[A-Za-z0-9_]+:)?ClinicalDocument\b")
_XML_SCRIPT = re.compile(rb"<(?:[A-Za-z0-9_]+:)?script\b|\bon[a-z]+\s*=\s*[\"']", re.IGNORECASE)


def needs_all(head: bytes) -> bool:
    """Whether only the whole file tells its type: a zip, or a compound document."""
    return head.startswith((*_ZIP_MAGIC, _OLE))


def is_forbidden(media_type: str) -> bool:
    """May a file of this sniffed type not travel at all: a program, a script, a macro document."""
    return media_type in _FORBIDDEN


def sniff(content: bytes) -> str:
    """The media type that the bytes themselves show; ``application/octet-stream`` if none.

    A forbidden type wins: a PDF that is also a program is a program. Does not look at what is
    stored inside a plain zip: that is ``forbidden_inside_zip``.
    """
    if content.startswith(_ZIP_MAGIC):
        return _sniff_zip(content)
    if content.startswith(_OLE):
        return _sniff_compound(content)
    for offset, magic, media_type in _MAGIC:
        if content.startswith(magic, offset):
            return media_type
    if content.startswith(b"MZ") and b"\0" in content[:64]:  # Windows, DOS; not the letters MZ
        return PROGRAM
    if content.startswith(b"RIFF") and content.startswith(b"WEBP", 8):
        return "image/webp"
    if content.find(b"%PDF-", 0, PDF_HEAD) >= 0:
        return PDF
    return _sniff_text(content[:HEAD])


def _sniff_text(head: bytes) -> str:
    text = _as_narrow(head)
    if text is None:
        return UNKNOWN
    if _SCRIPT_START.match(text) or _holds_script(text):
        return SCRIPT
    start = text.lstrip()
    if start.startswith((b"<?xml", b"<!DOCTYPE svg")):
        if b"urn:hl7-org:v3" in text and _CDA_ROOT.search(text):
            return CDA
        if _SVG.search(text):
            return SCRIPT if _XML_SCRIPT.search(text) else "image/svg+xml"
        if b"http://www.w3.org/1999/xhtml" in text and re.search(rb"<html\b", text):
            return HTML
        return "application/xml"
    if _CDA_ROOT.match(start) and b"urn:hl7-org:v3" in text:
        return CDA
    if _SVG.match(start):
        return SCRIPT if _XML_SCRIPT.search(text) else "image/svg+xml"
    return HTML if _HTML_START.match(text) else "text/plain"


def _holds_script(text: bytes) -> bool:
    lowered = text.lower()
    return (
        any(word in lowered for word in _SCRIPT_WORDS) and _SCRIPT_ANYWHERE.search(text) is not None
    )


def _as_narrow(head: bytes) -> bytes | None:
    """The head as ASCII-compatible text, UTF-16 narrowed so that it hides nothing; None if none."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return head.decode("utf-16", "replace").encode("utf-8", "replace")
    if head.startswith(b"\xef\xbb\xbf"):
        head = head[3:]
    if head.translate(None, _TEXT_OCTETS):
        return None
    return head


_TEXT_OCTETS = bytes([7, 8, 9, 10, 12, 13, 27, *range(32, 127), *range(128, 256)])


def _sniff_compound(content: bytes) -> str:
    """An OLE2 file: installer, document with macros, or plain old Office document (MS-CFB §2.6)."""
    if _MSI_CLASS in content:
        return INSTALLER
    if any(_has_storage(content, name) for name in ("_VBA_PROJECT", "Macros", "VBA")):
        return MACROS
    for stream, media_type in _COMPOUND:
        if _has_storage(content, stream):
            return media_type
    return "application/x-ole-storage"


def _has_storage(content: bytes, name: str) -> bool:
    """Is there a directory entry of that name; entries are 128 octets, the name first."""
    wanted = name.encode("utf-16-le") + b"\0\0"
    found = content.find(wanted)
    while found >= 0 and found % 128:
        found = content.find(wanted, found + 2)
    return found >= 0


def _sniff_zip(content: bytes) -> str:
    try:
        entries = {entry.name: entry for entry in read_entries(content)}
        types = entries.get("[Content_Types].xml")
        if types is not None:
            return _sniff_office(list(entries), types.head(content, HEAD))
        declared = entries.get("mimetype")
        media_type = b"" if declared is None else declared.head(content, 100)
    except ArchiveMalformed:
        return ZIP
    if "META-INF/MANIFEST.MF" in entries or "AndroidManifest.xml" in entries:
        return PROGRAM
    if media_type.startswith(b"application/vnd.oasis.opendocument."):
        if any(name.lower().startswith(("basic/", "scripts/")) for name in entries):
            return MACROS
        return media_type.decode("ascii", "replace").strip()
    return ZIP


def _sniff_office(names: list[str], declared: bytes) -> str:
    """An Office Open XML package (ECMA-376 part 2): its kind, or that it holds macros."""
    lowered = [name.lower() for name in names]
    declared = declared.lower()
    if any(name.endswith("vbaproject.bin") for name in lowered) or (
        b"macroenabled" in declared or b"vbaproject" in declared
    ):
        return MACROS
    for folder, kind in _OFFICE_KINDS:
        if any(name.startswith(folder) for name in lowered):
            return f"{_OFFICE}.{kind}"
    return ZIP


def forbidden_inside_zip(content: bytes) -> str | None:
    """Why a zip may not travel, None if it may: a forbidden file in it, or one nobody can look at.

    Reads the directory (at most 1,000 entries in all) and the first 64 kB of each entry; archives
    and compound documents inside it are opened two levels down, 10 MB in all. Encrypted or
    unreadable entries are refused.
    """
    pending = [(content, 0)]
    entries, octets = 0, 0
    while pending:
        archive, level = pending.pop()
        try:
            for entry in read_entries(archive):
                entries += 1
                if entry.is_encrypted or entries > ENTRY_LIMIT:
                    return "encrypted" if entry.is_encrypted else "too many entries"
                inner = entry.head(archive, HEAD)
                if inner.startswith((*_ZIP_MAGIC, _OLE)):
                    inner = entry.head(archive, _NESTED_OCTETS + 1 - octets)
                    octets += len(inner)
                    if octets > _NESTED_OCTETS:
                        return "nested"
                media_type = sniff(inner)
                if is_forbidden(media_type):
                    return media_type
                if media_type == ZIP:
                    if level == _NESTED_ARCHIVES:
                        return "nested"
                    pending.append((inner, level + 1))
        except ArchiveMalformed:
            return "malformed"
    return None
