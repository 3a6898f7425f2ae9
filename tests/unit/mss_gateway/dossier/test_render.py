"""Pictures of documents, and what happens to files that want to hurt their reader."""

import io
import os
import signal
import struct
import threading
import zlib
from collections.abc import Iterator

import pypdfium2
import pytest
from PIL import Image

from mss_gateway.dossier import render
from mss_gateway.dossier.errors import RenderFailed
from mss_gateway.dossier.render import MAX_INPUT, MAX_WIDTH, Renderer


@pytest.fixture(scope="module")
def renderer() -> Iterator[Renderer]:
    made = Renderer(workers=1)
    yield made
    made.close()


def _pdf(pages: int = 2, size: tuple[float, float] = (595, 842)) -> bytes:
    target = io.BytesIO()
    with pypdfium2.PdfDocument.new() as document:
        for _ in range(pages):
            document.new_page(*size)
        document.save(target)
    return target.getvalue()


def _photo(size: tuple[int, int] = (400, 300), **options: object) -> bytes:
    target = io.BytesIO()
    left = Image.new("RGB", size, "red")
    left.paste("blue", (size[0] // 2, 0, size[0], size[1]))
    left.save(target, "JPEG", **options)
    return target.getvalue()


def _png(image: Image.Image) -> bytes:
    target = io.BytesIO()
    image.save(target, "PNG")
    return target.getvalue()


def _opened(content: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(content))
    image.load()
    return image


def test_pages_of_a_pdf_are_counted_and_drawn(renderer: Renderer) -> None:
    pdf = _pdf(pages=2)

    assert renderer.page_count(pdf) == 2
    image = _opened(renderer.page_png(pdf, 1, 300))
    assert image.format == "PNG"
    assert image.width == 300
    assert abs(image.height - 424) <= 1


def test_a_page_that_is_not_there_has_no_picture(renderer: Renderer) -> None:
    with pytest.raises(RenderFailed):
        renderer.page_png(_pdf(pages=2), 2, 300)
    with pytest.raises(RenderFailed):
        renderer.page_png(_pdf(), -1, 300)


def test_width_is_bounded(renderer: Renderer) -> None:
    assert _opened(renderer.page_png(_pdf(), 0, 10 * MAX_WIDTH)).width == MAX_WIDTH
    assert _opened(renderer.page_png(_pdf(), 0, 0)).width == render.MIN_WIDTH


def test_a_very_long_page_is_made_smaller(renderer: Renderer) -> None:
    image = _opened(renderer.page_png(_pdf(1, (100, 14_000)), 0, MAX_WIDTH))

    assert image.width * image.height <= 12_100_000


def test_a_photo_is_drawn_again_upright_and_without_its_metadata(renderer: Renderer) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned a quarter to the right
    exif[0x010E] = "taken at home"

    picture = renderer.page(_photo(exif=exif), 0, 4_000)

    image = _opened(picture.content)
    assert picture.media_type == "image/jpeg"
    assert image.size == (300, 400)
    top, bottom = image.getpixel((150, 20)), image.getpixel((150, 380))
    assert isinstance(top, tuple)
    assert isinstance(bottom, tuple)
    assert top[0] > 200 > top[2]
    assert bottom[2] > 200 > bottom[0]
    assert b"taken at home" not in picture.content
    assert not image.getexif()


def test_a_large_photo_is_made_smaller(renderer: Renderer) -> None:
    picture = renderer.page(_photo((4_000, 3_000)), 0, 800)

    assert _opened(picture.content).size == (800, 600)


def test_a_picture_with_transparency_stays_a_png(renderer: Renderer) -> None:
    picture = renderer.page(_png(Image.new("RGBA", (20, 10), (0, 0, 0, 0))), 0, 100)

    image = _opened(picture.content)
    assert picture.media_type == "image/png"
    assert image.mode == "RGBA"
    assert image.size == (20, 10)


def test_frames_of_a_scan_are_pages(renderer: Renderer) -> None:
    target = io.BytesIO()
    sheets = [Image.new("L", (30, 40), shade) for shade in (0, 255)]
    sheets[0].save(target, "TIFF", save_all=True, append_images=sheets[1:])
    scan = target.getvalue()

    assert renderer.page_count(scan) == 2
    assert _opened(renderer.page(scan, 1, 100).content).convert("L").getpixel((5, 5)) == 255


def test_a_photo_is_not_a_document_with_pages(renderer: Renderer) -> None:
    with pytest.raises(RenderFailed):
        renderer.page_png(_photo(), 0, 100)


def _png_bomb() -> bytes:
    """A PNG that announces 60,000 by 60,000 pixels of nothing."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        crc = zlib.crc32(kind + body)
        return struct.pack("!I", len(body)) + kind + body + struct.pack("!I", crc)

    head = struct.pack("!2I5B", 60_000, 60_000, 8, 0, 0, 0, 0)
    packed = zlib.compress(bytes(60_001 * 100), 9)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 1_000,
        b"%PDF-1.7\nnothing of a PDF",
        _pdf()[:200],
        _photo()[:300],
        _png_bomb(),
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
    ],
    ids=["empty", "zeros", "no-pdf", "cut-pdf", "cut-photo", "bomb", "svg", "eps"],
)
def test_what_cannot_be_shown_is_refused_and_the_worker_lives(
    renderer: Renderer, content: bytes
) -> None:
    with pytest.raises(RenderFailed):
        renderer.page(content, 0, 100)

    assert renderer.page_count(_pdf(1)) == 1


def test_input_is_bounded(renderer: Renderer) -> None:
    with pytest.raises(RenderFailed, match="too big"):
        renderer.page_count(bytes(MAX_INPUT + 1))


def _only_worker(renderer: Renderer) -> int:
    (worker,) = renderer._running
    return worker.pid


def test_a_worker_that_was_killed_is_replaced() -> None:
    renderer = Renderer(workers=1)
    try:
        renderer.page_count(_pdf())
        first = _only_worker(renderer)
        os.kill(first, signal.SIGKILL)

        with pytest.raises(RenderFailed, match="died"):
            renderer.page_count(_pdf())

        assert renderer.page_count(_pdf()) == 2
        assert _only_worker(renderer) != first
    finally:
        renderer.close()


def test_a_worker_that_does_not_answer_is_killed_and_replaced() -> None:
    renderer = Renderer(workers=1, timeout=30)
    try:
        renderer.page_count(_pdf())
        first = _only_worker(renderer)
        os.kill(first, signal.SIGSTOP)
        renderer._timeout = 0.05

        with pytest.raises(RenderFailed, match="slow"):
            renderer.page_count(_pdf() + bytes(1 << 20))  # more than a pipe holds

        renderer._timeout = 30
        assert renderer.page_count(_pdf()) == 2
        assert _only_worker(renderer) != first
    finally:
        renderer.close()


def test_a_worker_is_replaced_after_its_share_of_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render, "REQUESTS_PER_WORKER", 2)
    renderer = Renderer(workers=1)
    try:
        renderer.page_count(_pdf())
        first = _only_worker(renderer)
        renderer.page_count(_pdf())
        renderer.page_count(_pdf())

        assert _only_worker(renderer) != first
    finally:
        renderer.close()


def test_many_threads_share_few_workers() -> None:
    renderer = Renderer(workers=2, timeout=60)
    answers: list[int] = []

    def ask(pages: int) -> None:
        answers.append(renderer.page_count(_pdf(pages)))

    threads = [threading.Thread(target=ask, args=(1 + n % 3,)) for n in range(12)]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert sorted(answers) == [1] * 4 + [2] * 4 + [3] * 4
        assert len(renderer._running) <= 2
    finally:
        renderer.close()


def test_when_every_worker_is_busy_the_wait_is_bounded() -> None:
    renderer = Renderer(workers=0, timeout=0.01)

    with pytest.raises(RenderFailed, match="busy"):
        renderer.page_count(_pdf())


def test_a_closed_renderer_draws_nothing() -> None:
    renderer = Renderer(workers=1)
    renderer.close()

    with pytest.raises(RenderFailed, match="closed"):
        renderer.page_count(_pdf())


def test_a_worker_owns_no_files_and_bounded_memory(renderer: Renderer) -> None:
    renderer.page_count(_pdf())

    with open(f"/proc/{_only_worker(renderer)}/limits", encoding="ascii") as file:
        limits = {line[:25].strip(): line[25:].split()[:2] for line in file}

    assert limits["Max open files"] == ["0", "0"]
    assert limits["Max file size"] == ["0", "0"]
    assert limits["Max processes"] == ["0", "0"]
    assert limits["Max address space"] == [str(1 << 30), str(1 << 30)]
    assert limits["Max cpu time"] == ["120", "120"]
