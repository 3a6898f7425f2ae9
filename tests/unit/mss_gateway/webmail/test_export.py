"""« Copie de mon espace » in a browser: a second factor first, progress, the file, then nothing."""

import pytest

from mss_gateway.compose.caretaker import Caretaker
from mss_gateway.dossier import exports
from mss_gateway.life import export, export_making
from mss_gateway.life.exporter import Exporter
from mss_gateway.webmail.sessions import FRESH_SECONDS
from tests.support import copies
from tests.support.asgi import Answer, Browser
from tests.support.site import Site
from tests.support.webmail import pdf
from tests.unit.mss_gateway.webmail.test_record import acts

PLACE = "/compte/export"
FILE = PLACE + "/fichier"


def ask(browser: Browser) -> Answer:
    browser.get(PLACE)
    return browser.post(PLACE)


def drop(browser: Browser, site: Site) -> Answer:
    page = browser.get(PLACE).text
    export_id = page.partition('name="copie" value="')[2][:32]
    return browser.post(PLACE + "/supprimer", {"copie": export_id})


def test_a_copy_is_asked_for_followed_taken_and_deleted(camille: Browser, site: Site) -> None:
    documents = copies.fill(site, site.camille)
    assert 'href="/compte/export"' in camille.get("/compte").text
    assert "Demander une copie" in camille.get(PLACE).text

    assert ask(camille).location == PLACE
    assert "Elle commencera dans un instant" in camille.get(PLACE).text

    Exporter(site.gateway).run_once()

    assert "Votre copie est prête" in camille.get(PLACE).text
    answer = camille.get(FILE)
    assert answer.status == 200
    assert answer.header("content-type") == "application/zip"
    assert answer.header("content-length") == str(len(answer.content))
    assert 'filename="espace-sante-2026-11-22.zip"' in answer.header("content-disposition")
    assert answer.header("cache-control") == "no-store"
    held = copies.unpacked(answer.content)
    assert sorted(held.below("documents")) == sorted(documents)
    assert acts(camille)[0] == "Export du dossier"
    assert "Une copie de tout votre espace a été demandée" in camille.get("/compte/securite").text

    assert drop(camille, site).location == f"{PLACE}?fait=copie_supprimee"
    assert "La copie est supprimée" in camille.get(f"{PLACE}?fait=copie_supprimee").text
    assert camille.get(FILE).status == 404
    assert list(site.gateway.config.in_state(export.FOLDER).iterdir()) == []


def test_how_far_it_is_stands_in_the_page(camille: Browser, site: Site) -> None:
    copies.deposit(site, site.camille, "Note", pdf())
    ask(camille)
    with site.gateway.database.read() as view:
        wanted = exports.next_waiting(view)
    assert wanted is not None
    pages: list[str] = []

    def pace() -> None:
        if len(pages) < 2:
            pages.append(camille.get(PLACE).text)

    assert export_making.make(site.gateway, wanted, pace)
    assert "1 sur 2 éléments" in pages[1]
    assert '<progress class="progress" aria-labelledby="copie-ou" value="1" max="2">' in pages[1]
    assert 'http-equiv="refresh"' not in pages[1]
    assert ">Actualiser</a>" in pages[1]


def test_a_second_factor_is_wanted_to_ask_and_to_take(camille: Browser, site: Site) -> None:
    camille.get(PLACE)
    for _ in range(FRESH_SECONDS // 60 + 1):  # never idle, and yet not fresh any more
        site.clock.advance(60)
        camille.get(PLACE)
    assert camille.post(PLACE).location == "/confirmer?retour=%2Fcompte%2Fexport"
    assert export.of_patient(site.gateway, site.camille) is None

    copies.make(site, site.camille)

    assert camille.get(FILE).location == "/confirmer?retour=%2Fcompte%2Fexport"
    assert acts(camille) == []
    camille.get("/confirmer")
    camille.post("/confirmer", {"code": site.code(site.camille)})
    assert camille.get(FILE).status == 200


def test_another_patient_finds_nothing_and_changes_nothing(
    camille: Browser, noe: Browser, site: Site
) -> None:
    made = copies.make(site, site.camille)
    assert noe.get(FILE).status == 404
    assert "Demander une copie" in noe.get(PLACE).text
    noe.post(PLACE + "/supprimer", {"copie": made.export_id})
    assert camille.get(FILE).status == 200
    assert acts(noe) == []


def test_a_stranger_is_sent_to_sign_in(stranger: Browser, site: Site) -> None:
    copies.make(site, site.camille)
    for path in (PLACE, FILE):
        assert stranger.get(path).location.startswith("/connexion")


def test_asking_twice_is_asking_once(camille: Browser, site: Site) -> None:
    ask(camille)
    first = export.of_patient(site.gateway, site.camille)
    ask(camille)
    assert export.of_patient(site.gateway, site.camille) == first


@pytest.mark.parametrize(
    ("free", "said"), [(0, "le serveur manque de place"), (1 << 50, "Votre copie est prête")]
)
def test_what_became_of_it_is_said(
    free: int, said: str, camille: Browser, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(camille)
    with monkeypatch.context() as disk:
        disk.setattr("mss_gateway.observability.space.free", lambda _: free)
        Exporter(site.gateway).run_once()
    assert said in camille.get(PLACE).text


def test_one_that_is_too_old_is_gone_and_another_may_be_asked_for(
    camille: Browser, site: Site
) -> None:
    copies.make(site, site.camille)
    with site.gateway.database.read() as view:
        key = view.sql("SELECT sealed_key FROM exports").scalar()
    assert key is not None
    site.gateway.database.write(lambda tx: tx.sql("UPDATE exports SET expires_at = 1"))
    assert camille.get(FILE).status == 404
    assert "son délai est passé" in camille.get(PLACE).text
    Caretaker(site.gateway)._round(1)
    assert "son délai est passé" in camille.get(PLACE).text
    assert ask(camille).location == PLACE
    assert "se prépare" in camille.get(PLACE).text


def test_a_file_that_was_altered_is_not_sent_to_its_end(camille: Browser, site: Site) -> None:
    made = copies.make(site, site.camille)
    path = export.whole(site.gateway, made)
    sealed = bytearray(path.read_bytes())
    sealed[-1] ^= 1
    path.write_bytes(sealed)
    with pytest.raises(Exception, match="does not open"):
        camille.get(FILE)


def test_the_page_speaks_english(camille: Browser, site: Site) -> None:
    camille.get(PLACE)
    camille.post("/langue", {"langue": "en", "retour": PLACE})
    assert "Prepare my copy" in camille.get(PLACE).text
