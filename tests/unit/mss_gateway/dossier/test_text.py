"""The text of documents, and what comes of files that have none or want to hurt their reader."""

import os
import signal
import unicodedata
from collections.abc import Iterator

import pytest

from mss_gateway.dossier import render, render_worker
from mss_gateway.dossier.errors import RenderFailed
from mss_gateway.dossier.render import MAX_INPUT, TEXT_CHARACTERS, Renderer
from mss_gateway.dossier.text import (
    READ_OCTETS,
    Outcome,
    Reading,
    decoded,
    is_read,
    read_text,
    tidy,
)
from mss_gateway.message.sniff import CDA, PDF
from tests.support.pdf import pdf_of
from tests.support.xdm import CdaText, cda_document


@pytest.fixture(scope="module")
def renderer() -> Iterator[Renderer]:
    made = Renderer(workers=1)
    yield made
    made.close()


def test_the_text_of_a_pdf_page_by_page(renderer: Renderer) -> None:
    pdf = pdf_of(["Écho-doppler (œdème)\nligne deux", "page deux"])

    assert renderer.text(pdf) == ("Écho-doppler (œdème)\r\nligne deux\fpage deux", True)
    assert read_text(renderer, pdf, PDF) == Reading(
        "Écho-doppler (œdème)\nligne deux\npage deux", Outcome.READ
    )


def test_a_pdf_of_three_hundred_pages_is_read(renderer: Renderer) -> None:
    reading = read_text(renderer, pdf_of([f"page {n} sur 300" for n in range(300)]), PDF)

    assert reading.outcome is Outcome.READ
    assert reading.text.splitlines() == [f"page {n} sur 300" for n in range(300)]


def test_pages_past_the_limit_are_left_out(renderer: Renderer) -> None:
    limit = render_worker.MAX_TEXT_PAGES

    whole = read_text(renderer, pdf_of(["a"] * limit), PDF)
    more = read_text(renderer, pdf_of(["a"] * limit + ["fin"]), PDF)

    assert whole == Reading("\n".join("a" * limit), Outcome.READ)
    assert more == Reading(whole.text, Outcome.CUT)


def test_characters_past_the_limit_are_left_out(renderer: Renderer) -> None:
    assert renderer.text(pdf_of(["abcdef"]), 6) == ("abcdef", True)
    assert renderer.text(pdf_of(["abcdef"]), 5) == ("abcde", False)
    assert renderer.text(pdf_of(["abcdef", "gh"]), 7) == ("abcdef", False)
    assert renderer.text(pdf_of(["abcdef", "gh"]), 9) == ("abcdef\fgh", True)
    assert renderer.text(pdf_of(["abcdef"]), 0) == ("", False)


def test_a_worker_that_has_used_its_time_answers_what_it_has(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(render_worker, "TEXT_SECONDS", -1.0)

    assert render_worker._answer(render_worker.TEXT, 0, 100, pdf_of(["un"])) == b"C"


def test_a_page_that_cannot_be_read_leaves_the_others(renderer: Renderer) -> None:
    pdf = pdf_of(["un", "deux", "trois"]).replace(
        b"6 0 obj\n<< /Type /Page ", b"6 0 obj\n<< /Type /Pane "
    )

    text, _ = renderer.text(pdf)

    assert "un" in text
    assert "trois" in text


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"%PDF-1.7\nnothing of a PDF",
        pdf_of(["cut"])[:150],
        b"%PDF-" + bytes(10_000),
        b"\xff\xd8\xff not a picture %PDF-",
        b"%PDF-1.7\n1 0 obj << /Type /Pages /Kids [1 0 R] /Count 9 >> endobj"
        b" trailer << /Root 1 0 R >>",
    ],
    ids=["empty", "no-pdf", "cut", "zeros", "polyglot", "loop"],
)
def test_a_malformed_pdf_is_refused_and_the_worker_lives(
    renderer: Renderer, content: bytes
) -> None:
    assert read_text(renderer, content, PDF) == Reading("", Outcome.REFUSED)
    assert read_text(renderer, pdf_of(["vit"]), PDF).text == "vit"


def test_a_pdf_that_kills_its_worker_is_refused_and_the_next_is_read() -> None:
    renderer = Renderer(workers=1)
    try:
        renderer.text(pdf_of(["avant"]))
        (worker,) = renderer._running
        os.kill(worker.pid, signal.SIGKILL)

        assert read_text(renderer, pdf_of(["pendant"]), PDF).outcome is Outcome.REFUSED
        assert read_text(renderer, pdf_of(["après"]), PDF).text == "après"
    finally:
        renderer.close()


def test_a_pdf_that_takes_too_long_is_refused_and_its_worker_goes() -> None:
    renderer = Renderer(workers=1)
    try:
        renderer.text(pdf_of(["avant"]))
        (worker,) = renderer._running
        os.kill(worker.pid, signal.SIGSTOP)

        reading = read_text(renderer, pdf_of(["pendant"]), PDF, seconds=0.05)

        assert reading.outcome is Outcome.REFUSED
        assert worker not in renderer._running
        assert read_text(renderer, pdf_of(["après"]), PDF).text == "après"
    finally:
        renderer.close()


def test_a_pdf_too_big_is_refused(renderer: Renderer) -> None:
    assert read_text(renderer, bytes(MAX_INPUT + 1), PDF).outcome is Outcome.REFUSED
    assert is_read(PDF, MAX_INPUT)
    assert not is_read(PDF, MAX_INPUT + 1)


def test_a_picture_has_no_text(renderer: Renderer) -> None:
    assert read_text(renderer, b"\xff\xd8\xff", "image/jpeg") == Reading("", Outcome.NONE)
    assert not is_read("image/jpeg", 10)
    with pytest.raises(RenderFailed):
        renderer.text(b"\xff\xd8\xff")


def test_a_text_wears_a_worker_out_as_ten_pages_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render, "REQUESTS_PER_WORKER", 11)
    renderer = Renderer(workers=1)
    try:
        renderer.text(pdf_of(["a"]))
        assert len(renderer._running) == 1
        renderer.page_count(pdf_of(["a"]))
        assert renderer._running == set()
    finally:
        renderer.close()


def test_a_renderer_at_rest_has_no_process_and_works_again() -> None:
    renderer = Renderer(workers=2)
    try:
        renderer.text(pdf_of(["a"]))
        renderer.rest()
        assert renderer._running == set()

        assert renderer.text(pdf_of(["b"])) == ("b", True)
    finally:
        renderer.close()


def test_the_narrative_of_a_cda(renderer: Renderer) -> None:
    section = ("Résultats", "<table><tbody><tr><td>Sodium</td><td>140</td></tr></tbody></table>")

    reading = read_text(renderer, cda_document(CdaText(sections=(section,))), CDA)

    assert reading.outcome is Outcome.READ
    assert reading.text.split() == ["Résultats", "Sodium", "140"]


@pytest.mark.parametrize(
    ("content", "media_type"),
    [(pdf_of(["corps du N1"]), PDF), ("corps du N1".encode("cp1252"), "text/plain")],
)
def test_an_n1_says_what_the_file_in_it_says(
    renderer: Renderer, content: bytes, media_type: str
) -> None:
    document = cda_document(CdaText(pdf=content, body_type=media_type))

    assert read_text(renderer, document, CDA) == Reading("corps du N1", Outcome.READ)


def test_an_n1_of_a_picture_has_no_text(renderer: Renderer) -> None:
    document = cda_document(CdaText(pdf=b"\xff\xd8\xff", body_type="image/jpeg"))

    assert read_text(renderer, document, CDA) == Reading("", Outcome.NONE)


@pytest.mark.parametrize(
    "content",
    [
        b"<ClinicalDocument xmlns='urn:hl7-org:v3'",
        b"<!DOCTYPE a [<!ENTITY b 'c'>]><ClinicalDocument xmlns='urn:hl7-org:v3'>&b;"
        b"</ClinicalDocument>",
        b"plain",
    ],
    ids=["cut", "doctype", "none"],
)
def test_a_cda_that_cannot_be_read_is_refused(renderer: Renderer, content: bytes) -> None:
    assert read_text(renderer, content, CDA) == Reading("", Outcome.REFUSED)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("été".encode(), "été"),
        ("été".encode("cp1252"), "été"),
        ("été".encode("utf-8-sig"), "été"),
        ("été".encode("utf-16"), "été"),
        ("\ufeffété".encode("utf-16-be"), "été"),
        (b"\xff\xfe\x00", "\ufffd"),
        (b"\x81\x8d caf\xe9", "\ufffd\ufffd café"),
        (b"", ""),
    ],
)
def test_a_text_whose_charset_nobody_told(content: bytes, text: str) -> None:
    assert decoded(content) == text


def test_a_plain_text_is_read_to_its_limits(renderer: Renderer) -> None:
    at_the_edge = b"a" * TEXT_CHARACTERS

    assert read_text(renderer, at_the_edge, "text/plain").outcome is Outcome.READ
    cut = read_text(renderer, at_the_edge + b"b", "text/plain")
    assert (len(cut.text), cut.outcome) == (TEXT_CHARACTERS, Outcome.CUT)
    assert read_text(renderer, b" " * (READ_OCTETS + 1), "text/plain") == Reading("", Outcome.CUT)


def test_of_html_what_is_read_is_what_is_seen(renderer: Renderer) -> None:
    content = (
        "<html><head><style>p {x}</style></head><body><!-- caché --><p>Hémoglobine&nbsp;: 13 &lt;"
        " 14</p><script>alert('x')</script ><p>fin</p><script>jamais"
    ).encode()

    assert read_text(renderer, content, "text/html").text == "Hémoglobine : 13 < 14 fin"


def test_the_form_of_all_texts() -> None:
    parted = unicodedata.normalize(
        "NFD", "  hyper\u00ad\r\ntension \t arté\ufffe\r\nrielle\f\n\nfin "
    )

    assert tidy(parted) == "hypertension artérielle\nfin"
