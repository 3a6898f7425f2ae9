"""A session that locks, and what was being written meanwhile; step-up before what matters."""

import re

import pytest
from starlette.applications import Starlette

from mss_gateway.webmail import kept_forms, sessions
from mss_gateway.webmail.kept_forms import KEPT_FORMS, KEPT_OCTETS, KEPT_SECONDS
from mss_gateway.webmail.sessions import FRESH_SECONDS, SESSION_COOKIE
from mss_gateway.webmail.visit import own_place
from tests.support.asgi import Answer, Browser
from tests.support.site import PASSWORD, Site
from tests.support.webmail import locked, photo, signed_in

NEW = "/messages/nouveau"
DEPOSIT = "/dossier/ajouter"
DRAFT = {"objet": "Ma question", "texte": "Bonjour,\r\nun mot sur <b>hier</b> & demain."}


def unlock(browser: Browser, password: str = PASSWORD, **fields: str) -> Answer:
    return browser.post("/deverrouiller", {"mot_de_passe": password, **fields})


def token_of(browser: Browser) -> str:
    """The token of the page that is still open in a locked browser."""
    return sessions.form_token(browser.cookies[SESSION_COOKIE])


def test_a_locked_session_shows_nothing_and_leads_to_its_lock(camille: Browser, site: Site) -> None:
    browser = locked(camille, site)
    answer = browser.get("/dossier?tri=date")
    assert answer.location == "/deverrouiller?retour=%2Fdossier%3Ftri%3Ddate"
    page = browser.get(answer.location)
    assert page.status == 200
    assert "Camille" not in page.text
    assert browser.get("/aide").text.count("Camille") == 0


def test_the_password_opens_it_where_one_was_under_another_cookie(
    camille: Browser, site: Site
) -> None:
    browser = locked(camille, site)
    before = browser.cookies[SESSION_COOKIE]
    browser.get("/deverrouiller?retour=/dossier")
    assert unlock(browser, retour="/dossier").location == "/dossier"
    assert browser.cookies[SESSION_COOKIE] != before
    assert browser.get("/dossier").status == 200
    assert Browser(browser.app, {SESSION_COOKIE: before}).get("/dossier").status == 303


def test_a_wrong_password_opens_nothing_and_makes_a_wait(camille: Browser, site: Site) -> None:
    browser = locked(camille, site)
    assert [unlock(browser, "faux").status for _ in range(6)] == [401] * 5 + [429]
    assert browser.get("/dossier").status == 303
    site.clock.advance(2)
    assert unlock(browser).status == 303


def test_unlocking_makes_a_session_no_younger(camille: Browser, site: Site) -> None:
    web = site.gateway.config.web
    for _ in range(web.absolute_minutes // web.idle_minutes - 1):
        unlock(locked(camille, site))
        assert camille.get("/accueil").status == 200
    site.clock.advance(web.idle_minutes * 60)
    assert camille.get("/accueil").location == "/connexion?fait=expire"


def test_whoever_will_not_unlock_leaves(camille: Browser, site: Site) -> None:
    browser = locked(camille, site)
    assert browser.post("/deverrouiller/quitter").location == "/connexion?fait=sorti"
    assert SESSION_COOKIE not in browser.cookies


def test_somebody_else_may_sign_in_over_a_lock(
    app: Starlette, camille: Browser, site: Site
) -> None:
    kept = dict(locked(camille, site).cookies)
    browser = signed_in(app, site, site.noe)
    assert "Camille" not in browser.get("/accueil").text
    browser = Browser(app, dict(kept))
    browser.get("/connexion")
    fields = {"identifiant": site.noe.address, "mot_de_passe": PASSWORD}
    assert browser.post("/connexion", fields).location == "/connexion/code"
    assert Browser(app, kept).get("/accueil").location == "/connexion?fait=expire"


@pytest.mark.parametrize(
    "place",
    [
        *("//ailleurs.example", "https://ailleurs.example", "/\\ailleurs", "javascript:alert(1)"),
        *("", "dossier", "/dossier\r\nSet-Cookie: a=b", "/" + "a" * 2_000, "/a b"),
    ],
)
def test_nobody_is_led_elsewhere(place: str, camille: Browser, site: Site) -> None:
    assert own_place(place) is None
    assert unlock(locked(camille, site), retour=place).location == "/accueil"


def test_what_was_written_over_a_lock_is_there_afterwards(
    camille: Browser, first_message: str, site: Site
) -> None:
    camille.get(NEW)
    browser = locked(camille, site)
    answer = browser.post(NEW, DRAFT, files=(("photo.jpg", photo()),))
    assert answer.location == "/deverrouiller?fait=brouillon"
    assert "Votre brouillon a été conservé" in browser.get(answer.location).text
    answer = unlock(browser)
    assert answer.location == f"{NEW}?reprendre=1&fait=brouillon"
    page = browser.get(answer.location)
    assert 'value="Ma question"' in page.text
    assert "un mot sur <b>hier</b> & demain." in page.text
    assert "choisissez-les de nouveau" in page.text


def test_so_is_an_answer(camille: Browser, first_message: str, site: Site) -> None:
    path = "/messages/recus/1/repondre"
    camille.get(path)
    browser = locked(camille, site)
    browser.post(path, {"texte": "Merci beaucoup.", "citer": "oui"}, files=())
    answer = unlock(browser)
    assert answer.location.startswith(path)
    page = browser.get(answer.location).text
    assert "Merci beaucoup." in page
    assert re.search(r'name="citer"[^>]*checked', page)


def test_so_is_what_was_written_until_the_session_was_too_old(
    app: Starlette, camille: Browser, first_message: str, site: Site
) -> None:
    camille.get(NEW)
    site.clock.advance(site.gateway.config.web.absolute_minutes * 60)
    assert camille.post(NEW, DRAFT, files=()).location == "/connexion?fait=brouillon"
    browser = Browser(app)  # another device will do: it is the account's
    browser.get("/connexion")
    fields = {"identifiant": site.camille.address, "mot_de_passe": PASSWORD}
    browser.post("/connexion", fields)
    browser.get("/connexion/code")
    answer = browser.post("/connexion/code", {"code": site.code(site.camille)})
    assert answer.location.startswith(f"{NEW}?reprendre=1")
    assert 'value="Ma question"' in browser.get(answer.location).text


def test_a_form_that_was_sent_is_not_shown_again(
    camille: Browser, first_message: str, site: Site
) -> None:
    camille.get(NEW)
    browser = locked(camille, site)
    browser.post(NEW, DRAFT, files=())
    page = browser.get(unlock(browser).location)
    found = re.search(r'name="destinataire" value="([^"]+)"', page.text)
    assert found is not None
    sent = browser.post(NEW, {**DRAFT, "destinataire": found[1]}, files=())
    assert sent.status == 303, sent.text
    with site.gateway.database.read() as view:
        assert view.sql("SELECT COUNT(*) FROM kept_forms").scalar_one() == 0


def test_a_draft_is_its_authors_alone(
    app: Starlette, camille: Browser, noe: Browser, first_message: str, site: Site
) -> None:
    camille.get(NEW)
    browser = locked(camille, site)
    browser.post(NEW, DRAFT, files=())
    other = signed_in(app, site, site.noe)
    assert "Ma question" not in other.get(f"{NEW}?reprendre=1").text


def test_a_draft_lasts_an_hour(camille: Browser, site: Site) -> None:
    camille.get(NEW)
    browser = locked(camille, site)
    browser.post(NEW, DRAFT, files=())
    site.clock.advance(KEPT_SECONDS)
    assert unlock(browser).location == "/accueil"


def test_nothing_of_a_draft_is_in_clear_but_its_time(camille: Browser, site: Site) -> None:
    camille.get(NEW)
    locked(camille, site).post(NEW, DRAFT, files=())
    with site.gateway.database.read() as view:
        row = view.sql("SELECT session_index, kept_at, sealed FROM kept_forms").one()
    assert b"question" not in bytes(row[2])
    assert camille.cookies[SESSION_COOKIE].encode() not in bytes(row[0])


@pytest.mark.parametrize("how", ["no token", "other site"])
def test_a_forged_form_is_not_kept(how: str, camille: Browser, site: Site) -> None:
    browser = locked(camille, site)
    headers = {"sec-fetch-site": "cross-site"} if how == "other site" else {}
    answer = browser.post(NEW, DRAFT, files=(), with_token=how != "no token", headers=headers)
    assert answer.status == 403
    with site.gateway.database.read() as view:
        assert view.sql("SELECT COUNT(*) FROM kept_forms").scalar_one() == 0


def test_a_draft_that_is_too_long_is_refused_as_before(camille: Browser, site: Site) -> None:
    browser = locked(camille, site)
    answer = browser.post(NEW, {"texte": "x" * KEPT_OCTETS}, files=())
    assert answer.status == 403
    assert "Votre session a pris fin" in answer.text


def test_one_form_is_kept_for_a_session_and_few_for_an_account(
    app: Starlette, camille: Browser, site: Site
) -> None:
    browsers = [camille, *(signed_in(app, site, site.camille) for _ in range(KEPT_FORMS))]
    for browser in browsers:
        browser.get(NEW)
    site.clock.advance(site.gateway.config.web.idle_minutes * 60)
    for number, browser in enumerate(browsers):
        for _ in range(2):
            site.clock.advance(1)
            browser.token = token_of(browser)
            browser.post(NEW, {"objet": f"Sujet {number}"}, files=())
    with site.gateway.database.read() as view:
        assert view.sql("SELECT COUNT(*) FROM kept_forms").scalar_one() == KEPT_FORMS
        latest = kept_forms.latest(view, site.camille.account_id, site.clock())
    assert latest is not None
    assert latest.fields["objet"] == (f"Sujet {KEPT_FORMS}",)


def test_of_a_deposit_the_category_is_kept_and_the_page_says_that_files_were_not(
    camille: Browser, site: Site
) -> None:
    camille.get(DEPOSIT)
    browser = locked(camille, site)
    answer = browser.post(DEPOSIT, {"categorie": "DOCPAT05"}, files=(("photo.jpg", photo()),))
    assert answer.location == "/deverrouiller?fait=brouillon"
    answer = unlock(browser)
    assert answer.location == f"{DEPOSIT}?reprendre=1&fait=brouillon"
    page = browser.get(answer.location)
    assert '<option value="DOCPAT05" selected>' in page.text
    assert "vos fichiers n'ont pas été gardés. Choisissez-les de nouveau." in page.text
    assert (
        browser.post(DEPOSIT, {"categorie": "DOCPAT05"}, files=(("photo.jpg", photo()),)).status
        == 303
    )
    assert "n'ont pas été gardés" not in browser.get(f"{DEPOSIT}?reprendre=1").text


def test_so_is_what_was_said_of_a_document(camille: Browser, site: Site) -> None:
    camille.get(DEPOSIT)
    path = camille.post(DEPOSIT, {}, files=(("photo.jpg", photo()),)).location.partition("?")[0]
    camille.get(path)
    browser = locked(camille, site)
    described = {
        "titre": "Ma radio",
        "date": "2026-11-03",
        "categorie": "DOCPAT04",
        "revision": "0",
    }
    assert browser.post(path, described).location == "/deverrouiller?fait=brouillon"
    answer = unlock(browser)
    assert answer.location == f"{path}?reprendre=1&fait=brouillon"
    page = browser.get(answer.location)
    assert page.status == 200
    assert 'value="Ma radio"' in page.text and 'value="2026-11-03"' in page.text
    assert '<option value="DOCPAT04" selected>' in page.text


def test_other_forms_lead_to_the_lock_too(camille: Browser, site: Site) -> None:
    answer = locked(camille, site).post("/compte/securite/codes")
    assert answer.location == "/deverrouiller?retour=%2Faccueil"


def test_what_matters_asks_for_a_code_again_after_ten_minutes(camille: Browser, site: Site) -> None:
    assert camille.get("/compte/securite/cles").status == 200
    site.clock.advance(FRESH_SECONDS)
    answer = camille.get("/compte/securite/cles")
    assert answer.location == "/confirmer?retour=%2Fcompte%2Fsecurite%2Fcles"
    before = camille.cookies[SESSION_COOKIE]
    camille.get(answer.location)
    back = {"retour": "/compte/securite/cles"}
    assert camille.post("/confirmer", {"code": "000000", **back}).status == 401
    answer = camille.post("/confirmer", {"code": site.code(site.camille), **back})
    assert answer.location == "/compte/securite/cles"
    assert camille.cookies[SESSION_COOKIE] != before
    assert camille.get(answer.location).status == 200


@pytest.mark.parametrize(
    "path",
    ["/compte/securite/codes", "/compte/securite/telephone/nouveau", "/compte/securite/cles"],
)
def test_a_post_that_asks_for_it_changes_nothing_before(
    path: str, camille: Browser, site: Site
) -> None:
    site.clock.advance(FRESH_SECONDS)
    camille.get("/compte/securite")
    before = site.gateway.database.commits
    assert camille.post(path).location.startswith("/confirmer?retour=")
    assert site.gateway.database.commits == before
