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
from tests.support.asgi import Browser
from tests.support.site import PASSWORD, Site
from tests.unit.mss_gateway.webmail.matrix import Space, fields_of, owner_of

POSTS = [route for route in ROUTES if route.method == "POST"]


@pytest.fixture
def space(site: Site, app: Starlette, camille: Browser) -> Space:
    """Camille's, with nothing in it but what a route asks for."""
    return Space(site, app, camille)


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


def test_a_professional_gets_no_session(stranger: Browser, site: Site) -> None:
    answer = stranger.post(
        "/connexion", {"identifiant": site.claire.address, "mot_de_passe": PASSWORD}
    )
    assert answer.status == 403
    assert "logiciel de messagerie habituel" in answer.text
    assert SESSION_COOKIE not in stranger.cookies


@pytest.mark.parametrize("route", POSTS, ids=[route.path for route in POSTS])
def test_a_forged_post_changes_nothing(route: Route, noe: Browser, space: Space) -> None:
    path, fields = space.filled(route.path), fields_of(route, space)
    browser = owner_of(route, space)
    if route.who is Who.ANYONE:
        browser = Browser(space.app)
        browser.get("/connexion")
    token, before = browser.token, space.site.gateway.database.commits
    for how, given, told in (
        ("no token", "", {}),
        ("another's token", noe.token, {}),
        ("other site", token, {"sec-fetch-site": "cross-site"}),
        ("other origin", token, {"origin": "https://ailleurs.example"}),
    ):
        browser.fetch_site = None if "origin" in told else "same-origin"
        browser.token = given
        answer = browser.post(path, fields, with_token=bool(given), headers=told)
        assert answer.status == 403, how
        assert "Ce formulaire a expiré" in answer.text, how
        assert space.site.gateway.database.commits == before, how


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
