"""« Mon dossier »: filters, what a document shows, its provenance, its bytes."""

import io
import re

import pytest
from PIL import Image

from mss_gateway.directory.people import Person
from mss_gateway.dossier.documents import MAX_TITLE, Category
from mss_gateway.dossier.filing import PlainFile
from mss_gateway.life import record
from mss_gateway.message.build import OutgoingFile
from mss_gateway.webmail.views.dossier import AUTHORS, PAGE
from tests.support import xdm
from tests.support.asgi import Browser
from tests.support.people import patient
from tests.support.site import Site
from tests.support.webmail import pdf


def subject_of(order: int = 0) -> xdm.Subject:
    """An invented patient as a document names them."""
    who = patient(order)
    return xdm.Subject(
        ins=who.ins,
        birth_name=who.birth_name,
        given=who.given_name,
        birth_date=who.birth_date.replace("-", ""),
        sex=who.sex,
    )


def receive_archive(site: Site, cda: bytes, to: Person | None = None) -> None:
    """Dr Martin sends an archive with one document."""
    recipient = to or site.camille
    archive = OutgoingFile("IHE_XDM.ZIP", "application/zip", xdm.archive_of(cda))
    raw = site.written(site.claire, recipient, "XDM/1.0/DDM+Bilan", files=(archive,))
    site.deliver(site.claire, recipient, raw)


def only_document(browser: Browser) -> str:
    """The path of the one document of a record."""
    text = browser.get("/dossier").text
    assert text.count('class="doc-title"') == 1
    return "/dossier/" + text.partition('class="doc-title"><a href="/dossier/')[2][:32]


def test_an_archive_is_there_by_itself(camille: Browser, site: Site) -> None:
    cda = xdm.cda_document(xdm.CdaText(subject=subject_of()))
    receive_archive(site, cda)
    path = only_document(camille)
    message = camille.get("/messages/recus/1").text
    assert "Ces documents sont dans votre dossier" in message and path in message
    text = camille.get(path).text
    for shown in (
        "Compte rendu d'analyses",
        "Dr Claire FICTIVE",
        "Laboratoire des Essais",
        "20 novembre 2026",
        "Dr Claire MARTIN",
        "Signature vérifiée",
        "/messages/recus/1",
        "Rien à signaler.",
    ):
        assert shown in text
    kept = camille.get(path + "/fichier")
    assert kept.content == cda
    assert kept.header("content-type") == "application/octet-stream"
    assert 'filename="Compte rendu d_analyses.xml"' in kept.header("content-disposition")


def test_the_file_inside_a_level_one_document_is_drawn(camille: Browser, site: Site) -> None:
    receive_archive(site, xdm.cda_document(xdm.CdaText(subject=subject_of(), pdf=pdf())))
    path = only_document(camille)
    assert f"{path}/pages/1" in camille.get(path).text
    assert camille.get(f"{path}/pages/1").header("content-type") == "image/png"


def test_sections_and_tables_are_escaped(camille: Browser, site: Site) -> None:
    sections = (
        (
            "A &lt;script&gt;alert(1)&lt;/script&gt;",
            "<table><thead><tr><th>Examen</th></tr></thead><tbody><tr>"
            "<td>&lt;img src=x onerror=alert(1)&gt;</td></tr></tbody></table>"
            "<list><item>un</item><item>deux</item></list>",
        ),
    )
    receive_archive(site, xdm.cda_document(xdm.CdaText(subject=subject_of(), sections=sections)))
    content = camille.get(only_document(camille)).content
    assert b"&lt;img src=x onerror=alert(1)&gt;" in content
    assert b"<img src=x" not in content and content.count(b"<script") == 1  # ours
    assert b'scope="col">Examen</th>' in content and b">deux</li>" in content


def test_filters_and_order(camille: Browser, site: Site, first_message: str) -> None:
    receive_archive(site, xdm.cda_document(xdm.CdaText(subject=subject_of())))
    camille.get("/messages/recus/1")
    camille.post("/messages/recus/1/pieces/1.3/dossier", {"categorie": "DOCPAT04"})
    everything = camille.get("/dossier").text
    assert everything.count('class="doc-title"') == 2
    imaging = camille.get("/dossier?categorie=DOCPAT04").text
    assert imaging.count('class="doc-title"') == 1 and "photo" in imaging
    marks = [piece.partition('"')[0] for piece in everything.split('<option value="')[1:]]
    authors = [mark for mark in marks if len(mark) == 16]
    assert len(authors) == 2
    for mark in authors:
        narrowed = camille.get(f"/dossier?auteur={mark}&ordre=arrivee")
        assert narrowed.text.count('class="doc-title"') == 1
    assert "Aucun document" in camille.get("/dossier?categorie=DOCPAT06").text


@pytest.mark.parametrize(
    "query", ["categorie=x", "auteur=x", "ordre=x", "avant=x", "avant=99999999999999999999-a"]
)
def test_a_forged_filter_is_no_filter(query: str, camille: Browser, first_message: str) -> None:
    camille.post("/messages/recus/1/pieces/1.2/dossier")
    assert camille.get(f"/dossier?{query}").text.count('class="doc-title"') == 1


def test_a_record_of_somebody_else_does_not_exist(
    camille: Browser, noe: Browser, first_message: str
) -> None:
    camille.post("/messages/recus/1/pieces/1.2/dossier")
    path = only_document(camille)
    for tail in ("", "/fichier", "/pages/1", "/figures/0"):
        assert noe.get(path + tail).status == 404
    assert "Votre dossier est vide" in noe.get("/dossier").text


@pytest.mark.parametrize("document_id", ["0" * 32, "x", "..", "%2e%2e%2fetc", "'--", "a" * 2000])
def test_a_document_that_is_not_there(document_id: str, camille: Browser) -> None:
    assert camille.get(f"/dossier/{document_id}").status == 404
    assert camille.get(f"/dossier/{document_id}/fichier").status == 404


def test_plain_text_is_shown_as_text(camille: Browser, site: Site) -> None:
    note = OutgoingFile("note.txt", "text/plain", "Été <b>gras</b>\r\n".encode())
    raw = site.written(site.claire, site.camille, "Note", files=(note,))
    site.deliver(site.claire, site.camille, raw)
    camille.get("/messages/recus/1")
    saved = camille.post("/messages/recus/1/pieces/1.2/dossier")
    content = camille.get(saved.location).content
    assert "Été &lt;b&gt;gras&lt;/b&gt;".encode() in content


def test_what_cannot_be_drawn_is_downloaded(camille: Browser, site: Site) -> None:
    broken = OutgoingFile("faux.pdf", "application/pdf", b"%PDF-1.7\nrien\n")
    raw = site.written(site.claire, site.camille, "Fichier", files=(broken,))
    site.deliver(site.claire, site.camille, raw)
    assert "ne peut pas être affiché ici" in camille.get("/messages/recus/1/pieces/1.2").text
    assert camille.get("/messages/recus/1/pieces/1.2/pages/1").status == 404
    saved = camille.post("/messages/recus/1/pieces/1.2/dossier")
    assert "ne peut pas être affiché ici" in camille.get(saved.location).text


def test_many_pages_end_with_a_word(camille: Browser, site: Site) -> None:
    target = io.BytesIO()
    sheets = [Image.new("1", (20, 20), 1) for _ in range(41)]
    sheets[0].save(target, "PDF", save_all=True, append_images=sheets[1:])
    long = OutgoingFile("long.pdf", "application/pdf", target.getvalue())
    site.deliver(
        site.claire, site.camille, site.written(site.claire, site.camille, "Long", files=(long,))
    )
    text = camille.get("/messages/recus/1/pieces/1.2").text
    assert text.count("<img ") == 40
    assert "compte 41 pages" in text


ROW = 'class="doc-title"'


def test_words_and_filters_narrow_together(camille: Browser, first_message: str) -> None:
    camille.post("/messages/recus/1/pieces/1.2/dossier", {"categorie": "DOCPAT02"})
    camille.post("/messages/recus/1/pieces/1.3/dossier", {"categorie": "DOCPAT04"})
    camille.get("/dossier/ajouter")
    files = [("photo de ma main.pdf", pdf("red"))]
    camille.post("/dossier/ajouter", {"categorie": "DOCPAT04"}, files=files)

    def rows(query: str) -> int:
        return camille.get(f"/dossier?{query}").text.count(ROW)

    assert (rows(""), rows("mots=photo"), rows("categorie=DOCPAT04")) == (3, 2, 2)
    assert (rows("origine=saved"), rows("origine=deposited"), rows("origine=imported")) == (2, 1, 0)
    assert (rows("origine=x"), rows("annee=1901"), rows("annee=x")) == (3, 0, 3)
    assert rows("mots=photo&categorie=DOCPAT04&origine=saved") == 1
    assert rows("mots=photo&categorie=DOCPAT02") == 0
    assert rows("mots=photo&annee=1901") == 0
    page = camille.get("/dossier?mots=photo&origine=saved").text
    assert "/dossier?mots=photo&categorie=DOCPAT04&origine=saved" in page
    assert page.count('name="mots" value="photo"') == 1  # of the form of filters
    assert page.count('name="origine" value="saved"') == 1  # of the form of words


def test_a_text_has_a_page_for_paper_and_a_drawn_document_has_none(
    camille: Browser, site: Site
) -> None:
    camille.get("/dossier/ajouter")
    camille.post("/dossier/ajouter", files=[("note.txt", "Été <b>gras</b>".encode())])
    path = only_document(camille)
    assert f'href="{path}?imprimer=1"' in camille.get(path).text
    paper = camille.get(f"{path}?imprimer=1").content.decode()
    assert 'class="paper"' in paper and "Été &lt;b&gt;gras&lt;/b&gt;" in paper
    assert f'href="{path}"' in paper and "<form" not in paper
    camille.get("/dossier/ajouter")
    drawn = camille.post("/dossier/ajouter", files=[("a.pdf", pdf())]).location
    drawn = drawn.partition("/modifier")[0]
    assert "imprimer=1" not in camille.get(drawn).text
    assert 'class="paper"' not in camille.get(f"{drawn}?imprimer=1").text


def test_files_may_be_dropped_or_taken_by_the_camera(camille: Browser) -> None:
    page = camille.get("/dossier/ajouter").text
    assert 'capture="environment"' in page and "data-drop=" in page and "/static/depot.js" in page
    assert 'name="fichiers" type="file" multiple required' not in page
    assert camille.get("/static/depot.js").header("content-type").startswith("text/javascript")


def test_a_full_page_of_the_record_weighs_no_more_than_100_kilobytes(
    camille: Browser, site: Site
) -> None:
    brought = [
        PlainFile(b"texte %d" % each, f"{each:03d} ".ljust(MAX_TITLE, "é"), Category.BIOLOGY, None)
        for each in range(PAGE + 1)
    ]
    record.deposit(site.gateway, site.camille, brought)

    page = camille.get("/dossier")

    referred = re.findall(r'(?:href|src)="(/static/[^"]+)"', page.text)
    assert len(referred) == 3
    weight = len(page.content) + sum(len(camille.get(each).content) for each in referred)
    authors = AUTHORS * len(f'<option value="{"0" * 16}">{"é" * 40}</option>'.encode())
    assert page.text.count(ROW) == PAGE and "avant=" in page.text
    assert weight + authors <= 100_000, weight
