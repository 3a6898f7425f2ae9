"""Versions of a document as their patient reads them."""

import base64

import pytest

from mss_gateway.message.build import OutgoingFile
from tests.support import xdm
from tests.support.asgi import Browser
from tests.support.pdf import pdf_of
from tests.support.site import Site
from tests.support.xdm import CdaText, cda_document
from tests.unit.mss_gateway.dossier.test_succession import DELETED, DEPRECATED
from tests.unit.mss_gateway.webmail.test_dossier import only_document, receive_archive, subject_of

ROOT = "1.2.250.1.999.7"
UUID = "urn:uuid:11111111-2222-3333-4444-555555555555"


def receive(site: Site, number: int, **changes: object) -> None:
    text = CdaText(  # type: ignore[arg-type]
        **{
            "subject": subject_of(),
            "title": f"Bilan {number}",
            "unique_id": f"{ROOT}.{number}",
            "version": str(number),
            "effective": f"2026111{number}093000+0100",
            **changes,
        }
    )
    receive_archive(site, cda_document(text))


def receive_packed(site: Site, content: bytes) -> None:
    archive = OutgoingFile("IHE_XDM.ZIP", "application/zip", content)
    raw = site.written(site.claire, site.camille, "XDM/1.0/DDM+Bilan", files=(archive,))
    site.deliver(site.claire, site.camille, raw)


def packed(text: CdaText) -> bytes:
    return xdm.archive([xdm.entry_for(cda_document(text))], xdm.Layout(ids=(UUID,)))


def asked(status: str) -> bytes:
    slots = xdm._slot("authorInstitution", "X^^^^^&1.2.250.1.71.4.2.2&ISO^IDNST^^^1999999999")
    metadata = xdm.metadata(
        [], xdm.Layout(updates=((UUID, status),), set_patient_id=subject_of().cx)
    ).decode()
    person = '<rim:Slot name="authorPerson">'
    metadata = metadata.replace(person, slots + person)
    return xdm.zip_of([("IHE_XDM/SUBSET01/METADATA.XML", metadata.encode())])


def test_a_new_version_and_the_old_one_know_each_other(camille: Browser, site: Site) -> None:
    receive(site, 1)
    old = only_document(camille)
    receive(site, 2)
    new = only_document(camille)

    page, before = camille.get(new).text, camille.get(old).text

    assert new != old
    assert "Remplace la version du 11 novembre 2026." in page and old in page
    assert "Une version plus récente remplace ce document." in before and new in before
    assert '<span class="tag warn">Remplacé</span>' in before
    for text in (page, before):
        assert "Versions de ce document (2)" in text
        assert "version 1" in text and "version 2" in text
    assert "<details" in page and 'id="versions" open' not in page
    assert 'id="versions" open' in camille.get(new + "?versions=oui").text


def test_the_list_of_former_documents_has_its_badges(camille: Browser, site: Site) -> None:
    receive(site, 1)
    receive(site, 2)

    text = camille.get("/dossier?etat=anciens").text

    assert "Bilan 1" in text and "Bilan 2" not in text
    assert '<span class="tag warn">Remplacé</span>' in text
    assert "etat=anciens" in camille.get("/dossier").text
    assert camille.get("/dossier").text.count('class="number">1<') == 2  # all, and biology


@pytest.mark.parametrize(
    ("status", "badge", "sentence"),
    [
        (DELETED, "Retiré", "Son auteur a retiré ce document."),
        (DEPRECATED, "Périmé", "Son auteur a déclaré ce document périmé."),
    ],
)
def test_what_its_author_took_back_says_so(
    status: str, badge: str, sentence: str, camille: Browser, site: Site
) -> None:
    receive_packed(site, packed(CdaText(subject=subject_of())))
    path = only_document(camille)
    receive_packed(site, asked(status))

    assert "Votre dossier est vide" in camille.get("/dossier").text
    page = camille.get(path)
    assert page.status == 200
    assert sentence in page.text and f'<span class="tag warn">{badge}</span>' in page.text
    assert camille.get(path + "/fichier").status == 200
    journal = camille.get("/dossier/journal?cote=autres").text
    assert "par son auteur" in journal


def test_it_is_said_in_english_too(camille: Browser, site: Site) -> None:
    receive(site, 1)
    receive(site, 2)
    new = only_document(camille)
    camille.get("/compte")
    camille.post("/langue", {"langue": "en", "retour": "/compte"})

    assert "Replaces the version of 11 November 2026." in camille.get(new).text


def test_a_former_document_leaves_in_a_zip_like_another(camille: Browser, site: Site) -> None:
    receive(site, 1)
    old = only_document(camille).rpartition("/")[2]
    receive(site, 2)
    camille.get("/dossier?etat=anciens")

    answer = camille.post("/dossier/telecharger", {"document": old})

    assert answer.header("content-type") == "application/zip"
    assert b"Bilan 1" in answer.content


def test_a_mask_stays_on_the_new_version(camille: Browser, site: Site) -> None:
    receive(site, 1)
    old = only_document(camille)
    camille.get(old)
    camille.post(old + "/masquer", {"masquer": "oui"})
    receive(site, 2)

    assert "Masqué" in camille.get(only_document(camille)).text


def with_figure(content: bytes) -> bytes:
    """A CDA whose one section shows a file."""
    carried = base64.b64encode(content).decode()
    section = (
        "<component><section><title>Tracé</title><text><renderMultiMedia"
        ' referencedObject="trace-1"><caption>Le tracé</caption></renderMultiMedia></text>'
        '<entry><observationMedia classCode="OBS" moodCode="EVN" ID="trace-1">'
        f'<value mediaType="application/pdf" representation="B64">{carried}</value>'
        "</observationMedia></entry></section></component>"
    )
    return cda_document(CdaText(subject=subject_of(), sections=(), structured=section))


@pytest.mark.parametrize(("pages", "drawn", "linked"), [(3, 3, 0), (12, 10, 2), (45, 10, 30)])
def test_a_figure_of_several_pages_shows_them_all(
    pages: int, drawn: int, linked: int, camille: Browser, site: Site
) -> None:
    receive_archive(site, with_figure(pdf_of([f"page {n}" for n in range(pages)])))
    path = only_document(camille)

    text = camille.get(path).text

    assert text.count(f'<img src="{path}/figures/0/pages/') == drawn
    assert text.count(f'<a href="{path}/figures/0/pages/') == linked
    assert ("téléchargez" in text.lower() or "téléchargeant" in text) or pages <= 40
    first, last = (camille.get(f"{path}/figures/0/pages/{n}") for n in (1, pages))
    assert first.header("content-type") == last.header("content-type") == "image/png"
    assert first.content != last.content
    assert camille.get(f"{path}/figures/0").content == first.content
    for odd in (0, pages + 1, 99_999):
        assert camille.get(f"{path}/figures/0/pages/{odd}").status == 404


def test_a_figure_of_one_page_is_one_picture(camille: Browser, site: Site) -> None:
    receive_archive(site, with_figure(pdf_of(["seule"])))
    path = only_document(camille)

    text = camille.get(path).text

    assert f'<img src="{path}/figures/0"' in text and "/figures/0/pages/" not in text
