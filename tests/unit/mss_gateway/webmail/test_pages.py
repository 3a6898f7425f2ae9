"""Pages: French typography, sizes, and what makes them usable by everyone."""

import re
from itertools import pairwise

import pytest

from mss_gateway.webmail.pages import octets, sentence, when
from tests.support.asgi import Browser
from tests.support.site import NOW

PATHS = ["/aide", "/accueil", "/messages/recus", "/messages/recus/1", "/messages/envoyes",
         "/messages/nouveau", "/messages/recus/1/repondre", "/messages/recus/1/pieces/1.2",
         "/dossier"]  # fmt: skip


SCRIPT = r'<script src="/static/[a-z]+\.js\?v=[0-9a-f]{12}" defer>'


def test_signs_are_not_parted_from_their_word() -> None:
    assert sentence("web.a_qui") == "À qui écrivez-vous\u202f?"
    assert "«\u202fSignature vérifiée\u202f»" in sentence("web.aide_signature_titre")


@pytest.mark.parametrize(
    ("size", "text"),
    [(1, "1 ko"), (999_499, "999 ko"), (1_000_000, "1,0 Mo"), (18_874_368, "18,9 Mo")],
)
def test_sizes(size: int, text: str) -> None:
    assert octets(size) == text


def test_the_nearer_the_shorter() -> None:
    assert when(NOW - 60, NOW).startswith("aujourd'hui à")
    assert when(NOW - 86_400, NOW).startswith("hier à")
    assert when(NOW - 3 * 86_400, NOW) == "19 novembre 2026"


@pytest.mark.parametrize("path", PATHS)
def test_a_page_is_usable_by_everyone(path: str, camille: Browser, first_message: str) -> None:
    page = camille.get(path).content.decode()
    assert '<html lang="fr" ' in page and page.count("<h1>") == 1
    assert page.count("<main") == 1 and '<a class="skip" href="#contenu">' in page
    assert re.search(r"<title>[^<]+ – Messagerie de santé</title>", page)
    for image in re.findall(r"<img [^>]*>", page):
        assert re.search(r'alt="[^"]+"', image)
    for field in re.findall(r'<(?:input|select|textarea) [^>]*id="([^"]+)"', page):
        assert f'for="{field}"' in page
    levels = [int(level) for level in re.findall(r"<h([1-6])", page)]
    assert all(after - before <= 1 for before, after in pairwise(levels))
    scripts = re.findall(r"<script[^>]*>", page)
    assert sum("/live.js?" in script for script in scripts) == 1
    assert all(re.fullmatch(SCRIPT, script) for script in scripts)
    assert " style=" not in page and " on" + "click" not in page
    assert re.findall(r'(?:src|href|action)="(?!/|#)', page) == []
    assert "15 ou le 112" in page
    assert len(page) < 100_000


def test_the_style_sheet_may_be_kept_because_its_address_changes(camille: Browser) -> None:
    page = camille.get("/accueil").text
    address = page.partition('rel="stylesheet" href="')[2].partition('"')[0]
    answer = camille.get(address)
    assert "immutable" in answer.header("cache-control")
    assert b"url(" not in answer.content and b"@import" not in answer.content


@pytest.mark.parametrize("name", ["autre.css", "..%2fapp.py", "style.css%00"])
def test_no_other_file_is_served(name: str, camille: Browser) -> None:
    assert camille.get(f"/static/{name}").status == 404
