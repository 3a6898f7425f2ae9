"""Passkeys on the pages: made, used to sign in, to unlock and to confirm, removed."""

import json
import re
from typing import Any

import pytest
from starlette.applications import Starlette

from mss_gateway.directory import passkeys, passwords, security_events
from mss_gateway.directory.security_events import Event
from mss_gateway.webmail.headers import PAGE_POLICY, SCRIPTED_POLICY
from mss_gateway.webmail.sessions import FRESH_SECONDS
from tests.support.asgi import Answer, Browser
from tests.support.authenticator import Authenticator
from tests.support.site import Site
from tests.support.webmail import enrolling, locked, signed_in

PAGE = "/compte/securite"


def options_of(page: Answer) -> dict[str, Any]:
    """What the page's script would ask the authenticator for."""
    found = re.search(r'data-options="([^"]+)"', page.content.decode())
    assert found is not None, page.text
    options: dict[str, Any] = json.loads(found[1].replace("&#34;", '"').replace("&amp;", "&"))
    return options


def device() -> Authenticator:
    return Authenticator("https://localhost:2580")


@pytest.fixture
def phone(camille: Browser) -> Authenticator:
    """A device in which Camille has a passkey."""
    made = device()
    answer = made.make(options_of(camille.get(f"{PAGE}/cles")))
    sent = camille.post(f"{PAGE}/cles", {"reponse": answer, "nom": "Mon téléphone"})
    assert sent.location == f"{PAGE}?fait=cle", sent.text
    return made


def shown(browser: Browser, phone: Authenticator, page: str, action: str, **more: str) -> Answer:
    answer = phone.show(options_of(browser.get(page)))
    return browser.post(action, {"reponse": answer, **more})


def test_one_is_made_listed_and_told(camille: Browser, phone: Authenticator, site: Site) -> None:
    page = camille.get(PAGE).text
    assert "Mon téléphone" in page
    with site.gateway.database.read() as view:
        (latest,) = security_events.latest(view, site.camille.account_id, 1)
    assert latest.event is Event.PASSKEY_ADDED


def test_it_signs_in_at_once_without_a_login(app: Starlette, phone: Authenticator) -> None:
    browser = Browser(app)
    answer = shown(browser, phone, "/connexion", "/connexion/cle")
    assert answer.location == "/accueil"
    assert "Camille" in browser.get("/accueil").text


def test_an_answer_works_once_and_in_the_browser_it_was_asked_of(
    app: Starlette, phone: Authenticator
) -> None:
    browser, thief = Browser(app), Browser(app)
    answer = phone.show(options_of(browser.get("/connexion")))
    thief.get("/connexion")
    assert thief.post("/connexion/cle", {"reponse": answer}).status == 401
    assert browser.post("/connexion/cle", {"reponse": answer}).status == 303
    again = Browser(app)
    again.get("/connexion")
    assert again.post("/connexion/cle", {"reponse": answer}).status == 401


def test_it_must_come_within_five_minutes(app: Starlette, phone: Authenticator, site: Site) -> None:
    browser = Browser(app)
    answer = phone.show(options_of(browser.get("/connexion")))
    site.clock.advance(passkeys.CHALLENGE_SECONDS)
    assert browser.post("/connexion/cle", {"reponse": answer}).status == 401


def test_a_copy_is_refused_told_and_on_record(
    app: Starlette, phone: Authenticator, camille: Browser, site: Site
) -> None:
    assert shown(Browser(app), phone, "/connexion", "/connexion/cle").status == 303
    phone.step = 0
    answer = shown(Browser(app), phone, "/connexion", "/connexion/cle")
    assert answer.status == 401
    assert "n'est pas reconnue" in answer.text
    with site.gateway.database.read() as view:
        (latest,) = security_events.latest(view, site.camille.account_id, 1)
        row = view.sql("SELECT 1 FROM audit WHERE verdict = 'passkey suspect'").first()
    assert latest.event is Event.PASSKEY_SUSPECT
    assert row is not None
    assert "une clé d'accès a été refusée" in camille.get("/accueil").text


def test_it_unlocks_and_makes_fresh(camille: Browser, phone: Authenticator, site: Site) -> None:
    browser = locked(camille, site)
    place = "/deverrouiller?retour=/dossier"
    answer = shown(browser, phone, place, "/deverrouiller/cle", retour="/dossier")
    assert answer.location == "/dossier"
    assert browser.get(f"{PAGE}/cles").status == 200


def test_nobody_else_unlocks_with_theirs(
    app: Starlette, camille: Browser, phone: Authenticator, site: Site
) -> None:
    browser = locked(signed_in(app, site, site.noe), site)
    assert shown(browser, phone, "/deverrouiller", "/deverrouiller/cle").status == 401


def test_it_confirms(camille: Browser, phone: Authenticator, site: Site) -> None:
    site.clock.advance(FRESH_SECONDS)
    place = camille.get(f"{PAGE}/cles").location
    answer = shown(camille, phone, place, "/confirmer/cle", retour=f"{PAGE}/cles")
    assert answer.location == f"{PAGE}/cles"
    assert camille.get(f"{PAGE}/cles").status == 200


def test_one_is_removed_unless_nothing_else_is_left(
    camille: Browser, phone: Authenticator, site: Site
) -> None:
    account_id = site.camille.account_id
    with site.gateway.database.read() as view:
        (kept,) = passkeys.of_account(view, account_id)
    site.gateway.database.write(lambda tx: passwords.remove_totp(tx, account_id))
    camille.get(PAGE)
    removal = f"{PAGE}/cles/{kept.passkey_id}/retirer"
    assert camille.post(removal).location == f"{PAGE}?fait=derniere"
    site.gateway.database.write(
        lambda tx: passwords.set_totp(tx, account_id, site.totp[site.camille.address])
    )
    assert camille.post(removal).location == f"{PAGE}?fait=retiree"
    assert camille.post(removal).status == 404


def test_it_may_be_the_second_factor_of_an_activation(app: Starlette, site: Site) -> None:
    browser = enrolling(app, site, site.camille)
    page = browser.get("/activation/second-facteur")
    made = device()
    wrong = Authenticator("https://ailleurs.example").make(options_of(page))
    refused = browser.post("/activation/cle", {"reponse": wrong, "nom": "x"})
    assert refused.status == 422
    answer = made.make(options_of(refused))
    done = browser.post("/activation/cle", {"reponse": answer, "nom": "Mon téléphone"})
    assert done.status == 200
    assert "Codes de secours" in done.text
    assert browser.get("/accueil").status == 200
    other = Browser(app)
    assert shown(other, made, "/connexion", "/connexion/cle").location == "/accueil"


def test_what_no_authenticator_made_is_refused(camille: Browser) -> None:
    camille.get(f"{PAGE}/cles")
    for answer in ("", "{}", "x" * 30_000):
        assert camille.post(f"{PAGE}/cles", {"reponse": answer, "nom": "x"}).status == 422


def test_the_script_may_run_on_the_pages_of_passkeys(camille: Browser, app: Starlette) -> None:
    pages = [(Browser(app), "/connexion"), (camille, f"{PAGE}/cles"), (camille, "/confirmer")]
    for browser, path in pages:
        page = browser.get(path)
        assert page.header("content-security-policy") == SCRIPTED_POLICY
        assert "/static/passkey.js" in page.text
        assert " on" not in " ".join(re.findall(r"<form[^>]*>", page.text))
    assert PAGE_POLICY in camille.get(PAGE).header("content-security-policy")
