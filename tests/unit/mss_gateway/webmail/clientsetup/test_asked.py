"""The table of questions of mail programs: open to all, known by nobody, changing nothing."""

import asyncio

import pytest
from starlette.applications import Starlette

from mss_gateway.webmail import app as webmail
from mss_gateway.webmail.clientsetup.asked import SetupRoute, query_of
from mss_gateway.webmail.headers import STRICT
from mss_gateway.webmail.routes import ROUTES, SETUP
from tests.support.asgi import Answer, Browser
from tests.support.site import Site

IDS = [f"{route.method} {route.path}" for route in SETUP]
GOOD = "emailaddress=claire.martin@mss.example&Protocol=AutodiscoverV1"
BAD = "emailaddress=x@ailleurs.example&Protocol=AutodiscoverV1"


def ask(browser: Browser, route: SetupRoute, query: str) -> Answer:
    path = route.path.replace("{address}", query.partition("=")[2].partition("&")[0])
    return browser.request(route.method, f"{path}?{query}", {"content-type": "text/xml"}, b"<a/>")


def test_no_two_rows_answer_the_same_and_none_a_page() -> None:
    pages = [(route.method, route.path) for route in ROUTES]
    asked = [(route.method, route.path) for route in SETUP]
    assert len({*pages, *asked}) == len(pages) + len(asked)
    assert {method for method, _ in asked} == {"GET", "POST"}


@pytest.mark.parametrize("query", [GOOD, BAD])
@pytest.mark.parametrize("route", SETUP, ids=IDS)
def test_nobody_is_known_and_nothing_is_changed(
    route: SetupRoute, query: str, site: Site, program: Browser, camille: Browser
) -> None:
    before = site.gateway.database.commits
    stranger, patient = ask(program, route, query), ask(camille, route, query)
    assert (stranger.status, stranger.content) == (patient.status, patient.content)
    assert stranger.header("set-cookie") == patient.header("set-cookie") == ""
    assert site.gateway.database.commits == before


@pytest.mark.parametrize("route", SETUP, ids=IDS)
def test_whether_somebody_exists_is_not_told(
    route: SetupRoute, site: Site, program: Browser
) -> None:
    known = ask(program, route, GOOD)
    unknown = ask(program, route, GOOD.replace("claire.martin", "claire.mortin"))
    assert known.status == unknown.status
    assert known.headers == unknown.headers
    if route.path != "/apple/mobileconfig":  # its identifiers are made from the address
        assert known.content.replace(b"claire.martin", b"claire.mortin") == unknown.content


@pytest.mark.parametrize("query", [GOOD, BAD])
@pytest.mark.parametrize("route", SETUP, ids=IDS)
def test_every_answer_is_dressed(route: SetupRoute, query: str, program: Browser) -> None:
    answer = ask(program, route, query)
    for name, value in STRICT.items():
        if name not in ("Content-Security-Policy", "Cache-Control"):
            assert answer.header(name) == value
    policy = answer.header("content-security-policy")
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
    is_told = answer.status == 200 and b"<Error " not in answer.content
    kept = "private, max-age=600" if is_told else "no-store"
    assert answer.header("cache-control") == kept


@pytest.mark.parametrize("route", SETUP, ids=IDS)
def test_another_site_may_not_read_or_embed_it(route: SetupRoute, program: Browser) -> None:
    headers = {"origin": "https://ailleurs.example", "sec-fetch-site": "cross-site"}
    answer = program.request(route.method, f"{route.path}?{GOOD}", headers)
    assert answer.header("access-control-allow-origin") == ""
    assert answer.header("cross-origin-resource-policy") == "same-origin"


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PROPFIND", "OPTIONS"])
@pytest.mark.parametrize("path", sorted({route.path for route in SETUP}))
def test_another_method_is_refused(method: str, path: str, program: Browser) -> None:
    assert program.request(method, path).status == 405


def test_a_post_where_only_looking_is_foreseen_is_refused(program: Browser) -> None:
    assert program.request("POST", "/mail/config-v1.1.xml").status == 405
    assert program.request("POST", "/autodiscover/autodiscover.json").status == 405


def test_a_body_that_never_ends_is_given_up(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webmail, "BODY_SECONDS", 0.05)
    app = webmail.build(site.gateway)
    sent: list[dict[str, object]] = []

    async def receive() -> dict[str, object]:
        await asyncio.sleep(0.02)
        return {"type": "http.request", "body": b"<", "more_body": True}

    async def send(message: object) -> None:
        assert isinstance(message, dict)
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/autodiscover/autodiscover.xml",
        "query_string": b"",
        "headers": [(b"host", b"localhost")],
        "client": ("127.0.0.1", 1),
        "server": ("localhost", 443),
        "scheme": "https",
        "root_path": "",
    }
    asyncio.run(app(scope, receive, send))
    assert sent[0]["status"] == 403


def test_names_of_a_query_are_read_without_case_and_once() -> None:
    pairs = [("Email", "a"), ("Protocol", "x"), ("protocol", "y"), ("n", "")]
    assert query_of(pairs) == {"email": "a", "n": ""}


def test_what_is_unforeseen_is_a_page_and_no_trace(
    site: Site, app: Starlette, program: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> str:
        raise ZeroDivisionError("claire.martin@mss.example")

    monkeypatch.setattr("mss_gateway.webmail.clientsetup.mozilla.document", fail)
    answer = program.get("/mail/config-v1.1.xml")
    assert answer.status == 500
    assert "claire" not in answer.text and "Zero" not in answer.text
