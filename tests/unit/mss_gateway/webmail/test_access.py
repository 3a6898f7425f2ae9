"""Signing in and out: two steps, fresh cookies, waits that are told, sessions that end."""

import pytest
from starlette.applications import Starlette

from mailbox_store.database import Transaction
from mss_gateway.directory import people
from mss_gateway.webmail import sessions
from mss_gateway.webmail.entry import full_address
from mss_gateway.webmail.sessions import BROWSERS_COOKIE, FORM_COOKIE, SESSION_COOKIE
from policies.people import Standing
from tests.support.asgi import Browser
from tests.support.people import PATIENT_DOMAIN
from tests.support.site import PASSWORD, Site
from tests.support.webmail import signed_in

RIGHT = "quatre mots de passe"


def give_password(browser: Browser, login: str, password: str = RIGHT) -> str:
    """The first step; where it leads, or the text of the page."""
    browser.get("/connexion")
    answer = browser.post("/connexion", {"identifiant": login, "mot_de_passe": password})
    return answer.location or answer.text


@pytest.mark.parametrize("form", ["ins", "spaced", "address", "CAPITALS"])
def test_a_patient_types_ins_or_address(form: str, stranger: Browser, site: Site) -> None:
    ins = site.camille.traits.ins
    login = {
        "ins": ins,
        "spaced": f" {ins[0]} {ins[1:3]} {ins[3:5]} {ins[5:]} ",
        "address": site.camille.address,
        "CAPITALS": site.camille.address.upper(),
    }[form]
    assert give_password(stranger, login) == "/connexion/code"


def test_an_ins_stands_for_an_address() -> None:
    assert full_address("279 035 121 518 989", "p.example") == "279035121518989@p.example"
    assert full_address("279035121518980", "p.example") == "279035121518980"
    assert full_address("claire@x.example", "p.example") == "claire@x.example"


def test_each_step_gives_another_cookie(stranger: Browser, site: Site) -> None:
    give_password(stranger, site.camille.address)
    pending = stranger.cookies[SESSION_COOKIE]
    stranger.get("/connexion/code")
    stranger.post("/connexion/code", {"code": site.code(site.camille)})
    assert stranger.cookies[SESSION_COOKIE] != pending
    replay = Browser(stranger.app, {SESSION_COOKIE: pending})
    assert replay.get("/accueil").location.startswith("/connexion")


def test_a_cookie_planted_before_is_not_the_session(app: Starlette, site: Site) -> None:
    planted = sessions.new_secret()
    victim = Browser(app, {SESSION_COOKIE: planted})
    give_password(victim, site.camille.address)
    victim.get("/connexion/code")
    victim.post("/connexion/code", {"code": site.code(site.camille)})
    assert victim.cookies[SESSION_COOKIE] != planted
    assert Browser(app, {SESSION_COOKIE: planted}).get("/accueil").status == 303


def test_cookies_are_out_of_reach(stranger: Browser, site: Site) -> None:
    for path, fields in (("/connexion", {"identifiant": site.camille.address,
                                         "mot_de_passe": PASSWORD}),):  # fmt: skip
        cookie = stranger.post(path, fields).header("set-cookie").lower()
        assert cookie.startswith("__host-mss=")
        assert {"secure", "httponly", "samesite=strict", "path=/"} <= set(cookie.split("; "))
        assert "domain" not in cookie


def test_the_password_alone_opens_nothing(stranger: Browser, site: Site) -> None:
    give_password(stranger, site.camille.address)
    assert stranger.get("/accueil").location == "/connexion/code"
    assert stranger.get("/dossier").location == "/connexion/code"


@pytest.mark.parametrize("login", ["known", "unknown", "suspended", "malformed"])
def test_a_wrong_sign_in_is_answered_alike(login: str, stranger: Browser, site: Site) -> None:
    site.gateway.database.write(
        lambda tx: people.set_standing(tx, site.noe.account_id, Standing.SUSPENDED)
    )
    typed, password = {
        "known": (site.camille.address, "faux"),
        "unknown": (f"personne@{PATIENT_DOMAIN}", "faux"),
        "suspended": (site.noe.address, PASSWORD),
        "malformed": ("n'importe quoi", "faux"),
    }[login]
    stranger.get("/connexion")
    answer = stranger.post("/connexion", {"identifiant": typed, "mot_de_passe": password})
    assert answer.status == 401
    assert "Identifiant ou mot de passe incorrect." in answer.text
    assert SESSION_COOKIE not in stranger.cookies


def test_a_throttled_sign_in_says_how_long_and_then_works(stranger: Browser, site: Site) -> None:
    for _ in range(5):
        give_password(stranger, site.camille.address, "faux")
    stranger.get("/connexion")
    answer = stranger.post(
        "/connexion", {"identifiant": site.camille.address, "mot_de_passe": PASSWORD}
    )
    assert answer.status == 429
    seconds = int(answer.header("retry-after"))
    assert f"Patientez {max(2, seconds)} secondes" in answer.text
    site.clock.advance(seconds)
    assert give_password(stranger, site.camille.address) == "/connexion/code"


def test_codes_are_throttled_too(stranger: Browser, site: Site) -> None:
    give_password(stranger, site.camille.address)
    stranger.get("/connexion/code")
    statuses = [stranger.post("/connexion/code", {"code": "000000"}).status for _ in range(6)]
    assert statuses == [401] * 5 + [429]
    assert stranger.post("/connexion/code", {"code": site.code(site.camille)}).status == 303


def test_a_code_works_once(stranger: Browser, site: Site) -> None:
    code = site.code(site.camille)
    for expected in (303, 401):
        browser = Browser(stranger.app)
        give_password(browser, site.camille.address)
        browser.get("/connexion/code")
        assert browser.post("/connexion/code", {"code": code}).status == expected


def test_a_recovery_code_works_once(app: Starlette, site: Site) -> None:
    code = site.recovery[site.camille.address][0]
    for expected in (303, 401):
        browser = Browser(app)
        give_password(browser, site.camille.address)
        browser.get("/connexion/code")
        assert browser.post("/connexion/code", {"code": code.upper()}).status == expected


def test_the_code_must_come_soon(stranger: Browser, site: Site) -> None:
    give_password(stranger, site.camille.address)
    stranger.get("/connexion/code")
    site.clock.advance(sessions.PENDING_SECONDS)
    assert stranger.post("/connexion/code", {"code": site.code(site.camille)}).status == 403


def test_sign_out_ends_it_on_the_server(camille: Browser) -> None:
    kept = dict(camille.cookies)
    answer = camille.post("/deconnexion")
    assert answer.location == "/connexion?fait=sorti"
    assert answer.header("clear-site-data") == '"cache", "storage"'
    assert set(camille.cookies) == {BROWSERS_COOKIE}
    assert Browser(camille.app, kept).get("/accueil").status == 303


def test_an_idle_session_is_locked_at_its_limit(camille: Browser, site: Site) -> None:
    idle = site.gateway.config.web.idle_minutes * 60
    site.clock.advance(idle - 1)
    assert camille.get("/accueil").status == 200
    site.clock.advance(idle - 1)
    assert camille.get("/accueil").status == 200
    site.clock.advance(idle)
    assert camille.get("/accueil").location == "/deverrouiller?retour=%2Faccueil"
    site.clock.advance(site.gateway.config.web.absolute_minutes * 60)
    assert camille.get("/accueil").location == "/connexion?fait=expire"


def test_a_busy_session_ends_too(camille: Browser, site: Site) -> None:
    web = site.gateway.config.web
    step = web.idle_minutes * 60 - 1
    for _ in range(web.absolute_minutes * 60 // step):
        site.clock.advance(step)
        assert camille.get("/accueil").status == 200
    site.clock.advance(step)
    assert camille.get("/accueil").status == 303


def test_a_suspension_ends_the_visit_at_once(camille: Browser, site: Site) -> None:
    site.gateway.database.write(
        lambda tx: people.set_standing(tx, site.camille.account_id, Standing.SUSPENDED)
    )
    assert camille.get("/accueil").status == 303


def test_every_browser_can_be_signed_out(app: Starlette, camille: Browser, site: Site) -> None:
    second = signed_in(app, site, site.camille)
    site.gateway.database.write(lambda tx: sessions.end_all(tx, site.camille.account_id))
    assert camille.get("/accueil").status == second.get("/accueil").status == 303


def test_a_session_that_was_ended_refuses_what_was_being_written(
    camille: Browser, site: Site
) -> None:
    site.gateway.database.write(lambda tx: sessions.end_all(tx, site.camille.account_id))
    answer = camille.post("/messages/nouveau", {"texte": "perdu ?"})
    assert answer.status == 403
    assert "Votre session a pris fin" in answer.text


def test_the_table_holds_no_cookie(camille: Browser, site: Site) -> None:
    def rows(tx: Transaction) -> list[bytes]:
        return [bytes(row[0]) for row in tx.sql("SELECT session_index FROM web_sessions")]

    kept = site.gateway.database.write(rows)
    assert len(kept) == 1
    assert camille.cookies[SESSION_COOKIE].encode() not in kept[0]
    assert len(kept[0]) == 32


def test_dead_sessions_are_swept_when_their_owner_returns(
    app: Starlette, camille: Browser, site: Site
) -> None:
    site.clock.advance(86_400)
    signed_in(app, site, site.camille)
    with site.gateway.database.read() as view:
        assert view.sql("SELECT count(*) FROM web_sessions").scalar_one() == 1


def test_whoever_is_signed_in_skips_the_form(camille: Browser) -> None:
    assert camille.get("/connexion").location == "/accueil"


@pytest.mark.parametrize("origin", ["null", "https://messagerie.example"])
def test_an_older_browser_may_post(origin: str, stranger: Browser, site: Site) -> None:
    stranger.fetch_site = None
    answer = stranger.post(
        "/connexion",
        {"identifiant": site.camille.address, "mot_de_passe": PASSWORD},
        headers={"origin": origin},
    )
    assert answer.location == "/connexion/code"
    assert FORM_COOKIE in stranger.cookies
