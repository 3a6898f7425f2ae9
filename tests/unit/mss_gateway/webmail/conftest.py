"""A site with one exchange in it, and browsers that look at it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette

from mss_gateway.message.build import OutgoingFile
from mss_gateway.webmail.app import build
from tests.support import site as sites
from tests.support.asgi import Browser
from tests.support.site import Site
from tests.support.webmail import pdf, photo, signed_in, with_layout


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A fresh site."""
    with sites.opened(tmp_path) as opened:
        yield opened


@pytest.fixture
def app(site: Site) -> Starlette:
    """Its webmail."""
    return build(site.gateway)


@pytest.fixture
def stranger(app: Starlette) -> Browser:
    """Somebody who is not signed in, on the sign-in page."""
    browser = Browser(app)
    browser.get("/connexion")
    return browser


@pytest.fixture
def camille(app: Starlette, site: Site) -> Browser:
    """Camille, signed in."""
    return signed_in(app, site, site.camille)


@pytest.fixture
def noe(app: Starlette, site: Site) -> Browser:
    """Noé, another patient, signed in."""
    return signed_in(app, site, site.noe)


@pytest.fixture
def first_message(site: Site) -> str:
    """Dr Martin wrote to Camille in two forms, with a PDF and a photo; the message_ref."""
    text = "Bonjour,\n\nvoici vos résultats."
    raw = site.written(
        site.claire,
        site.camille,
        "Vos résultats",
        text,
        files=(
            OutgoingFile("Résultats.pdf", "application/pdf", pdf()),
            OutgoingFile("photo.jpg", "image/jpeg", photo()),
        ),
    )
    html = "<p>Bonjour,</p><p>voici <b>vos résultats</b>.</p>"
    return site.deliver(site.claire, site.camille, with_layout(raw, text, html))
