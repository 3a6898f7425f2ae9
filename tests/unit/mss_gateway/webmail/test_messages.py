"""Reading: names and never addresses, signatures as they were established, closings as notices."""

import pytest

from mailbox_store import mailboxes, messages
from mailbox_store.database import Transaction
from mss_gateway.message.parse import scan
from mss_gateway.message.summary import summarise
from mss_gateway.webmail import reading
from tests.support.asgi import Browser
from tests.support.site import Site
from tests.support.webmail import pdf, photo


def test_the_list_shows_name_title_and_marks(camille: Browser, first_message: str) -> None:
    text = camille.get("/messages/recus").text
    for shown in ("Dr Claire MARTIN", "Vos résultats", "Pièce jointe", "Signature vérifiée"):
        assert shown in text
    assert "Non lu" in text and "aujourd'hui à" in text


def test_no_page_shows_an_address(camille: Browser, site: Site, first_message: str) -> None:
    camille.post("/messages/recus/1/pieces/1.2/dossier", {"categorie": "DOCPAT05"})
    document = camille.get("/dossier").text.partition('href="/dossier/')[2].partition('"')[0]
    camille.get("/messages/recus/1/repondre")
    camille.post("/messages/recus/1/repondre", {"texte": "Merci."})
    for path in (
        "/accueil", "/messages/recus", "/messages/recus/1", "/messages/envoyes",
        "/messages/envoyes/1", "/messages/nouveau", "/messages/recus/1/repondre", "/dossier",
        f"/dossier/{document}",
    ):  # fmt: skip
        answer = camille.get(path)
        assert answer.status == 200
        assert site.claire.address not in answer.text
        assert site.claire.address.encode().hex() not in answer.text


def test_reading_marks_as_read(camille: Browser, first_message: str) -> None:
    assert "1 nouveau message" in camille.get("/accueil").text
    camille.get("/messages/recus/1")
    assert "Aucun nouveau message" in camille.get("/accueil").text
    assert "Non lu" not in camille.get("/messages/recus").text


def test_a_message_shows_text_and_what_the_signature_means(
    camille: Browser, first_message: str
) -> None:
    text = camille.get("/messages/recus/1").text
    assert "voici vos résultats." in text
    assert "Ce message vient bien de Dr Claire MARTIN" in text
    assert 'sandbox=""' in text and "Résultats.pdf" in text


def test_the_mark_of_an_archive_is_not_read_aloud(camille: Browser, site: Site) -> None:
    raw = site.written(site.claire, site.camille, "XDM/1.0/DDM+Compte rendu")
    site.deliver(site.claire, site.camille, raw)
    text = camille.get("/messages/recus").text
    assert "Compte rendu" in text and "XDM/1.0" not in text


@pytest.mark.parametrize(
    ("subject", "fields", "is_notice"),
    [
        ("[FIN]", (), True),
        ("Re: [FIN]", (), False),
        ("Au revoir", (("X-MSS-MES", "FIN"),), False),
    ],
)
def test_a_closing_is_told(
    subject: str, fields: tuple[tuple[str, str], ...], is_notice: bool, camille: Browser, site: Site
) -> None:
    closes = is_notice or bool(fields)
    raw = site.written(site.claire, site.camille, subject, "Bonne suite.", fields=fields)
    site.deliver(site.claire, site.camille, raw)
    listed, read = camille.get("/messages/recus").text, camille.get("/messages/recus/1").text
    assert ("Dr Claire MARTIN a mis fin à cet échange." in listed) is is_notice
    assert "[FIN]" not in listed or not is_notice
    assert ("/repondre" in read) is not closes
    assert "Bonne suite." in read
    assert ("n'attend pas de réponse" in read) is (closes and not is_notice)


def test_what_was_not_verified_is_said_loudly(camille: Browser, site: Site) -> None:
    raw = b"From: x <claire.martin@mss.example>\r\nSubject: Importe\r\n\r\nBonjour.\r\n"
    account_id = site.camille.account_id
    with site.gateway.database.read() as view:
        seal = view.vault.account(view, account_id)
    arrival = messages.seal_arrival(seal, account_id, "ref", raw, summarise(scan(raw)), b"")

    def put(tx: Transaction) -> None:
        inbox = mailboxes.find(tx, account_id, "INBOX")
        messages.append(tx, inbox.mailbox_id, arrival, 0, tx.now)

    site.gateway.database.write(put)
    text = camille.get("/messages/recus/1").text
    assert "n'a pas pu être vérifiée" in text and "Signature vérifiée" not in text
    assert "/repondre" not in text and "claire.martin@" not in text
    assert "Signature non vérifiée" in camille.get("/messages/recus").text


@pytest.mark.parametrize(("count", "second"), [(reading.PAGE, 0), (reading.PAGE + 1, 1)])
def test_a_long_list_has_pages(count: int, second: int, camille: Browser, site: Site) -> None:
    for number in range(count):
        site.send(site.claire, site.camille, site.written(site.claire, site.camille, f"n{number}."))
    site.run_queue()
    first = camille.get("/messages/recus").text
    assert first.count('class="letter unread"') == reading.PAGE
    assert ("Plus anciens" in first) is bool(second)
    if second:
        older = first.partition("?avant=")[2].partition('"')[0]
        text = camille.get(f"/messages/recus?avant={older}").text
        assert text.count('class="letter unread"') == second
        assert "Retour aux plus récents" in text


@pytest.mark.parametrize("before", ["x", "-1", "9" * 30, "1;DROP", "²"])
def test_a_forged_page_mark_shows_the_first_page(
    before: str, camille: Browser, first_message: str
) -> None:
    answer = camille.get("/messages/recus?avant=" + before.encode().hex() + before[:1])
    assert answer.status == 200
    assert "Vos résultats" in answer.text


@pytest.mark.parametrize("uid", ["0", "2", "99999999999999999999", "-1", "1.0", "x", "%C2%B2"])
def test_a_message_that_is_not_there(uid: str, camille: Browser, first_message: str) -> None:
    answer = camille.get(f"/messages/recus/{uid}")
    assert answer.status == 404
    assert "Ce message n'existe pas" in answer.text


@pytest.mark.parametrize("part", ["0", "1", "9", "..", "1.2.3", "HEADER"])
def test_an_attachment_that_is_not_there(part: str, camille: Browser, first_message: str) -> None:
    for tail in ("", "/fichier", "/pages/1"):
        assert camille.get(f"/messages/recus/1/pieces/{part}{tail}").status == 404


def test_attachments_are_shown_and_downloaded(camille: Browser, first_message: str) -> None:
    base = "/messages/recus/1/pieces/"
    assert camille.get(base + "1.2").text.count("/pages/1") == 1
    drawn = camille.get(base + "1.2/pages/1")
    assert drawn.header("content-type") == "image/png" and drawn.content.startswith(b"\x89PNG")
    small = camille.get(base + "1.3/pages/1?taille=vignette")
    assert small.header("content-type") == "image/jpeg"
    assert camille.get(base + "1.2/pages/2").status == 404
    for number, content in (("1.2", pdf()), ("1.3", photo())):
        kept = camille.get(base + number + "/fichier")
        assert kept.content == content
        assert kept.header("content-disposition").startswith("attachment; ")
        assert "sandbox" in kept.header("content-security-policy")


def test_saving_twice_says_so(camille: Browser, first_message: str) -> None:
    path = "/messages/recus/1/pieces/1.2/dossier"
    assert "Enregistrer dans mon dossier" in camille.get("/messages/recus/1").text
    first = camille.post(path, {"categorie": "DOCPAT05"})
    assert "est enregistré dans votre dossier" in camille.get(first.location).text
    assert "Ce document est dans votre dossier." in camille.get("/messages/recus/1").text
    second = camille.post(path, {"categorie": "DOCPAT01"})
    assert second.location.partition("?")[0] == first.location.partition("?")[0]
    assert "Ce document est déjà dans votre dossier." in camille.get(second.location).text


def test_only_what_was_received_is_filed(camille: Browser, first_message: str) -> None:
    camille.post(
        "/messages/recus/1/repondre", {"texte": "Voici."}, files=(("a.jpg", photo("red")),)
    )
    assert "a.jpg" in camille.get("/messages/envoyes/1").text
    assert camille.post("/messages/envoyes/1/pieces/1.2/dossier").status == 404
