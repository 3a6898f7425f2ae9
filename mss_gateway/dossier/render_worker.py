"""The sub-process that opens hostile files: PDF and pictures in, plain pictures or text out.

Run by path, alone: it imports nothing of the gateway. Once its libraries are loaded it gives up
files, processes and memory beyond a bound, so that a flaw in a native parser finds little to take.

Protocol, on the standard streams, big-endian. Request: operation (1 octet), page (4), width in
pixels (4), length (8), bytes. Answer: status (1 octet, 0 done, 1 refused), length (8), bytes. The
count of pages is answered in four octets, a picture after one octet that tells its kind. Of a
text the width is the most characters that are wanted; it is answered in UTF-8, after one octet that
tells whether it is whole.
"""

import codecs
import io
import resource
import struct
import sys
import time
from typing import BinaryIO

import pypdfium2
from PIL import Image, ImageOps

REQUEST = struct.Struct("!BIIQ")
ANSWER = struct.Struct("!BQ")
COUNT, PICTURE, TEXT = 1, 2, 3
DONE, REFUSED = 0, 1
PNG, JPEG = b"P", b"J"
WHOLE, CUT = b"W", b"C"

MAX_PIXELS = 40_000_000  # a photo of today's phones; 160 MB in memory
MAX_PAGE_PIXELS = 12_000_000
MAX_TEXT_PAGES = 500
TEXT_SECONDS = 4.0  # of CPU; what was read until then is answered
MEMORY_OCTETS = 1 << 30
CPU_SECONDS = 120  # of a worker's life; its parent replaces it long before
FORMATS = ("JPEG", "PNG", "TIFF", "GIF", "WEBP")


class Refused(Exception):
    """Not a file of ours, or too big."""


def main() -> None:
    """Answer requests until the parent closes the pipe."""
    Image.init()  # loads every decoder while files may still be opened
    codecs.lookup("utf-16-le")  # the same: pypdfium2 decodes texts with it
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    _give_up_rights()
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    while head := source.read(REQUEST.size):
        operation, page, width, length = REQUEST.unpack(head)
        try:
            status, answer = DONE, _answer(operation, page, width, source.read(length))
        except Exception:  # a parser may raise anything; the parent learns no more
            status, answer = REFUSED, b""
        _write(sink, ANSWER.pack(status, len(answer)) + answer)


def _give_up_rights() -> None:
    for limit, value in (
        (resource.RLIMIT_AS, MEMORY_OCTETS),
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_NOFILE, 0),
    ):
        resource.setrlimit(limit, (value, value))


def _write(sink: BinaryIO, answer: bytes) -> None:
    sink.write(answer)
    sink.flush()


def _answer(operation: int, page: int, width: int, content: bytes) -> bytes:
    if b"%PDF-" in content[:1024]:
        with pypdfium2.PdfDocument(content) as document:
            if operation == COUNT:
                return struct.pack("!I", len(document))
            if operation == TEXT:
                return _pdf_text(document, page, width)
            return _pdf_page(document, page, width)
    if operation == TEXT:
        raise Refused
    with Image.open(io.BytesIO(content), formats=FORMATS) as image:
        if operation == COUNT:
            return struct.pack("!I", getattr(image, "n_frames", 1))
        return _picture(image, page, width)


def _pdf_page(document: pypdfium2.PdfDocument, page: int, width: int) -> bytes:
    document.init_forms()  # so that a form is shown filled in
    sheet = document[page]
    points_wide, points_high = sheet.get_size()
    scale = width / points_wide
    pixels = points_wide * points_high * scale * scale
    if pixels > MAX_PAGE_PIXELS:
        scale *= (MAX_PAGE_PIXELS / pixels) ** 0.5
    image = sheet.render(scale=scale).to_pil()
    return PNG + _encoded(image, "PNG")


def _pdf_text(document: pypdfium2.PdfDocument, first: int, characters: int) -> bytes:
    """The text from page ``first`` on, a form feed after each page; a page that fails has none."""
    ends = time.process_time() + TEXT_SECONDS
    last = min(len(document), first + MAX_TEXT_PAGES)
    is_whole = last == len(document)
    pages: list[str] = []
    for number in range(first, last):
        if characters <= 0 or time.process_time() > ends:
            is_whole = False
            break
        try:
            text, is_all = _page_text(document, number, characters)
        except (pypdfium2.PdfiumError, MemoryError):
            text, is_all = "", False
        is_whole = is_whole and is_all
        characters -= len(text) + 1
        pages.append(text)
    return (WHOLE if is_whole else CUT) + "\f".join(pages).encode("utf-8", "replace")


def _page_text(document: pypdfium2.PdfDocument, number: int, characters: int) -> tuple[str, bool]:
    sheet = document[number]
    try:
        written = sheet.get_textpage()
        try:
            if written.count_chars() > characters:
                return written.get_text_range(0, characters)[:characters], False
            return written.get_text_bounded(), True
        finally:
            written.close()
    finally:
        sheet.close()


def _picture(image: Image.Image, page: int, width: int) -> bytes:
    """One frame, upright, at most ``width`` wide, drawn again: metadata do not follow."""
    image.seek(page)
    if image.width * image.height > MAX_PIXELS:
        raise Refused
    image.draft("RGB", (2 * width, 2 * width))  # decodes a large JPEG small
    upright = ImageOps.exif_transpose(image)
    has_alpha = "A" in upright.getbands() or "transparency" in upright.info
    plain = upright.convert("RGBA" if has_alpha else "RGB")
    height = max(1, round(plain.height * width / plain.width))
    if plain.width > width:
        plain = plain.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=2.0)
    plain.info.clear()
    if image.format == "JPEG":
        return JPEG + _encoded(plain, "JPEG")
    return PNG + _encoded(plain, "PNG")


def _encoded(image: Image.Image, kind: str) -> bytes:
    target = io.BytesIO()
    image.save(target, kind, **({"quality": 85} if kind == "JPEG" else {"compress_level": 6}))
    return target.getvalue()


if __name__ == "__main__":
    main()
