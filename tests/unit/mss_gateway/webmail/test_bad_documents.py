"""Documents that are too much: of many pages, of many megabytes, cut on their way."""

import asyncio
from typing import Any

import pytest
from starlette.applications import Starlette

from mss_gateway.webmail import files
from tests.support.asgi import HOST, Browser
from tests.support.pdf import pdf_of
from tests.support.site import Site
from tests.support.webmail import pdf
from tests.support.xdm import CdaText, cda_document
from tests.unit.mss_gateway.webmail.test_dossier import subject_of
from tests.unit.mss_gateway.webmail.test_record import bring

MEGABYTE = 1_000_000
PAGE_OCTETS = 1_500_000
"""A page with half a million characters of a document on it."""


def path_of(browser: Browser, name: str, content: bytes) -> str:
    """Where a file stands once it is brought."""
    brought = bring(browser, (name, content), categorie="DOCPAT05")
    assert brought.status == 303
    return brought.location.partition("?")[0].removesuffix("/modifier")


def test_a_pdf_of_300_pages_shows_the_first_and_leaves_whole(camille: Browser) -> None:
    content = pdf_of([f"page {number}" for number in range(300)])
    path = path_of(camille, "long.pdf", content)

    text = camille.get(path).text

    assert text.count(f'<img src="{path}/pages/') == files.PAGES_SHOWN
    assert "300" in text
    assert camille.get(f"{path}/pages/300").header("content-type") == "image/png"
    assert camille.get(f"{path}/pages/301").status == 404
    assert camille.get(f"{path}/fichier").content == content


@pytest.mark.parametrize(
    "sections",
    [
        (("Conclusion", "<paragraph>" + "mot " * (5 * MEGABYTE) + "</paragraph>"),),
        (("Conclusion", ("<paragraph>" + "mot " * 50 + "</paragraph>") * 90_000),),
    ],
    ids=["one paragraph", "many paragraphs"],
)
def test_a_cda_of_20_megabytes_is_read_as_far_as_a_page_goes(
    sections: tuple[tuple[str, str], ...], camille: Browser
) -> None:
    content = cda_document(CdaText(subject=subject_of(), sections=sections))
    assert 19 * MEGABYTE < len(content) < 25 * MEGABYTE
    path = path_of(camille, "long.xml", content)

    page = camille.get(path)

    assert page.status == 200
    assert "mot mot" in page.text
    assert "Ce document est trop long pour cette page" in page.text
    assert len(page.content) < PAGE_OCTETS
    assert camille.get(f"{path}/fichier").content == content


def test_a_cda_of_20_megabytes_around_a_pdf_is_drawn(camille: Browser) -> None:
    carried = pdf() + b"\n%" + b"x" * (15 * MEGABYTE)
    content = cda_document(CdaText(subject=subject_of(), pdf=carried))
    assert len(content) > 19 * MEGABYTE
    path = path_of(camille, "n1.xml", content)

    assert f"{path}/pages/1" in camille.get(path).text
    assert camille.get(f"{path}/fichier").content == content


def test_a_cda_of_too_many_elements_is_kept_unread(camille: Browser) -> None:
    sections = (("Conclusion", "<paragraph>x</paragraph>" * 300_000),)
    content = cda_document(CdaText(subject=subject_of(), sections=sections))

    brought = bring(camille, ("a.xml", content), categorie="DOCPAT05")

    assert brought.status in (303, 422)
    if brought.status == 303:
        path = brought.location.partition("?")[0].removesuffix("/modifier")
        assert camille.get(path).status == 200
        assert camille.get(f"{path}/fichier").content == content


def rows(site: Site) -> list[int]:
    """Rows of whatever a deposit could have begun."""
    with site.gateway.database.read() as view:
        return [
            int(view.sql(f"SELECT count(*) FROM {name}").scalar_one())
            for name in ("documents", "blobs", "blob_chunks", "record_journal", "audit")
        ]


@pytest.mark.parametrize("share", [0.0, 0.5, 0.999])
def test_an_upload_that_is_cut_leaves_nothing(
    share: float, camille: Browser, app: Starlette, site: Site
) -> None:
    camille.get("/dossier/ajouter")
    limit = "coupe-ici"
    body = (
        f'--{limit}\r\nContent-Disposition: form-data; name="jeton"\r\n\r\n{camille.token}\r\n'
        f'--{limit}\r\nContent-Disposition: form-data; name="fichiers"; filename="a.pdf"\r\n'
        "Content-Type: application/pdf\r\n\r\n"
    ).encode() + pdf() * 200 + f"\r\n--{limit}--\r\n".encode()  # fmt: skip
    before, listed = rows(site), sorted(site.gateway.config.state_directory.iterdir())

    status = asyncio.run(_cut(app, camille, body, int(len(body) * share), limit))

    assert status == 400
    assert rows(site) == before
    assert sorted(site.gateway.config.state_directory.iterdir()) == listed
    assert "Votre dossier est vide" in camille.get("/dossier").text


async def _cut(app: Starlette, browser: Browser, body: bytes, at: int, limit: str) -> int:
    """Send so many octets of a form, then be gone; the status that nobody hears."""
    headers = {
        "host": HOST,
        "sec-fetch-site": "same-origin",
        "content-type": f"multipart/form-data; boundary={limit}",
        "content-length": str(len(body)),
        "cookie": "; ".join(f"{name}={value}" for name, value in browser.cookies.items()),
    }
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "https",
        "path": "/dossier/ajouter",
        "raw_path": b"/dossier/ajouter",
        "query_string": b"",
        "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": (browser.peer, 50_000),
        "server": (HOST, 443),
    }
    waiting = [{"type": "http.request", "body": body[:at], "more_body": True}]
    answered: list[int] = []

    async def receive() -> dict[str, Any]:
        return waiting.pop() if waiting else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            answered.append(message["status"])

    await app(scope, receive, send)
    return answered[0]
