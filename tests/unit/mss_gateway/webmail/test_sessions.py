"""The twelve scenarios of sessions (reliability T42), and the list of them."""

import re

import pytest
from starlette.applications import Starlette

from mss_gateway.directory import people
from mss_gateway.webmail import browsers, sessions
from mss_gateway.webmail.sessions import (
    FORM_COOKIE,
    SESSION_COOKIE,
    SESSIONS_LIMIT,
    Beginning,
    State,
)
from policies.people import Standing
from tests.support.asgi import Browser
from tests.support.site import PASSWORD, Site
from tests.support.webmail import NEW_PASSWORD, locked, signed_in

PAGE = "/compte/securite"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"


def replayed(browser: Browser, cookie: str) -> int:
    """What a stolen cookie sees of the first page."""
    return Browser(browser.app, {SESSION_COOKIE: cookie}).get("/accueil").status


def test_1_a_cookie_planted_before_the_sign_in_is_never_a_session(
    app: Starlette, site: Site
) -> None:
    planted = sessions.new_secret()
    victim = Browser(app, {SESSION_COOKIE: planted, FORM_COOKIE: planted})
    victim.get("/connexion")
    fields = {"identifiant": site.camille.address, "mot_de_passe": PASSWORD}
    victim.post("/connexion", fields)
    victim.get("/connexion/code")
    victim.post("/connexion/code", {"code": site.code(site.camille)})
    assert victim.get("/accueil").status == 200
    assert replayed(victim, planted) == 303


def test_2_each_step_gives_another_id_and_the_one_before_ends(app: Starlette, site: Site) -> None:
    browser, seen = Browser(app), []
    browser.get("/connexion")
    fields = {"identifiant": site.camille.address, "mot_de_passe": PASSWORD}
    browser.post("/connexion", fields)
    seen.append(browser.cookies[SESSION_COOKIE])
    browser.get("/connexion/code")
    browser.post("/connexion/code", {"code": site.code(site.camille)})
    seen.append(browser.cookies[SESSION_COOKIE])
    browser.get("/confirmer")
    browser.post("/confirmer", {"code": site.code(site.camille)})
    seen.append(browser.cookies[SESSION_COOKIE])
    browser.get(PAGE)
    changed = {"mot_de_passe": PASSWORD, "nouveau": NEW_PASSWORD, "confirmation": NEW_PASSWORD}
    assert browser.post(f"{PAGE}/mot-de-passe", changed).status == 303
    assert len({*seen, browser.cookies[SESSION_COOKIE]}) == 4
    assert [replayed(browser, cookie) for cookie in seen] == [303] * 3
    assert browser.get("/accueil").status == 200


def test_3_a_cookie_is_out_of_reach_of_scripts_and_sites(app: Starlette, site: Site) -> None:
    browser = Browser(app)
    browser.get("/connexion")
    fields = {"identifiant": site.camille.address, "mot_de_passe": PASSWORD}
    answer = browser.post("/connexion", fields)
    (cookie,) = [value for name, value in answer.headers if name == "set-cookie"]
    assert cookie.startswith("__Host-")
    assert {"secure", "httponly", "samesite=strict", "path=/"} <= set(cookie.lower().split("; "))


def test_4_signing_out_ends_it_on_the_server(camille: Browser) -> None:
    stolen = camille.cookies[SESSION_COOKIE]
    camille.post("/deconnexion")
    assert replayed(camille, stolen) == 303


def test_5_an_idle_session_is_locked(camille: Browser, site: Site) -> None:
    stolen = locked(camille, site).cookies[SESSION_COOKIE]
    assert replayed(camille, stolen) == 303


def test_6_a_session_ends_after_its_longest_life(camille: Browser, site: Site) -> None:
    site.clock.advance(site.gateway.config.web.absolute_minutes * 60)
    assert camille.get("/accueil").location == "/connexion?fait=expire"


def test_7_another_browser_can_be_signed_out(app: Starlette, camille: Browser, site: Site) -> None:
    second = signed_in(app, site, site.camille)
    page = camille.get(PAGE)
    marks = re.findall(r'name="session" value="([0-9a-f]{64})"', page.text)
    assert len(marks) == 1
    assert camille.post(f"{PAGE}/sessions", {"session": marks[0]}).status == 303
    assert second.get("/accueil").status == 303
    assert camille.get("/accueil").status == 200


def test_8_all_the_others_can_be_signed_out(app: Starlette, camille: Browser, site: Site) -> None:
    others = [signed_in(app, site, site.camille) for _ in range(2)]
    camille.get(PAGE)
    camille.post(f"{PAGE}/autres-sessions")
    assert [one.get("/accueil").status for one in others] == [303, 303]
    assert camille.get("/accueil").status == 200


@pytest.mark.parametrize("mark", ["", "zz", "00" * 32])
def test_9_nobody_ends_what_is_not_theirs(
    mark: str, camille: Browser, noe: Browser, site: Site
) -> None:
    session = sessions._index(noe.cookies[SESSION_COOKIE]).hex()
    for given in (mark, session):
        camille.get(PAGE)
        assert camille.post(f"{PAGE}/sessions", {"session": given}).status == 303
    assert noe.get("/accueil").status == 200


def test_10_a_new_password_ends_every_other_session(
    app: Starlette, camille: Browser, site: Site
) -> None:
    other = signed_in(app, site, site.camille)
    camille.get(f"{PAGE}/mot-de-passe")
    changed = {"mot_de_passe": PASSWORD, "nouveau": NEW_PASSWORD, "confirmation": NEW_PASSWORD}
    assert camille.post(f"{PAGE}/mot-de-passe", changed).location == f"{PAGE}?fait=motdepasse"
    assert camille.get("/accueil").status == 200
    assert other.get("/accueil").status == 303


def test_11_a_suspension_ends_them_all_at_once(camille: Browser, site: Site) -> None:
    site.gateway.database.write(
        lambda tx: people.set_standing(tx, site.camille.account_id, Standing.SUSPENDED)
    )
    assert camille.get("/accueil").status == 303


def test_12_sessions_are_bounded_and_the_oldest_gives_way(site: Site) -> None:
    gateway, account_id = site.gateway, site.camille.account_id
    cookies = []
    for _ in range(SESSIONS_LIMIT + 1):
        site.clock.advance(1)
        cookies.append(
            gateway.database.write(
                lambda tx: sessions.begin(tx, account_id, State.OPEN, gateway.config.web)
            )
        )
    with gateway.database.read() as view:
        found = [
            sessions.find(view, one, site.clock(), gateway.config.web) is not None
            for one in cookies
        ]
    assert found == [False] + [True] * SESSIONS_LIMIT


def test_the_list_says_which_browser_and_keeps_it_sealed(app: Starlette, site: Site) -> None:
    browser = Browser(app)
    browser.get("/connexion")
    fields = {"identifiant": site.camille.address, "mot_de_passe": PASSWORD}
    browser.post("/connexion", fields)
    browser.get("/connexion/code")
    browser.post(
        "/connexion/code", {"code": site.code(site.camille)}, headers={"user-agent": FIREFOX}
    )
    page = browser.get(PAGE)
    assert "Firefox · Linux" in page.text
    assert "Cet appareil" in page.text
    with site.gateway.database.read() as view:
        row = view.sql("SELECT sealed FROM web_sessions").one()
    assert b"Firefox" not in bytes(row[0])


@pytest.mark.parametrize(("passed", "is_fresh"), [(599, True), (600, False)])
def test_a_second_factor_is_fresh_for_ten_minutes(passed: int, is_fresh: bool, site: Site) -> None:
    gateway, now = site.gateway, int(site.clock())
    beginning = Beginning(State.OPEN, stepped_up_at=now)
    cookie = gateway.database.write(
        lambda tx: sessions.begin(tx, site.camille.account_id, beginning, gateway.config.web)
    )
    with gateway.database.read() as view:
        session = sessions.find(view, cookie, now, gateway.config.web)
    assert session is not None
    assert session.is_fresh(now + passed) is is_fresh


@pytest.mark.parametrize(
    ("user_agent", "family", "system"),
    [
        (FIREFOX, "Firefox", "Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/130.0 Safari/537.36 Edg/130.0", "Edge", "Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0) Version/18.0 Safari/604.1", "Safari", "iPhone"),
        ("Mozilla/5.0 (Linux; Android 15) Chrome/130.0 Mobile Safari/537.36", "Chrome", "Android"),
        ("<script>", "", ""),
        ("", "", ""),
        ("x" * 600 + "Firefox/1", "", ""),
    ],
)
def test_a_browser_is_told_by_family_and_system(user_agent: str, family: str, system: str) -> None:
    assert browsers.family(user_agent) == family
    assert browsers.system(user_agent) == system
