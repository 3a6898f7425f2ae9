"""What a patient does in their record: bring, describe, mask, remove, and who did what."""

import csv
import io
import zipfile
from urllib.parse import quote

import pytest

from mss_gateway.life.record_indexer import RecordIndexer
from mss_gateway.message.build import OutgoingFile
from tests.support import xdm
from tests.support.asgi import Answer, Browser
from tests.support.site import Site
from tests.support.webmail import pdf, photo
from tests.support.xdm import cda_document
from tests.unit.mss_gateway.webmail.test_dossier import (
    only_document,
    receive_archive,
    subject_of,
)


def bring(browser: Browser, *files: tuple[str, bytes], **fields: str) -> Answer:
    """Deposit files, as the form does."""
    browser.get("/dossier/ajouter")
    return browser.post("/dossier/ajouter", fields, files=files)


def acts(browser: Browser, side: str = "moi") -> list[str]:
    """The names of the acts of one list of the journal, newest first."""
    text = browser.get(f"/dossier/journal?cote={side}").text
    rows = text.partition("<tbody>")[2].split("<tr>")[1:]
    return [row.split("<td>")[1].partition("</td>")[0] for row in rows]


def described(browser: Browser, path: str, **fields: str) -> Answer:
    """Send the form that describes a document, with the revision that its page holds."""
    page = browser.get(path + "/modifier").text
    revision = page.partition('name="revision" value="')[2].partition('"')[0]
    sent = {"revision": revision, "titre": "Titre", "date": "", "categorie": "DOCPAT05", **fields}
    return browser.post(path + "/modifier", sent)


def test_a_photo_is_brought_described_and_found_under_its_category(camille: Browser) -> None:
    brought = bring(camille, ("IMG 0001.png", photo()), categorie="DOCPAT04")
    path = brought.location.partition("/modifier")[0]
    assert brought.status == 303 and brought.location.endswith("/modifier?fait=depose")
    assert "IMG 0001" in camille.get(brought.location).text

    done = described(camille, path, titre="Radio du poignet", date="2024-02-29")

    assert done.location == f"{path}?fait=modifie"
    page = camille.get(path).text
    assert "Radio du poignet" in page and "29 février 2024" in page and "Ajouté par vous" in page
    assert "Radio du poignet" in camille.get("/dossier?categorie=DOCPAT05").text
    assert "Aucun document" in camille.get("/dossier?categorie=DOCPAT04").text
    assert camille.get(path + "/fichier").content == photo()
    assert acts(camille) == ["Téléchargement", "Lecture", "Modification", "Ajout"]


def test_the_same_file_twice_is_one_document(camille: Browser) -> None:
    bring(camille, ("a.pdf", pdf()))
    again = bring(camille, ("b.pdf", pdf()))
    assert again.location.endswith("?fait=deja")
    only_document(camille)


def test_several_files_at_once_each_become_a_document(camille: Browser) -> None:
    brought = bring(camille, ("a.pdf", pdf()), ("b.png", photo()))
    assert brought.location == "/dossier?ordre=arrivee&fait=deposes"
    assert camille.get("/dossier").text.count('class="doc-title"') == 2


@pytest.mark.parametrize(
    "content", [b"MZ\0\0programme", b"<html><script>x</script>", b"PK\x03\x04x", b"\0\1\2\3"]
)
def test_what_a_record_does_not_hold_is_refused_whole(content: bytes, camille: Browser) -> None:
    refused = bring(camille, ("a.pdf", pdf()), ("b.pdf", content))
    assert refused.status == 415
    assert "Formats acceptés" in refused.text
    assert "Votre dossier est vide" in camille.get("/dossier").text


def test_a_file_of_the_greatest_size_is_taken_and_one_octet_more_is_not(
    camille: Browser, site: Site
) -> None:
    most = site.gateway.config.dossier.deposit_octets
    assert bring(camille, ("a.txt", b"a" * most)).status == 303
    assert bring(camille, ("b.txt", b"b" * (most + 1))).status == 413


def test_no_file_is_no_deposit(camille: Browser) -> None:
    refused = bring(camille, ("", b""))
    assert refused.status == 422
    assert "Choisissez au moins un fichier" in refused.text


def test_a_cda_that_says_itself_what_it_is_is_shown_not_described(camille: Browser) -> None:
    brought = bring(camille, ("bilan.xml", cda_document()))
    assert brought.location.endswith("?fait=depose")
    assert camille.get(brought.location).status == 200


def test_the_second_of_two_windows_is_told_and_changes_nothing(camille: Browser) -> None:
    path = bring(camille, ("a.pdf", pdf())).location.partition("/modifier")[0]
    assert described(camille, path, titre="Premier", revision="0").status == 303

    late = described(camille, path, titre="Second", revision="0")

    assert late.status == 409
    assert "modifié entre-temps" in late.text
    assert "Premier" in camille.get(path).text


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"titre": "  "}, "Donnez un titre"),
        ({"date": "2026-02-30"}, "Cette date n'existe pas"),
        ({"date": "1899-12-31"}, "Cette date n'existe pas"),
        ({"date": "hier"}, "Cette date n'existe pas"),
    ],
)
def test_a_form_that_is_wrong_comes_back_with_what_was_written(
    fields: dict[str, str], said: str, camille: Browser
) -> None:
    path = bring(camille, ("a.pdf", pdf())).location.partition("/modifier")[0]
    answer = described(camille, path, **{"titre": "Mon titre", **fields})
    assert answer.status == 422
    assert said in answer.text
    assert fields.get("titre", "Mon titre") in answer.text


def test_a_professional_s_document_is_masked_and_shown_but_not_changed_or_removed(
    camille: Browser, site: Site
) -> None:
    receive_archive(site, xdm.cda_document(xdm.CdaText(subject=subject_of())))
    path = only_document(camille)

    camille.get(path)
    assert camille.post(path + "/masquer", {"masquer": "oui"}).location.endswith("fait=masque")
    assert "Masqué aux professionnels" in camille.get("/dossier").text
    assert camille.post(path + "/masquer", {"masquer": "non"}).location.endswith("fait=demasque")
    assert "Masqué aux professionnels" not in camille.get("/dossier").text

    for asked in (camille.get(path + "/modifier"), camille.get(path + "/supprimer")):
        assert asked.status == 403
    assert camille.post(path + "/supprimer").status == 403
    assert camille.get(path).status == 200
    assert acts(camille)[:5] == ["Accès refusé"] * 3 + ["Fin du masquage", "Masquage"]
    assert acts(camille, "autres") == ["Ajout"]


def test_a_document_that_was_removed_is_gone_from_the_disk(camille: Browser, site: Site) -> None:
    path = bring(camille, ("secret.pdf", pdf())).location.partition("/modifier")[0]
    with site.gateway.database.read() as view:
        before = view.sql("SELECT count(*) FROM blobs").scalar_one()

    assert camille.get(path + "/supprimer").status == 200
    assert camille.post(path + "/supprimer").location == "/dossier?fait=supprime"

    assert camille.get(path).status == 404
    assert "Votre dossier est vide" in camille.get("/dossier").text
    with site.gateway.database.read() as view:
        assert view.sql("SELECT count(*) FROM blobs").scalar_one() == before - 1
        tombs = view.sql("SELECT document_id FROM removed_documents").fetchall()
        facets = view.sql("SELECT count(*) FROM record_facets").scalar_one()
    assert [tomb[0] for tomb in tombs] == [path.rpartition("/")[2]]
    assert facets == 0
    assert bring(camille, ("secret.pdf", pdf())).location.endswith("fait=depose")


def test_the_pictures_of_a_page_are_one_reading_with_it(camille: Browser) -> None:
    path = bring(camille, ("a.pdf", pdf())).location.partition("/modifier")[0]
    camille.get(path)
    for _ in range(3):
        camille.get(path + "/pages/1")
    assert acts(camille) == ["Lecture", "Ajout"]


def test_several_documents_leave_in_one_zip_and_each_is_noted(camille: Browser) -> None:
    bring(camille, ("même.pdf", pdf()), ("même.pdf", pdf("grey")), ("carte.png", photo()))
    page = camille.get("/dossier").text
    ids = [piece[:32] for piece in page.split('name="document" value="')[1:]]

    answer = camille.post("/dossier/telecharger", {"document": [*ids, "0" * 32]})

    assert answer.header("content-type") == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        held = {info.filename[11:]: archive.read(info) for info in archive.infolist()}
    assert set(held.values()) == {pdf(), pdf("grey"), photo()}
    assert set(held) == {"Même.pdf", "Même (2).pdf", "Carte.jpg"}
    assert acts(camille)[:3] == ["Téléchargement"] * 3


def test_nothing_chosen_is_told(camille: Browser) -> None:
    bring(camille, ("a.pdf", pdf()))
    camille.get("/dossier")
    answer = camille.post("/dossier/telecharger", {"document": "0" * 32})
    assert answer.location == "/dossier?fait=rien_choisi"


def test_the_journal_leaves_as_a_table_that_no_spreadsheet_runs(camille: Browser) -> None:
    path = bring(camille, ("a.pdf", pdf())).location.partition("/modifier")[0]
    described(camille, path, titre='=HYPERLINK("https://x.example")')
    answer = camille.get("/dossier/journal/fichier")
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert rows[0] == ["Date", "Action", "Auteur", "Document"]
    assert [row[1] for row in rows[1:]] == ["Modification", "Ajout"]
    assert rows[1][3].startswith("'=HYPERLINK")


def test_the_journal_goes_on_page_by_page(camille: Browser) -> None:
    path = bring(camille, ("a.pdf", pdf())).location.partition("/modifier")[0]
    camille.get(path)
    for _ in range(30):
        camille.post(path + "/masquer", {"masquer": "oui"})
        camille.post(path + "/masquer", {"masquer": "non"})
    first = camille.get("/dossier/journal?cote=moi").text
    assert first.count("<tr>") == 51
    older = first.partition("&avant=")[2].partition('"')[0]
    assert camille.get(f"/dossier/journal?cote=moi&avant={older}").text.count("<tr>") == 13


def test_nothing_of_it_reaches_another_patient(camille: Browser, noe: Browser) -> None:
    path = bring(camille, ("a.pdf", pdf())).location.partition("/modifier")[0]
    document_id = path.rpartition("/")[2]
    noe.get("/dossier/ajouter")
    assert noe.get(path + "/modifier").status == 404
    assert noe.get(path + "/supprimer").status == 404
    assert noe.post(path + "/supprimer").status == 404
    assert noe.post(path + "/masquer", {"masquer": "oui"}).status == 404
    assert noe.post(path + "/modifier", {"titre": "x", "revision": "0"}).status == 404
    assert noe.post("/dossier/telecharger", {"document": document_id}).location.endswith("choisi")
    assert acts(noe) == []
    assert acts(camille) == ["Ajout"]


def test_an_attachment_that_was_saved_is_described_by_its_patient(
    camille: Browser, site: Site
) -> None:
    note = OutgoingFile("note.txt", "text/plain", b"Une note.\r\n")
    raw = site.written(site.claire, site.camille, "Note", files=(note,))
    site.deliver(site.claire, site.camille, raw)
    camille.get("/messages/recus/1")
    saved = camille.post("/messages/recus/1/pieces/1.2/dossier").location.partition("?")[0]
    assert described(camille, saved, titre="Note du 3 mai").status == 303
    page = camille.get(saved).text
    assert "Note du 3 mai" in page and "Dr Claire MARTIN" in page


def test_what_a_file_is_is_proposed_and_the_patient_decides(camille: Browser) -> None:
    path = bring(camille, ("2024-03-05 Ordonnance Doliprane.pdf", pdf())).location
    form = camille.get(path).text
    assert 'value="2024-03-05"' in form
    assert '<option value="DOCPAT02" selected>' in form
    chosen = bring(camille, ("Ordonnance.txt", b"Une ordonnance.\r\n"), categorie="DOCPAT07")
    assert '<option value="DOCPAT07" selected>' in camille.get(chosen.location).text


def test_documents_are_found_by_their_words_at_once_and_when_indexed(
    camille: Browser, noe: Browser, site: Site
) -> None:
    bring(camille, ("note.txt", "Résultat du scanner thoracique : normal.\r\n".encode()))
    receive_archive(site, xdm.cda_document(xdm.CdaText(subject=subject_of())))
    indexer = RecordIndexer(site.gateway)
    for _ in range(2):
        for words, count in (
            ("thoraciq", 1),
            ("SCANNER resultat", 1),
            ("rien à signaler", 1),
            ("Fictive", 1),
            ("scanner signaler", 0),
            ("inconnu", 0),
        ):
            text = camille.get(f"/dossier?mots={quote(words)}").text
            assert text.count('class="doc-title"') == count, words
            assert f"{count} documents pour" in text
        assert noe.get("/dossier?mots=scanner").text.count('class="doc-title"') == 0
        indexer.run_once()
    path = (
        "/dossier/"
        + camille.get("/dossier?mots=scanner").text.partition(
            'class="doc-title"><a href="/dossier/'
        )[2][:32]
    )
    camille.get(path)
    camille.post(path + "/supprimer")
    assert camille.get("/dossier?mots=scanner").text.count('class="doc-title"') == 0
