"""Searching messages: what is found and shown, where the words may not go, whose messages."""

from collections.abc import Callable
from urllib.parse import quote

import pytest
import structlog
from markupsafe import escape

from mailbox_store import copying, mailboxes, messages
from mailbox_store.database import Transaction
from mss_gateway.life import index, message_search, message_words
from mss_gateway.message.parse import scan
from mss_gateway.message.summary import summarise
from mss_gateway.webmail.views import message_search as view
from tests.support.asgi import Browser
from tests.support.site import Site


def write(site: Site, subject: str, text: str = "Bonjour.") -> None:
    """Dr Martin writes to Camille."""
    site.deliver(site.claire, site.camille, site.written(site.claire, site.camille, subject, text))


def index_all(site: Site) -> None:
    while index.index_batch(site.gateway.database, lambda: None).messages:
        pass


def look(browser: Browser, words: str, box: str = "") -> str:
    answer = browser.get(f"/messages/recherche?q={quote(words)}&dans={box}")
    assert answer.status == 200
    return answer.text


def unmarked(text: str) -> str:
    return text.replace("<mark>", "").replace("</mark>", "")


@pytest.mark.parametrize("prepare", [lambda _site: None, index_all], ids=["new", "indexed"])
@pytest.mark.parametrize(
    "words", ["resultats", "MARTIN", "voici", "photo", "RÉSULTATS.pdf", "claire vos resul"]
)
def test_a_message_is_found_by_what_its_page_shows(
    camille: Browser,
    site: Site,
    first_message: str,
    words: str,
    prepare: Callable[[Site], None],
) -> None:
    prepare(site)
    text = look(camille, words)
    assert 'href="/messages/recus/1"' in text and "Dr Claire MARTIN" in unmarked(text)
    assert "Reçus" in text and 'title="22 novembre 2026' in text


def test_the_words_are_marked_in_an_extract(camille: Browser, site: Site) -> None:
    write(site, "Suivi", "Un début. " * 30 + "Votre hémoglobine <b>monte</b>.")
    page = camille.get("/messages/recherche?q=hemoglo").content.decode()
    assert "… " in page and "<mark>hémoglobine</mark> &lt;b&gt;monte&lt;/b&gt;." in page


def test_what_does_not_hold_every_word_is_not_found(
    camille: Browser, site: Site, first_message: str
) -> None:
    text = look(camille, "resultats radiographie")
    assert "Aucun message ne contient « resultats radiographie »." in text.replace("\u202f", " ")
    assert "letter found" not in text


def test_a_phrase_stands_together(camille: Browser, site: Site) -> None:
    write(site, "Compte rendu d'examen")
    write(site, "Rendu de compte")
    index_all(site)
    found = look(camille, "« compte rendu »")
    assert 'href="/messages/recus/1"' in found and 'href="/messages/recus/2"' not in found
    both = look(camille, "compte rendu")
    assert 'href="/messages/recus/1"' in both and 'href="/messages/recus/2"' in both


def test_one_box_or_all(camille: Browser, site: Site, first_message: str) -> None:
    camille.get("/messages/recus/1/repondre")
    camille.post("/messages/recus/1/repondre", {"texte": "Merci pour la consultation."})
    for box, is_there in (("", True), ("envoyes", True), ("recus", False), ("corbeille", False)):
        text = look(camille, "consultation", box)
        assert ('href="/messages/envoyes/1"' in text) is is_there
    assert "À Dr Claire MARTIN" in look(camille, "consultation")


def test_drafts_and_the_bin_are_looked_in(camille: Browser, site: Site, first_message: str) -> None:
    account_id = site.camille.account_id

    def move(tx: Transaction) -> None:
        inbox = mailboxes.find(tx, account_id, "INBOX")
        trash = mailboxes.find_special(tx, account_id, "\\Trash")
        drafts = mailboxes.find_special(tx, account_id, "\\Drafts")
        assert trash is not None and drafts is not None
        draft = site.written(site.camille, site.claire, "Ma question", "Faut-il jeûner ?")
        seal = tx.vault.account(tx, account_id)
        arrival = messages.seal_arrival(
            seal, account_id, site.gateway.new_ref(), draft, summarise(scan(draft)), b""
        )
        messages.append(tx, drafts.mailbox_id, arrival, 0, int(site.clock()))
        copying.move(tx, inbox.mailbox_id, [1], trash)

    site.gateway.database.write(move)
    index_all(site)
    assert 'href="/messages/corbeille/1"' in look(camille, "resultats")
    assert 'href="/messages/brouillons/1"' in look(camille, "jeuner")


def test_nothing_of_another_patient_is_found(
    camille: Browser, noe: Browser, site: Site, first_message: str
) -> None:
    assert "letter found" not in look(noe, "resultats")
    index_all(site)
    assert "letter found" not in look(noe, "resultats")


@pytest.mark.parametrize("words", ["", " ", "--", "«»", '"'])
def test_without_a_word_the_page_explains(camille: Browser, words: str) -> None:
    assert "Cherchez un nom" in look(camille, words)


@pytest.mark.parametrize("words", ["<script>alert(1)</script>", '"><svg onload=x', "'%00\u202e"])
def test_what_is_typed_is_shown_as_text(camille: Browser, words: str) -> None:
    page = camille.get(f"/messages/recherche?q={quote(words)}").content.decode()
    assert "<script>alert" not in page and "<svg onload" not in page
    assert page.count(escape(words.strip())) >= 1


def test_pages_follow_each_other(
    camille: Browser, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    for at in range(5):
        write(site, f"Bilan {at}")
    index_all(site)
    monkeypatch.setattr(view, "PAGE", 2)
    seen: list[str] = []
    path = "/messages/recherche?q=bilan"
    while path:
        text = camille.get(path).text.replace("&amp;", "&")
        seen += [each.partition('"')[0] for each in text.split('href="/messages/recus/')[1:]]
        older = [each for each in text.split('href="')[1:] if "avant=" in each.partition('"')[0]]
        path = older[0].partition('"')[0] if older else ""
    assert seen == ["5", "4", "3", "2", "1"]


def test_a_search_that_ends_on_its_way_says_so(
    camille: Browser, site: Site, first_message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    index_all(site)
    monkeypatch.setattr(message_search, "SEARCHED_OCTETS", 10)
    text = look(camille, "resultats")
    assert "des messages plus anciens n'ont pas été examinés" in text
    assert "Chercher plus loin" in text


def test_odd_places_and_pages_are_not_believed(camille: Browser, first_message: str) -> None:
    for query in ("dans=ailleurs", "avant=-1", "avant=²", "avant=" + "9" * 30, "dans=recus&avant="):
        assert "letter found" in camille.get(f"/messages/recherche?q=resultats&{query}").text


def test_what_is_looked_for_is_written_nowhere(
    camille: Browser, site: Site, first_message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(message_words, "scan", failing)
    with structlog.testing.capture_logs() as logged:
        answer = camille.get("/messages/recherche?q=canari-xyz")
    assert [line["event"] for line in logged] == ["message search"]
    assert "canari" not in repr(logged)
    assert answer.header("referrer-policy") == "no-referrer"
    assert answer.header("cache-control") == "no-store"
    assert b"canari" not in site.gateway.metrics.render()


def failing(raw: bytes) -> None:
    """A message that nobody can take apart."""
    raise RuntimeError(raw.decode("latin-1"))
