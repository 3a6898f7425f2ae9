"""THE table of routes is total, and every row of it keeps its promises (T41, T43, T45)."""

import importlib
import pkgutil
from types import FunctionType, ModuleType
from typing import get_type_hints

import pytest
from starlette.applications import Starlette
from starlette.responses import Response

from mss_gateway.webmail import views
from mss_gateway.webmail.headers import STRICT
from mss_gateway.webmail.routes import ROUTES
from mss_gateway.webmail.sessions import SESSION_COOKIE
from mss_gateway.webmail.visit import Route, Visit, Who
from tests.support.asgi import Answer, Browser
from tests.support.site import PASSWORD, Site
from tests.support.webmail import NEW_PASSWORD, enrolling, granted, locked

POSTS = [route for route in ROUTES if route.method == "POST"]
IDS = [f"{route.method} {route.path}" for route in ROUTES]
FILLED = {
    "name": "style.css",
    "box": "recus",
    "uid": "1",
    "part": "1.2",
    "page": "1",
    "figure": "0",
    "key": "1",
}
BELONGING = {"uid", "document_id", "key"}
"""Names in a path that stand for something of somebody's."""

CHOSEN = {"nouveau": NEW_PASSWORD, "confirmation": NEW_PASSWORD}

BODIES = {
    "/acces-perdu": {"identifiant": "x", "secours": "y", "code": "000000", **CHOSEN},
    "/activation": {"identifiant": "x", "code": "y"},
    "/activation/mot-de-passe": CHOSEN,
    "/activation/second-facteur": {"code": "000000"},
    "/confirmer": {"code": "000000"},
    "/compte/securite/mot-de-passe": {"mot_de_passe": PASSWORD, **CHOSEN},
    "/connexion": {"identifiant": "x", "mot_de_passe": "y"},
    "/connexion/code": {"code": "000000"},
    "/compte/notifications": {"acte": "retirer"},
    "/messages/recus/{uid}/repondre": {"texte": "Merci."},
    "/messages/{box}/{uid}/pieces/{part}/dossier": {"categorie": "DOCPAT05"},
}

ANSWERED = {
    "GET /dossier/{document_id}/figures/{figure}": (404,),
    "POST /confirmer": (401,),
    "POST /confirmer/cle": (401,),
    "POST /compte/securite/cles/{key}/retirer": (404,),
}
"""What these say even to who may: the document has no figure, the code and the key are wrong."""


def path_of(route: Route, document_id: str) -> str:
    """The route's path, naming the first patient's own message and document."""
    return route.path.format(**FILLED, document_id=document_id)


def call(browser: Browser, route: Route, document_id: str, *, with_token: bool = True) -> Answer:
    """The route as this browser's person would call it."""
    path = path_of(route, document_id)
    if route.method == "GET":
        return browser.get(path)
    return browser.post(path, BODIES.get(route.path, {}), with_token=with_token)


@pytest.fixture
def document_id(camille: Browser, first_message: str) -> str:
    """A document that Camille filed."""
    answer = camille.post("/messages/recus/1/pieces/1.2/dossier", {"categorie": "DOCPAT05"})
    assert answer.status == 303
    return answer.location.removeprefix("/dossier/").partition("?")[0]


def test_every_post_asks_for_a_token_and_no_get_does() -> None:
    assert all(route.needs_token is (route.method == "POST") for route in ROUTES)
    assert {route.method for route in ROUTES} == {"GET", "POST"}


def test_no_two_rows_answer_the_same() -> None:
    assert len({(route.method, route.path) for route in ROUTES}) == len(ROUTES)


def _every_view_module() -> list[ModuleType]:
    names = [found.name for found in pkgutil.iter_modules(views.__path__)]
    return [importlib.import_module(f"{views.__name__}.{name}") for name in names]


def test_every_view_has_a_row() -> None:
    written = {
        value
        for module in _every_view_module()
        for name, value in vars(module).items()
        if not name.startswith("_")
        and isinstance(value, FunctionType)
        and value.__module__ == module.__name__
        and set(get_type_hints(value).values()) == {Visit, Response}
        and value.__code__.co_argcount == 1
    }
    assert {route.view for route in ROUTES} == written


def test_only_the_way_in_is_open_to_anyone() -> None:
    anyone = {route.path for route in ROUTES if route.who is Who.ANYONE}
    assert anyone == {
        *("/", "/static/{name}", "/aide", "/langue", "/apparence"),
        *("/connexion", "/connexion/cle", "/activation", "/acces-perdu"),
    }


@pytest.mark.parametrize("route", ROUTES, ids=IDS)
def test_who_may(
    route: Route, site: Site, app: Starlette, camille: Browser, noe: Browser, document_id: str
) -> None:
    anonymous = Browser(app)
    anonymous.get("/connexion")
    refused = call(anonymous, route, document_id)
    if route.who is not Who.ANYONE:
        expected = (303, "/connexion") if route.method == "GET" else (403, "")
        assert (refused.status, refused.location) == expected
    if route.who is not Who.PATIENT:
        return
    other = call(noe, route, document_id)
    named = BELONGING & {part.strip("{}") for part in route.path.split("/")}
    if named:
        assert other.status == 404
        assert b"Vos r" not in other.content
    elif route.path != "/deconnexion":
        assert other.status in ANSWERED.get(f"{route.method} {route.path}", (200, 303, 422))
        assert "Vos résultats" not in other.text
    owner = call(camille, route, document_id)
    assert owner.status in ANSWERED.get(f"{route.method} {route.path}", (200, 303, 422)), owner.text


def test_a_professional_gets_no_session(stranger: Browser, site: Site) -> None:
    answer = stranger.post(
        "/connexion", {"identifiant": site.claire.address, "mot_de_passe": PASSWORD}
    )
    assert answer.status == 403
    assert "logiciel de messagerie habituel" in answer.text
    assert SESSION_COOKIE not in stranger.cookies
    for route in ROUTES:
        if route.who is not Who.ANYONE:
            assert call(stranger, route, "0" * 32).status == (303 if route.method == "GET" else 403)


@pytest.mark.parametrize("route", POSTS, ids=[route.path for route in POSTS])
@pytest.mark.parametrize("how", ["no token", "another's token", "other site", "other origin"])
def test_a_forged_post_changes_nothing(
    route: Route,
    how: str,
    site: Site,
    app: Starlette,
    camille: Browser,
    noe: Browser,
    document_id: str,
) -> None:
    browser = camille
    if route.who is Who.ANYONE:
        browser = Browser(app)
        browser.get("/connexion")
    elif route.who is Who.PENDING:
        browser = Browser(app)
        browser.get("/connexion")
        browser.post("/connexion", {"identifiant": site.noe.address, "mot_de_passe": PASSWORD})
        browser.get("/connexion/code")
    elif route.who is Who.GRANTED:
        browser = granted(app, site, site.noe)
    elif route.who is Who.ENROLLING:
        browser = enrolling(app, site, site.noe)
    elif route.who is Who.LOCKED:
        browser = locked(camille, site)
    headers: dict[str, str] = {}
    if how == "another's token":
        browser.token = noe.token
    elif how == "other site":
        headers["sec-fetch-site"] = "cross-site"
    elif how == "other origin":
        browser.fetch_site = None
        headers["origin"] = "https://ailleurs.example"
    before = site.gateway.database.commits
    answer = browser.post(
        path_of(route, document_id),
        BODIES.get(route.path, {}),
        with_token=how != "no token",
        headers=headers,
    )
    assert answer.status == 403
    assert "Ce formulaire a expiré" in answer.text
    assert site.gateway.database.commits == before


@pytest.mark.parametrize("route", ROUTES, ids=IDS)
def test_every_answer_is_dressed(route: Route, camille: Browser, document_id: str) -> None:
    answer = call(camille, route, document_id)
    for name, value in STRICT.items():
        if name in ("Content-Security-Policy", "Cache-Control", "X-Frame-Options"):
            continue
        assert answer.header(name) == value
    policy = answer.header("content-security-policy")
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy and "http" not in policy and "*" not in policy
    assert "frame-ancestors 'none'" in policy or route.path.endswith("/forme")
    if "static" not in route.path:
        assert answer.header("cache-control") == "no-store"


@pytest.mark.parametrize("path", ["/rien", "/messages/ailleurs/1/2/3", "/dossier/x/../../etc"])
def test_an_unknown_path_is_a_dressed_page(path: str, camille: Browser) -> None:
    answer = camille.get(path)
    assert answer.status == 404
    assert "Cette page n'existe pas." in answer.text
    assert answer.header("content-security-policy") == STRICT["Content-Security-Policy"]


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE", "OPTIONS"])
def test_another_method_is_refused(method: str, camille: Browser) -> None:
    answer = camille.request(method, "/accueil")
    assert answer.status == 405
    assert answer.header("x-frame-options") == "DENY"


def test_a_method_cannot_be_overridden(camille: Browser) -> None:
    answer = camille.get("/deconnexion?_method=POST", **{"x-http-method-override": "POST"})
    assert answer.status == 405
    assert camille.get("/accueil").status == 200
