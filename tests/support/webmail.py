"""What tests of the webmail share: small files, and a browser that went through the sign-in."""

import io
from functools import cache

from PIL import Image
from starlette.types import ASGIApp

from mss_gateway.directory.activation import Purpose
from mss_gateway.directory.people import Person
from mss_gateway.life import access
from mss_gateway.message.build import text_entity
from mss_gateway.message.smime import base64_lines
from tests.support.asgi import Browser
from tests.support.people import PATIENT_DOMAIN
from tests.support.site import PASSWORD, Site

NEW_PASSWORD = "trois vaches sous la pluie"


def photo(colour: str = "teal") -> bytes:
    """A small JPEG."""
    target = io.BytesIO()
    Image.new("RGB", (60, 40), colour).save(target, "JPEG")
    return target.getvalue()


@cache
def pdf(colour: str = "white") -> bytes:
    """A PDF of one page; always the same bytes, though it holds its hour."""
    target = io.BytesIO()
    Image.new("RGB", (120, 160), colour).save(target, "PDF")
    return target.getvalue()


def signed_in(app: ASGIApp, site: Site, person: Person) -> Browser:
    """A browser in which a patient went through both steps."""
    browser = Browser(app)
    browser.get("/connexion")
    login = person.address.removesuffix(f"@{PATIENT_DOMAIN}")
    answer = browser.post("/connexion", {"identifiant": login, "mot_de_passe": PASSWORD})
    assert answer.location == "/connexion/code", answer.text
    browser.get("/connexion/code")
    answer = browser.post("/connexion/code", {"code": site.code(person)})
    assert answer.location == "/accueil", answer.text
    browser.get("/accueil")
    return browser


def with_layout(raw: bytes, text: str, html: str) -> bytes:
    """The message with an HTML form of its text beside it (RFC 2046 §5.1.4)."""
    plain = text_entity(text)
    assert plain in raw
    both = (
        b'Content-Type: multipart/alternative; boundary="deux-formes"\r\n\r\n--deux-formes\r\n'
        + plain
        + b"\r\n--deux-formes\r\nContent-Type: text/html; charset=utf-8\r\n"
        + b"Content-Transfer-Encoding: base64\r\n\r\n"
        + base64_lines(html.encode())
        + b"\r\n--deux-formes--\r\n"
    )
    return raw.replace(plain, both, 1)


def granted(
    app: ASGIApp, site: Site, person: Person, purpose: Purpose = Purpose.ACTIVATION
) -> Browser:
    """A browser in which a patient typed the operator's code."""
    code, _ = access.grant_code(site.gateway, person, purpose, "operator")
    browser = Browser(app)
    browser.get("/activation")
    answer = browser.post("/activation", {"identifiant": person.address, "code": code})
    assert answer.location == "/activation/mot-de-passe", answer.text
    browser.get(answer.location)
    return browser


def enrolling(
    app: ASGIApp, site: Site, person: Person, purpose: Purpose = Purpose.ACTIVATION
) -> Browser:
    """A browser in which they then gave or chose their password."""
    browser = granted(app, site, person, purpose)
    chosen = {"nouveau": NEW_PASSWORD, "confirmation": NEW_PASSWORD, "mot_de_passe": PASSWORD}
    answer = browser.post("/activation/mot-de-passe", chosen)
    assert answer.location == "/activation/second-facteur", answer.text
    browser.get(answer.location)
    return browser


def locked(browser: Browser, site: Site) -> Browser:
    """The browser of somebody who was idle for too long."""
    site.clock.advance(site.gateway.config.web.idle_minutes * 60)
    browser.get("/deverrouiller")
    return browser
